import { resolveEnvironment } from "../../environments/environment.ts";
import { MINIMAL, resourceId } from "../synthesized.ts";

const SUBNET = resourceId("Microsoft.Network/virtualNetworks/shared/subnets/clusters");
const SUBNETS = [SUBNET, resourceId("Microsoft.Network/virtualNetworks/shared/subnets/containers")];
const zone = (service: string) =>
  resourceId(`Microsoft.Network/privateDnsZones/privatelink.${service}.core.windows.net`);
const ZONES = { blob: zone("blob"), dfs: zone("dfs") };
const SPACE = "10.20.0.0/24";

const own = (network: object, settings: object = {}) =>
  resolveEnvironment({ ...MINIMAL, ...settings, network } as typeof MINIMAL, {});
const existing = (network: object, settings: object = {}) =>
  own(network, { existingWorkspace: { name: "shared", resourceGroup: "rg-shared" }, ...settings });
const selected = (settings: object) => ({ posture: "selected-networks", ...settings });
const inPrivate = (settings: object) => ({ posture: "private", ...settings });

it("needs to be said: no posture fits every environment", () => {
  expect(() => resolveEnvironment({ ...MINIMAL, network: undefined } as unknown as typeof MINIMAL, {})).toThrow(
    "network is missing: it must be a network with one of the postures open, selected-networks and private",
  );
});

describe("of a workspace of our own", () => {
  it.each([
    ["an open lake", { posture: "open" }],
    ["a lake for our network alone", selected({ addressSpace: SPACE })],
    [
      "a lake for other networks as well",
      selected({ addressSpace: SPACE, subnetIds: [SUBNET], ipRanges: ["20.1.2.3"] }),
    ],
    ["a private lake", inPrivate({ addressSpace: SPACE })],
    ["the largest network", inPrivate({ addressSpace: "10.0.0.0/16" })],
    ["the widest range and the narrowest", selected({ addressSpace: SPACE, ipRanges: ["20.1.0.0/16", "20.1.2.0/30"] })],
  ])("accepts %s", (_, network) => {
    expect(() => own(network)).not.toThrow();
  });

  it.each([
    [selected({}), "network.addressSpace is missing: it must be an IPv4 range for the new workspace's virtual network"],
    [
      inPrivate({}),
      "network.addressSpace is missing: it must be an IPv4 range for the new workspace's virtual network",
    ],
    [
      inPrivate({ addressSpace: SPACE, endpointSubnetId: SUBNET }),
      "it must be left out, since the new workspace's network gets a subnet for endpoints",
    ],
    [
      inPrivate({ addressSpace: SPACE, privateDnsZoneIds: ZONES }),
      "it must be left out, since the new workspace's network gets zones of its own",
    ],
  ])("fails on %j", (network, message) => {
    expect(() => own(network)).toThrow(message);
  });
});

describe("of an existing workspace", () => {
  it.each([
    ["an open lake", { posture: "open" }],
    ["a lake for its clusters", selected({ subnetIds: SUBNETS })],
    ["a private lake", inPrivate({ endpointSubnetId: SUBNET })],
    ["a private lake with names from elsewhere", inPrivate({ endpointSubnetId: SUBNET, privateDnsZoneIds: ZONES })],
  ])("accepts %s", (_, network) => {
    expect(() => existing(network)).not.toThrow();
  });

  it.each([
    [
      selected({ subnetIds: SUBNETS, addressSpace: SPACE }),
      'network.addressSpace is "10.20.0.0/24": it must be left out, since the existing workspace has a network already',
    ],
    [
      selected({}),
      "network.subnetIds is []: it must be a list with the two subnets of the existing workspace's clusters",
    ],
    [selected({ subnetIds: [SUBNET] }), "it must be a list with the two subnets of the existing workspace's clusters"],
    [selected({ subnetIds: [SUBNET, SUBNET] }), "it must be a list that names each subnet once"],
    [inPrivate({}), "network.endpointSubnetId is missing: it must be the resource id of a subnet"],
  ])("fails on %j", (network, message) => {
    expect(() => existing(network)).toThrow(message);
  });

  it("has no clusters to name where the job is serverless", () => {
    expect(() => existing(selected({}), { compute: "serverless" })).not.toThrow();
  });
});

it.each([
  ["posture", { posture: "closed" }],
  ["addressSpace", selected({ addressSpace: "10.20.0.0" })],
  ["addressSpace", selected({ addressSpace: "10.20.0.0/25" })],
  ["addressSpace", inPrivate({ addressSpace: "10.20.300.0/24" })],
  ["ipRanges", selected({ addressSpace: SPACE, ipRanges: "20.1.2.3" })],
  ["ipRanges.0", selected({ addressSpace: SPACE, ipRanges: ["10.1.2.3"] })],
  ["ipRanges.0", selected({ addressSpace: SPACE, ipRanges: ["192.168.1.0/24"] })],
  ["ipRanges.0", selected({ addressSpace: SPACE, ipRanges: ["20.1.2.3/32"] })],
  ["ipRanges.0", selected({ addressSpace: SPACE, ipRanges: ["0.0.0.0/1", "128.0.0.0/1"] })],
  ["ipRanges.0", selected({ addressSpace: SPACE, ipRanges: ["20.0.0.0/15"] })],
  ["ipRanges.0", selected({ addressSpace: SPACE, ipRanges: ["127.0.0.1"] })],
  ["ipRanges.0", selected({ addressSpace: SPACE, ipRanges: ["169.254.1.0/24"] })],
  ["ipRanges.0", selected({ addressSpace: SPACE, ipRanges: ["20.1.2.1/24"] })],
  ["addressSpace", selected({ addressSpace: "20.20.0.0/24" })],
  ["addressSpace", selected({ addressSpace: "10.20.0.1/24" })],
  ["subnetIds.0", selected({ addressSpace: SPACE, subnetIds: ["clusters"] })],
  ["endpointSubnetId", inPrivate({ endpointSubnetId: ZONES.dfs })],
  ["privateDnsZoneIds", inPrivate({ addressSpace: SPACE, privateDnsZoneIds: ZONES.dfs })],
  ["privateDnsZoneIds.blob", inPrivate({ addressSpace: SPACE, privateDnsZoneIds: { ...ZONES, blob: SUBNET } })],
  ["privateDnsZoneIds.dfs", inPrivate({ addressSpace: SPACE, privateDnsZoneIds: { ...ZONES, dfs: ZONES.blob } })],
])("fails on a wrong %s: %j", (field, network) => {
  expect(() => own(network)).toThrow(`  network.${field} is `);
});

it("spells the ids of subnets and zones as azurerm takes them", () => {
  const shouted = (id: string) =>
    id.replace("/resourceGroups/", "/RESOURCEGROUPS/").replace("/virtualNetworks/", "/virtualnetworks/");
  const zones = { blob: shouted(ZONES.blob), dfs: shouted(ZONES.dfs) };

  expect(existing(inPrivate({ endpointSubnetId: shouted(SUBNET), privateDnsZoneIds: zones })).network).toEqual(
    inPrivate({ endpointSubnetId: SUBNET, privateDnsZoneIds: ZONES }),
  );
});

it("takes no field of another posture", () => {
  expect(() => own({ posture: "open", ipRanges: ["20.1.2.3"] })).toThrow("network.ipRanges: no such field");
});

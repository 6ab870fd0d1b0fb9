import { addressOf, all, MINIMAL, resourceId, synthesize, type StackJson } from "../../synthesized.ts";

const NETWORK = resourceId("Microsoft.Network/virtualNetworks/shared");
const IN_EXISTING = {
  ...MINIMAL,
  existingWorkspace: { name: "shared", resourceGroup: "rg-shared" },
  network: { posture: "private", endpointSubnetId: `${NETWORK}/subnets/endpoints` },
} as const;

let own: StackJson;
let existing: StackJson;

beforeAll(() => {
  own = synthesize({ ...MINIMAL, network: { posture: "private", addressSpace: "10.20.0.0/24" } }).platform;
  existing = synthesize(IN_EXISTING).platform;
});

const zones = (stack: StackJson) => all(stack, "azurerm_private_endpoint").map((each) => each.private_dns_zone_group);

it("gives both faces of the lake an address in the network", () => {
  const account = addressOf(own, "azurerm_storage_account");

  expect(
    all(own, "azurerm_private_endpoint").map(({ name, private_service_connection }) => [
      name,
      private_service_connection,
    ]),
  ).toEqual(
    ["blob", "dfs"].map((service) => [
      `pep-order-tracking-tiny-${service}`,
      {
        name: `pep-order-tracking-tiny-${service}`,
        private_connection_resource_id: `\${${account}.id}`,
        subresource_names: [service],
        is_manual_connection: false,
      },
    ]),
  );
});

it("leads the lake's name to the endpoints in the workspace's network", () => {
  const [blob, dfs] = Object.keys(own.resource.azurerm_private_dns_zone ?? {});

  expect(all(own, "azurerm_private_dns_zone").map(({ name }) => name)).toEqual([
    "privatelink.blob.core.windows.net",
    "privatelink.dfs.core.windows.net",
  ]);
  expect(zones(own)).toMatchObject([
    { private_dns_zone_ids: [`\${azurerm_private_dns_zone.${blob}.id}`] },
    { private_dns_zone_ids: [`\${azurerm_private_dns_zone.${dfs}.id}`] },
  ]);
  for (const link of all(own, "azurerm_private_dns_zone_virtual_network_link")) {
    expect(link.virtual_network_id).toBe(`\${${addressOf(own, "azurerm_virtual_network")}.id}`);
  }
});

it("leaves the names of other accounts to the internet", () => {
  for (const link of all(own, "azurerm_private_dns_zone_virtual_network_link")) {
    expect(link.resolution_policy).toBe("NxDomainRedirect");
  }
});

it("goes into the subnet that the environment names for an existing workspace, and resolves names in its network", () => {
  expect(all(existing, "azurerm_private_endpoint").map((endpoint) => endpoint.subnet_id)).toEqual([
    `${NETWORK}/subnets/endpoints`,
    `${NETWORK}/subnets/endpoints`,
  ]);
  expect(all(existing, "azurerm_private_dns_zone_virtual_network_link").map((link) => link.virtual_network_id)).toEqual(
    [NETWORK, NETWORK],
  );
});

it("uses the zones that the environment names", () => {
  const zone = (service: string) =>
    resourceId(`Microsoft.Network/privateDnsZones/privatelink.${service}.core.windows.net`);
  const privateDnsZoneIds = { blob: zone("blob"), dfs: zone("dfs") };
  const shared = synthesize({ ...IN_EXISTING, network: { ...IN_EXISTING.network, privateDnsZoneIds } }).platform;

  expect(zones(shared)).toMatchObject([
    { private_dns_zone_ids: [zone("blob")] },
    { private_dns_zone_ids: [zone("dfs")] },
  ]);
  expect(all(shared, "azurerm_private_dns_zone")).toEqual([]);
});

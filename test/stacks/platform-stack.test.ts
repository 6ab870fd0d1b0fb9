import type { EnvironmentSettings } from "../../environments/environment.ts";
import { addresses, all, MINIMAL, only, resourceId, synthesize, type StackJson } from "../synthesized.ts";

const EXISTING = { name: "shared", resourceGroup: "rg-shared" };
const LOGS = resourceId("Microsoft.OperationalInsights/workspaces/logs");

let platform: StackJson;
let inExistingWorkspace: StackJson;

const platformOf = (settings: Partial<EnvironmentSettings>) => synthesize({ ...MINIMAL, ...settings }).platform;

beforeAll(() => {
  platform = platformOf({});
  inExistingWorkspace = platformOf({ existingWorkspace: EXISTING });
});

it("creates a premium workspace without public addresses", () => {
  expect(only(platform, "azurerm_databricks_workspace")).toMatchObject({
    name: "dbw-order-tracking-tiny",
    managed_resource_group_name: "rg-order-tracking-tiny-databricks",
    sku: "premium",
    custom_parameters: { no_public_ip: true },
  });
});

it("creates no workspace where the environment names one", () => {
  expect(all(inExistingWorkspace, "azurerm_databricks_workspace")).toEqual([]);
  expect(all(inExistingWorkspace, "azurerm_storage_account")).toHaveLength(1);
});

it("leaves the network of an open lake's workspace to Databricks", () => {
  expect(addresses(platform).filter((address) => /network|subnet|nat_gateway|endpoint/.test(address))).toEqual([]);
});

it("adds no network to an existing workspace, however closed the lake", () => {
  const subnet = resourceId("Microsoft.Network/virtualNetworks/shared/subnets/clusters");
  const postures: EnvironmentSettings["network"][] = [
    { posture: "selected-networks", subnetIds: [subnet, `${subnet}-2`] },
    { posture: "private", endpointSubnetId: subnet },
  ];

  for (const network of postures) {
    expect(all(platformOf({ existingWorkspace: EXISTING, network }), "azurerm_virtual_network")).toEqual([]);
  }
});

it("keeps logs only where the environment says who does", () => {
  expect(all(platformOf({ logAnalyticsWorkspaceId: LOGS }), "azurerm_monitor_diagnostic_setting")).toHaveLength(2);
  expect(all(platform, "azurerm_monitor_diagnostic_setting")).toEqual([]);
});

it("warns of serverless compute, warehouses among it, which does not reach a closed lake by itself", () => {
  const closed: Partial<EnvironmentSettings> = { network: { posture: "private", addressSpace: "10.20.0.0/24" } };
  const warned = (settings: Partial<EnvironmentSettings>) =>
    /the ([\w, ]+) of tiny reach its lake only with a network connectivity configuration/.exec(
      synthesize({ ...MINIMAL, ...settings }).files.get("manifest.json") ?? "",
    )?.[1];

  expect(warned({ ...closed, compute: "serverless" })).toBe("jobs");
  expect(warned({ ...closed, warehouse: "create" })).toBe("queries and alerts");
  expect(warned({ ...closed, compute: "serverless", warehouse: "0123456789abcdef" })).toBe("jobs, queries and alerts");
  expect(warned(closed)).toBeUndefined();
  expect(warned({ compute: "serverless", warehouse: "create" })).toBeUndefined();
});

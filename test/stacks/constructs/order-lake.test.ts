import type { EnvironmentSettings } from "../../../environments/environment.ts";
import { all, MINIMAL, only, resourceId, synthesize, type StackJson } from "../../synthesized.ts";

let platform: StackJson;

beforeAll(() => {
  platform = synthesize({ ...MINIMAL, storageReplication: "ZRS" }).platform;
});

it("is a Data Lake Storage Gen2 account with the environment's replication", () => {
  expect(only(platform, "azurerm_storage_account")).toMatchObject({
    name: "ordertrackingtiny",
    account_kind: "StorageV2",
    account_replication_type: "ZRS",
    is_hns_enabled: true,
  });
});

it("lets only identities in, over TLS 1.2", () => {
  expect(only(platform, "azurerm_storage_account")).toMatchObject({
    shared_access_key_enabled: false,
    default_to_oauth_authentication: true,
    local_user_enabled: false,
    allow_nested_items_to_be_public: false,
    cross_tenant_replication_enabled: false,
    https_traffic_only_enabled: true,
    min_tls_version: "TLS1_2",
  });
});

it("is encrypted twice", () => {
  expect(only(platform, "azurerm_storage_account").infrastructure_encryption_enabled).toBe(true);
});

const networkOf = (settings: Partial<EnvironmentSettings>) => {
  const lake = only(synthesize({ ...MINIMAL, ...settings }).platform, "azurerm_storage_account");
  return { enabled: lake.public_network_access_enabled, rules: lake.network_rules as Record<string, unknown> };
};
const SUBNETS = ["hosts", "containers"].map((name) =>
  resourceId(`Microsoft.Network/virtualNetworks/v/subnets/${name}`),
);
const EXISTING = { name: "shared", resourceGroup: "rg-shared" };

it("is open to the internet only where the environment says so", () => {
  expect(networkOf({ network: { posture: "open" } })).toEqual({
    enabled: true,
    // Not AzureServices: the provider drops such rules when it reads them, and every plan would change the lake.
    rules: { default_action: "Allow", bypass: ["None"] },
  });
});

it("knows the networks that the environment selects, and Unity Catalog's identity", () => {
  const { enabled, rules } = networkOf({
    existingWorkspace: EXISTING,
    network: { posture: "selected-networks", subnetIds: SUBNETS, ipRanges: ["20.1.2.3"] },
  });

  expect(enabled).toBe(true);
  expect(rules).toEqual({
    default_action: "Deny",
    bypass: ["AzureServices"],
    virtual_network_subnet_ids: SUBNETS,
    ip_rules: ["20.1.2.3"],
    private_link_access: [{ endpoint_resource_id: expect.stringMatching(/databricks_access_connector/) as string }],
  });
});

it("has no public address for anybody but Unity Catalog's identity where it is private", () => {
  const { enabled, rules } = networkOf({
    existingWorkspace: EXISTING,
    network: { posture: "private", endpointSubnetId: SUBNETS[0] },
  });

  expect(enabled).toBe(false);
  expect(rules).toEqual({
    default_action: "Deny",
    bypass: ["AzureServices"],
    private_link_access: [{ endpoint_resource_id: expect.stringMatching(/databricks_access_connector/) as string }],
  });
});

it("keeps deleted files and containers for a week", () => {
  expect(only(platform, "azurerm_storage_account").blob_properties).toEqual({
    delete_retention_policy: { days: 7 },
    container_delete_retention_policy: { days: 7 },
  });
});

it("has a private container for files and one for tables, made through the management plane", () => {
  const [account] = Object.keys(platform.resource.azurerm_storage_account ?? {});
  const containers = all(platform, "azurerm_storage_container");

  expect(containers.map(({ name }) => name)).toEqual(["eventsource", "managed"]);
  for (const container of containers) {
    expect(container).toMatchObject({
      storage_account_id: `\${azurerm_storage_account.${account}.id}`,
      container_access_type: "private",
    });
    expect(container).not.toHaveProperty("storage_account_name");
  }
});

const archiveRule = (settings: object = {}) => {
  const policy = only(synthesize({ ...MINIMAL, ...settings }).platform, "azurerm_storage_management_policy");
  return (policy.rule as Record<string, unknown>[])[0];
};

it("moves archived files to the cool tier, and deletes none by itself", () => {
  const [account] = Object.keys(platform.resource.azurerm_storage_account ?? {});

  expect(only(platform, "azurerm_storage_management_policy").storage_account_id).toBe(
    `\${azurerm_storage_account.${account}.id}`,
  );
  expect(archiveRule({ archiveCoolAfterDays: 10 })).toEqual({
    name: "archive",
    enabled: true,
    filters: { blob_types: ["blockBlob"], prefix_match: ["eventsource/orders/archive/"] },
    actions: { base_blob: { tier_to_cool_after_days_since_modification_greater_than: 10 } },
  });
});

it("deletes archived files at the age that the environment says", () => {
  expect(archiveRule({ archiveDeleteAfterDays: 365 })).toMatchObject({
    actions: {
      base_blob: {
        tier_to_cool_after_days_since_modification_greater_than: 30,
        delete_after_days_since_modification_greater_than: 365,
      },
    },
  });
});

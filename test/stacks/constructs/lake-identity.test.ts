import { MINIMAL, only, synthesize, type StackJson } from "../../synthesized.ts";

let platform: StackJson;

beforeAll(() => {
  platform = synthesize(MINIMAL).platform;
});

it("is the access connector's own managed identity", () => {
  expect(only(platform, "azurerm_databricks_access_connector")).toMatchObject({
    name: "dbac-order-tracking-tiny",
    identity: { type: "SystemAssigned" },
  });
});

it("has one role: to read and write the data of this lake", () => {
  const [account] = Object.keys(platform.resource.azurerm_storage_account ?? {});
  const [connector] = Object.keys(platform.resource.azurerm_databricks_access_connector ?? {});

  expect(only(platform, "azurerm_role_assignment")).toMatchObject({
    scope: `\${azurerm_storage_account.${account}.id}`,
    role_definition_name: "Storage Blob Data Contributor",
    principal_id: `\${azurerm_databricks_access_connector.${connector}.identity[0].principal_id}`,
    principal_type: "ServicePrincipal",
  });
});

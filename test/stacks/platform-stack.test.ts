import { all, MINIMAL, only, synthesize, type StackJson } from "../synthesized.ts";

let platform: StackJson;
let inExistingWorkspace: StackJson;

beforeAll(() => {
  platform = synthesize(MINIMAL).platform;
  const existingWorkspace = { name: "shared", resourceGroup: "rg-shared" };
  inExistingWorkspace = synthesize({ ...MINIMAL, existingWorkspace }).platform;
});

it("creates a premium workspace without public addresses", () => {
  expect(only(platform, "azurerm_databricks_workspace")).toMatchObject({
    name: "dbw-order-tracking-tiny",
    managed_resource_group_name: "rg-order-tracking-tiny-databricks",
    sku: "premium",
    custom_parameters: { no_public_ip: true },
  });
});

it("creates the workspace after the role, which needs the time to take effect", () => {
  const [role] = Object.keys(platform.resource.azurerm_role_assignment ?? {});

  expect(only(platform, "azurerm_databricks_workspace").depends_on).toEqual([`azurerm_role_assignment.${role}`]);
});

it("creates no workspace where the environment names one", () => {
  expect(all(inExistingWorkspace, "azurerm_databricks_workspace")).toEqual([]);
  expect(all(inExistingWorkspace, "azurerm_storage_account")).toHaveLength(1);
});

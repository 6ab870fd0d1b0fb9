import { addressOf, all, MINIMAL, only, synthesize, type StackJson } from "../../synthesized.ts";

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
  expect(only(platform, "azurerm_role_assignment")).toMatchObject({
    scope: `\${${addressOf(platform, "azurerm_storage_account")}.id}`,
    role_definition_name: "Storage Blob Data Contributor",
    principal_id: `\${${addressOf(platform, "azurerm_databricks_access_connector")}.identity[0].principal_id}`,
    principal_type: "ServicePrincipal",
  });
});

it("has three roles more for file events, one of them on the resource group", () => {
  const withEvents = synthesize({ ...MINIMAL, fileEvents: true }).platform;
  const account = `\${${addressOf(withEvents, "azurerm_storage_account")}.id}`;

  expect(
    all(withEvents, "azurerm_role_assignment").map(({ role_definition_name, scope }) => [role_definition_name, scope]),
  ).toEqual([
    ["Storage Account Contributor", account],
    ["Storage Blob Data Contributor", account],
    ["EventGrid EventSubscription Contributor", "${azurerm_resource_group.resource-group.id}"],
    ["Storage Queue Data Contributor", account],
  ]);
});

it("waits for each of its roles", () => {
  const withEvents = synthesize({ ...MINIMAL, fileEvents: true }).platform;
  const roles = Object.keys(withEvents.resource.azurerm_role_assignment ?? {});

  expect(only(withEvents, "terraform_data").triggers_replace).toEqual(
    Object.fromEntries(
      roles.map((role) => [role.replace(/^identity_|_\w{8}$/g, ""), `\${azurerm_role_assignment.${role}.id}`]),
    ),
  );
});

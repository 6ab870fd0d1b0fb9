import { MINIMAL, SUBSCRIPTION_ID, synthesize, type Synthesized } from "../synthesized.ts";

let synthesized: Synthesized;

beforeAll(() => {
  synthesized = synthesize(MINIMAL);
});

it("pins the provider of each stack, and asks for no other", () => {
  const { platform, catalog, pipeline } = synthesized;
  const databricks = { databricks: { source: "databricks/databricks", version: "1.128.0" } };

  expect(platform.terraform.required_providers).toEqual({
    azurerm: { source: "azurerm", version: "4.81.0" },
  });
  expect(catalog.terraform.required_providers).toEqual(databricks);
  expect(pipeline.terraform.required_providers).toEqual(databricks);
});

it("reaches storage with Entra ID and through the management plane only", () => {
  expect(synthesized.platform.provider.azurerm).toMatchObject([
    {
      subscription_id: SUBSCRIPTION_ID,
      storage_use_azuread: true,
      features: [{ storage: [{ data_plane_available: false }] }],
    },
  ]);
});

it("neither lists nor registers services for a sandbox, whose people may have no right to in the subscription", () => {
  const sandbox = { ...MINIMAL, name: "sbxtiny", branch: "main", expiresOn: "2026-12-24", triggerPaused: true };
  const [forSandbox] = synthesize({ ...sandbox, disposable: true }).platform.provider.azurerm ?? [];

  expect(forSandbox).toMatchObject({
    resource_provider_registrations: "none",
    features: [{ storage: [{ data_plane_available: false }], enhanced_validation: [{ resource_providers: false }] }],
  });
  expect(JSON.stringify(synthesized.platform.provider.azurerm)).not.toMatch(/registrations|enhanced_validation/);
});

it.each([
  ["leaves nothing behind when a disposable environment goes", true],
  ["removes nothing that it did not create from a lasting one", false],
])("%s", (_, disposable) => {
  expect(synthesize({ ...MINIMAL, disposable }).platform.provider.azurerm).toMatchObject([
    {
      features: [
        {
          databricks_workspace: [{ force_delete: disposable }],
          resource_group: [{ prevent_deletion_if_contains_resources: !disposable }],
        },
      ],
    },
  ]);
});

it("finds the workspace by its resource id", () => {
  expect(synthesized.catalog.provider).toEqual({
    databricks: [
      {
        azure_workspace_resource_id:
          `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-order-tracking-tiny` +
          "/providers/Microsoft.Databricks/workspaces/dbw-order-tracking-tiny",
      },
    ],
  });
  expect(synthesized.pipeline.provider).toEqual(synthesized.catalog.provider);
});

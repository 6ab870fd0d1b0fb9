import { addresses, MINIMAL, type StackJson, SUBSCRIPTION_ID, synthesize, type Synthesized } from "../synthesized.ts";

const STATE = { resourceGroup: "rg-state", storageAccount: "state", container: "tfstate" };

let local: Synthesized;
let remote: Synthesized;
let unknownSubscription: Synthesized;

beforeAll(() => {
  local = synthesize(MINIMAL);
  remote = synthesize({ ...MINIMAL, stateContainer: STATE });
  unknownSubscription = synthesize(MINIMAL, {});
});

const stacksOf = ({ platform, catalog, pipeline }: Synthesized) => [platform, catalog, pipeline];

it("keeps state in a file beside the output directory by default", () => {
  expect(local.catalog.terraform.backend).toEqual({
    local: { path: "../../../.terraform-state/tiny-catalog.tfstate" },
  });
});

it("keeps each stack's state in a blob of its own, reached with Entra ID", () => {
  expect(stacksOf(remote).map(({ terraform }) => terraform.backend.azurerm)).toEqual(
    ["platform", "catalog", "pipeline"].map((kind) => ({
      resource_group_name: "rg-state",
      storage_account_name: "state",
      container_name: "tfstate",
      key: `tiny/tiny-${kind}.tfstate`,
      use_azuread_auth: true,
    })),
  );
});

describe("while the subscription is unknown", () => {
  it("refuses when applying, with the variable to set", () => {
    for (const stack of stacksOf(unknownSubscription)) {
      expect(stack.resource.terraform_data?.["subscription-is-known"]).toMatchObject({
        input: { holds: '${timestamp() == ""}' },
        lifecycle: {
          postcondition: [
            {
              condition: "${self.output.holds}",
              error_message: expect.stringContaining("Set TINY_SUBSCRIPTION_ID") as string,
            },
          ],
        },
      });
    }
  });

  it("lets every other resource wait for the refusal", () => {
    const waits = (stack: StackJson) =>
      Object.entries(stack.resource)
        .flatMap(([, resources]) => Object.entries(resources))
        .filter(([id]) => id !== "subscription-is-known")
        .map(([, resource]) => resource.depends_on);

    expect(stacksOf(unknownSubscription).flatMap(waits)).not.toHaveLength(0);
    for (const dependsOn of stacksOf(unknownSubscription).flatMap(waits)) {
      expect(dependsOn).toContain("terraform_data.subscription-is-known");
    }
  });

  it("leaves the providers to find what they need for a plan", () => {
    expect(unknownSubscription.platform.provider.azurerm?.[0]).not.toHaveProperty("subscription_id");
    expect(unknownSubscription.catalog.provider.databricks).toEqual([{}]);
  });

  it("warns at synth, once for each environment", () => {
    const warnings = unknownSubscription.files.get("manifest.json")?.match(/can be planned, not deployed/g);

    expect(warnings).toHaveLength(1);
  });
});

it("adds no refusal once the subscription is known", () => {
  for (const stack of stacksOf(local)) expect(addresses(stack)).not.toContain("terraform_data.subscription-is-known");
  expect(local.files.get("manifest.json")).not.toContain("warn");
  expect(local.platform.provider.azurerm?.[0]).toMatchObject({ subscription_id: SUBSCRIPTION_ID });
});

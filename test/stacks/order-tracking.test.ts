/** What holds for all stacks of all environments. */
import { dev } from "../../environments/dev.ts";
import type { EnvironmentSettings } from "../../environments/environment.ts";
import { prod } from "../../environments/prod.ts";
import { sandbox } from "../../environments/sandbox.ts";
import { staging } from "../../environments/staging.ts";
import { addresses, all, type StackJson, synthesize, type Synthesized } from "../synthesized.ts";

const SETTINGS: readonly EnvironmentSettings[] = [
  dev,
  staging,
  prod,
  sandbox({ owner: "anna", branch: "main", expiresOn: "2026-12-24" }),
];
const TAGGED = [
  "azurerm_resource_group",
  "azurerm_storage_account",
  "azurerm_databricks_access_connector",
  "azurerm_databricks_workspace",
  "databricks_job",
];

let environments: readonly (Synthesized & { readonly settings: EnvironmentSettings })[];
let stacks: readonly StackJson[];

beforeAll(() => {
  environments = SETTINGS.map((settings) => ({ settings, ...synthesize(settings) }));
  stacks = environments.flatMap(({ platform, catalog, pipeline }) => [platform, catalog, pipeline]);
});

it("orders the stacks without any of them reading another's state", () => {
  const manifest = JSON.parse(environments[0]?.files.get("manifest.json") ?? "{}") as {
    stacks: Record<string, { dependencies: string[] }>;
  };

  expect(manifest.stacks["dev-platform"]?.dependencies).toEqual([]);
  expect(manifest.stacks["dev-catalog"]?.dependencies).toEqual(["dev-platform"]);
  expect(manifest.stacks["dev-pipeline"]?.dependencies).toEqual(["dev-catalog"]);
  for (const stack of stacks) {
    expect(stack).not.toHaveProperty("data");
    expect(stack).not.toHaveProperty("output");
  }
});

it("refuses to destroy what holds data, but for disposable environments", () => {
  for (const { settings, platform, catalog } of environments) {
    const lifecycles = [...statefulResources(platform), ...statefulResources(catalog)].map(
      ({ lifecycle }) => lifecycle,
    );

    expect(new Set(lifecycles.map((each) => JSON.stringify(each)))).toEqual(
      new Set([JSON.stringify({ prevent_destroy: !settings.disposable })]),
    );
  }
});

it("forces nothing away but in disposable environments", () => {
  for (const { settings, files } of environments) {
    const forces = [...files.values()].some((text) => text.includes('"force_destroy": true'));

    expect(forces).toBe(settings.disposable ?? false);
  }
});

it("tags everything that can have tags", () => {
  for (const { settings, platform, pipeline } of environments) {
    const tagged = [platform, pipeline].flatMap((stack) => TAGGED.flatMap((type) => all(stack, type)));

    expect(tagged.length).toBeGreaterThanOrEqual(TAGGED.length - 1);
    for (const { tags } of tagged) {
      expect(tags).toMatchObject({
        project: "order-tracking",
        environment: settings.name,
        owner: settings.owner,
        "cost-centre": settings.costCentre,
        "source-repository": settings.sourceRepository,
        "managed-by": "terraform",
      });
    }
  }
});

it("tags a sandbox with its branch and its last day", () => {
  const group = environments.flatMap(({ platform }) => all(platform, "azurerm_resource_group")).at(-1);

  expect(group?.tags).toMatchObject({ owner: "anna", branch: "main", "expires-on": "2026-12-24" });
});

it("refers only to resources of the same stack", () => {
  for (const stack of stacks) {
    const known = new Set(addresses(stack));
    const text = JSON.stringify(stack.resource);
    for (const [, address] of text.matchAll(/\$\{((?:azurerm|databricks)_\w+\.[\w-]+)\./g)) {
      expect(known).toContain(address);
    }
  }
});

it("synthesizes the same bytes every time, none of which tell of this machine", () => {
  for (const { settings, files } of environments) {
    expect(synthesize(settings).files).toEqual(files);
    for (const [file, text] of files) if (file.endsWith(".json")) expect(text).not.toContain(process.cwd());
  }
});

function isStateful(address: string): boolean {
  return /^(azurerm_(databricks_workspace|resource_group|storage_(account|container))|databricks_(catalog|schema|volume))/.test(
    address,
  );
}

function statefulResources(stack: StackJson) {
  return addresses(stack)
    .filter((address) => isStateful(address) && !address.startsWith("azurerm_resource_group"))
    .map((address) => {
      const [type = "", id = ""] = address.split(".");
      return stack.resource[type]?.[id] ?? {};
    });
}

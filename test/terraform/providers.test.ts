/**
 * The stacks against the real providers: all validated, and planned where a plan needs no cloud.
 *
 * Needs `terraform` and both providers, from the registry or from a mirror that TF_CLI_CONFIG_FILE names. Without them
 * there is nothing to test with: the tests are skipped and say why.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { dev } from "../../environments/dev.ts";
import type { EnvironmentSettings, Variables } from "../../environments/environment.ts";
import { prod } from "../../environments/prod.ts";
import { sandbox } from "../../environments/sandbox.ts";
import { staging } from "../../environments/staging.ts";
import { addresses, MINIMAL, resourceId, type StackJson, synthesize } from "../synthesized.ts";

const ENVIRONMENTS: readonly EnvironmentSettings[] = [
  dev,
  staging,
  prod,
  sandbox({ owner: "anna", branch: "main", expiresOn: "2026-12-24" }),
  {
    ...MINIMAL,
    fileEvents: true,
    compute: "serverless",
    warehouse: "0123456789abcdef",
    notifications: { emails: ["team@example.com"], create: ["slack", "teams", "webhook"] },
  },
];
type Kind = "platform" | "catalog" | "pipeline";
type Choice = Readonly<Record<string, Partial<EnvironmentSettings>>>;

const SUBNET = resourceId("Microsoft.Network/virtualNetworks/shared/subnets/clusters");
const OTHER_SUBNET = resourceId("Microsoft.Network/virtualNetworks/shared/subnets/containers");
const zone = (service: string) =>
  resourceId(`Microsoft.Network/privateDnsZones/privatelink.${service}.core.windows.net`);
const EXISTING = { existingWorkspace: { name: "shared", resourceGroup: "rg-shared" } };
const ADDRESS_SPACE = "10.20.0.0/24";

/** Every posture in a workspace of our own and in an existing one. */
const NETWORK: Choice = {
  open: {},
  openExisting: EXISTING,
  selected: { network: { posture: "selected-networks", addressSpace: ADDRESS_SPACE, ipRanges: ["20.1.2.0/24"] } },
  selectedExisting: { ...EXISTING, network: { posture: "selected-networks", subnetIds: [SUBNET, OTHER_SUBNET] } },
  private: { network: { posture: "private", addressSpace: ADDRESS_SPACE } },
  privateExisting: { ...EXISTING, network: { posture: "private", endpointSubnetId: SUBNET } },
  privateZones: {
    ...EXISTING,
    network: {
      posture: "private",
      endpointSubnetId: SUBNET,
      privateDnsZoneIds: { blob: zone("blob"), dfs: zone("dfs") },
    },
  },
};
const FILE_EVENTS: Choice = { listing: { fileEvents: false }, events: { fileEvents: true } };
const KEY_AND_LOGS: Choice = {
  ofAzure: {},
  ofOurs: {
    customerManagedKey: { vault: "kv-orders", resourceGroup: "rg-keys", key: "lake" },
    logAnalyticsWorkspaceId: resourceId("Microsoft.OperationalInsights/workspaces/logs"),
  },
};
const COMPUTE: Choice = {
  allPurpose: { compute: "all-purpose" },
  jobCluster: { compute: "job-cluster" },
  serverless: { compute: "serverless" },
};
const NOTIFICATIONS: Choice = {
  silent: {},
  emails: { notifications: { emails: ["team@example.com"] } },
  created: { notifications: { create: ["slack", "teams", "webhook"] } },
  existing: { notifications: { existing: ["00000000-0000-4000-8000-000000000000"] } },
};
const PEOPLE: Choice = {
  nobody: {},
  everybody: {
    warehouse: "0123456789abcdef",
    ownerGroup: "owners",
    loaders: ["loaders"],
    analysts: ["analysts"],
    operators: ["operators"],
    runAs: "00000000-0000-4000-8000-000000000001",
    deployer: "00000000-0000-4000-8000-000000000003",
  },
};

/** What each stack depends on; every combination of it is validated. */
const CHOICES: Readonly<Record<Kind, readonly Choice[]>> = {
  platform: [NETWORK, FILE_EVENTS, KEY_AND_LOGS],
  catalog: [FILE_EVENTS, PEOPLE],
  pipeline: [COMPUTE, NOTIFICATIONS, PEOPLE],
};
const PLAN = ["plan", "-input=false", "-no-color", "-lock=false"];
/** Nobody listens there: whatever asks the network after all fails. */
const CLOSED_PORT = "http://127.0.0.1:9";
/** Knows nothing. A provider with a host asks it what it is, and waits for minutes where nobody answers at all. */
const EMPTY_WORKSPACE = `
  const server = require("node:http").createServer((_, response) => response.writeHead(404).end("{}"));
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

const home = mkdtempSync(path.join(tmpdir(), "order-tracking-terraform-"));
const reasonToSkip = installProviders();
if (reasonToSkip) console.warn(`The stacks were not tested against the real providers: ${reasonToSkip}`);
const withProviders = reasonToSkip ? describe.skip : describe;
/** For the names of what is skipped, where the report of all tests finds it; a "%" would be for jest to fill in. */
const why = reasonToSkip ? ` (skipped: ${reasonToSkip.replaceAll("%", "").split("\n", 1)[0] ?? ""})` : "";

jest.setTimeout(120_000);
afterAll(() => {
  rmSync(home, { recursive: true });
});

withProviders.each(ENVIRONMENTS.map((settings) => [settings.name, settings] as const))(`%s${why}`, (_, settings) => {
  it.each(["platform", "catalog", "pipeline"] as const)("has a valid %s stack", (kind) => {
    expect(validate(stackFolder(settings, kind))).toEqual([]);
  });

  it.each(["catalog", "pipeline"] as const)("has a %s stack that can be planned before anything exists", (kind) => {
    const result = terraform(stackFolder(settings, kind), PLAN);

    expect(result).toMatchObject({ stderr: "", status: 0 });
    expect(result.stdout).toMatch(/Plan: \d+ to add, 0 to change, 0 to destroy/);
  });
});

withProviders(`whatever an environment chooses${why}`, () => {
  it.each(["platform", "catalog", "pipeline"] as const)("has a valid %s stack", (kind) => {
    expect(validate(choicesFolder(kind))).toEqual([]);
  });
});

withProviders(`without an account, a state and credentials${why}`, () => {
  // Exit codes: there are changes, and where somebody becomes an administrator there is one to look at twice.
  it.each([
    ["dev", 2],
    ["staging", 3],
    ["prod", 3],
  ])("shows what a first deployment of %s would create", (environment, expected) => {
    const { status, stdout } = spawnSync("node", ["bin/order-tracking.mjs", "plan", environment], {
      cwd: path.join(__dirname, "../.."),
      encoding: "utf8",
      env: {
        ...process.env,
        // The same ones again: they need not be fetched for each stack.
        TF_CLI_ARGS_init: `-plugin-dir=${path.join(home, ".terraform/providers")}`,
        HTTPS_PROXY: CLOSED_PORT,
        HTTP_PROXY: CLOSED_PORT,
      },
    });

    expect(status).toBe(expected);
    expect(stdout).toMatch(new RegExp(`^${environment}: \\d+ new, 0 changed, 0 replaced, 0 deleted, `));
    expect(stdout.match(/^.*⚠.*$/gm) ?? []).toEqual(
      expected === 3 ? [expect.stringMatching(/gains `?ADMIN`? \(do anything in it\) on the workspace/)] : [],
    );
  });
});

withProviders(`while the subscription is unknown${why}`, () => {
  let workspace: ChildProcess;
  let credentials: Record<string, string>;

  beforeAll(async () => {
    workspace = spawn(process.execPath, ["-e", EMPTY_WORKSPACE], { stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise<string>((resolve) =>
      workspace.stdout?.once("data", (data) => {
        resolve(String(data).trim());
      }),
    );
    credentials = { DATABRICKS_HOST: `http://127.0.0.1:${port}`, DATABRICKS_TOKEN: "made-up" };
  });
  afterAll(() => {
    workspace.kill();
  });

  it.each(["platform", "catalog", "pipeline"] as const)("has a valid %s stack", (kind) => {
    expect(validate(stackFolder(dev, kind, {}))).toEqual([]);
  });

  it.each(["catalog", "pipeline"] as const)("a host and a token are enough to plan the %s stack", (kind) => {
    const result = terraform(stackFolder(dev, kind, {}), PLAN, credentials);

    expect(result).toMatchObject({ stderr: "", status: 0 });
  });

  it.each(["catalog", "pipeline"] as const)("the %s stack is not applied, and Terraform says why", (kind) => {
    const result = terraform(stackFolder(dev, kind, {}), ["apply", "-auto-approve", "-no-color"], credentials);

    expect(result.status).toBe(1);
    expect(result.stderr.replace(/\s+/g, " ")).toContain("Set ORDER_TRACKING_DEV_SUBSCRIPTION_ID to its id");
    expect(result.stdout).not.toMatch(/databricks_\w+\.\S+: Creating/);
  });

  it("what may not be deployed can still be destroyed", () => {
    const folder = stackFolder(dev, "catalog", {});
    // The refusal stays in the state as an apply that it stopped leaves it.
    expect(terraform(folder, ["apply", "-auto-approve", "-no-color"], credentials).status).toBe(1);

    const destroyed = terraform(folder, ["destroy", "-auto-approve", "-no-color"], credentials);

    expect(destroyed).toMatchObject({ stderr: "", status: 0 });
    expect(destroyed.stdout).toContain("Destroy complete! Resources: 1 destroyed.");
  });
});

withProviders(`while the URL of a notification destination is unknown${why}`, () => {
  const settings: EnvironmentSettings = { ...MINIMAL, notifications: { create: ["slack"] } };
  const known = { TF_VAR_slack_url: "https://hooks.example.com/a-secret" };

  it("stops an apply with the variable to set, and never shows its value", () => {
    const folder = stackFolder(settings, "pipeline");
    // Of all resources the one that needs no workspace; the destination waits for it.
    const [gate] = addresses(synthesize(settings).pipeline).filter((address) => address.startsWith("terraform_data."));
    const apply = ["apply", "-auto-approve", "-no-color", `-target=${gate}`];

    const refused = terraform(folder, apply);
    const applied = terraform(folder, apply, known);
    const planned = terraform(folder, PLAN, known);

    expect(refused.status).toBe(1);
    expect(refused.stderr.replace(/\s+/g, " ")).toContain("Set TF_VAR_slack_url and plan again");
    expect(applied).toMatchObject({ stderr: "", status: 0 });
    expect(planned).toMatchObject({ stderr: "", status: 0 });
    expect(planned.stdout).toContain("(sensitive value)");
    expect(planned.stdout).not.toContain("a-secret");
    expect(terraform(folder, PLAN)).toMatchObject({ stderr: "", status: 0 });
  });
});

/** Installs the providers of an environment once; returns why that was not possible. */
function installProviders(): string | undefined {
  const { platform, pipeline } = synthesize(MINIMAL);
  const providers = { ...platform.terraform.required_providers, ...pipeline.terraform.required_providers };
  writeFileSync(path.join(home, "main.tf.json"), JSON.stringify({ terraform: { required_providers: providers } }));
  const { error, status, stderr } = terraform(home, ["init", "-backend=false", "-input=false", "-no-color"]);
  if (error) return `terraform could not be started (${error.message}).`;
  return status === 0 ? undefined : `terraform init failed: ${stderr.trim().split("\n").slice(0, 3).join(" ")}`;
}

/** A stack as synthesized, but without its backend, in a folder where the providers are installed. */
function stackFolder(settings: EnvironmentSettings, kind: Kind, variables?: Variables): string {
  const stack = `stacks/${settings.name}-${kind}/`;
  const folder = mkdtempSync(path.join(home, "stack-"));
  for (const [file, content] of synthesize(settings, variables).files) {
    if (!file.startsWith(stack)) continue;
    const target = path.join(folder, file.slice(stack.length));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, target.endsWith("cdk.tf.json") ? withoutBackend(content) : content);
  }
  useProviders(folder);
  return folder;
}

/** Every combination of a stack's choices, each a module of one configuration: Terraform starts once for all of them. */
function choicesFolder(kind: Kind): string {
  const folder = mkdtempSync(path.join(home, "choices-"));
  const combinations = combine(CHOICES[kind]);
  for (const [name, settings] of combinations) {
    const module = path.join(folder, name);
    renameSync(stackFolder({ ...MINIMAL, ...settings }, kind), module);
    // The providers look for notebooks from where Terraform starts.
    const assets = path.join(module, "assets");
    if (existsSync(assets)) cpSync(assets, path.join(folder, "assets"), { recursive: true });
  }
  const module = Object.fromEntries(combinations.map(([name]) => [name, { source: `./${name}` }]));
  writeFileSync(path.join(folder, "main.tf.json"), JSON.stringify({ module }));
  useProviders(folder);
  const { stderr } = terraform(folder, ["get", "-no-color"]);
  if (stderr) throw new Error(stderr);
  return folder;
}

/** Lets a folder have the installed providers, and modules of its own. */
function useProviders(folder: string): void {
  mkdirSync(path.join(folder, ".terraform"));
  symlinkSync(path.join(home, ".terraform/providers"), path.join(folder, ".terraform/providers"));
  copyFileSync(path.join(home, ".terraform.lock.hcl"), path.join(folder, ".terraform.lock.hcl"));
}

/** What Terraform and the providers find wrong with a folder. */
function validate(folder: string): readonly unknown[] {
  const { stdout } = terraform(folder, ["validate", "-json"]);
  return (JSON.parse(stdout) as { diagnostics: unknown[] }).diagnostics;
}

/** Every combination of one option of each choice, by a name that tells which. */
function combine(choices: readonly Choice[]): readonly [string, Partial<EnvironmentSettings>][] {
  return choices.reduce<[string, Partial<EnvironmentSettings>][]>(
    (combinations, choice) =>
      combinations.flatMap(([name, settings]) =>
        Object.entries(choice).map(([option, more]): [string, Partial<EnvironmentSettings>] => [
          `${name}-${option}`,
          { ...settings, ...more },
        ]),
      ),
    [["stack", {}]],
  );
}

function withoutBackend(cdkTfJson: string): string {
  const stack = JSON.parse(cdkTfJson) as StackJson;
  return JSON.stringify({ ...stack, terraform: { ...stack.terraform, backend: undefined } }, null, 2);
}

/** Runs Terraform with no credentials but the given ones; only `init` may use the network. */
function terraform(folder: string, args: readonly string[], variables: Record<string, string> = {}) {
  const { PATH, HOME, TF_CLI_CONFIG_FILE, TF_PLUGIN_CACHE_DIR, HTTPS_PROXY, HTTP_PROXY } = process.env;
  const proxies =
    args[0] === "init" ? { HTTPS_PROXY, HTTP_PROXY } : { HTTPS_PROXY: CLOSED_PORT, HTTP_PROXY: CLOSED_PORT };
  return spawnSync("terraform", args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 100_000,
    killSignal: "SIGKILL",
    env: {
      PATH,
      HOME,
      TF_CLI_CONFIG_FILE,
      TF_PLUGIN_CACHE_DIR,
      CHECKPOINT_DISABLE: "1",
      DATABRICKS_CONFIG_FILE: path.join(home, "no-profiles"),
      ...proxies,
      ...variables,
    },
  });
}

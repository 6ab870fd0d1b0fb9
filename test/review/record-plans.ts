/**
 * Records the plans that the review's tests read: the real providers, deploying to the cloud's stand-in.
 *
 *     node --import tsx test/review/record-plans.ts
 *
 * Needs Terraform and the providers, from the registry or from a mirror that TF_CLI_CONFIG_FILE names.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { prod } from "../../environments/prod.ts";
import type { EnvironmentSettings } from "../../environments/environment.ts";
import { STACK_KINDS, type StackKind } from "../../environments/names.ts";
import { type Cloud } from "../cloud/cloud.ts";
import { OF_OTHERS } from "../cloud/deploy/choices.ts";
import { commandVariables } from "../cloud/deploy/deployment.ts";
import { installProviders, type Providers } from "../cloud/deploy/providers.ts";
import { addNeighbours, startPeopledCloud } from "../cloud/deploy/surroundings.ts";
import { type StackJson, synthesize } from "../synthesized.ts";

const FOLDER = path.join(__dirname, "plans");

/** As prod, but that its data may go, or Terraform would plan no end of it, and that whoever records it deploys it. */
const SHOP: EnvironmentSettings = {
  ...prod,
  stateContainer: undefined,
  name: "shop",
  disposable: true,
  runAs: OF_OTHERS.servicePrincipals[1],
  deployer: undefined,
  notifications: { emails: ["team@example.com"], create: ["slack"] },
};

/** What is planned on top of what was deployed. */
interface Scenario {
  readonly name: string;
  readonly kinds: readonly StackKind[];
  readonly settings?: Partial<EnvironmentSettings>;
  readonly change?: (stack: StackJson) => void;
  readonly cloud?: (cloud: Cloud) => void;
  readonly args?: readonly string[];
}

const SCENARIOS: readonly Scenario[] = [
  { name: "nothing-changed", kinds: STACK_KINDS },
  { name: "renamed-container", kinds: ["platform", "catalog"], change: renameContainer },
  { name: "container-that-must-last", kinds: ["platform"], settings: { disposable: false }, change: renameContainer },
  { name: "revoked-grant", kinds: ["catalog", "pipeline"], settings: { analysts: [] } },
  { name: "changed-rule", kinds: ["pipeline"], change: changeRule },
  {
    name: "other-job",
    kinds: ["pipeline"],
    settings: { triggerPaused: true, waitAfterLastChangeSeconds: 120, maxBadRowsPercent: 10, compute: "all-purpose" },
  },
  {
    name: "opened-network",
    kinds: ["platform"],
    settings: { network: { posture: "open" }, storageReplication: "LRS", archiveDeleteAfterDays: 400 },
  },
  { name: "forgotten-volume", kinds: ["catalog"], change: forgetVolume },
  { name: "moved-schema", kinds: ["catalog"], change: moveSchema },
  { name: "destroyed", kinds: STACK_KINDS, args: ["-destroy"] },
  { name: "changed-by-hand", kinds: STACK_KINDS, cloud: changeByHand },
];

function renameContainer(stack: StackJson): void {
  const text = JSON.stringify(stack)
    .replaceAll("eventsource@", "incoming@")
    .replaceAll('"name":"eventsource"', '"name":"incoming"');
  Object.assign(stack, JSON.parse(text));
}

/** Where the synthesis puts the module of the contract. */
const OLD_RULES = /(assets\/[^/"]*-orders-source[^/"]*\/)[0-9a-f]{32}/g;

/** As the synthesis writes another version of the contract: other folders, and another asset of one module. */
function changeRule(stack: StackJson): void {
  const text = JSON.stringify(stack)
    .replaceAll(/code-[0-9a-f]{12}/g, "code-0123456789ab")
    .replaceAll(OLD_RULES, `$1${"0".repeat(32)}`);
  Object.assign(stack, JSON.parse(text));
}

function forgetVolume(stack: StackJson): void {
  const [id = ""] = Object.keys(stack.resource.databricks_volume ?? {}).filter((each) => !each.includes("checkpoint"));
  remove(stack, "databricks_volume", id);
  Object.assign(stack, { removed: [{ from: `databricks_volume.${id}`, lifecycle: { destroy: false } }] });
}

/** A resource and whatever speaks of it. */
function remove(stack: StackJson, type: string, id: string): void {
  for (const [kind, resources] of Object.entries(stack.resource)) {
    for (const [each, resource] of Object.entries(resources)) {
      const isSpeaking = JSON.stringify(resource).includes(`${type}.${id}`);
      if ((kind === type && each === id) || isSpeaking) Reflect.deleteProperty(resources, each);
    }
    if (Object.keys(resources).length === 0) Reflect.deleteProperty(stack.resource, kind);
  }
}

function moveSchema(stack: StackJson): void {
  const [id = ""] = Object.keys(stack.resource.databricks_schema ?? {});
  const text = JSON.stringify(stack).replaceAll(
    new RegExp(`(databricks_schema\\.|")${id}(?=["}.])`, "g"),
    `$1${id}-moved`,
  );
  Object.assign(stack, JSON.parse(text), {
    moved: [{ from: `databricks_schema.${id}`, to: `databricks_schema.${id}-moved` }],
  });
}

function changeByHand(cloud: Cloud): void {
  const group = cloud.arm
    .ofType("Microsoft.Resources/resourceGroups")
    .find(({ id }) => id.endsWith("rg-order-tracking-shop"));
  if (group) cloud.arm.set({ ...group, tags: { ...group.tags, owner: "nobody" } });
  cloud.store.table("unity catalog volume").delete("orders_shop.order_tracking.order_files");
}

/** Contents of files by their names. */
const recorded = new Map<string, string>();

interface Planned {
  readonly variables: Readonly<Record<string, string>>;
  readonly folder: (kind: StackKind) => string;
}

async function main(providers: Providers): Promise<void> {
  const home = mkdtempSync(path.join(tmpdir(), "order-tracking-record-"));
  const cloud = await startPeopledCloud({ mostDelay: 0, latestRole: 0 });
  addNeighbours(cloud);
  const place: Planned = {
    variables: { ...commandVariables(cloud, providers.cliConfig), ORDER_TRACKING_ROLE_WAIT_SECONDS: "0" },
    folder: (kind) => path.join(home, kind),
  };
  try {
    for (const kind of STACK_KINDS) write(place, { name: "first", kinds: STACK_KINDS }, kind);
    for (const kind of STACK_KINDS) await terraform(place, kind, ["init", "-input=false", "-no-color"]);
    await record(place, { name: "first", kinds: STACK_KINDS });
    for (const kind of STACK_KINDS)
      await terraform(place, kind, ["apply", "-auto-approve", "-input=false", "-no-color"]);
    for (const scenario of SCENARIOS) {
      scenario.cloud?.(cloud);
      for (const kind of scenario.kinds) write(place, scenario, kind);
      await record(place, scenario);
      for (const kind of scenario.kinds) write(place, { name: "first", kinds: STACK_KINDS }, kind);
    }
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    for (const [file, content] of recorded) writeFileSync(path.join(FOLDER, file), content);
  } finally {
    await cloud.close();
    rmSync(home, { recursive: true });
  }
}

function write({ folder }: Planned, { settings, change }: Scenario, kind: StackKind): void {
  const files = [...synthesize({ ...SHOP, ...settings }).files].filter(([file]) =>
    file.startsWith(`stacks/shop-${kind}/`),
  );
  for (const [file, content] of files) {
    const target = path.join(folder(kind), file.slice(`stacks/shop-${kind}/`.length));
    mkdirSync(path.dirname(target), { recursive: true });
    if (!file.endsWith("cdk.tf.json")) {
      writeFileSync(target, content);
      if (change === changeRule) {
        const other = target.replace(OLD_RULES, `$1${"0".repeat(32)}`);
        mkdirSync(path.dirname(other), { recursive: true });
        writeFileSync(other, other === target ? content : content.replace('Column("status"', 'Column("state"'));
      }
      continue;
    }
    const stack = JSON.parse(content) as StackJson;
    change?.(stack);
    writeFileSync(target, JSON.stringify({ ...stack, terraform: { ...stack.terraform, backend: undefined } }, null, 2));
  }
}

async function record(place: Planned, { name, kinds, args = [] }: Scenario): Promise<void> {
  for (const kind of kinds) {
    await terraform(
      place,
      kind,
      ["plan", "-input=false", "-no-color", "-out=plan", ...args],
      name === "container-that-must-last",
    );
    const shown = await terraform(place, kind, ["show", "-json", "plan"]);
    recorded.set(`${name}-${kind}.json`, asRecorded(JSON.parse(shown) as Json));
    console.log(name, kind);
  }
}

type Json = Readonly<Record<string, unknown>>;

/** Fields that tell what a thing is called, and what lies in it. */
const NAMING = [
  ...["id", "name", "path", "catalog_name", "schema_name", "principal_id", "identity"],
  ...["storage_account_id", "storage_location", "storage_root", "blob_properties"],
];

/** What a review reads of a plan, one line a change; of what stays as it is, only what names it. */
function asRecorded(plan: Readonly<Record<string, unknown>>): string {
  const { configuration, ...all } = plan;
  const LEFT_OUT = ["planned_values", "prior_state", "timestamp"];
  const read = Object.fromEntries(Object.entries(all).filter(([name]) => !LEFT_OUT.includes(name)));
  const changes = (read.resource_changes as { change: { actions: string[]; before: Json | null } }[]).map((each) => {
    if (each.change.actions.join() !== "no-op") return each;
    const named = Object.fromEntries(
      Object.entries(each.change.before ?? {}).filter(([field]) => NAMING.includes(field)),
    );
    return {
      ...each,
      change: { ...each.change, before: named, after: named, before_sensitive: {}, after_sensitive: {} },
    };
  });
  const root = (configuration as { root_module: { resources: Json[]; variables?: Json } }).root_module;
  const resources = root.resources.map(({ address, expressions }) => ({ address, expressions }));
  const kept = {
    ...read,
    resource_changes: changes,
    configuration: { root_module: { variables: root.variables, resources } },
  };
  return `${JSON.stringify(kept, (field, value: unknown) => (field === "provider_name" ? undefined : value)).replaceAll(/(?<=[{,[])(?=\{"address")/g, "\n")}\n`;
}

async function terraform(
  { folder, variables }: Planned,
  kind: StackKind,
  args: readonly string[],
  mayFail = false,
): Promise<string> {
  const child = spawn("terraform", args, { cwd: folder(kind), env: variables, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code !== 0 && !mayFail) throw new Error(`terraform ${args.join(" ")} in ${kind}: ${stderr}${stdout}`);
  return stdout;
}

const providers = installProviders();
if (typeof providers === "string") throw new Error(providers);
void main(providers);

/** The stacks of one environment as Terraform will read them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { App } from "cdktf";
import { type EnvironmentSettings, resolveEnvironment, type Variables } from "../environments/environment.ts";
import { addOrderTracking } from "../stacks/order-tracking.ts";
import { withoutTraces } from "../stacks/synthesis.ts";

export const SUBSCRIPTION_ID = "11111111-2222-3333-4444-555555555555";

/** The least that an environment's file may say. */
export const MINIMAL: EnvironmentSettings = {
  name: "tiny",
  location: "westeurope",
  subscriptionIdVariable: "TINY_SUBSCRIPTION_ID",
  owner: "somebody",
  costCentre: "logistics",
  sourceRepository: "https://github.com/example/order-tracking",
  network: { posture: "open" },
};

/** Resource id of something that an environment names and that is not ours. */
export const resourceId = (resource: string): string =>
  `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-shared/providers/${resource}`;

type Block = Record<string, unknown>;

/** One stack's `cdk.tf.json`. */
export interface StackJson {
  readonly provider: Record<string, Block[]>;
  readonly resource: Record<string, Record<string, Block>>;
  readonly terraform: {
    readonly backend: Record<string, Block>;
    readonly required_providers: Record<string, { readonly source: string; readonly version: string }>;
  };
  readonly moved?: readonly { readonly from: string; readonly to: string }[];
  readonly variable?: Block;
  readonly output?: Block;
  readonly data?: Block;
}

export interface Synthesized {
  readonly platform: StackJson;
  readonly catalog: StackJson;
  readonly pipeline: StackJson;
  /** Every file that was written, by its path within the output directory. */
  readonly files: ReadonlyMap<string, string>;
}

/** Synthesizes an environment whose subscription is known unless the variables say otherwise. */
export function synthesize(
  settings: EnvironmentSettings,
  variables: Variables = { [settings.subscriptionIdVariable]: SUBSCRIPTION_ID },
): Synthesized {
  const outdir = mkdtempSync(path.join(tmpdir(), "order-tracking-synth-"));
  try {
    const environment = resolveEnvironment(settings, variables);
    withoutTraces(() => {
      const app = new App({ outdir, stackTraces: false });
      addOrderTracking(app, environment);
      app.synth();
    });
    const files = readTree(outdir);
    const stack = (kind: string) => parseStack(files, `${settings.name}-${kind}`);
    return { platform: stack("platform"), catalog: stack("catalog"), pipeline: stack("pipeline"), files };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** All resources of a type, in the order of their ids. */
export function all(stack: StackJson, type: string): Block[] {
  return Object.values(stack.resource[type] ?? {});
}

/** The one resource of a type. */
export function only(stack: StackJson, type: string): Block {
  const [resource, ...others] = all(stack, type);
  if (!resource || others.length > 0) throw new Error(`expected one ${type}`);
  return resource;
}

/** The address of the one resource of a type. */
export function addressOf(stack: StackJson, type: string): string {
  only(stack, type);
  return `${type}.${Object.keys(stack.resource[type] ?? {}).join()}`;
}

/** A path of the workspace, with what it says of the paths of other resources filled in. */
export function workspacePath(stack: StackJson, given: unknown): string {
  return String(given).replace(/\$\{(\w+)\.([\w-]+)\.path\}/g, (_, type: string, id: string) =>
    workspacePath(stack, stack.resource[type]?.[id]?.path),
  );
}

/** Addresses of the resources of a stack, sorted. */
export function addresses(stack: StackJson): string[] {
  return Object.entries(stack.resource)
    .flatMap(([type, resources]) => Object.keys(resources).map((id) => `${type}.${id}`))
    .sort();
}

function parseStack(files: ReadonlyMap<string, string>, name: string): StackJson {
  return JSON.parse(files.get(`stacks/${name}/cdk.tf.json`) ?? "{}") as StackJson;
}

function readTree(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(directory, file).split(path.sep).join("/"), readFileSync(file, "utf8")]),
  );
}

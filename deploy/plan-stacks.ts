/** Plans the stacks of an environment, each in the folder that it was synthesized to. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { STACK_KINDS, type StackKind } from "../environments/names.ts";
import { asNobody, keepStateIn } from "./nobody.ts";
import { terraform, TerraformEnded, terraformOrFail } from "./terraform.ts";

/** Name of a saved plan in its stack's folder. */
export const PLAN_FILE = "plan";

/** Where Terraform looks in a folder for the hashes of providers. */
export const LOCK_FILE = ".terraform.lock.hcl";

/** What Terraform leaves in a stack's folder where it could not write the state after it applied. */
export const UNWRITTEN_STATE = "errored.tfstate";

/** Where files of state are that no environment keeps in Azure: the project's, whatever folder is planned in. */
const LOCAL_STATES = path.join(__dirname, "..", ".terraform-state");

/** A stack that was planned, or could not be. */
export interface PlannedStack {
  readonly stack: string;
  /** As `terraform show -json` prints it; nothing where there is no plan at all. */
  readonly json: unknown;
  /** Of the state that was planned on; nothing where there was none. */
  readonly state?: StateIdentity;
  /** What Terraform said where it failed. */
  readonly failure?: string;
}

/** What tells one state from another, and from what it was before. */
export interface StateIdentity {
  readonly lineage: string;
  readonly serial: number;
}

const stateType = z.object({ lineage: z.string(), serial: z.number() });
const synthesizedType = z.object({
  terraform: z.object({ backend: z.record(z.string(), z.object({ path: z.string().optional() })).optional() }),
  provider: z.object({ azurerm: z.tuple([z.object({ subscription_id: z.string().optional() })]).optional() }),
});

/** The stacks in a folder of synthesized ones, in the order of a deployment. */
export function stacksIn(outputDirectory: string, kinds: readonly StackKind[] = STACK_KINDS): readonly string[] {
  const place = (stack: string) => kinds.findIndex((kind) => stack.endsWith(`-${kind}`));
  return readdirSync(path.join(outputDirectory, "stacks"))
    .filter((stack) => place(stack) >= 0)
    .sort((one, other) => place(one) - place(other));
}

export const folderOf = (outputDirectory: string, stack: string): string => path.join(outputDirectory, "stacks", stack);

/** The stacks in a folder whose states are only there: nothing else tells what Terraform made of them. */
export function unwrittenStates(outputDirectory: string): readonly string[] {
  if (!existsSync(path.join(outputDirectory, "stacks"))) return [];
  return stacksIn(outputDirectory).filter((stack) =>
    existsSync(path.join(folderOf(outputDirectory, stack), UNWRITTEN_STATE)),
  );
}

/** A stack's configuration as it was synthesized. */
export const synthesizedStack = (outputDirectory: string, stack: string): unknown =>
  JSON.parse(readFileSync(path.join(folderOf(outputDirectory, stack), "cdk.tf.json"), "utf8"));

/**
 * Initializes a stack's folder, so that Terraform can be used in it.
 *
 * @throws Error with what Terraform said
 */
export async function initialize(
  outputDirectory: string,
  stack: string,
  args: readonly string[] = [],
  variables?: NodeJS.ProcessEnv,
): Promise<void> {
  const folder = folderOf(outputDirectory, stack);
  const { terraform: settings } = synthesizedType
    .partial({ provider: true })
    .parse(synthesizedStack(outputDirectory, stack));
  const file = settings.backend?.local?.path;
  // Seen from another folder, a relative path would be another state.
  if (file !== undefined && variables === undefined) keepStateIn(folder, path.join(LOCAL_STATES, path.basename(file)));
  await terraformOrFail(folder, ["init", "-input=false", "-no-color", ...args], { ...(variables && { variables }) });
}

/** The state of an initialized stack's folder as it is now. */
export async function stateOf(outputDirectory: string, stack: string): Promise<StateIdentity | undefined> {
  const state = await terraformOrFail(folderOf(outputDirectory, stack), ["state", "pull"]);
  return state.trim() === "" ? undefined : stateType.parse(JSON.parse(state));
}

/**
 * Plans stacks side by side, and saves each plan in its stack's folder. What Terraform cannot plan, says why, and stops
 * none of the others.
 *
 * @param stacks in the order of a deployment
 * @throws TerraformEnded where Terraform is not there, or this process was interrupted
 */
export async function planStacks(outputDirectory: string, stacks: readonly string[]): Promise<readonly PlannedStack[]> {
  const planned = await finish(outputDirectory, stacks, (stack) => initialize(outputDirectory, stack));
  return Promise.all(
    planned.map(async (each): Promise<PlannedStack> => {
      if (each.failure !== undefined) return each;
      // Only now: a plan may have waited for somebody else's deployment. What comes after it, Terraform itself notices.
      const state = await stateOf(outputDirectory, each.stack);
      return { ...each, ...(state && { state }) };
    }),
  );
}

/** The same as if nothing were there yet: needs no account, and its plans are good for reading only. */
export async function planStacksFromNothing(
  outputDirectory: string,
  stacks: readonly string[],
): Promise<readonly PlannedStack[]> {
  return asNobody((variables) =>
    finish(
      outputDirectory,
      stacks,
      async (stack) => {
        keepStateIn(folderOf(outputDirectory, stack), "no.tfstate");
        await initialize(outputDirectory, stack, [], variables);
      },
      variables,
    ),
  );
}

async function finish(
  outputDirectory: string,
  stacks: readonly string[],
  prepare: (stack: string) => Promise<void>,
  variables?: NodeJS.ProcessEnv,
): Promise<readonly PlannedStack[]> {
  const failures = new Map<string, string>();
  // One after another: Terraform's cache of providers does not bear two that fill it.
  for (const stack of stacks) {
    try {
      await prepare(stack);
    } catch (error) {
      if (error instanceof TerraformEnded) throw error;
      failures.set(stack, (error as Error).message);
    }
  }
  return Promise.all(
    stacks.map(async (stack) => {
      const failure = failures.get(stack);
      if (failure !== undefined) return { stack, json: undefined, failure };
      return planOne(outputDirectory, stack, variables);
    }),
  );
}

async function planOne(outputDirectory: string, stack: string, variables?: NodeJS.ProcessEnv): Promise<PlannedStack> {
  const folder = folderOf(outputDirectory, stack);
  const options = variables && { variables };
  rmSync(path.join(folder, PLAN_FILE), { force: true });
  const lock = variables ? "-lock=false" : "-lock-timeout=30s";
  const { code, said } = await terraform(
    folder,
    ["plan", "-input=false", "-no-color", lock, `-out=${PLAN_FILE}`],
    options,
  );
  // One that has failed may have left a plan of how far it came.
  const shown = await terraform(folder, ["show", "-json", PLAN_FILE], options);
  const json: unknown = shown.code === 0 ? JSON.parse(shown.stdout) : undefined;
  return { stack, json, ...(code !== 0 && { failure: said.trim() }) };
}

/**
 * A saved plan of an initialized stack, as JSON.
 *
 * @throws Error with what Terraform said
 */
export async function planIn(outputDirectory: string, stack: string): Promise<unknown> {
  return JSON.parse(await terraformOrFail(folderOf(outputDirectory, stack), ["show", "-json", PLAN_FILE]));
}

/** Whether a stack knows the subscription that it is to be deployed to. */
export function isSubscriptionKnown(outputDirectory: string, environment: string): boolean {
  const { provider } = synthesizedType.parse(synthesizedStack(outputDirectory, `${environment}-platform`));
  return provider.azurerm?.[0].subscription_id !== undefined;
}

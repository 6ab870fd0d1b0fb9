/** `order-tracking apply`: deploys exactly what was planned and reviewed. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { folderOf, initialize, PLAN_FILE, planIn, stateOf } from "../../deploy/plan-stacks.ts";
import { reviewOf } from "../../deploy/review-plans.ts";
import {
  closePlans,
  differenceOfState,
  differencesFromSeal,
  openPlan,
  planKey,
  readSeal,
  type Seal,
} from "../../deploy/seal.ts";
import { isSandboxName } from "../../deploy/sandboxes.ts";
import { terraform } from "../../deploy/terraform.ts";
import { STACK_KINDS } from "../../environments/names.ts";
import type { LossFinding } from "../../review/loss.ts";
import { titleOf } from "../../review/contents.ts";
import { parseArguments, shownPath, userPath, UsageError } from "../arguments.ts";
import { refuseUnwrittenStates, unlocking, unwrittenAdvice } from "../broken-deployment.ts";
import { synthesize } from "../synthesize.ts";

export const usage = `Usage: npm run -s order-tracking -- apply ENVIRONMENT --plan DIR [--allow-data-loss ADDRESS]...

Applies the plans that "plan ENVIRONMENT --out DIR" saved, stack after stack, and nothing else. Refuses, and says what
differs, where the commit, what is synthesized, a lock file, Terraform or a state is not what was planned with.

  --plan DIR                 where the plans are
  --allow-data-loss ADDRESS  the address of something that may lose data, as the review names it; once for each, but not
                             in sandboxes

After one that failed, do what it says. After one that was killed: plan again, and apply that.
`;

/** As "plan" has it. */
export const mistakeCode = 1;

/** Applies, if all is as it was. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { plan: { type: "string" }, "allow-data-loss": { type: "string", multiple: true, default: [] } },
  });
  const [environment, ...rest] = positionals;
  if (environment === undefined || rest.length > 0) throw new UsageError("give one environment");
  if (values.plan === undefined) throw new UsageError("give the folder of the plans: --plan DIR");
  const directory = userPath(values.plan);
  // The state may still be the one that was planned on, although much is there by now.
  refuseUnwrittenStates(directory);
  const key = planKey(process.env);
  const seal = readSeal(directory, key);
  try {
    for (const { stack } of seal.stacks) openPlan(directory, seal, stack, key);
    const differences = await differencesNow(directory, environment, seal);
    if (differences.length > 0) return refuse("The plans are not what would be applied:", differences);
    const review = await reviewOf(directory, seal.environment, await plansOf(directory, seal));
    console.log(titleOf(review));
    // What may be lost as a whole needs nobody's word for each part.
    const unallowed = isSandboxName(seal.environment) ? [] : lossesBeyond(review.loss, values["allow-data-loss"]);
    if (unallowed.length > 0) return refuse("Data may be lost, which nobody has allowed:", unallowed);
    return await applyAll(directory, environment, seal);
  } catch (error) {
    const advice = unwrittenAdvice(directory); // Also where it was interrupted.
    if (advice !== undefined) process.stderr.write(`${advice}\n`);
    throw error;
  } finally {
    closePlans(directory, seal);
  }
}

async function differencesNow(directory: string, environment: string, seal: Seal): Promise<readonly string[]> {
  const synthesized = mkdtempSync(path.join(tmpdir(), "order-tracking-apply-"));
  try {
    await synthesize(synthesized, environment);
    if (!existsSync(folderOf(synthesized, `${seal.environment}-platform`))) {
      return [`they are of ${seal.environment}, not of ${environment}: name that one`];
    }
    const before = await differencesFromSeal(directory, seal, synthesized);
    if (before.length > 0) return before;
  } finally {
    rmSync(synthesized, { recursive: true });
  }
  const found: string[] = [];
  for (const sealed of seal.stacks) {
    // Only the providers that planned, by their hashes.
    await initialize(directory, sealed.stack, ["-lockfile=readonly"]);
    const difference = differenceOfState(sealed, await stateOf(directory, sealed.stack));
    if (difference !== undefined) found.push(difference);
  }
  return found;
}

async function plansOf(directory: string, seal: Seal) {
  return Promise.all(seal.stacks.map(async ({ stack }) => ({ stack, json: await planIn(directory, stack) })));
}

function lossesBeyond(losses: readonly LossFinding[], allowed: readonly string[]): readonly string[] {
  return losses
    .filter(({ address }) => !allowed.includes(address))
    .map(({ headline, address }) => `${headline} If that is meant: --allow-data-loss '${address}'`);
}

function refuse(why: string, reasons: readonly string[]): number {
  process.stderr.write(`${[why, ...reasons.map((reason) => `  ${reason}`), "Nothing was changed."].join("\n")}\n`);
  return 1;
}

async function applyAll(directory: string, environment: string, seal: Seal): Promise<number> {
  for (const [index, { stack }] of seal.stacks.entries()) {
    console.log(`\n${stack}\n`);
    const args = ["apply", "-input=false", "-no-color", "-lock-timeout=30s", PLAN_FILE];
    const { code } = await terraform(folderOf(directory, stack), args, { isShown: true });
    if (code === 0) continue;
    const left = seal.stacks.slice(index + 1).map((each) => each.stack);
    const more = left.length > 0 ? ` Not begun: ${left.join(", ")}.` : "";
    const next =
      unwrittenAdvice(directory) ??
      [
        `Plan again, and apply that: ${again(directory, environment, seal)}`,
        "If the state is locked, and it is sure that nobody is at work on it, remove the lock before, by the ID that is told above:",
        ...unlocking(environment, stack, "ID"),
      ].join("\n");
    process.stderr.write(`${stack} was not applied to its end.${more} ${next}\n`);
    return 1;
  }
  return 0;
}

/** The command that plans the same stacks again. */
function again(directory: string, environment: string, seal: Seal): string {
  const kinds = STACK_KINDS.filter((kind) => seal.stacks.some(({ stack }) => stack.endsWith(`-${kind}`)));
  const options = kinds.length < STACK_KINDS.length ? kinds.map((kind) => ` --stack ${kind}`) : [];
  return `npm run -s order-tracking -- plan ${environment}${options.join("")} --out ${shownPath(directory)}`;
}

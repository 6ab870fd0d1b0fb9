/** `order-tracking plan`: what a deployment of an environment would change, reviewed, and saved to be applied. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { hasSignIn } from "../../deploy/azure-cli.ts";
import {
  folderOf,
  isSubscriptionKnown,
  PLAN_FILE,
  type PlannedStack,
  planStacks,
  planStacksFromNothing,
  stacksIn,
} from "../../deploy/plan-stacks.ts";
import { reviewOf } from "../../deploy/review-plans.ts";
import { planKey, sealPlans } from "../../deploy/seal.ts";
import { STACK_KINDS, type StackKind } from "../../environments/names.ts";
import { requestedEnvironments } from "../../environments/requested.ts";
import { asMarkdown } from "../../review/markdown.ts";
import type { Review, Verdict } from "../../review/review.ts";
import { findRowChanges } from "../../review/rows.ts";
import type { Finding } from "../../review/scene.ts";
import { asLines } from "../../review/terminal.ts";
import { code, printable } from "../../review/text.ts";
import { parseArguments, shellWord, userPath, UsageError } from "../arguments.ts";
import { arrivalsOf } from "../arrivals.ts";
import { adviceFor, refuseUnwrittenStates } from "../broken-deployment.ts";
import { failure } from "../failure.ts";
import { INTERRUPTED } from "../job-session.ts";
import { refuseOthersFiles, synthesizeAnew } from "../plan-folder.ts";
import { Progress } from "../progress.ts";
import { compareRows } from "../row-changes.ts";

export const usage = `Usage: npm run -s order-tracking -- plan ENVIRONMENT [--stack STACK]... [--out DIR] [--json]
                                           [--compare COMMIT [--file FILE]...]

Plans the environment's stacks with Terraform, and prints one review of all of them: what may be lost, who may do what,
what runs differently, what it costs, what is dangerous, and the rest in numbers. Changes nothing.

  --stack STACK  only platform, catalog or pipeline; may be given more than once
  --out DIR      save the plans there, sealed, for "apply ENVIRONMENT --plan DIR", with the review in review.md and
                 review.json. With ORDER_TRACKING_PLAN_KEY set, they are encrypted
  --json         print the review as one JSON document
  --compare COMMIT
                 tell what the code does to rows that COMMIT's does otherwise, as the command compare does: on this
                 machine, with the samples or each FILE

Without a sign-in, or while the environment's subscription is not known, it plans as if nothing were there yet: good for a
pull request of somebody who has no account. Such a plan is reviewed, but cannot be applied. With an identity that a
workflow gives it (ARM_USE_OIDC), it refuses a subscription that is not known.

Exit code: 0 nothing changes, 2 something does, 3 something that needs a second look, 1 an error.
`;

/** A mistake is an error, since 2 says that something changes. */
export const mistakeCode = 1;

const CODES: Readonly<Record<Verdict, number>> = { nothing: 0, changes: 2, "second look": 3, failed: 1 };

/** Plans, reviews and, if it is asked to, saves. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      stack: { type: "string", multiple: true, default: [...STACK_KINDS] },
      out: { type: "string" },
      json: { type: "boolean", default: false },
      compare: { type: "string" },
      file: { type: "string", multiple: true, default: [] },
    },
  });
  const [environment, ...rest] = positionals;
  if (environment === undefined || rest.length > 0) throw new UsageError("give one environment");
  const kinds = values.stack.map((name) => kindOf(name, environment));
  if (values.compare === undefined && values.file.length > 0) throw new UsageError("--file is for --compare");
  const compared =
    values.compare === undefined
      ? undefined
      : { commit: values.compare, files: values.file, arrivals: arrivalsOf(values.file) };
  const out = values.out === undefined ? undefined : userPath(values.out);
  const directory = out ?? mkdtempSync(path.join(tmpdir(), "order-tracking-plan-"));
  try {
    if (out !== undefined) {
      refuseOthersFiles(out);
      refuseUnwrittenStates(out);
    }
    refuseFromNothing(environment);
    const rows = compared ? await rowsOf(compared, environment, new Progress(values.json)) : [];
    if (rows === undefined) return INTERRUPTED;
    return await plan(environment, kinds, directory, { isSaved: out !== undefined, isJson: values.json, rows });
  } finally {
    if (out === undefined) rmSync(directory, { recursive: true });
  }
}

function kindOf(name: string, environment: string): StackKind {
  const kind = STACK_KINDS.find((each) => each === name || `${environment}-${each}` === name);
  if (kind === undefined) throw new UsageError(`--stack ${name}: give ${STACK_KINDS.join(", ")}`);
  return kind;
}

/** What rows are compared with, and of which files. */
interface Compared {
  readonly commit: string;
  /** As they were given. */
  readonly files: readonly string[];
  readonly arrivals: readonly (readonly string[])[];
}

/**
 * Compares rows for a review, which is worth reading without them as well. Why they could not be compared is told in their
 * place, and needs a second look: the job to be may have failed on files that the one before loads.
 *
 * @returns undefined where Ctrl-C came in between
 * @throws UsageError where what was asked for cannot be compared
 */
async function rowsOf(
  { commit, files, arrivals }: Compared,
  environment: string,
  progress: Progress,
): Promise<readonly Finding[] | undefined> {
  const stack = `${environment}-pipeline`;
  try {
    const comparison = await compareRows(commit, environment, arrivals, progress);
    return comparison && findRowChanges(comparison, stack);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const again = ["compare", ...[commit, ...files].map(shellWord), "--environment", shellWord(environment)].join(" ");
    return [
      {
        ...{ stack, address: "", needsSecondLook: true },
        headline: `The rows were not compared, since ${code(failure(error as Error))}.`,
        // Whole, however many files it names.
        details: [`To try that again: \`npm run -s order-tracking -- ${printable(again)}\``],
      },
    ];
  }
}

interface Options {
  readonly isSaved: boolean;
  readonly isJson: boolean;
  readonly rows: readonly Finding[];
}

async function plan(
  environment: string,
  kinds: readonly StackKind[],
  directory: string,
  options: Options,
): Promise<number> {
  const key = planKey(process.env);
  await synthesizeAnew(directory, environment);
  const stacks = stacksIn(directory, kinds);
  const missing = await missingFor(directory, environment);
  const planned = await (missing ? planStacksFromNothing(directory, stacks) : planStacks(directory, stacks));
  const review = await reviewOf(
    directory,
    nameIn(stacks),
    planned,
    missing ? [fromNothing(missing)] : [],
    options.rows,
  );
  tell(environment, review, planned, options);
  if (options.isSaved) {
    writeFileSync(path.join(directory, "review.md"), asMarkdown(review));
    writeFileSync(path.join(directory, "review.json"), `${JSON.stringify(review, null, 2)}\n`);
    const canBeApplied = !missing && review.verdict !== "failed";
    if (canBeApplied) await sealPlans(directory, nameIn(stacks), planned, key);
    else for (const stack of stacks) rmSync(path.join(folderOf(directory, stack), PLAN_FILE), { force: true });
  }
  return CODES[review.verdict];
}

/** The environment's own name: a sandbox is asked for by another one. */
function nameIn([first = ""]: readonly string[]): string {
  return first.replace(/-[a-z]+$/, "");
}

/** Why nothing of the environment can be looked at; nothing, where it can. */
async function missingFor(directory: string, environment: string): Promise<string | undefined> {
  const [platform = ""] = stacksIn(directory, ["platform"]);
  if (!isSubscriptionKnown(directory, nameIn([platform]))) return withoutSubscription(environment);
  return (await hasSignIn(process.env)) ? undefined : "nobody is signed in to Azure";
}

const withoutSubscription = (environment: string) =>
  `its subscription is not known: ${subscriptionVariable(environment)} is not set`;

/**
 * Looks at the subscription before anything is loaded or deleted for a plan.
 *
 * @throws Error where the process has an identity, and does not know it: nobody means a plan from nothing there, in which
 *   everything would be new
 */
function refuseFromNothing(environment: string): void {
  if (!process.env.ARM_USE_OIDC || process.env[subscriptionVariable(environment) ?? ""]) return;
  throw new Error(`${environment} was not planned, since ${withoutSubscription(environment)}`);
}

/** The variable that would tell the environment's subscription. */
function subscriptionVariable(environment: string): string | undefined {
  const asked = { ...process.env, ORDER_TRACKING_ENVIRONMENTS: environment };
  const [request] = requestedEnvironments(asked, new Date().toISOString().slice(0, 10)).requests;
  return request?.resolve().subscriptionIdVariable;
}

const fromNothing = (missing: string) =>
  `Planned as if nothing were there yet, since ${missing}. What is there already, and what goes, is not told. It cannot be applied.`;

function tell(environment: string, review: Review, planned: readonly PlannedStack[], { isJson }: Options): void {
  if (isJson) console.log(JSON.stringify(review, null, 2));
  else console.log(asLines(review).join("\n"));
  for (const { stack, failure } of planned) {
    if (failure === undefined) continue;
    const advice = adviceFor(failure, environment, stack);
    const lines = [`${stack}: Terraform failed`, masked(failure), ...(advice === undefined ? [] : [advice])];
    process.stderr.write(`\n${lines.join("\n")}\n`);
  }
}

/** Terraform's words without the values that it was handed in variables. */
function masked(said: string): string {
  const SHORTEST = 4;
  return Object.entries(process.env)
    .filter(([name, value = ""]) => name.startsWith("TF_VAR_") && value.length >= SHORTEST)
    .reduce((text, [name, value = ""]) => text.replaceAll(value, `(value of ${name})`), said);
}

/** `order-tracking github`: what workflows on GitHub do beside the other commands. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import {
  commentReviews,
  Github,
  isSuperseded,
  type PlanResult,
  RESULTS,
  reviewIn,
  tellStep,
  trackDrift,
} from "../../deploy/github.ts";
import { parseArguments, UsageError } from "../arguments.ts";

export const usage = `Usage: npm run -s order-tracking -- github plan ENVIRONMENT --out DIR [--compare COMMIT] [--newest-of BRANCH]
       npm run -s order-tracking -- github comment DIR --pull-request NUMBER
       npm run -s order-tracking -- github drift ENVIRONMENT DIR --result none|changes|second-look

For steps of workflows, with the variables that GitHub gives them.

  plan     as "plan ENVIRONMENT" with these options, but changes are no failure: shows the review in the step's summary,
           and hands out the result; with --newest-of, nothing is planned where the branch has a newer commit
  comment  show the reviews in DIR, a folder for each, in a comment each, which names the commit that they are of, and is
           updated from commit to commit
  drift    open, update or close the environment's issue

comment, drift and --newest-of need GITHUB_REPOSITORY and GITHUB_TOKEN; comment also COMMIT, the commit's hash.
`;

/** Does one step. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: "string" },
      compare: { type: "string" },
      "newest-of": { type: "string" },
      "pull-request": { type: "string" },
      result: { type: "string" },
    },
  });
  const { out, compare, "newest-of": branch, "pull-request": pullRequest, result } = values;
  const [what, first, second, ...rest] = positionals;
  if (first === undefined || rest.length > 0) throw new UsageError("give plan, comment or drift, and what it takes");
  if (what === "plan" && out !== undefined && second === undefined) return plan(first, out, compare, branch);
  if (what === "comment" && pullRequest !== undefined && second === undefined) return comment(first, pullRequest);
  if (what === "drift" && second !== undefined && result !== undefined) return drift(first, second, result);
  throw new UsageError("give plan, comment or drift, and what it takes");
}

async function plan(environment: string, folder: string, base?: string, branch?: string): Promise<number> {
  if (branch !== undefined && (await isSuperseded(new Github(process.env), branch, process.env))) return 0;
  // The identity that plans may read a state, and neither lock nor make one. What is applied is refused where the state
  // has changed since.
  process.env.TF_CLI_ARGS_plan = "-lock=false";
  const { run: runPlan } = await import("./plan.ts");
  const code = await runPlan([environment, "--out", folder, ...(base === undefined ? [] : ["--compare", base])]);
  const result = RESULTS[code];
  if (result === undefined) return code;
  tellStep(result, folder, process.env);
  return 0;
}

async function comment(folder: string, pullRequest: string): Promise<number> {
  if (!/^\d+$/.test(pullRequest)) throw new UsageError(`${pullRequest} is no number of a pull request`);
  // A variable and no option: a pull request's own workflow calls the command of its base, which refuses options that are
  // newer than it.
  const { COMMIT: commit = "" } = process.env;
  if (!/^[0-9a-f]{40}$/.test(commit))
    throw new UsageError(`COMMIT is "${commit}", no hash of a commit: set it to the one that the reviews are of`);
  // Where no environment could be planned, nothing was handed on.
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const reviews = new Map(names.map((name) => [name, reviewIn(path.join(folder, name))]));
  await commentReviews(new Github(process.env), Number(pullRequest), commit, reviews);
  return 0;
}

async function drift(environment: string, folder: string, given: string): Promise<number> {
  if (!(Object.values(RESULTS) as string[]).includes(given)) throw new UsageError(`${given} is no result of a plan`);
  const what = await trackDrift(new Github(process.env), environment, given as PlanResult, reviewIn(folder));
  console.log(`issue of ${environment}: ${what}`);
  return 0;
}

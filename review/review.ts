/** The plans of an environment's stacks in, one review out: what a person has to know before they are applied. */
import { findAccess, type AccessFinding } from "./access.ts";
import { findCosts } from "./costs.ts";
import { findDangersInPlace } from "./in-place.ts";
import { findLosses, type LossFinding } from "./loss.ts";
import { type Action, type Plan, readPlan } from "./plan.ts";
import { type Drift, type Group, groupDrift, groupRest } from "./rest.ts";
import { type FileChange, findRunning, type RunningFinding } from "./running.ts";
import { type Finding, Scene, type Sources } from "./scene.ts";
import { Secrets } from "./secrets.ts";
import { code, counted } from "./text.ts";
import { actionInWords } from "./words.ts";

/** A plan as `terraform show -json` prints it. */
export interface StackPlan {
  readonly stack: string;
  readonly json: unknown;
  /** What Terraform said where it failed, whatever plan it left. */
  readonly failure?: string;
}

/** What is known beside the plans. */
export interface Surroundings {
  readonly sources?: Partial<Sources>;
  /** Shipped files that differ from what is deployed. */
  readonly files?: readonly FileChange[];
  /** What the contract of the order files says otherwise. */
  readonly contract?: readonly string[];
  /** What the change does to rows. */
  readonly rows?: readonly Finding[];
  /** What a reader has to know of how the plans were made. */
  readonly notes?: readonly string[];
}

/** What it comes to: `failed` where a plan has, `second look` where a person should. */
export type Verdict = "nothing" | "changes" | "second look" | "failed";

/** A review; its form as JSON is what programs read. */
export interface Review {
  readonly version: 1;
  readonly environment: string;
  readonly verdict: Verdict;
  /** How many things meet each action. */
  readonly counts: Readonly<Partial<Record<Action, number>>>;
  readonly stacks: readonly string[];
  /** What keeps the plans from being all that there is to know. */
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
  readonly loss: readonly LossFinding[];
  readonly access: readonly AccessFinding[];
  readonly running: readonly RunningFinding[];
  readonly rows: readonly Finding[];
  readonly costs: readonly Finding[];
  readonly inPlace: readonly Finding[];
  readonly outputs: readonly string[];
  readonly rest: readonly Group[];
  readonly drift: readonly Drift[];
}

/** Reviews all plans of an environment together. Nothing in them makes it throw, and nothing sensitive comes out of it. */
export function review(environment: string, stackPlans: readonly StackPlan[], surroundings: Surroundings = {}): Review {
  const secrets = new Secrets();
  const plans = stackPlans.map(({ stack, json, failure }) => {
    const plan = readPlan(stack, json, secrets);
    return { ...plan, hasFailed: plan.hasFailed || failure !== undefined };
  });
  const { constructs = new Map<string, string>(), lines = new Map<string, string>() } = surroundings.sources ?? {};
  const scene = new Scene(environment, plans, secrets, { constructs, lines });
  // In this order: what one has told, the next ones need not.
  const access = findAccess(scene);
  const inPlace = findDangersInPlace(scene);
  const loss = findLosses(scene);
  const running = findRunning(scene, surroundings.files ?? [], surroundings.contract ?? []);
  const costs = findCosts(scene);
  const rows = surroundings.rows ?? [];
  const rest = groupRest(scene);
  const warnings = plans.flatMap((plan) => warningsOf(plan, scene));
  const findings = [...loss, ...access, ...running, ...rows, ...inPlace];
  const outputs = plans.flatMap(({ stack, outputs: changed }) =>
    changed.map(({ name, action }) => `${code(name)} of ${code(stack)} ${actionInWords(action)}`),
  );
  const isChange = scene.changes.some(
    ({ action, isImported, previousAddress }) =>
      !["none", "read"].includes(action) || isImported || previousAddress !== undefined,
  );
  const needsSecondLook = warnings.length > 0 || findings.some((finding) => finding.needsSecondLook);
  const found: Review = {
    version: 1,
    environment,
    verdict: plans.some(({ hasFailed, problem }) => hasFailed || problem !== undefined)
      ? "failed"
      : needsSecondLook
        ? "second look"
        : isChange || outputs.length > 0
          ? "changes"
          : "nothing",
    counts: countActions(scene),
    stacks: plans.map(({ stack }) => stack),
    warnings,
    notes: surroundings.notes ?? [],
    loss,
    access,
    running,
    rows,
    costs,
    inPlace,
    outputs,
    rest,
    drift: groupDrift(scene, plans),
  };
  return secrets.maskAll(found, OWN_WORDS);
}

/** Fields of a review that programs decide by: their words are this program's, never a plan's. */
const OWN_WORDS = ["verdict", "action", "how", "title"];

function countActions({ changes }: Scene): Review["counts"] {
  const counts: Partial<Record<Action, number>> = {};
  for (const { action } of changes) counts[action] = (counts[action] ?? 0) + 1;
  return counts;
}

/** Each value is masked as a whole: of one that is cut before, a part would be left that nobody knows for a secret. */
function warningsOf(plan: Plan, scene: Scene): readonly string[] {
  const stack = code(plan.stack);
  return [
    ...(plan.problem !== undefined ? [`The plan of ${stack} cannot be reviewed: ${plan.problem}.`] : []),
    ...(plan.hasFailed
      ? [`Terraform could not finish the plan of ${stack}: what is told of it is not all, and it cannot be applied.`]
      : []),
    ...(!plan.isComplete ? [`The plan of ${stack} is not complete: another one is needed after it.`] : []),
    ...plan.deferred.map(({ address, reason }) => `${scene.show(address)} is left to that one: ${scene.show(reason)}.`),
    ...plan.checks.map(
      ({ address, status, problems }) =>
        `The check of ${scene.show(address)} says ${scene.show(status)}${problems.length > 0 ? `: ${problems.map((each) => scene.show(each)).join(", ")}` : ""}.`,
    ),
    ...(plan.invocations.length > 0
      ? [
          `${stack} starts ${counted(plan.invocations.length, "action")} of a provider: ${plan.invocations.map((each) => scene.show(each)).join(", ")}.`,
        ]
      : []),
  ];
}

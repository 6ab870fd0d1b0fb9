/** A plan as `terraform show -json` prints it, read so that nothing in it can stop a review. */
import { isRecord, Secrets, withoutMarked } from "./secrets.ts";

/** What Terraform will do to one thing; `unknown` where it is nothing that this review knows. */
export type Action = "create" | "read" | "update" | "replace" | "destroy" | "forget" | "none" | "unknown";

/** A block or object of a plan; what is sensitive in it is masked. */
export type Block = Readonly<Record<string, unknown>>;

/** One change of a plan. */
export interface Change {
  readonly stack: string;
  /** Terraform's address, and the key of a deposed object. */
  readonly address: string;
  readonly type: string;
  readonly action: Action;
  /** Terraform's own words for it. */
  readonly actions: readonly string[];
  readonly before: Block;
  readonly after: Block;
  /** `true`, or a tree of it, where `after` is known only once it is applied. */
  readonly unknown: unknown;
  /** Paths of the attributes that force a replacement; there need not be any. */
  readonly replacePaths: readonly string[];
  /** Terraform's reason for the action, if it gives one. */
  readonly reason?: string;
  readonly previousAddress?: string;
  readonly isImported: boolean;
}

/** An output of a stack that will be another one. */
export interface OutputChange {
  readonly name: string;
  readonly action: Action;
}

/** A plan of one stack. */
export interface Plan {
  readonly stack: string;
  readonly changes: readonly Change[];
  readonly drift: readonly Change[];
  /** Attributes that something else in the configuration is made of, as `address.attribute`. */
  readonly relevant: ReadonlySet<string>;
  readonly outputs: readonly OutputChange[];
  /** Changes that this plan leaves to the next one, with Terraform's reason. */
  readonly deferred: readonly { readonly address: string; readonly reason: string }[];
  /** Checks and conditions that fail, or cannot be known yet. */
  readonly checks: readonly {
    readonly address: string;
    readonly status: string;
    readonly problems: readonly string[];
  }[];
  /** What else Terraform will start, such as actions of providers. */
  readonly invocations: readonly string[];
  /** What an attribute is made of: an address, by `address.attribute`. */
  readonly references: ReadonlyMap<string, string>;
  /** Whether another plan is needed after this one. */
  readonly isComplete: boolean;
  readonly hasFailed: boolean;
  /** Why this could not be read as a plan. */
  readonly problem?: string;
}

/** The major version of the format that is understood. A newer minor one only adds to it. */
const FORMAT = "1";

/** Reads a plan, and lets `secrets` learn what is sensitive in it. */
export function readPlan(stack: string, json: unknown, secrets: Secrets): Plan {
  const plan = record(json);
  const marks = marksIn(plan);
  learnSecrets(plan, marks, secrets);
  const version = plan.format_version;
  const isPlan = typeof version === "string" && version.split(".")[0] === FORMAT;
  const changes = (name: string) =>
    isPlan
      ? records(plan[name])
          .map((each) => readChange(stack, each, marks.get(text(each.address)) ?? []))
          .sort(byAddress)
      : [];
  return {
    stack,
    changes: changes("resource_changes"),
    drift: changes("resource_drift"),
    relevant: new Set(
      records(plan.relevant_attributes).map((each) =>
        [text(each.resource), ...list(each.attribute).map(String)].join("."),
      ),
    ),
    outputs: Object.entries(record(plan.output_changes))
      .map(([name, value]) => {
        // Terraform's documentation nests a change in it, its code does not.
        const change = record(record(value).change ?? value);
        return { name, action: actionOf(strings(change.actions)) };
      })
      .filter(({ action }) => action !== "none"),
    deferred: records(plan.deferred_changes).map((each) => ({
      address: text(record(each.resource_change).address),
      reason: text(each.reason),
    })),
    checks: records(plan.checks)
      .map((check) => ({
        address: text(record(check.address).to_display),
        status: text(check.status),
        problems: records(check.instances)
          .flatMap(({ problems }) => records(problems))
          .map(({ message }) => text(message)),
      }))
      .filter(({ status }) => status !== "pass" && status !== "unknown"),
    invocations: records(plan.action_invocations).map((each) => text(each.address)),
    references: readReferences(plan),
    isComplete: plan.complete !== false && records(plan.deferred_changes).length === 0,
    hasFailed: plan.errored === true,
    ...(!isPlan && { problem: problemOf(json, version) }),
  };
}

function problemOf(json: unknown, version: unknown): string {
  if (!isRecord(json)) return "it is not a plan of Terraform's";
  if (typeof version !== "string") return "it does not say which version of the format of plans it has";
  return `its format ${version} is none that this review reads, which is ${FORMAT}`;
}

function readChange(stack: string, json: Block, marks: readonly unknown[]): Change {
  const change = record(json.change);
  const actions = strings(change.actions);
  const deposed = text(json.deposed);
  const [before, after] = withoutMarked(change.before, change.after, marks);
  return {
    stack,
    address: `${text(json.address)}${deposed && ` (deposed ${deposed})`}`,
    type: text(json.type),
    action: actionOf(actions),
    actions,
    before: record(before),
    after: record(after),
    unknown: change.after_unknown,
    replacePaths: list(change.replace_paths).map(pathOf),
    isImported: isRecord(change.importing),
    ...(text(json.action_reason) && { reason: text(json.action_reason) }),
    ...(text(json.previous_address) && { previousAddress: text(json.previous_address) }),
  };
}

/** In the order of how much it may cost: whatever deletes is a deletion, with whatever else it is combined. */
function actionOf(actions: readonly string[]): Action {
  const has = (action: string) => actions.includes(action);
  if (has("delete")) return has("create") ? "replace" : "destroy";
  if (has("forget")) return "forget";
  if (actions.some((action) => !["create", "update", "read", "no-op"].includes(action))) return "unknown";
  if (has("update")) return "update";
  if (has("create")) return "create";
  if (has("read")) return "read";
  return has("no-op") ? "none" : "unknown";
}

function readReferences(plan: Block): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const resource of records(record(record(plan.configuration).root_module).resources)) {
    for (const [attribute, expression] of Object.entries(record(resource.expressions))) {
      const [address] = strings(record(expression).references).filter((each) => each.split(".").length === 2);
      if (address !== undefined) found.set(`${text(resource.address)}.${attribute}`, address);
    }
  }
  return found;
}

const changedOrDrifted = (plan: Block) => [...records(plan.resource_changes), ...records(plan.resource_drift)];

const marksOf = (change: Block): readonly unknown[] => [change.before_sensitive, change.after_sensitive];

/**
 * Marks of what is sensitive, by address: of what drifted and of what is planned together, since a review compares the two
 * where others have deleted something, and either may lack a mark that the other has.
 */
function marksIn(plan: Block): ReadonlyMap<string, readonly unknown[]> {
  const found = new Map<string, readonly unknown[]>();
  for (const { address, change } of changedOrDrifted(plan))
    found.set(text(address), [...(found.get(text(address)) ?? []), ...marksOf(record(change))]);
  return found;
}

function learnSecrets(plan: Block, marks: ReadonlyMap<string, readonly unknown[]>, secrets: Secrets): void {
  for (const { address, change } of changedOrDrifted(plan))
    learnFromChange(record(change), marks.get(text(address)) ?? [], secrets);
  const others = [
    ...records(plan.deferred_changes).map((each) => record(record(each.resource_change).change)),
    ...Object.values(record(plan.output_changes)).map((each) => record(record(each).change ?? each)),
  ];
  for (const each of others) learnFromChange(each, marksOf(each), secrets);
  const declared = record(record(record(plan.configuration).root_module).variables);
  for (const [name, variable] of Object.entries(record(plan.variables))) {
    secrets.learn(record(variable).value, record(declared[name]).sensitive === true);
  }
  const state = record(record(record(plan.prior_state).values).root_module);
  for (const each of records(state.resources)) secrets.learn(each.values, each.sensitive_values);
}

function learnFromChange(change: Block, marks: readonly unknown[], secrets: Secrets): void {
  for (const mark of marks) for (const side of [change.before, change.after]) secrets.learn(side, mark);
}

function byAddress(one: Change, other: Change): number {
  return one.address < other.address ? -1 : Number(one.address > other.address);
}

/** `rule[0].name` of `["rule", 0, "name"]`. */
function pathOf(steps: unknown): string {
  return list(steps)
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${String(step)}`))
    .join("");
}

// What is of another type is as if it were not there.
export const record = (value: unknown): Block => (isRecord(value) ? value : {});
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
export const records = (value: unknown): readonly Block[] => list(value).filter(isRecord);
export const strings = (value: unknown): readonly string[] => list(value).filter((each) => typeof each === "string");
export const text = (value: unknown): string => (typeof value === "string" ? value : "");

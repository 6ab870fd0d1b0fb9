/** What differs between the two sides of a change, field by field. */
import { type Change, list, record } from "./plan.ts";
import { isMasked, isRecord } from "./secrets.ts";

/** What is there in place of a value that only the deployment will tell. */
export const LATER = "(known after apply)";

/** One field that differs. */
export interface Difference {
  /** Such as `task[source_to_stage].timeout_seconds`; a block that is there once has no index. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The field that a difference is in, or is. */
export const fieldOf = ({ path }: Difference): string => /^\w*/.exec(path)?.[0] ?? "";

/** Fields that name an element of a list: by them the two sides are compared, wherever the elements are. */
const NAMES = [
  "task_key",
  "job_cluster_key",
  "key",
  "principal",
  "name",
  "metric",
  "group_name",
  "service_principal_name",
  "user_name",
  "category",
  "category_group",
];
const DEEPEST = 60;
const LONGEST_JSON = 1_000_000;

/** The fields in which a thing will differ from what it is, in the order of the fields' names. */
export function differencesOf({ before, after, unknown }: Change): readonly Difference[] {
  const found: Difference[] = [];
  compare("", before, after, unknown, found, 0);
  return found;
}

function compare(
  path: string,
  before: unknown,
  after: unknown,
  unknown: unknown,
  found: Difference[],
  depth: number,
): void {
  if (unknown === true) {
    found.push({ path, before, after: LATER });
    return;
  }
  if (before === after || (isNothing(before) && isNothing(after) && !hasLater(unknown))) return;
  const [previous, next] = [parsed(before), parsed(after)];
  if (isRecord(previous) && isRecord(next)) {
    compareBlocks(path, previous, next, undefined, found, depth);
    return;
  }
  if (depth < DEEPEST && isBlock(before) && isBlock(after)) {
    compareBlocks(path, before, after, record(unknown), found, depth);
    return;
  }
  if (depth < DEEPEST && isListOrNothing(before) && isListOrNothing(after)) {
    const [previousItems, nextItems] = [list(before), list(after)];
    if ([...previousItems, ...nextItems].every(isRecord)) {
      compareLists(path, previousItems, nextItems, list(unknown), found, depth);
      return;
    }
    if (
      previousItems.length === nextItems.length &&
      previousItems.every((each, index) => each === nextItems[index]) &&
      !hasLater(unknown)
    )
      return;
  }
  found.push({ path, before, after: hasLater(unknown) && isNothing(after) ? LATER : withLater(after, unknown) });
}

/** A list with LATER for each element that is known only later, which a plan shows as null, or in a set not at all. */
function withLater(after: unknown, unknown: unknown): unknown {
  const later = list(unknown).filter((each) => each === true);
  if (!Array.isArray(after) || later.length === 0) return after;
  return [...list(after).filter((each) => !isNothing(each)), ...later.map(() => LATER)];
}

function compareBlocks(
  path: string,
  before: unknown,
  after: unknown,
  unknown: unknown,
  found: Difference[],
  depth: number,
): void {
  const [previous, next, later] = [record(before), record(after), record(unknown)];
  const names = new Set([...Object.keys(previous), ...Object.keys(next), ...Object.keys(later)]);
  for (const name of [...names].sort()) {
    compare(path === "" ? name : `${path}.${name}`, previous[name], next[name], later[name], found, depth + 1);
  }
}

function compareLists(
  path: string,
  previous: readonly unknown[],
  next: readonly unknown[],
  unknown: readonly unknown[],
  found: Difference[],
  depth: number,
): void {
  const field = NAMES.find((name) => [previous, next].every((side) => areNamedBy(name, side)));
  if (field === undefined) {
    const length = Math.max(previous.length, next.length);
    for (let index = 0; index < length; index++) {
      const at = length === 1 ? path : `${path}[${index}]`;
      compareBlocks(at, previous[index], next[index], unknown[index], found, depth + 1);
    }
    return;
  }
  const nameOf = (element: unknown) => String(record(element)[field]);
  const byName = new Map(previous.map((each) => [nameOf(each), each]));
  for (const [index, each] of next.entries()) {
    const [at, before] = [`${path}[${nameOf(each)}]`, byName.get(nameOf(each))];
    if (before === undefined) found.push({ path: at, before, after: each });
    else compareBlocks(at, before, each, unknown[index], found, depth + 1);
    byName.delete(nameOf(each));
  }
  for (const [name, each] of byName) found.push({ path: `${path}[${name}]`, before: each, after: undefined });
}

function areNamedBy(field: string, elements: readonly unknown[]): boolean {
  const names = elements.map((each) => record(each)[field]);
  return names.every((name) => typeof name === "string" && name !== "") && new Set(names).size === names.length;
}

/** What a text of JSON says, such as a policy's definition. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string" || !value.startsWith("{") || value.length > LONGEST_JSON) return undefined;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

const isBlock = (value: unknown) => isRecord(value) || value === null || value === undefined;
const isListOrNothing = (value: unknown) => Array.isArray(value) || value === null || value === undefined;

/** Whether what a field will be cannot be told from a plan: it is sensitive, or known only later. */
export const isUnseen = ({ before, after }: Difference): boolean =>
  after === LATER || isMasked(before) || isMasked(after);

/** Whether a path differs only in the folder of the code's version. */
export function isOtherVersion({ before, after }: Difference): boolean {
  if (typeof before !== "string" || typeof after !== "string") return false;
  const withoutVersion = (path: string) => path.replace(/\/code-[0-9a-f]+(?=\/|$)/, "/code");
  return before.includes("/code-") && withoutVersion(before) === withoutVersion(after);
}

/** What providers write of what is not set, which the plan of what is new leaves out. */
const UNSET: readonly unknown[] = [false, 0, -1];

/**
 * Whether it says nothing of what is made anew: ids, names, places and what else a service chooses are known only later,
 * and what is not set is left out, as is the place that Databricks chooses for a managed volume.
 */
export function isOfWhatIsNew({ path, before, after }: Difference, change: Change): boolean {
  if (isNothing(after))
    return UNSET.includes(before) || (path === "storage_location" && change.before.volume_type === "MANAGED");
  return (
    after === LATER &&
    (isNothing(before) || /(^|[._])(id|name|vnet_address_prefix)$|^(path|storage_location)$/.test(path))
  );
}

/** Providers write what is not set in several ways. */
export function isNothing(value: unknown, depth = 0): boolean {
  if (value === null || value === undefined || value === "") return true;
  return (
    typeof value === "object" && depth < DEEPEST && Object.values(value).every((each) => isNothing(each, depth + 1))
  );
}

/** Whether anything in a value, of which this is the tree in the plan, is known only once it is applied. */
export function hasLater(unknown: unknown, depth = 0): boolean {
  if (unknown === true) return true;
  if (typeof unknown !== "object" || unknown === null || depth >= DEEPEST) return false;
  return Object.values(unknown).some((each) => hasLater(each, depth + 1));
}

/** All plans of an environment at once, and what of each change has been told. */
import { type Difference, differencesOf, hasLater, LATER } from "./differences.ts";
import { type Block, type Change, list, type Plan, record, text } from "./plan.ts";
import { isRecord, type Secrets } from "./secrets.ts";
import { code, codeAmong, codeOfCommand, codesOf, printable } from "./text.ts";

/** What a review says of something, in one sentence and some more below it. Values in them are quoted as code. */
export interface Finding {
  readonly stack: string;
  readonly address: string;
  readonly headline: string;
  readonly details: readonly string[];
  /** Whether a person should look at it once more before it is applied. */
  readonly needsSecondLook: boolean;
  /** The construct's path, and the line of TypeScript where that is known. */
  readonly source?: string;
}

/** What is known of where the resources of a stack come from, by their addresses. */
export interface Sources {
  readonly constructs: ReadonlyMap<string, string>;
  /** Such as `stacks/constructs/order-lake.ts:41`. */
  readonly lines: ReadonlyMap<string, string>;
}

export class Scene {
  readonly environment: string;
  readonly plans: readonly Plan[];
  readonly secrets: Secrets;
  readonly sources: Sources;
  readonly changes: readonly Change[];
  readonly #told = new Map<Change, Set<string>>();
  readonly #differences = new Map<Change, readonly Difference[]>();
  readonly #outcomes = new Map<Change, Change>();
  readonly #names = new Map<Change, string>();
  readonly #byId = new Map<string, Change>();
  readonly #byAddress = new Map<string, Change>();

  constructor(environment: string, plans: readonly Plan[], secrets: Secrets, sources: Sources) {
    this.environment = environment;
    this.plans = plans;
    this.secrets = secrets;
    this.sources = sources;
    this.changes = plans.flatMap(({ changes }) => changes);
    for (const change of this.changes) {
      this.#byAddress.set(`${change.stack} ${change.address}`, change);
      const id = text(change.before.id) || text(change.after.id);
      const known = this.#byId.get(`${change.stack} ${id}`);
      // An id may be that of several: of what stays, and of what goes from beside it or from another address.
      if (id !== "" && (known === undefined || known.action === "destroy"))
        this.#byId.set(`${change.stack} ${id}`, change);
    }
    for (const { drift, changes } of plans) {
      const deleted = new Map(drift.filter(({ action }) => action === "destroy").map((each) => [each.address, each]));
      for (const change of changes) {
        const before = deleted.get(change.address)?.before;
        if (before && change.action === "create") this.#outcomes.set(change, { ...change, action: "replace", before });
      }
    }
  }

  /** What others have deleted and a change makes anew comes to a replacement, which its plan does not show as one. */
  outcomeOf(change: Change): Change {
    return this.#outcomes.get(change) ?? change;
  }

  /** A value as people read it, quoted. */
  show(value: unknown): string {
    return wordsFor(value) ?? code(this.#written(value));
  }

  /** A command to be copied, quoted and whole. */
  showCommand(command: string): string {
    return codeOfCommand(this.secrets.mask(command));
  }

  /** Two values that differ; of those that are too long to show, where they begin to. */
  showBoth(before: unknown, after: unknown): readonly [string, string] {
    return wordsFor(before) === undefined && wordsFor(after) === undefined
      ? codesOf(this.#written(before), this.#written(after))
      : [this.show(before), this.show(after)];
  }

  #written(value: unknown): string {
    return this.secrets.mask(typeof value === "string" ? value : JSON.stringify(value));
  }

  /** A difference in words. */
  showDifference({ path, before, after }: Difference): string {
    if (Array.isArray(before) && Array.isArray(after)) {
      const [more, less] = [this.#beyond(before, after), this.#beyond(after, before)];
      if (more.length + less.length > 0) {
        // Each is shown by what tells it from the others: long ones may differ only at their ends.
        const all = [...list(before), ...list(after)].map((each) => this.#written(each));
        const showAmong = (each: unknown) => wordsFor(each) ?? codeAmong(this.#written(each), all);
        const [gained, lost] = [more.map(showAmong), less.map(showAmong)];
        return [
          `${this.show(path)}:`,
          gained.length > 0 && `gains ${gained.join(", ")}`,
          lost.length > 0 && `loses ${lost.join(", ")}`,
        ]
          .filter(Boolean)
          .join(" ");
      }
    }
    if (isRecord(before) && after === undefined) return `${this.show(path)} goes`;
    if (before === undefined && isRecord(after)) return `${this.show(path)} is new: ${this.show(after)}`;
    return `${this.show(path)}: ${this.showBoth(before, after).join(" → ")}`;
  }

  /** The elements of a list that another one has not. */
  #beyond(other: readonly unknown[], list: readonly unknown[]): readonly unknown[] {
    const known = new Set(other.map((each) => this.#written(each)));
    return list.filter((each) => !known.has(this.#written(each)));
  }

  differences(change: Change): readonly Difference[] {
    const known = this.#differences.get(change) ?? differencesOf(change);
    this.#differences.set(change, known);
    return known;
  }

  /** Remembers that fields of a change have been told; all of them, unless they are named. */
  tell(change: Change, paths = this.differences(change).map(({ path }) => path)): void {
    this.#told.set(change, new Set([...(this.#told.get(change) ?? []), ...paths]));
  }

  /** What no finding has told of a change; nothing where there is no finding about it. */
  untold(change: Change): readonly Difference[] | undefined {
    const told = this.#told.get(change);
    return told && this.differences(change).filter(({ path }) => !told.has(path));
  }

  /** What people call a thing: its name, or else where the program made it. */
  nameOf(change: Change): string {
    const known = this.#names.get(change) ?? this.#named(change);
    this.#names.set(change, known);
    return known;
  }

  #named(change: Change): string {
    const named = NAMES.map((name) => text(change.before[name]) || text(change.after[name])).find(Boolean);
    return named ? this.show(named) : this.show(this.sources.constructs.get(change.address) ?? change.address);
  }

  /** The thing that an attribute of one side of a change names by its id, or will once that id is known. */
  thingOf(change: Change, side: Block, attribute: string): Change | undefined {
    const id = text(side[attribute]);
    if (id !== "") return this.#byId.get(`${change.stack} ${id}`);
    if (side !== change.after || !hasLater(record(change.unknown)[attribute])) return undefined;
    const plan = this.plans.find(({ stack }) => stack === change.stack);
    return this.#byAddress.get(`${change.stack} ${plan?.references.get(`${change.address}.${attribute}`) ?? ""}`);
  }

  /** What every finding says of the thing that it is about. */
  about({ stack, address }: Change): Pick<Finding, "stack" | "address" | "source"> {
    const [construct, line] = [this.sources.constructs.get(address), this.sources.lines.get(address)];
    const source = [construct, line]
      .filter(Boolean)
      .map((each) => printable(String(each)))
      .join(", ");
    return { stack, address, ...(source && { source }) };
  }
}

/** What is said of a value that is none, or none yet. */
function wordsFor(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return "nothing";
  return value === LATER ? "what is known only after it is applied" : undefined;
}

const NAMES = ["role_definition_name", "name", "display_name", "cluster_name", "full_name", "path"];

/** The one block of this name within another; an empty one where there is none. */
export function blockOf(block: Block, ...path: readonly string[]): Block {
  return path.reduce<Block>((within, name) => {
    const inner: unknown = within[name];
    const first: unknown = Array.isArray(inner) ? inner[0] : inner;
    return typeof first === "object" && first !== null ? (first as Block) : {};
  }, block);
}

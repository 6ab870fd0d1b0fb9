/** Sensitive values: what Terraform marks, before or after, is shown nowhere, and looked for in every text. */

import { wellFormed } from "./text.ts";

const SENSITIVE = "(sensitive value)";
/** Of a change's other side, where that has another value at this place: so the change is seen, and no value. */
const OTHER_SENSITIVE = "(another sensitive value)";
const TOO_DEEP = "(nested too deep to show)";
const DEEPEST = 60;
/** What is shorter is masked where it is marked, but not wherever else it turns up: `1` would be everywhere. */
const SHORTEST = 4;
/** A regular expression of what is far longer fails as too large, with an error that has all of it. */
const LONGEST_IN_PATTERN = 1000;

/** The values that must not be seen in any text, in each way that they may be written there. */
export class Secrets {
  readonly #values = new Set<string>();
  #wanted: Wanted | undefined;

  /** Remembers the values at the marked places; a mark is `true`, or a tree of marks in the shape of the value. */
  learn(value: unknown, mark: unknown, depth = 0): void {
    if (mark === true) this.#learnAll(value, depth);
    else if (depth < DEEPEST) for (const [each, itsMark] of pairs(value, mark)) this.learn(each, itsMark, depth + 1);
  }

  /** A text in which none of them is left. */
  mask(text: string): string {
    if (this.#values.size === 0) return text;
    const { long, pattern } = (this.#wanted ??= wantedOf(this.#values));
    return long.reduce((rest, value) => rest.replaceAll(value, SENSITIVE), text).replace(pattern, SENSITIVE);
  }

  /**
   * The same in every string of a value, but for the names of its fields.
   *
   * @param untouched fields that hold words of this program alone, which a secret may be like
   */
  maskAll<T>(value: T, untouched: readonly string[]): T {
    return this.#maskAll(value, untouched) as T;
  }

  #maskAll(value: unknown, untouched: readonly string[]): unknown {
    if (typeof value === "string") return this.mask(value);
    if (Array.isArray(value)) return value.map((each) => this.#maskAll(each, untouched));
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        name,
        untouched.includes(name) ? each : this.#maskAll(each, untouched),
      ]),
    );
  }

  #learnAll(value: unknown, depth: number): void {
    if (typeof value === "string" || typeof value === "number") this.#add(String(value));
    else if (depth < DEEPEST && typeof value === "object" && value !== null) {
      for (const each of Object.values(value)) this.#learnAll(each, depth + 1);
    }
  }

  #add(secret: string): void {
    const lines = secret.split("\n");
    const written = [secret, ...lines, ...lines.map((line) => line.trim())].flatMap((text) => [
      text,
      JSON.stringify(text).slice(1, -1),
      encodeURIComponent(wellFormed(text)),
      Buffer.from(text).toString("base64"),
    ]);
    for (const text of written) if (text.length >= SHORTEST) this.#values.add(text);
    this.#wanted = undefined;
  }
}

/** Values as they are looked for in a text: the long ones one by one, then all others at once. */
interface Wanted {
  readonly long: readonly string[];
  readonly pattern: RegExp;
}

function wantedOf(values: Iterable<string>): Wanted {
  const all = [...values].sort((one, other) => other.length - one.length);
  const isLong = (value: string) => value.length > LONGEST_IN_PATTERN;
  const alternatives = all
    .filter((value) => !isLong(value))
    .map((value) => value.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`));
  return { long: all.filter(isLong), pattern: new RegExp(alternatives.join("|") || NOTHING, "g") };
}

/** A pattern that nothing has. */
const NOTHING = "(?!)";

/** Where sensitive values are: everywhere below, or in some fields, or in the elements of a list. */
type Mark = true | { readonly fields: ReadonlyMap<string, Mark>; readonly elements?: Mark } | undefined;

/**
 * Both sides of a change without what is sensitive in them. What is marked on one side is masked on both; in a list, what
 * is marked in one element is masked in all, since elements move; one that has moved is taken for another value.
 */
export function withoutMarked(before: unknown, after: unknown, marks: readonly unknown[]): readonly [unknown, unknown] {
  const mark = marks.map((each) => readMark(each)).reduce(merged, undefined);
  return [masked(before, undefined, mark), masked(after, before, mark)];
}

/** Whether a value, or anything in it, was masked. */
export function isMasked(value: unknown, depth = 0): boolean {
  if (typeof value === "string") return value.includes(SENSITIVE) || value.includes(OTHER_SENSITIVE);
  if (typeof value !== "object" || value === null) return false;
  return depth < DEEPEST && Object.values(value).some((each) => isMasked(each, depth + 1));
}

/** @param other the value at the same place of the side before; nothing where there is none */
function masked(value: unknown, other: unknown, mark: Mark, depth = 0): unknown {
  if (value === null || value === undefined) return value;
  if (mark === true) return other === null || other === undefined || isSame(value, other) ? SENSITIVE : OTHER_SENSITIVE;
  if (typeof value !== "object") return value;
  if (depth >= DEEPEST) return TOO_DEEP;
  if (Array.isArray(value)) {
    const others: readonly unknown[] = Array.isArray(other) ? other : [];
    return value.map((each, index) => masked(each, others[index], mark?.elements, depth + 1));
  }
  const others = isRecord(other) ? other : {};
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, masked(each, others[name], mark?.fields.get(name), depth + 1)]),
  );
}

/** What is nested too deep to compare is taken for another value. */
function isSame(one: unknown, other: unknown, depth = 0): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const [ofOne, ofOther] = [Object.entries(one), new Map(Object.entries(other))];
  return (
    depth < DEEPEST &&
    ofOne.length === ofOther.size &&
    ofOne.every(([name, each]) => ofOther.has(name) && isSame(each, ofOther.get(name), depth + 1))
  );
}

function readMark(json: unknown, depth = 0): Mark {
  if (json === true) return true;
  if (typeof json !== "object" || json === null || depth >= DEEPEST) return undefined;
  if (Array.isArray(json)) {
    const elements = json.map((each) => readMark(each, depth + 1)).reduce(merged, undefined);
    return { fields: new Map(), elements };
  }
  const marks = Object.entries(json).map(([name, each]): [string, Mark] => [name, readMark(each, depth + 1)]);
  return { fields: new Map(marks) };
}

function merged(one: Mark, other: Mark): Mark {
  if (one === true || other === true) return true;
  if (one === undefined || other === undefined) return one ?? other;
  const names = new Set([...one.fields.keys(), ...other.fields.keys()]);
  return {
    fields: new Map([...names].map((name) => [name, merged(one.fields.get(name), other.fields.get(name))])),
    elements: merged(one.elements, other.elements),
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Each part of a value with the mark that is at its place. */
function pairs(value: unknown, mark: unknown): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(value) && Array.isArray(mark)) {
    return value.map((each, index): [unknown, unknown] => [each, mark[index]]);
  }
  if (!isRecord(value) || !isRecord(mark)) return [];
  return Object.entries(value).map(([name, each]): [unknown, unknown] => [each, mark[name]]);
}

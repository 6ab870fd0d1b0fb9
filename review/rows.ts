/** What a change does to rows: the same files, loaded by the code of two commits. */
import type { Finding } from "./scene.ts";
import { code, counted } from "./text.ts";

/** What is otherwise with the code to be; of orders, of rows in quarantine, and of files. */
export const ROW_CHANGES = ["lost", "changed", "inserted", "quarantined", "released", "rejected", "accepted"] as const;
export type RowChangeKind = (typeof ROW_CHANGES)[number];

/** Rows or files that are otherwise in one way. */
export interface RowChange {
  readonly kind: RowChangeKind;
  /** How many there are; there need not be an example of each. */
  readonly count: number;
  readonly examples: readonly RowExample[];
}

/** An order by its tracking number, a row by its file and number, or a file. */
export interface RowExample {
  readonly name: string;
  /** Values by column, of an order on both sides. */
  readonly before?: Readonly<Record<string, string>>;
  readonly after?: Readonly<Record<string, string>>;
  /** Of a row or a file that is not taken. */
  readonly reason?: string;
}

/** What came of the same files with the code of a commit and with that to be. */
export interface RowComparison {
  /** The commit, as it was asked for. */
  readonly base: string;
  readonly files: number;
  readonly orders: number;
  readonly quarantined: number;
  /** Columns of the orders that only one side has; no column that both have is left out. */
  readonly newColumns: readonly string[];
  readonly lostColumns: readonly string[];
  readonly changes: readonly RowChange[];
}

/** What there is one or more of, which ones, and what they are; of the commit's name. */
const WORDS: Readonly<
  Record<RowChangeKind, readonly [thing: string, which: (base: string) => string, what: (base: string) => string]>
> = {
  lost: ["order", (base) => ` that ${base} loads`, () => "not there"],
  changed: ["order", () => "", (base) => `otherwise than with ${base}`],
  inserted: ["order", () => "", (base) => `there that ${base} does not load`],
  quarantined: ["row", (base) => ` that ${base} lets through`, () => "quarantined"],
  released: ["row", (base) => ` that ${base} quarantines`, () => "let through"],
  rejected: ["file", (base) => ` that ${base} takes`, () => "rejected"],
  accepted: ["file", (base) => ` that ${base} rejects`, () => "taken"],
};

/** Where somebody gets less than before, a person should look at it. */
const LESS: readonly RowChangeKind[] = ["lost", "changed", "quarantined", "rejected"];

/** A finding for each way in which rows are otherwise, or one that says that none are. */
export function findRowChanges(comparison: RowComparison, stack: string): readonly Finding[] {
  const { base, files, orders, quarantined, newColumns, lostColumns, changes } = comparison;
  const commit = code(base);
  const finding = (headline: string, details: readonly string[], needsSecondLook: boolean): Finding => ({
    ...{ stack, address: "", headline, details, needsSecondLook },
  });
  const columns = [
    ...newColumns.map((name) => finding(`Orders have a column ${code(name)} that ${commit} does not have.`, [], false)),
    ...lostColumns.map((name) => finding(`Orders have no column ${code(name)} any more.`, [], true)),
  ];
  const rows = changes
    .toSorted((one, other) => ROW_CHANGES.indexOf(one.kind) - ROW_CHANGES.indexOf(other.kind))
    .map(({ kind, count, examples }) => {
      const [thing, which, what] = WORDS[kind];
      const headline = `${counted(count, thing)}${which(commit)} ${count === 1 ? "is" : "are"} ${what(commit)}.`;
      const more = count > examples.length ? [`and ${count - examples.length} more`] : [];
      return finding(headline, [...examples.map(exampleInWords), ...more], LESS.includes(kind));
    });
  if (columns.length + rows.length > 0) return [...columns, ...rows];
  const made = `${counted(orders, "order")} and ${counted(quarantined, "quarantined row")}`;
  return [finding(`Of ${counted(files, "file")} it makes the same as ${commit}: ${made}.`, [], false)];
}

function exampleInWords({ name, before = {}, after = {}, reason }: RowExample): string {
  const value = (given: string | undefined) => (given === undefined ? "nothing" : code(given));
  const differences = Object.keys({ ...before, ...after })
    .filter((column) => before[column] !== after[column])
    .map((column) => `${code(column)} ${value(before[column])} → ${value(after[column])}`);
  const isOnBothSides = Object.keys(before).length > 0 && Object.keys(after).length > 0;
  return [code(name), reason && code(reason), isOnBothSides && differences.join(", ")].filter(Boolean).join(": ");
}

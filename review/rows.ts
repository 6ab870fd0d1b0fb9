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

const SENTENCES: Readonly<Record<RowChangeKind, (count: number, base: string) => string>> = {
  lost: (count, base) => `${counted(count, "order")} that ${base} loads ${count === 1 ? "is" : "are"} not there`,
  changed: (count, base) => `${counted(count, "order")} ${count === 1 ? "is" : "are"} otherwise than with ${base}`,
  inserted: (count, base) =>
    `${counted(count, "order")} ${count === 1 ? "is" : "are"} there that ${base} does not load`,
  quarantined: (count, base) => `${counted(count, "row")} that ${base} lets through ${wereQuarantined(count)}`,
  released: (count, base) =>
    `${counted(count, "row")} that ${base} quarantines ${count === 1 ? "is" : "are"} let through`,
  rejected: (count, base) => `${counted(count, "file")} that ${base} takes ${count === 1 ? "is" : "are"} rejected`,
  accepted: (count, base) => `${counted(count, "file")} that ${base} rejects ${count === 1 ? "is" : "are"} taken`,
};
const wereQuarantined = (count: number) => `${count === 1 ? "is" : "are"} quarantined`;

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
      const more = count > examples.length ? [`and ${count - examples.length} more`] : [];
      return finding(
        `${SENTENCES[kind](count, commit)}.`,
        [...examples.map(exampleInWords), ...more],
        LESS.includes(kind),
      );
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

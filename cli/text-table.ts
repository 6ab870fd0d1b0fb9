/** Rows as aligned columns of text. */
import { OBEYED, writtenOut } from "../review/text.ts";

/** How a value of a query's result is shown. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Text here has several lines. */
const OBEYED_IN_LINES = new RegExp(`(?!\\n)${OBEYED.source}`, OBEYED.flags);

/** Writes out whatever a terminal would obey: what people see here, others have sent. */
export function printable(text: string): string {
  return writtenOut(text, OBEYED_IN_LINES);
}

/** Lines of two-space separated columns, headed by their names; numbers to the right. */
export function textTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  const cells = rows.map((row) => columns.map((_, index) => printable(showValue(row[index]).replaceAll(/\s+/g, " "))));
  const widths = columns.map(({ length }, index) =>
    cells.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), length),
  );
  const numeric = columns.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === "number"));
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => (numeric[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join("  ")
      .trimEnd();
  return [columns, ...cells].map(line);
}

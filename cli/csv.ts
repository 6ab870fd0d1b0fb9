/** Rows as CSV, for other programs. */
import { showValue } from "./text-table.ts";

/**
 * A header line and the rows as RFC 4180 has them; structured values as JSON.
 *
 * @param show how a value is written, before it is quoted
 */
export function csv(columns: readonly string[], rows: readonly (readonly unknown[])[], show = showValue): string {
  return [...csvLines(columns, rows, show)].join("");
}

/** The lines of {@link csv}, with their ends: those of a large table are longer than one text can be. */
export function* csvLines(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  show = showValue,
): Generator<string> {
  for (const row of [columns, ...rows]) yield `${row.map((value) => field(show(value))).join(",")}\r\n`;
}

/** A value for people, who open what others have sent in a spreadsheet: a text that it would work out stays a text. */
export function forSpreadsheet(value: unknown): string {
  const shown = showValue(value);
  return typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${shown}` : shown;
}

function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

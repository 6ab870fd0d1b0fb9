/** Rows as CSV, for other programs. */
import { showValue } from "./text-table.ts";

/** A header line and the rows as RFC 4180 has them; structured values as JSON. */
export function csv(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return [...csvLines(columns, rows)].join("");
}

/** The lines of {@link csv}, with their ends: those of a large table are longer than one text can be. */
export function* csvLines(columns: readonly string[], rows: readonly (readonly unknown[])[]): Generator<string> {
  for (const row of [columns, ...rows]) yield `${row.map(field).join(",")}\r\n`;
}

function field(value: unknown): string {
  const text = showValue(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

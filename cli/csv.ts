/** Rows as CSV, for other programs. */
import { showValue } from "./text-table.ts";

/** A header line and the rows as RFC 4180 has them; structured values as JSON. */
export function csv(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

function field(value: unknown): string {
  const text = showValue(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Pieces that several views are made of. */
import type { Row } from "../local/notebook-kernel.ts";
import { type Content, html, type Html } from "./html.ts";

/** A part of a view, which the browser asks for; until it is there, a text says what is being done. */
export function part(
  name: string,
  query: Readonly<Record<string, string>>,
  label: string,
  waiting = "Asking Spark …",
): Html {
  const search = new URLSearchParams(query).toString();
  return html`<section data-part="parts/${name}${search && `?${search}`}" aria-label="${label}" aria-busy="true">
    <p class="waiting">${waiting}</p>
  </section>`;
}

/** A column of a table. */
export interface Column<R = Row> {
  readonly name: string;
  readonly of: (row: R) => Content;
  /** @default false */
  readonly isNumber?: boolean;
}

/** Rows as a table, which scrolls by itself where it is too wide. */
export function table<R>(caption: string, columns: readonly Column<R>[], rows: readonly R[]): Html {
  const align = ({ isNumber }: Column<R>) => (isNumber ? html`class="number"` : "");
  const head = columns.map((column) => html`<th scope="col" ${align(column)}>${column.name}</th>`);
  const line = (row: R) =>
    html`<tr>
      ${columns.map((column) => html`<td ${align(column)}>${column.of(row)}</td>`)}
    </tr>`;
  return html`<div class="wide" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${rows.map(line)}
      </tbody>
    </table>
  </div>`;
}

/** What stands beside rows that were cut short, where one more than are shown was asked for. */
export function ofMore(rows: readonly unknown[], shown: number, which: "first" | "newest" = "first"): Content {
  return rows.length > shown ? html`<p class="hint">The ${which} ${count(shown)} of more.</p>` : "";
}

/** All columns of rows, as they are. */
export function columnsOf(rows: readonly Row[]): Column[] {
  return Object.keys(rows[0] ?? {}).map((name) => ({
    name: name.replaceAll("_", " "),
    of: (row) => text(row[name]),
    isNumber: rows.every((row) => typeof row[name] === "number"),
  }));
}

/** A value of a table as text: a number as it is, whatever it counts; of a time, whole seconds are enough for people. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") return JSON.stringify(value);
  return value.replace(/^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d+$/, "$1");
}

/** A number that is counted or measured here, with its thousands apart, and two decimals at most. */
export function count(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 2 });
}

/** A number of things, in words: "1 row", "2 rows". */
export function counted(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? "" : "s"}`;
}

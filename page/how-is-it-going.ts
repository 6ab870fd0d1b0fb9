/** How is it going? Whether today's load is normal, and the deployed dashboard. */
import { lastEnvironment, readLoadJob } from "../local/synthesized-job.ts";
import type { Home } from "../local/home.ts";
import type { Row } from "../local/notebook-kernel.ts";
import { chartFigure } from "./chart.ts";
import { chartOf, type PlacedWidget, readDashboard, tableColumns, timeField } from "./dashboard.ts";
import { html, type Html } from "./html.ts";
import { columnsOf, count, counted, ofMore, part, table, text } from "./pieces.ts";
import type { Tables } from "./tables.ts";
import { type DayOfLoads, judge, type Limits } from "./today.ts";
import type { View } from "./views.ts";

/** Rows that a chart is drawn of, and that a table shows. */
const MAX_OF_CHART = 2000;
const MAX_OF_TABLE = 100;
/** Values that the words for a chart name. */
const NAMED = 8;

export const howIsItGoing: View = {
  path: "going",
  title: "How is it going?",
  page: () =>
    html` ${part("today", {}, "Today")}
      ${readDashboard().map(
        ({ title, widgets }) =>
          html`<h2>${title}</h2>
            <div class="dashboard">
              ${widgets.map(({ name, title: label, width }) => html`<div class="of-six-${width}">${part("widget", { name }, label)}</div>`)}
            </div>`,
      )}
      <p class="hint">Below the first box: the dashboard that is deployed, from its own file and its own queries.</p>`,
  parts: {
    today: async (_, { tables, home }) => today(tables, home),
    widget: async ({ name = "" }, { tables }) => widget(name, tables),
  },
};

async function today(tables: Tables, home: Home): Promise<Html> {
  const days = (await tables.rows("loads_by_day", 31)) as unknown as readonly DayOfLoads[];
  const { headline, isFine, findings } = judge(days, new Date().toISOString().slice(0, 10), limitsOf(home));
  const lines = findings.map(
    (finding) =>
      html`<li class="${finding.isFine ? "good" : "bad"}">
        <span aria-hidden="true">${finding.isFine ? "✓" : "!"}</span> ${finding.sentence}
      </li>`,
  );
  return html`<article class="today ${isFine ? "is-good" : "is-bad"}">
    <h2>${headline}</h2>
    <ul>
      ${lines}
    </ul>
  </article>`;
}

/** What the job that ran here allows in its quality gate. */
function limitsOf({ synthesized }: Home): Limits {
  const environment = lastEnvironment(synthesized);
  const { max_quarantined_percent, max_rejected_files } =
    environment === undefined ? {} : readLoadJob(synthesized, environment).parameters;
  return { quarantinedPercent: Number(max_quarantined_percent ?? 0), rejectedFiles: Number(max_rejected_files ?? 0) };
}

async function widget(name: string, tables: Tables): Promise<Html> {
  const placed = readDashboard()
    .flatMap(({ widgets }) => widgets)
    .find((each) => each.name === name);
  if (placed === undefined) throw new Error(`the dashboard has no widget ${name}`);
  const columns = tableColumns(placed.widget);
  return html`<article>
    <h3>${placed.title}</h3>
    ${columns === undefined ? await drawn(placed, tables) : await listed(placed, columns, tables)}
  </article>`;
}

async function listed(
  { title, query }: PlacedWidget,
  columns: NonNullable<ReturnType<typeof tableColumns>>,
  tables: Tables,
): Promise<Html> {
  const rows = await tables.rows(query, MAX_OF_TABLE + 1);
  if (rows.length === 0) return html`<p>None.</p>`;
  const shown = rows.slice(0, MAX_OF_TABLE);
  const isNumber = (field: string) => shown.every((row) => typeof row[field] === "number");
  const shownColumns = columns.map(({ fieldName, displayName }) => ({
    name: displayName ?? fieldName,
    of: ({ [fieldName]: value }: (typeof rows)[number]) =>
      fieldName === "tracking_num"
        ? html`<a href="./?order=${encodeURIComponent(text(value))}">${text(value)}</a>`
        : text(value),
    isNumber: isNumber(fieldName),
  }));
  return html`${table(title, shownColumns, shown)}${ofMore(rows, MAX_OF_TABLE)}`;
}

async function drawn({ title, query, name, widget: given }: PlacedWidget, tables: Tables): Promise<Html> {
  const found = await tables.rows(query, MAX_OF_CHART + 1);
  if (found.length === 0) return html`<p>There is nothing to draw yet.</p>`;
  const time = timeField(given);
  const rows = inTime(found.slice(0, MAX_OF_CHART), time);
  const chart = chartOf(given, rows);
  if (chart === undefined) {
    return html`<p class="hint">Drawn in a workspace only; here are its data.</p>
      ${table(title, columnsOf(found), found.slice(0, MAX_OF_TABLE))}${ofMore(found, MAX_OF_TABLE)}`;
  }
  const named = rows.slice(-NAMED).map((row) => Object.values(row).map(text).join(" "));
  const ofThem = rows.length > NAMED ? `, the last ${count(NAMED)} of them` : "";
  const words = `${counted(rows.length, "value")}${found.length > rows.length ? " of more" : ""}${ofThem}: ${named.join("; ")}`;
  // A query about times that has more rows than these has the newest first.
  const which = time === undefined ? "first" : "newest";
  return html`${chartFigure(name, title, words, chart, columnsOf(rows), rows)}${ofMore(found, MAX_OF_CHART, which)}`;
}

/** Rows in the order of the times in a field, as a line goes through them; as they are where there is none. */
function inTime(rows: readonly Row[], field: string | undefined): readonly Row[] {
  if (field === undefined) return rows;
  return rows.toSorted((one, other) => String(one[field]).localeCompare(String(other[field])));
}

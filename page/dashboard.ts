/** The deployed dashboard on this machine: its widgets, drawn from the same file and the same queries. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { Row } from "../local/notebook-kernel.ts";
import type { Chart } from "./chart.ts";
import { text } from "./pieces.ts";

const FILE = path.join(__dirname, "../notebooks/dashboards/order_tracking.lvdash.json");

const encodingType = z.object({
  fieldName: z.string(),
  displayName: z.string().optional(),
  scale: z.object({ type: z.string() }).optional(),
});
export type Encoding = z.output<typeof encodingType>;

const widgetType = z.object({
  name: z.string(),
  queries: z.tuple([
    z.object({ query: z.object({ datasetName: z.string(), disaggregated: z.boolean().default(false) }) }),
  ]),
  spec: z.object({
    widgetType: z.string(),
    encodings: z.record(z.string(), z.unknown()),
    mark: z.object({ layout: z.string().optional() }).default({}),
    frame: z.object({ title: z.string().optional() }).default({}),
  }),
});
export type Widget = z.output<typeof widgetType>;

const dashboardType = z.object({
  datasets: z.array(z.object({ name: z.string(), displayName: z.string() })),
  pages: z.array(
    z.object({
      displayName: z.string(),
      layout: z.array(z.object({ widget: z.unknown(), position: z.object({ width: z.number() }) })),
    }),
  ),
});

/** A widget in its place. */
export interface PlacedWidget {
  readonly name: string;
  readonly title: string;
  /** The saved query that it shows. */
  readonly query: string;
  /** Of the six columns of a page. */
  readonly width: number;
  readonly widget: Widget;
}

export interface DashboardPage {
  readonly title: string;
  readonly widgets: readonly PlacedWidget[];
}

/**
 * The pages of a dashboard file; what shows no data, such as a text, is left out.
 *
 * @throws Error where it is no dashboard
 */
export function readDashboard(definition = readFileSync(FILE, "utf8")): DashboardPage[] {
  const { datasets, pages } = dashboardType.parse(JSON.parse(definition));
  const queries = new Map(datasets.map(({ name, displayName }) => [name, displayName]));
  return pages.map(({ displayName, layout }) => ({
    title: displayName,
    widgets: layout.flatMap(({ widget: given, position }) => {
      const parsed = widgetType.safeParse(given);
      if (!parsed.success) return [];
      const widget = parsed.data;
      const query = queries.get(widget.queries[0].query.datasetName) ?? "";
      return [
        { name: widget.name, title: widget.spec.frame.title ?? widget.name, query, width: position.width, widget },
      ];
    }),
  }));
}

/** The columns of a table widget, with their titles; undefined where the widget is something else. */
export function tableColumns({ spec }: Widget): readonly Encoding[] | undefined {
  const columns = z.array(encodingType).safeParse(spec.encodings.columns);
  return spec.widgetType === "table" && columns.success ? columns.data : undefined;
}

/** The field that a widget has along an axis of time; undefined where it has no such axis. */
export function timeField({ spec }: Widget): string | undefined {
  return [spec.encodings.x, spec.encodings.y]
    .map((encoding) => encodingType.safeParse(encoding).data)
    .find((encoding) => encoding?.scale?.type === "temporal")?.fieldName;
}

/** The chart of a widget; undefined where this page cannot draw it, but can only show its data. */
export function chartOf({ spec, queries }: Widget, rows: readonly Row[]): Chart | undefined {
  const x = encodingType.safeParse(spec.encodings.x).data;
  const y = encodingType.safeParse(spec.encodings.y).data;
  const type = (["bar", "line", "scatter"] as const).find((each) => each === spec.widgetType);
  if (type === undefined || x === undefined || y === undefined || !queries[0].query.disaggregated) return undefined;
  const isHorizontal = type === "bar" && x.scale?.type === "quantitative";
  const [along, value] = isHorizontal ? [y, x] : [x, y];
  const color = encodingType.safeParse(spec.encodings.color).data;
  const groups = color === undefined ? [""] : [...new Set(rows.map((row) => text(row[color.fieldName])))];
  const ofGroup = (group: string) =>
    color === undefined ? rows : rows.filter((row) => text(row[color.fieldName]) === group);
  const title = ({ fieldName, displayName }: Encoding) => displayName ?? fieldName;
  const axes = { x: { title: title(x) }, y: { title: title(y) }, isHorizontal };
  if (type !== "bar" && along.scale?.type !== "categorical") {
    const isTime = along.scale?.type === "temporal";
    const at = (row: Row) => (isTime ? milliseconds(text(row[along.fieldName])) : Number(row[along.fieldName]));
    const series = groups.map((group) => ({
      label: group || title(value),
      data: ofGroup(group).map((row) => ({ x: at(row), y: Number(row[value.fieldName]) })),
    }));
    return { type, series, ...axes, x: { ...axes.x, isTime } };
  }
  const given = [...new Set(rows.map((row) => text(row[along.fieldName])))];
  const labels = along.scale?.type === "temporal" ? withDaysBetween(given) : given;
  const series = groups.map((group) => {
    const values = new Map(ofGroup(group).map((row) => [text(row[along.fieldName]), Number(row[value.fieldName])]));
    return { label: group || title(value), data: labels.map((label) => values.get(label) ?? null) };
  });
  return { type, labels, series, ...axes, isStacked: color !== undefined && spec.mark.layout !== "group" };
}

/** A timestamp of Spark's, which is in UTC. */
function milliseconds(timestamp: string): number {
  return Date.parse(`${timestamp.replace(" ", "T")}Z`);
}

/** Days in their order with those between them, as a scale of time has them; other texts as they are. */
export function withDaysBetween(days: readonly string[]): readonly string[] {
  const sorted = [...days].sort();
  const [first, last] = [sorted.at(0), sorted.at(-1)];
  if (first === undefined || last === undefined || !sorted.every((day) => /^\d{4}-\d\d-\d\d$/.test(day))) return days;
  const between = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += 86_400_000) {
    between.push(new Date(at).toISOString().slice(0, 10));
  }
  return between;
}

/** The dashboard of an environment, as Databricks reads it. */
import { type Query, readQuery } from "../queries.ts";

/** Columns of a dashboard's grid. */
const GRID_WIDTH = 6;

/** A widget of one query. Its columns are those that the query returns; test/notebooks/test_queries.py holds them to that. */
type Widget = { readonly query: string; readonly title: string; readonly width: number; readonly height: number } & (
  | { readonly type: "table"; readonly columns: readonly string[] }
  | {
      readonly type: "bar" | "line";
      readonly x: string;
      readonly scale: "categorical" | "temporal";
      readonly y: string;
      readonly color?: string;
    }
);

/** Row by row, from left to right; what people ask first comes first. */
type Page = readonly (readonly Widget[])[];

const ORDERS: Page = [
  [
    {
      query: "orders_by_status",
      title: "Orders by status",
      width: 2,
      height: 6,
      type: "bar",
      x: "status",
      scale: "categorical",
      y: "orders",
    },
    {
      query: "late_orders",
      title: "Late orders",
      width: 4,
      height: 6,
      type: "table",
      columns: ["tracking_num", "order_num", "status", "received_date", "days_open", "last_update_timestamp"],
    },
  ],
];

/** For operators: nobody else may read what it shows. */
const OPERATIONS: Page = [
  [
    {
      query: "arrivals_and_loads",
      title: "Arrivals and loads",
      width: 3,
      height: 6,
      type: "bar",
      x: "day",
      scale: "temporal",
      y: "files",
      color: "event",
    },
    {
      query: "run_durations",
      title: "Seconds of each run",
      width: 3,
      height: 6,
      type: "line",
      x: "started_at",
      scale: "temporal",
      y: "seconds",
    },
  ],
  [
    {
      query: "quarantined_by_reason",
      title: "Quarantined rows by reason",
      width: GRID_WIDTH,
      height: 6,
      type: "table",
      columns: ["rule", "column", "rows", "example"],
    },
  ],
];

/** The dashboard's definition; catalog and schema of its tables are set beside it. */
export function dashboardDefinition(): string {
  const queries = [...ORDERS, ...OPERATIONS].flat().map(({ query }) => readQuery(query));
  return JSON.stringify({
    datasets: queries.map(dataset),
    pages: [
      { name: "orders", displayName: "Orders", layout: layoutOf(ORDERS) },
      { name: "operations", displayName: "Operations", layout: layoutOf(OPERATIONS) },
    ],
  });
}

function layoutOf(page: Page) {
  return page.flatMap((row, i) => {
    const y = page.slice(0, i).reduce((sum, above) => sum + heightOf(above), 0);
    return row.map((widget, j) => ({
      widget: definitionOf(widget),
      position: { x: widthOf(row.slice(0, j)), y, width: widget.width, height: widget.height },
    }));
  });
}

function dataset({ name, text }: Query) {
  // The service joins the lines as they are.
  return { name, displayName: name, queryLines: text.split(/(?<=\n)/) };
}

function definitionOf(widget: Widget) {
  const { query, title, type } = widget;
  const columns = type === "table" ? widget.columns : [widget.x, widget.y, ...(widget.color ? [widget.color] : [])];
  const fields = columns.map((name) => ({ name, expression: `\`${name}\`` }));
  return {
    name: query,
    // Not aggregated once more: a query returns what is shown.
    queries: [{ name: "main_query", query: { datasetName: query, fields, disaggregated: true } }],
    spec: {
      // What the service knows each type of widget by.
      version: type === "table" ? 2 : 3,
      widgetType: type,
      encodings: encodingsOf(widget),
      frame: { showTitle: true, title },
    },
  };
}

function encodingsOf(widget: Widget) {
  const field = (name: string) => ({ fieldName: name, displayName: name.replaceAll("_", " ") });
  if (widget.type === "table") return { columns: widget.columns.map(field) };
  const { x, scale, y, color } = widget;
  return {
    x: { ...field(x), scale: { type: scale } },
    y: { ...field(y), scale: { type: "quantitative" } },
    ...(color && { color: { ...field(color), scale: { type: "categorical" } } }),
  };
}

const widthOf = (widgets: readonly Widget[]) => widgets.reduce((sum, { width }) => sum + width, 0);
const heightOf = (widgets: readonly Widget[]) => Math.max(...widgets.map(({ height }) => height));

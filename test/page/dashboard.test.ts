import { readdirSync } from "node:fs";
import path from "node:path";
import { chartOf, readDashboard, tableColumns, withDaysBetween } from "../../page/dashboard.ts";

const bar = (encodings: object, more: object = {}) =>
  readDashboard(
    JSON.stringify({
      datasets: [{ name: "d1", displayName: "orders_by_status" }],
      pages: [
        {
          displayName: "Orders",
          layout: [
            {
              widget: {
                name: "w",
                queries: [{ name: "main_query", query: { datasetName: "d1", fields: [], disaggregated: true } }],
                spec: { version: 3, widgetType: "bar", encodings, ...more },
              },
              position: { x: 0, y: 0, width: 3, height: 6 },
            },
          ],
        },
      ],
    }),
  )[0]?.widgets[0];
const of = (fieldName: string, type: string) => ({ fieldName, scale: { type } });

describe("the deployed dashboard", () => {
  const widgets = readDashboard().flatMap((page) => page.widgets);

  it("has only widgets that are drawn or listed here", () => {
    expect(widgets.length).toBeGreaterThan(0);
    for (const { widget } of widgets) {
      expect(tableColumns(widget) ?? chartOf(widget, [])).toBeDefined();
    }
  });

  it("has the saved queries as its data", () => {
    const queries = readdirSync(path.join(__dirname, "../../notebooks/queries"));
    for (const { query } of widgets) expect(queries).toContain(`${query}.sql`);
  });
});

describe("a widget's chart", () => {
  it("has a bar for each category, in the order of the rows", () => {
    const widget = bar({ x: of("status", "categorical"), y: of("orders", "quantitative") })?.widget;
    const rows = [
      { status: "RECEIVED", orders: 35 },
      { status: "DELIVERED", orders: 11 },
    ];
    expect(widget && chartOf(widget, rows)).toMatchObject({
      type: "bar",
      labels: ["RECEIVED", "DELIVERED"],
      series: [{ label: "orders", data: [35, 11] }],
      isStacked: false,
    });
  });

  it("has a series for each colour, and every day between the first and the last", () => {
    const encodings = { x: of("day", "temporal"), y: of("files", "quantitative"), color: of("event", "categorical") };
    const rows = [
      { day: "2026-11-20", event: "arrived", files: 2 },
      { day: "2026-11-20", event: "loaded", files: 1 },
      { day: "2026-11-22", event: "loaded", files: 3 },
    ];
    const stacked = bar(encodings)?.widget;
    expect(stacked && chartOf(stacked, rows)).toMatchObject({
      labels: ["2026-11-20", "2026-11-21", "2026-11-22"],
      series: [
        { label: "arrived", data: [2, null, null] },
        { label: "loaded", data: [1, null, 3] },
      ],
      isStacked: true,
    });
    const grouped = bar(encodings, { mark: { layout: "group" } })?.widget;
    expect(grouped && chartOf(grouped, rows)).toMatchObject({ isStacked: false });
  });

  it("lies where the numbers are along x", () => {
    const widget = bar({ x: of("orders", "quantitative"), y: of("status", "categorical") })?.widget;
    expect(widget && chartOf(widget, [{ status: "NEW", orders: 1 }])).toMatchObject({
      isHorizontal: true,
      labels: ["NEW"],
      series: [{ data: [1] }],
    });
  });

  it("puts timestamps where they are in time, read as UTC", () => {
    const encodings = { x: of("started_at", "temporal"), y: of("seconds", "quantitative") };
    const widget = bar(encodings, { widgetType: "line" })?.widget;
    const rows = [{ started_at: "2026-11-20 00:00:01", seconds: 12 }];
    expect(widget && chartOf(widget, rows)).toMatchObject({
      type: "line",
      series: [{ data: [{ x: Date.UTC(2026, 10, 20, 0, 0, 1), y: 12 }] }],
      x: { isTime: true },
    });
  });

  it("is not drawn where this page does not know how", () => {
    const widget = bar({ angle: of("orders", "quantitative") }, { widgetType: "pie" })?.widget;
    expect(widget && chartOf(widget, [])).toBeUndefined();
  });
});

test("what is no day is left as it is", () => {
  expect(withDaysBetween(["2026-11-20 10:00:00"])).toEqual(["2026-11-20 10:00:00"]);
  expect(withDaysBetween([])).toEqual([]);
});

import { dashboardDefinition } from "../../../stacks/constructs/order-dashboard.ts";
import { allQueries, readQuery } from "../../../stacks/queries.ts";
import { addresses, all, MINIMAL, only, synthesize, type StackJson, workspacePath } from "../../synthesized.ts";

const WAREHOUSE = "0123456789abcdef";

let pipeline: StackJson;

beforeAll(() => {
  pipeline = synthesize({ ...MINIMAL, warehouse: WAREHOUSE }).pipeline;
});

it("saves each query of the repository, for this environment's tables and with the rights of whoever runs it", () => {
  const expected = allQueries().map(({ name, description, text }) => ({
    display_name: `[tiny] ${name}`,
    description,
    query_text: text,
    catalog: "orders_tiny",
    schema: "order_tracking",
    warehouse_id: WAREHOUSE,
    run_as_mode: "VIEWER",
  }));

  expect(all(pipeline, "databricks_query")).toMatchObject(expected);
});

it("shows a dashboard of them, for this environment's tables and with the rights of whoever looks", () => {
  expect(only(pipeline, "databricks_dashboard")).toMatchObject({
    display_name: "[tiny] order tracking",
    serialized_dashboard: dashboardDefinition(),
    dataset_catalog: "orders_tiny",
    dataset_schema: "order_tracking",
    warehouse_id: WAREHOUSE,
    embed_credentials: false,
  });
});

it("keeps all of it in a folder apart from the notebooks", () => {
  for (const type of ["databricks_query", "databricks_dashboard", "databricks_alert_v2"]) {
    for (const { parent_path } of all(pipeline, type)) {
      expect(parent_path).toMatch(/^\$\{databricks_directory\.[\w-]+\.path\}$/);
      expect(workspacePath(pipeline, parent_path)).toBe("/order-tracking/tiny/reports");
    }
  }
});

it("is not there without a warehouse", () => {
  expect(
    addresses(synthesize(MINIMAL).pipeline).filter((address) => /query|dashboard|alert|reports/.test(address)),
  ).toEqual([]);
});

describe("the dashboard", () => {
  interface Widget {
    readonly widget: { readonly name: string };
    readonly position: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  }
  const { pages } = JSON.parse(dashboardDefinition()) as { pages: { name: string; layout: Widget[] }[] };

  it("shows what only operators may read on a page of its own", () => {
    const readsOperations = (query: string) => readQuery(query).text.includes(" operations.");
    const shown = pages.map(({ name, layout }) => [name, layout.map(({ widget }) => readsOperations(widget.name))]);

    expect(shown).toEqual([
      ["orders", [false, false]],
      ["operations", [true, true, true]],
    ]);
  });

  it.each(pages)("fills its grid of six columns on the page $name, and no widget covers another", ({ layout }) => {
    const widgets = layout.map(({ position }) => position);
    const cells = widgets.flatMap(({ x, y, width, height }) =>
      Array.from({ length: width * height }, (_, i) => `${x + (i % width)},${y + Math.floor(i / width)}`),
    );
    const rows = Math.max(...widgets.map(({ y, height }) => y + height));

    expect(new Set(cells).size).toBe(cells.length);
    expect(cells).toHaveLength(6 * rows);
    expect(Math.max(...widgets.map(({ x, width }) => x + width))).toBe(6);
  });
});

import { dashboardDefinition, withQueries } from "../../stacks/dashboard.ts";
import { readQuery } from "../../stacks/queries.ts";

interface DataSet {
  readonly name: string;
  readonly displayName: string;
  readonly queryLines: readonly string[];
}

interface Widget {
  readonly widget: { readonly name: string };
  readonly position: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

const definition = JSON.parse(dashboardDefinition()) as {
  datasets: DataSet[];
  pages: { name: string; layout: Widget[] }[];
};

it("asks the queries of the repository", () => {
  expect(definition.datasets).not.toHaveLength(0);
  for (const { displayName, queryLines } of definition.datasets) {
    expect(queryLines.join("")).toBe(readQuery(displayName).text);
  }
});

describe("a file exported from a workspace", () => {
  const exported = (...queryLines: string[]) =>
    JSON.stringify({ datasets: [{ name: "01f0", displayName: "late_orders", queryLines }], pages: [] });
  const { text } = readQuery("late_orders");

  it("is the same dashboard, whatever line its query ends in", () => {
    for (const end of ["", "\n"]) {
      const [dataset] = (JSON.parse(withQueries(exported(text.trimEnd(), end))) as { datasets: DataSet[] }).datasets;

      expect(dataset).toMatchObject({ name: "01f0", displayName: "late_orders" });
      expect(dataset?.queryLines.join("")).toBe(text);
    }
  });

  it("fails where a query was changed there, with the file to change", () => {
    expect(() => withQueries(exported("SELECT 1"))).toThrow(
      "the dashboard's data set late_orders is not notebooks/queries/late_orders.sql: change that file",
    );
  });
});

describe("its pages", () => {
  const { pages } = definition;

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

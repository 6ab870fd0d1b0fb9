import { dashboardDefinition } from "../../../stacks/dashboard.ts";
import { allQueries } from "../../../stacks/queries.ts";
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
  for (const type of ["databricks_query", "databricks_dashboard"]) {
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

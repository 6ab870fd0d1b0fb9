import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { all, MINIMAL, synthesize, type Synthesized } from "../../synthesized.ts";

const NOTEBOOKS = path.join(__dirname, "../../../notebooks");

let synthesized: Synthesized;

beforeAll(() => {
  synthesized = synthesize(MINIMAL);
});

const shipped = () => [
  ...all(synthesized.pipeline, "databricks_notebook"),
  ...all(synthesized.pipeline, "databricks_workspace_file"),
];

it("puts the notebooks into the environment's folder of the workspace", () => {
  const notebooks = ["quality_gate", "replay", "source_to_stage", "stage_to_final", "upkeep"];

  expect(
    all(synthesized.pipeline, "databricks_notebook")
      .map((notebook) => notebook.path)
      .sort(),
  ).toEqual(notebooks.map((name) => `/order-tracking/tiny/${name}`));
});

it("puts every module of the package beside the notebooks, and nothing else", () => {
  const modules = readdirSync(path.join(NOTEBOOKS, "order_tracking"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".py"))
    .map((file) => `/order-tracking/tiny/order_tracking/${file.split(path.sep).join("/")}`);

  expect(
    all(synthesized.pipeline, "databricks_workspace_file")
      .map((file) => file.path)
      .sort(),
  ).toEqual(modules.sort());
});

it("ships the files as they are in the repository", () => {
  for (const { path: workspacePath, source } of shipped()) {
    const file = String(workspacePath).replace("/order-tracking/tiny/", "").replace(/\.py$/, "");
    const copy = synthesized.files.get(`stacks/tiny-pipeline/${String(source)}`);

    expect(copy).toBe(readFileSync(path.join(NOTEBOOKS, `${file}.py`), "utf8"));
  }
});

it("refers to them by paths that hold a hash of their content and are relative to the stack", () => {
  for (const { source } of shipped()) expect(source).toMatch(/^assets\/[\w-]+\/[0-9a-f]{32}\/\w+\.py$/);
});

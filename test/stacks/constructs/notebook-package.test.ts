import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { versionOf } from "../../../stacks/constructs/notebook-package.ts";
import { all, MINIMAL, synthesize, type Synthesized, workspacePath } from "../../synthesized.ts";

const NOTEBOOKS = path.join(__dirname, "../../../notebooks");

let synthesized: Synthesized;

beforeAll(() => {
  synthesized = synthesize(MINIMAL);
});

const shipped = () => [
  ...all(synthesized.pipeline, "databricks_notebook"),
  ...all(synthesized.pipeline, "databricks_workspace_file"),
];

/** A path of the one version that a stack holds. */
function withoutVersion(given: unknown): string {
  const version = /(?<=^\/order-tracking\/tiny\/)code-[0-9a-f]{12}\//;
  const resolved = workspacePath(synthesized.pipeline, given);
  expect(resolved).toMatch(version);
  return resolved.replace(version, "");
}

it("puts the notebooks into a folder for their version within the environment's", () => {
  const notebooks = readdirSync(NOTEBOOKS)
    .filter((file) => file.endsWith(".py"))
    .map((file) => file.slice(0, -".py".length))
    .sort();

  expect(
    all(synthesized.pipeline, "databricks_notebook")
      .map((notebook) => withoutVersion(notebook.path))
      .sort(),
  ).toEqual(notebooks.map((name) => `/order-tracking/tiny/${name}`));
});

it("puts every module of the package beside the notebooks, and nothing else", () => {
  const modules = readdirSync(path.join(NOTEBOOKS, "order_tracking"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".py"))
    .map((file) => `/order-tracking/tiny/order_tracking/${file.split(path.sep).join("/")}`);

  expect(
    all(synthesized.pipeline, "databricks_workspace_file")
      .map((file) => withoutVersion(file.path))
      .sort(),
  ).toEqual(modules.sort());
});

it("makes each file's path of its folder's, which so is there before two files would both make it", () => {
  for (const { path: given } of shipped())
    expect(given).toMatch(/^\$\{databricks_directory\.[\w-]+\.path\}\/\w+(\.py)?$/);
});

it("takes its folder away with what others put into it where everything may go, and nowhere else", () => {
  const folderOf = (disposable: boolean) =>
    all(synthesize({ ...MINIMAL, disposable }).pipeline, "databricks_directory").find(
      (directory) => directory.path === "/order-tracking/tiny",
    );

  expect(folderOf(true)).toMatchObject({ delete_recursive: true });
  expect(folderOf(false)).toMatchObject({ delete_recursive: false });
});

it("ships the files as they are in the repository", () => {
  for (const { path: given, source } of shipped()) {
    const file = withoutVersion(given).replace("/order-tracking/tiny/", "").replace(/\.py$/, "");
    const copy = synthesized.files.get(`stacks/tiny-pipeline/${String(source)}`);

    expect(copy).toBe(readFileSync(path.join(NOTEBOOKS, `${file}.py`), "utf8"));
  }
});

it("refers to them by paths that hold a hash of their content and are relative to the stack", () => {
  for (const { source } of shipped()) expect(source).toMatch(/^assets\/[\w-]+\/[0-9a-f]{32}\/\w+\.py$/);
});

it("has every file of a version in place before a job points there, and removes the last one's after that", () => {
  const ofVersion = [
    ...shipped(),
    ...all(synthesized.pipeline, "databricks_directory").filter(({ path: given }) =>
      workspacePath(synthesized.pipeline, given).includes("/code-"),
    ),
  ];

  const rooms = readdirSync(path.join(NOTEBOOKS, "order_tracking"), { withFileTypes: true }).filter(
    (each) => each.isDirectory() && each.name !== "__pycache__",
  );
  // The folder of the version, the package and its rooms.
  expect(ofVersion).toHaveLength(shipped().length + 2 + rooms.length);
  for (const { lifecycle } of ofVersion) expect(lifecycle).toEqual({ create_before_destroy: true });
});

it("tells versions apart by paths and contents alone", () => {
  const files = fc
    .dictionary(fc.string(), fc.string(), { maxKeys: 4 })
    .map((record) => new Map(Object.entries(record)));
  const areSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
    one.size === other.size && [...one].every(([file, content]) => other.get(file) === content);
  fc.assert(
    fc.property(files, files, (one, other) => {
      expect(versionOf(one) === versionOf(other)).toBe(areSame(one, other));
      expect(versionOf(new Map([...one].reverse()))).toBe(versionOf(one));
    }),
  );
});

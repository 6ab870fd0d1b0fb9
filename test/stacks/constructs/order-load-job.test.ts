import { readFileSync } from "node:fs";
import path from "node:path";
import { resolveEnvironment } from "../../../environments/environment.ts";
import * as names from "../../../stacks/names.ts";
import { all, MINIMAL, only, synthesize, type StackJson } from "../../synthesized.ts";

const NOTEBOOKS = path.join(__dirname, "../../../notebooks");

interface Task {
  readonly task_key: string;
  readonly depends_on: readonly { readonly task_key: string }[];
  readonly notebook_task: { readonly notebook_path: string };
}

let pipeline: StackJson;
let job: Record<string, unknown>;
let tasks: readonly Task[];

beforeAll(() => {
  pipeline = synthesize({ ...MINIMAL, waitAfterLastChangeSeconds: 90, failureEmails: ["team@example.com"] }).pipeline;
  job = only(pipeline, "databricks_job");
  tasks = job.task as readonly Task[];
});

it("tells environments of one workspace apart by its name", () => {
  expect(job.name).toBe("[tiny] orders_tracking_incremental_load");
});

it("runs source_to_stage, then stage_to_final", () => {
  expect(tasks.map(({ task_key, depends_on }) => [task_key, depends_on])).toEqual([
    ["source_to_stage", []],
    ["stage_to_final", [{ task_key: "source_to_stage" }]],
  ]);
});

it("has its tasks in the order of their keys, or plans would never be empty", () => {
  const keys = tasks.map(({ task_key }) => task_key);

  expect(keys).toEqual([...keys].sort());
});

it("runs the notebook of each task's name", () => {
  for (const { task_key, notebook_task } of tasks) {
    const id = notebook_task.notebook_path.replace(/^\$\{databricks_notebook\.(.*)\.path\}$/, "$1");

    expect(pipeline.resource.databricks_notebook?.[id]?.path).toBe(`/order-tracking/tiny/${task_key}`);
  }
});

it("starts when files arrive in the landing directory", () => {
  expect(job.trigger).toEqual({
    pause_status: "UNPAUSED",
    file_arrival: {
      url: names.landingDirectory(resolveEnvironment(MINIMAL, {})),
      min_time_between_triggers_seconds: 60,
      wait_after_last_change_seconds: 90,
    },
  });
});

it("watches a directory that ends in a slash, or the service would refuse it", () => {
  expect(job).toHaveProperty("trigger.file_arrival.url", expect.stringMatching(/\/file_arrival\/$/));
});

it("is paused where the environment says so", () => {
  const paused = synthesize({ ...MINIMAL, triggerPaused: true }).pipeline;

  expect(only(paused, "databricks_job")).toHaveProperty("trigger.pause_status", "PAUSED");
});

it("runs once at a time, and lets other runs wait", () => {
  expect(job).toMatchObject({ max_concurrent_runs: 1, queue: { enabled: true } });
});

it("tries again, and ends in any case", () => {
  expect(job.timeout_seconds).toBe(14400);
  for (const task of tasks) {
    expect(task).toMatchObject({
      max_retries: 2,
      min_retry_interval_millis: 60000,
      retry_on_timeout: true,
      timeout_seconds: 3600,
    });
  }
});

it("gives the notebooks the catalog, the schema, the volume and the run", () => {
  expect(job.parameter).toEqual([
    { name: "catalog", default: "orders_tiny" },
    { name: "run_id", default: "{{job.run_id}}" },
    { name: "schema", default: "order_tracking" },
    { name: "volume", default: "/Volumes/orders_tiny/order_tracking/order_files" },
  ]);
});

it("has a parameter for each widget of the notebooks, and a widget for each parameter", () => {
  const parameters = (job.parameter as { name: string }[]).map(({ name }) => name);

  for (const { task_key } of tasks) {
    expect(widgets(readFileSync(path.join(NOTEBOOKS, `${task_key}.py`), "utf8"))).toEqual(parameters);
  }
});

it("writes to the environment's addresses when a run fails, and to nobody where there are none", () => {
  expect(job.email_notifications).toEqual({ on_failure: ["team@example.com"] });
  expect(only(synthesize(MINIMAL).pipeline, "databricks_job")).not.toHaveProperty("email_notifications");
});

it("waits for the modules that its notebooks import", () => {
  const modules = Object.keys(pipeline.resource.databricks_workspace_file ?? {});

  expect(job.depends_on).toEqual(modules.map((id) => `databricks_workspace_file.${id}`));
  expect(all(pipeline, "databricks_workspace_file")).not.toHaveLength(0);
});

it("cannot be changed by hand in the workspace", () => {
  expect(job.edit_mode).toBe("UI_LOCKED");
});

/** Names of the widgets that a notebook defines or reads, sorted. */
function widgets(source: string): string[] {
  const named = [...source.matchAll(/dbutils\.widgets\.\w+\(\s*"(\w+)"/g)].map(([, name]) => String(name));
  return [...new Set(named)].sort();
}

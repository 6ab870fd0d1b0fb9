/** What holds for all jobs that run notebooks. */
import { all, MINIMAL, synthesize, type StackJson, workspacePath } from "../../synthesized.ts";
import { type Job, jobOf, NOTEBOOK_JOBS, widgets } from "../jobs.ts";

let pipeline: StackJson;

beforeAll(() => {
  pipeline = synthesize({ ...MINIMAL, notifications: { emails: ["team@example.com"] } }).pipeline;
});

describe.each(NOTEBOOK_JOBS)("%s", (name) => {
  let job: Job;

  beforeAll(() => {
    job = jobOf(pipeline, name);
  });

  it("has tasks and parameters in the order of their names, or plans would never be empty", () => {
    for (const keys of [job.task.map(({ task_key }) => task_key), job.parameter.map((parameter) => parameter.name)]) {
      expect(keys).toEqual([...keys].sort());
    }
    for (const { depends_on = [] } of job.task) {
      const keys = depends_on.map(({ task_key }) => task_key);
      expect(keys).toEqual([...keys].sort());
    }
  });

  it("runs the notebook of each task's name", () => {
    for (const { task_key, notebook_task } of job.task) {
      expect(notebook_task.notebook_path).toMatch(/^\$\{databricks_notebook\./);
      expect(workspacePath(pipeline, notebook_task.notebook_path)).toMatch(
        new RegExp(`^/order-tracking/tiny/code-\\w+/${task_key}$`),
      );
    }
  });

  it("says to every notebook where tables and files are", () => {
    expect(job.parameter).toEqual(
      expect.arrayContaining([
        { name: "catalog", default: "orders_tiny" },
        { name: "checkpoint", default: "/Volumes/orders_tiny/operations/checkpoint" },
        { name: "operations_schema", default: "operations" },
        { name: "schema", default: "order_tracking" },
        { name: "volume", default: "/Volumes/orders_tiny/order_tracking/order_files" },
      ]),
    );
  });

  it("has a parameter for each widget of its notebooks, and a widget for each parameter", () => {
    const parameters = job.parameter.map((parameter) => parameter.name);

    for (const task of job.task) expect(parameters).toEqual(expect.arrayContaining(widgets(task)));
    expect(new Set(job.task.flatMap(widgets))).toEqual(new Set(parameters));
  });

  it("ends each task before it ends the run", () => {
    const [ofRun, ofTask] = name === "orders_tracking_erase" ? [25200, 21600] : [14400, 3600];

    expect(job.timeout_seconds).toBe(ofRun);
    for (const { timeout_seconds } of job.task) expect(timeout_seconds).toBe(ofTask);
  });

  it("tells of runs that fail or take long, before a limit ends them", () => {
    expect(job.email_notifications).toEqual({
      on_failure: ["team@example.com"],
      on_duration_warning_threshold_exceeded: ["team@example.com"],
    });
    expect(job.health).toEqual({ rules: [{ metric: "RUN_DURATION_SECONDS", op: "GREATER_THAN", value: 1800 }] });
  });

  it("waits for the modules that its notebooks import", () => {
    const modules = Object.keys(pipeline.resource.databricks_workspace_file ?? {});

    expect(job.depends_on).toEqual(modules.map((id) => `databricks_workspace_file.${id}`));
    expect(all(pipeline, "databricks_workspace_file")).not.toHaveLength(0);
  });
});

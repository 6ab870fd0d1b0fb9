import { resolveEnvironment } from "../../../environments/environment.ts";
import * as names from "../../../environments/names.ts";
import { MINIMAL, synthesize } from "../../synthesized.ts";
import { type Job, jobOf, type Task } from "../jobs.ts";

const loadJob = (settings: object = {}): Job =>
  jobOf(synthesize({ ...MINIMAL, ...settings }).pipeline, "orders_tracking_incremental_load");

let job: Job;
let gate: Task | undefined;
let loads: readonly Task[];

beforeAll(() => {
  job = loadJob({ waitAfterLastChangeSeconds: 90, notifications: { emails: ["team@example.com"] } });
  gate = job.task.find(({ task_key }) => task_key === "quality_gate");
  loads = job.task.filter((task) => task !== gate);
});

it("runs source_to_stage, then stage_to_final, then judges both, each whatever became of those before", () => {
  const order = job.task.map(({ task_key, depends_on = [], run_if }) => [
    task_key,
    depends_on.map((other) => other.task_key),
    run_if,
  ]);

  expect(order).toEqual([
    ["quality_gate", ["source_to_stage", "stage_to_final"], "ALL_DONE"],
    ["source_to_stage", [], undefined],
    ["stage_to_final", ["source_to_stage"], "ALL_DONE"],
  ]);
});

it("tries to load again, but not to judge", () => {
  for (const load of loads) {
    expect(load).toMatchObject({ max_retries: 2, min_retry_interval_millis: 60000, retry_on_timeout: true });
  }
  expect(gate).not.toHaveProperty("max_retries");
});

it("writes of a failed run once: its gate fails with its loads, and no task writes of itself", () => {
  expect(job).toHaveProperty("email_notifications.on_failure", ["team@example.com"]);
  for (const task of job.task) expect(task).not.toHaveProperty("email_notifications");
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

it("waits for no quiet where clients never pause", () => {
  const impatient = loadJob({ waitAfterLastChangeSeconds: 0 });

  expect(impatient).toHaveProperty("trigger.file_arrival.min_time_between_triggers_seconds");
  expect(impatient).not.toHaveProperty("trigger.file_arrival.wait_after_last_change_seconds");
});

it("watches a directory that ends in a slash, or the service would refuse it", () => {
  expect(job).toHaveProperty("trigger.file_arrival.url", expect.stringMatching(/\/file_arrival\/$/));
});

it("is paused where the environment says so", () => {
  expect(loadJob({ triggerPaused: true })).toHaveProperty("trigger.pause_status", "PAUSED");
});

it("gives the notebooks the run and the environment's limits, as text", () => {
  const strict = loadJob({
    cutRows: "quarantine",
    newColumns: "reject",
    maxBadRowsPercent: 12.5,
    maxQuarantinedPercent: 0,
    maxRejectedFiles: 3,
  });

  expect(strict.parameter).toEqual([
    { name: "catalog", default: "orders_tiny" },
    { name: "checkpoint", default: "/Volumes/orders_tiny/operations/checkpoint" },
    { name: "cut_rows", default: "quarantine" },
    { name: "max_bad_rows_percent", default: "12.5" },
    { name: "max_quarantined_percent", default: "0" },
    { name: "max_rejected_files", default: "3" },
    { name: "new_columns", default: "reject" },
    { name: "operations_schema", default: "operations" },
    { name: "run_id", default: "{{job.run_id}}" },
    { name: "schema", default: "order_tracking" },
    { name: "volume", default: "/Volumes/orders_tiny/order_tracking/order_files" },
  ]);
});

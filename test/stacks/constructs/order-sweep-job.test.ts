import { MINIMAL, synthesize, type StackJson } from "../../synthesized.ts";
import { jobOf } from "../jobs.ts";

const pipelineOf = (settings: object = {}): StackJson => synthesize({ ...MINIMAL, ...settings }).pipeline;
const sweepIn = (pipeline: StackJson) => jobOf(pipeline, "orders_tracking_sweep");

it("starts the load job, and runs nothing of its own", () => {
  const pipeline = pipelineOf();
  const [load] = Object.entries(pipeline.resource.databricks_job ?? {}).find(([, { trigger }]) => trigger) ?? [];

  expect(sweepIn(pipeline).task).toEqual([
    { task_key: "load", run_job_task: { job_id: `\${databricks_job.${load}.id}` } },
  ]);
});

it("runs four times a day, off the hour of the upkeep", () => {
  expect(sweepIn(pipelineOf()).schedule).toEqual({
    quartz_cron_expression: "0 0 1/6 * * ?",
    timezone_id: "UTC",
    pause_status: "UNPAUSED",
  });
});

it("is paused where arriving files start nothing either", () => {
  expect(sweepIn(pipelineOf({ triggerPaused: true }))).toHaveProperty("schedule.pause_status", "PAUSED");
});

it("leaves it to the load job to tell of what fails", () => {
  expect(sweepIn(pipelineOf({ notifications: { emails: ["team@example.com"] } }))).not.toHaveProperty(
    "email_notifications",
  );
});

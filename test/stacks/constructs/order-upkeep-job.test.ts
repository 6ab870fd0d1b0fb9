import { MINIMAL, synthesize } from "../../synthesized.ts";
import { type Job, jobOf } from "../jobs.ts";

const upkeepJob = (settings: object = {}): Job =>
  jobOf(synthesize({ ...MINIMAL, ...settings }).pipeline, "orders_tracking_upkeep");

it("runs every night, and at no other time", () => {
  const job = upkeepJob();

  expect(job.schedule).toEqual({ quartz_cron_expression: "0 0 3 * * ?", timezone_id: "UTC", pause_status: "UNPAUSED" });
  expect(job).not.toHaveProperty("trigger");
});

it("is paused where arriving files start nothing either", () => {
  expect(upkeepJob({ triggerPaused: true })).toHaveProperty("schedule.pause_status", "PAUSED");
});

it("has one task, which may be tried again", () => {
  expect(upkeepJob().task).toEqual([expect.objectContaining({ task_key: "upkeep", max_retries: 2 })]);
});

it("keeps old versions as long as the environment says", () => {
  expect(upkeepJob({ retentionDays: 8 }).parameter).toEqual([
    { name: "catalog", default: "orders_tiny" },
    { name: "checkpoint", default: "/Volumes/orders_tiny/operations/checkpoint" },
    { name: "operations_schema", default: "operations" },
    { name: "retention_days", default: "8" },
    { name: "schema", default: "order_tracking" },
    { name: "volume", default: "/Volumes/orders_tiny/order_tracking/order_files" },
  ]);
});

it("says in the workspace that it deletes rows, and what cannot be done after that", () => {
  expect(upkeepJob().description).toMatch(/removes .* old rows of the stage .* cannot be withdrawn/);
});

import { MINIMAL, synthesize } from "../../synthesized.ts";
import { type Job, jobOf } from "../jobs.ts";

let job: Job;

beforeAll(() => {
  job = jobOf(synthesize({ ...MINIMAL, retentionDays: 8 }).pipeline, "orders_tracking_erase");
});

it("is started by people only, and not tried again", () => {
  for (const start of ["trigger", "schedule", "continuous"]) expect(job).not.toHaveProperty(start);
  expect(job.task).toEqual([expect.objectContaining({ task_key: "erase" })]);
  expect(job.task[0]).not.toHaveProperty("max_retries");
});

it("lets its starter name the order, and knows how long old versions are kept", () => {
  expect(job.parameter).toContainEqual({ name: "tracking_num", default: "" });
  expect(job.parameter).toContainEqual({ name: "retention_days", default: "8" });
});

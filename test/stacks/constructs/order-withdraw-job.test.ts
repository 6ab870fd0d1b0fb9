import { MINIMAL, synthesize } from "../../synthesized.ts";
import { type Job, jobOf } from "../jobs.ts";

let job: Job;

beforeAll(() => {
  job = jobOf(synthesize(MINIMAL).pipeline, "orders_tracking_withdraw");
});

it("is started by people only, and not tried again", () => {
  for (const start of ["trigger", "schedule", "continuous"]) expect(job).not.toHaveProperty(start);
  expect(job.task).toEqual([expect.objectContaining({ task_key: "withdraw" })]);
  expect(job.task[0]).not.toHaveProperty("max_retries");
});

it("lets its starter name the files", () => {
  expect(job.parameter).toContainEqual({ name: "files", default: "" });
  expect(job.parameter).toContainEqual({ name: "run_id", default: "{{job.run_id}}" });
});

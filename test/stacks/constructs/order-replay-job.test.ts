import { MINIMAL, synthesize } from "../../synthesized.ts";
import { type Job, jobOf } from "../jobs.ts";

let job: Job;

beforeAll(() => {
  job = jobOf(synthesize(MINIMAL).pipeline, "orders_tracking_replay");
});

it("is started by people only", () => {
  for (const start of ["trigger", "schedule", "continuous"]) expect(job).not.toHaveProperty(start);
});

it("has one task, which is not tried again", () => {
  expect(job.task).toEqual([expect.objectContaining({ task_key: "replay" })]);
  expect(job.task[0]).not.toHaveProperty("max_retries");
});

it("lets its starter say what to put back", () => {
  expect(job.parameter).toEqual([
    { name: "catalog", default: "orders_tiny" },
    { name: "checkpoint", default: "/Volumes/orders_tiny/operations/checkpoint" },
    { name: "files", default: "" },
    { name: "operations_schema", default: "operations" },
    { name: "schema", default: "order_tracking" },
    { name: "since", default: "" },
    { name: "source", default: "quarantine" },
    { name: "until", default: "" },
    { name: "volume", default: "/Volumes/orders_tiny/order_tracking/order_files" },
  ]);
});

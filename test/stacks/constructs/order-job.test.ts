/** What holds for all jobs. */
import { MINIMAL, synthesize, type StackJson } from "../../synthesized.ts";
import { type Job, JOBS, jobOf, jobsOf } from "../jobs.ts";

const RUNNER = "99999999-8888-7777-6666-555555555555";

let pipeline: StackJson;

beforeAll(() => {
  pipeline = synthesize({ ...MINIMAL, runAs: RUNNER }).pipeline;
});

it("tells environments of one workspace apart by the jobs' names", () => {
  const jobNames = jobsOf(pipeline).map(({ name }) => name);

  expect(new Set(jobNames)).toEqual(new Set(JOBS.map((name) => `[tiny] ${name}`)));
});

describe.each(JOBS)("%s", (name) => {
  let job: Job;

  beforeAll(() => {
    job = jobOf(pipeline, name);
  });

  it("runs once at a time, and lets other runs wait", () => {
    expect(job).toMatchObject({ max_concurrent_runs: 1, queue: { enabled: true } });
  });

  it("ends in any case", () => {
    expect(job.timeout_seconds).toBeGreaterThan(0);
  });

  it("runs as the environment's service principal, or else as whoever deploys", () => {
    expect(job.run_as).toEqual({ service_principal_name: RUNNER });
    expect(jobOf(synthesize(MINIMAL).pipeline, name)).not.toHaveProperty("run_as");
  });

  it("is silent about runs that were skipped or cancelled", () => {
    expect(job.notification_settings).toEqual({ no_alert_for_canceled_runs: true, no_alert_for_skipped_runs: true });
  });

  it("cannot be changed by hand in the workspace", () => {
    expect(job.edit_mode).toBe("UI_LOCKED");
  });
});

import { Token } from "cdktf";
import type { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { OrderJob, pauseStatus } from "./order-job.ts";
import type { OrderLoadJob } from "./order-load-job.ts";
import { JOB_TIMEOUT_SECONDS } from "./order-notebook-job.ts";

/** Properties for {@link OrderSweepJob}. */
export interface OrderSweepJobProps {
  readonly environment: Environment;
  readonly load: OrderLoadJob;
}

/**
 * The job that starts the load job four times a day, for files whose arrival event was missed, and to finish what a run
 * left behind that died.
 *
 * A job of its own, since a job has a trigger or a schedule, never both. It tells nobody of its failures: the load job
 * tells of its runs, and the alert on hours without success tells of runs that never start.
 */
export class OrderSweepJob extends OrderJob {
  constructor(scope: Construct, id: string, { environment, load }: OrderSweepJobProps) {
    super(scope, id, environment, {
      name: names.sweepJob(environment),
      description: "Starts the load job, for files whose arrival event was missed",
      task: [{ taskKey: "load", runJobTask: { jobId: Token.asNumber(load.job.id) } }],
      // Off the upkeep's hour.
      schedule: { quartzCronExpression: "0 0 1/6 * * ?", timezoneId: "UTC", pauseStatus: pauseStatus(environment) },
      // Its run may wait for another one to end.
      timeoutSeconds: 2 * JOB_TIMEOUT_SECONDS,
    });
  }
}

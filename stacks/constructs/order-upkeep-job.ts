import type { Construct } from "constructs";
import * as names from "../../environments/names.ts";
import { pauseStatus } from "./order-job.ts";
import { OrderNotebookJob, type OrderNotebookJobProps, RETRIES } from "./order-notebook-job.ts";

/** The job that keeps the tables small and fast, every night. */
export class OrderUpkeepJob extends OrderNotebookJob {
  constructor(scope: Construct, id: string, props: OrderNotebookJobProps) {
    const { environment } = props;
    super(scope, id, props, {
      name: names.upkeepJob(environment),
      description:
        "Compacts the tables, and removes old versions that time travel no longer needs, and old rows of the stage that " +
        "only repeat others: a file that is older cannot be withdrawn any more",
      tasks: { upkeep: RETRIES },
      parameters: { retention_days: String(environment.retentionDays) },
      schedule: { quartzCronExpression: "0 0 3 * * ?", timezoneId: "UTC", pauseStatus: pauseStatus(environment) },
    });
  }
}

import type { Construct } from "constructs";
import * as names from "../../environments/names.ts";
import { OrderNotebookJob, type OrderNotebookJobProps } from "./order-notebook-job.ts";

const HOUR_SECONDS = 60 * 60;
/**
 * To look through all files ever sent: half a million of them take an hour where each access takes 30 ms. What this limit
 * cuts short begins anew in the load job, whose tasks have an hour for all that they do.
 */
const ERASE_TIMEOUT_SECONDS = 6 * HOUR_SECONDS;

/** The job with which people erase an order, as who lives at its address may ask for: nothing else starts it. */
export class OrderEraseJob extends OrderNotebookJob {
  constructor(scope: Construct, id: string, props: OrderNotebookJobProps) {
    super(scope, id, props, {
      name: names.eraseJob(props.environment),
      description: "Removes one order from all tables and files, and reports where it was",
      // No retries: what was cut short is finished by the next load, and whoever started it wants the report.
      tasks: { erase: { timeoutSeconds: ERASE_TIMEOUT_SECONDS } },
      timeoutSeconds: ERASE_TIMEOUT_SECONDS + HOUR_SECONDS,
      // Whoever starts it names the order.
      parameters: {
        retention_days: String(props.environment.retentionDays),
        run_id: "{{job.run_id}}",
        tracking_num: "",
      },
    });
  }
}

import type { Construct } from "constructs";
import * as names from "../../environments/names.ts";
import { OrderNotebookJob, type OrderNotebookJobProps } from "./order-notebook-job.ts";

/** The job with which people erase an order, as who lives at its address may ask for: nothing else starts it. */
export class OrderEraseJob extends OrderNotebookJob {
  constructor(scope: Construct, id: string, props: OrderNotebookJobProps) {
    super(scope, id, props, {
      name: names.eraseJob(props.environment),
      description: "Removes one order from all tables and files, and reports where it was",
      // No retries: what was cut short is finished by the next load, and whoever started it wants the report.
      tasks: { erase: {} },
      // Whoever starts it names the order.
      parameters: {
        retention_days: String(props.environment.retentionDays),
        run_id: "{{job.run_id}}",
        tracking_num: "",
      },
    });
  }
}

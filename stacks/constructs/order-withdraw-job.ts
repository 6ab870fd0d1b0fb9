import type { Construct } from "constructs";
import * as names from "../../environments/names.ts";
import { OrderNotebookJob, type OrderNotebookJobProps } from "./order-notebook-job.ts";

/** The job with which people take files back that should never have come: nothing else starts it. */
export class OrderWithdrawJob extends OrderNotebookJob {
  constructor(scope: Construct, id: string, props: OrderNotebookJobProps) {
    super(scope, id, props, {
      name: names.withdrawJob(props.environment),
      description: "Takes files back: orders, history and counts are as if they had never come",
      // No retries: what is refused is refused again, and what was cut short is finished by the next load.
      tasks: { withdraw: {} },
      // Whoever starts it names the files.
      parameters: { files: "", run_id: "{{job.run_id}}" },
    });
  }
}

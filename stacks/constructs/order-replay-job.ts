import type { Construct } from "constructs";
import * as names from "../../environments/names.ts";
import { OrderNotebookJob, type OrderNotebookJobProps } from "./order-notebook-job.ts";

/** The job with which people load files again: nothing else starts it. */
export class OrderReplayJob extends OrderNotebookJob {
  constructor(scope: Construct, id: string, props: OrderNotebookJobProps) {
    super(scope, id, props, {
      name: names.replayJob(props.environment),
      description:
        "Puts archived or rejected files or quarantined rows back into the landing directory, where the load job finds them",
      // No retries: whoever started it is there, and a second attempt could put back the same again.
      tasks: { replay: {} },
      // Whoever starts it says what to put back.
      parameters: { files: "", since: "", source: "quarantine", until: "" },
    });
  }
}

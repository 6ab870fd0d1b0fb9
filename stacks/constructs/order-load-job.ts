import type { Construct } from "constructs";
import * as names from "../../environments/names.ts";
import { pauseStatus } from "./order-job.ts";
import { OrderNotebookJob, type OrderNotebookJobProps, RETRIES } from "./order-notebook-job.ts";

/** The job that loads order files as they arrive, and judges what it loaded. */
export class OrderLoadJob extends OrderNotebookJob {
  constructor(scope: Construct, id: string, props: OrderNotebookJobProps) {
    const { environment } = props;
    super(scope, id, props, {
      name: names.loadJob(environment),
      description: "Loads order files from the landing directory into the stage, and merges the stage into the orders",
      tasks: {
        // Whatever became of the loads: being the last task, it alone makes the run fail, which is what the job's e-mail
        // tells of. No retries: a verdict does not change by trying again. See docs/decisions/quality-gate.md.
        quality_gate: { dependsOn: after("source_to_stage", "stage_to_final"), runIf: "ALL_DONE" },
        source_to_stage: RETRIES,
        // Also after a failure: what was staged is whole, and no batch, file or removal that fails keeps it from the orders.
        stage_to_final: { ...RETRIES, dependsOn: after("source_to_stage"), runIf: "ALL_DONE" },
      },
      parameters: {
        cut_rows: environment.cutRows,
        max_bad_rows_percent: String(environment.maxBadRowsPercent),
        max_quarantined_percent: String(environment.maxQuarantinedPercent),
        max_rejected_files: String(environment.maxRejectedFiles),
        new_columns: environment.newColumns,
        run_id: "{{job.run_id}}",
      },
      trigger: {
        pauseStatus: pauseStatus(environment),
        fileArrival: {
          // The landing directory alone: watching all of the volume, archived files would start runs as well.
          url: names.landingDirectory(environment),
          minTimeBetweenTriggersSeconds: environment.minTimeBetweenTriggersSeconds,
          // The service takes no 0: to wait for nothing is to say nothing.
          waitAfterLastChangeSeconds: environment.waitAfterLastChangeSeconds || undefined,
        },
      },
    });
  }
}

/** Tasks to wait for; in the order of their keys, as the tasks. */
function after(...taskKeys: readonly string[]) {
  return taskKeys.map((taskKey) => ({ taskKey }));
}

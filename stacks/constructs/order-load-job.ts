import { Job, type JobTask } from "@cdktf/provider-databricks/lib/job/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../names.ts";
import { tags } from "../tags.ts";
import { JobCompute } from "./job-compute.ts";
import { NotebookPackage } from "./notebook-package.ts";

// A task picks up what a failed attempt left behind, so trying again is always safe; most failures pass in a minute.
const MAX_RETRIES = 2;
const RETRY_INTERVAL_MILLIS = 60_000;
const TASK_TIMEOUT_SECONDS = 60 * 60;
/** Less than all attempts of all tasks together: a job that takes this long needs a person. */
const JOB_TIMEOUT_SECONDS = 4 * 60 * 60;

/** The job that loads order files as they arrive: its notebooks, what they run on, and when. */
export class OrderLoadJob extends Construct {
  constructor(scope: Construct, id: string, environment: Environment) {
    super(scope, id);
    const compute = new JobCompute(this, "compute", environment);
    const notebooks = new NotebookPackage(this, "notebooks", environment);

    const task = (taskKey: string, ...runsAfter: string[]): JobTask => ({
      taskKey,
      dependsOn: runsAfter.map((key) => ({ taskKey: key })),
      notebookTask: { notebookPath: notebooks.addNotebook(taskKey).path },
      maxRetries: MAX_RETRIES,
      minRetryIntervalMillis: RETRY_INTERVAL_MILLIS,
      retryOnTimeout: true,
      timeoutSeconds: TASK_TIMEOUT_SECONDS,
      ...compute.ofTask,
    });

    new Job(this, "job", {
      name: names.job(environment),
      description: "Loads order files from the landing directory into the stage, and merges the stage into the orders",
      ...compute.ofJob,
      // In the order of their keys, or the provider shows a change in every plan.
      task: [task("source_to_stage"), task("stage_to_final", "source_to_stage")],
      // The workspace hands these to every notebook as widgets.
      parameter: [
        { name: "catalog", default: names.catalog(environment) },
        { name: "run_id", default: "{{job.run_id}}" },
        { name: "schema", default: names.SCHEMA },
        { name: "volume", default: names.volumePath(environment) },
      ],
      trigger: {
        pauseStatus: environment.triggerPaused ? "PAUSED" : "UNPAUSED",
        fileArrival: {
          // The landing directory alone: watching all of the volume, archived files would start runs as well.
          url: names.landingDirectory(environment),
          minTimeBetweenTriggersSeconds: environment.minTimeBetweenTriggersSeconds,
          waitAfterLastChangeSeconds: environment.waitAfterLastChangeSeconds,
        },
      },
      // Without the queue, a run that starts while another is at work would be skipped, and its files would lie there.
      maxConcurrentRuns: 1,
      queue: { enabled: true },
      timeoutSeconds: JOB_TIMEOUT_SECONDS,
      ...(environment.failureEmails.length > 0 && { emailNotifications: { onFailure: environment.failureEmails } }),
      notificationSettings: { noAlertForCanceledRuns: true, noAlertForSkippedRuns: true },
      // Changes come from here: one made by hand would be undone by the next deployment.
      editMode: "UI_LOCKED",
      tags: tags(environment),
      // The notebooks import the modules, which no attribute of the job tells: a file may arrive at any moment.
      dependsOn: [...notebooks.modules],
    });
  }
}

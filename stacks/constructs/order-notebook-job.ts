import type { JobConfig, JobTask } from "@cdktf/provider-databricks/lib/job/index.js";
import type { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import type { JobCompute } from "./job-compute.ts";
import type { NotebookPackage } from "./notebook-package.ts";
import type { Notifications } from "./notifications.ts";
import { OrderJob } from "./order-job.ts";

const TASK_TIMEOUT_SECONDS = 60 * 60;
/** Less than all attempts of all tasks together: a job that takes this long needs a person. */
export const JOB_TIMEOUT_SECONDS = 4 * 60 * 60;
/** Many times what a run takes, a cluster's start included: time to look, long before a limit ends the run. */
const DURATION_WARNING_SECONDS = 30 * 60;
/** For a task that picks up what a failed attempt left behind: trying again is safe, and most failures pass in a minute. */
export const RETRIES = { maxRetries: 2, minRetryIntervalMillis: 60_000, retryOnTimeout: true } as const;

/** Properties for each {@link OrderNotebookJob}: what these jobs of an environment share. */
export interface OrderNotebookJobProps {
  readonly environment: Environment;
  readonly compute: JobCompute;
  readonly notebooks: NotebookPackage;
  readonly notifications: Notifications;
}

/** What a notebook job has of its own; most have the limits of them all. */
export interface OrderNotebookJobConfig extends Pick<
  JobConfig,
  "name" | "description" | "schedule" | "trigger" | "timeoutSeconds"
> {
  /** Its tasks by their keys. A task runs the notebook of its key's name. */
  readonly tasks: Readonly<Record<string, Omit<JobTask, "taskKey" | "notebookTask">>>;
  /** Defaults of its parameters, but for those that say where tables and files are. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A job of the environment's notebooks, which somebody hears of when it fails or takes long. */
export abstract class OrderNotebookJob extends OrderJob {
  protected constructor(
    scope: Construct,
    id: string,
    { environment, compute, notebooks, notifications }: OrderNotebookJobProps,
    { tasks, parameters, ...own }: OrderNotebookJobConfig,
  ) {
    // The workspace hands these to every notebook as widgets.
    const widgets: Readonly<Record<string, string>> = {
      ...parameters,
      catalog: names.catalog(environment),
      checkpoint: names.checkpointPath(environment),
      schema: names.SCHEMA,
      operations_schema: names.OPERATIONS_SCHEMA,
      volume: names.volumePath(environment),
    };
    super(scope, id, environment, {
      timeoutSeconds: JOB_TIMEOUT_SECONDS,
      ...own,
      ...compute.jobSettings,
      ...notifications.jobSettings,
      // In the order of their keys, or the provider shows a change in every plan.
      task: inOrder(tasks).map(([taskKey, task]) => ({
        taskKey,
        notebookTask: { notebookPath: notebooks.addNotebook(taskKey).path },
        timeoutSeconds: TASK_TIMEOUT_SECONDS,
        ...compute.taskSettings,
        ...task,
      })),
      parameter: inOrder(widgets).map(([name, value]) => ({ name, default: value })),
      health: { rules: [{ metric: "RUN_DURATION_SECONDS", op: "GREATER_THAN", value: DURATION_WARNING_SECONDS }] },
      // The notebooks import the modules, which no attribute of the job tells: a run may start at any moment.
      dependsOn: [...notebooks.modules],
    });
  }
}

function inOrder<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}

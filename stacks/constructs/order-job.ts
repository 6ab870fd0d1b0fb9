import { Job, type JobConfig, type JobTask } from "@cdktf/provider-databricks/lib/job/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../names.ts";
import { tags } from "../tags.ts";
import type { JobCompute } from "./job-compute.ts";
import type { NotebookPackage } from "./notebook-package.ts";

const TASK_TIMEOUT_SECONDS = 60 * 60;
/** Less than all attempts of all tasks together: a job that takes this long needs a person. */
const JOB_TIMEOUT_SECONDS = 4 * 60 * 60;
/** For a task that picks up what a failed attempt left behind: trying again is safe, and most failures pass in a minute. */
export const RETRIES = { maxRetries: 2, minRetryIntervalMillis: 60_000, retryOnTimeout: true } as const;

/** Properties for each {@link OrderJob}: what all jobs of an environment share. */
export interface OrderJobProps {
  readonly environment: Environment;
  readonly compute: JobCompute;
  readonly notebooks: NotebookPackage;
}

/** What a job has of its own. */
export interface OrderJobConfig extends Pick<JobConfig, "name" | "description" | "schedule" | "trigger"> {
  /** Its tasks by their keys. A task runs the notebook of its key's name. */
  readonly tasks: Readonly<Record<string, Omit<JobTask, "taskKey" | "notebookTask">>>;
  /** Defaults of its parameters, but for those that say where tables and files are. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A job of the environment's notebooks: all that the jobs have in common. */
export abstract class OrderJob extends Construct {
  protected constructor(
    scope: Construct,
    id: string,
    { environment, compute, notebooks }: OrderJobProps,
    { tasks, parameters, ...own }: OrderJobConfig,
  ) {
    super(scope, id);
    // The workspace hands these to every notebook as widgets.
    const widgets: Readonly<Record<string, string>> = {
      ...parameters,
      catalog: names.catalog(environment),
      schema: names.SCHEMA,
      volume: names.volumePath(environment),
    };

    new Job(this, "job", {
      ...own,
      ...compute.ofJob,
      // In the order of their keys, or the provider shows a change in every plan.
      task: inOrder(tasks).map(([taskKey, task]) => ({
        taskKey,
        notebookTask: { notebookPath: notebooks.addNotebook(taskKey).path },
        timeoutSeconds: TASK_TIMEOUT_SECONDS,
        ...compute.ofTask,
        ...task,
      })),
      parameter: inOrder(widgets).map(([name, value]) => ({ name, default: value })),
      // Without the queue, a run that starts while another is at work would be skipped, and what it was for with it.
      maxConcurrentRuns: 1,
      queue: { enabled: true },
      timeoutSeconds: JOB_TIMEOUT_SECONDS,
      ...failureEmails(environment),
      notificationSettings: { noAlertForCanceledRuns: true, noAlertForSkippedRuns: true },
      // Changes come from here: one made by hand would be undone by the next deployment.
      editMode: "UI_LOCKED",
      tags: tags(environment),
      // The notebooks import the modules, which no attribute of the job tells: a run may start at any moment.
      dependsOn: [...notebooks.modules],
    });
  }
}

/** For what starts a job by itself. */
export function pauseStatus({ triggerPaused }: Environment): "PAUSED" | "UNPAUSED" {
  return triggerPaused ? "PAUSED" : "UNPAUSED";
}

function failureEmails({ failureEmails }: Environment) {
  return failureEmails.length > 0 ? { emailNotifications: { onFailure: failureEmails } } : {};
}

function inOrder<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));
}

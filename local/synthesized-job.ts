/** The file-arrival job, its notebooks and their package, read from a synthesized pipeline stack. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

/** Terraform blocks are lists in the synthesized JSON where they may repeat, and objects where they may not. */
const block = <T extends z.ZodType>(type: T) =>
  z.union([type, z.tuple([type]).transform(([only]) => only as z.output<T>)]) as z.ZodType<z.output<T>>;

const taskType = z.object({
  task_key: z.string(),
  depends_on: z.array(z.object({ task_key: z.string() })).default([]),
  run_if: z.string().default("ALL_SUCCESS"),
  max_retries: z.number().default(0),
  min_retry_interval_millis: z.number().default(0),
  retry_on_timeout: z.boolean().default(false),
  timeout_seconds: z.number().default(0),
  notebook_task: block(
    z.object({ notebook_path: z.string(), base_parameters: z.record(z.string(), z.string()).default({}) }),
  ),
});

const jobType = z.object({
  name: z.string(),
  max_concurrent_runs: z.number().default(1),
  timeout_seconds: z.number().default(0),
  queue: block(z.object({ enabled: z.boolean() })).default({ enabled: false }),
  parameter: z.array(z.object({ name: z.string(), default: z.string() })).default([]),
  trigger: block(
    z.object({
      pause_status: z.string().default("UNPAUSED"),
      file_arrival: block(
        z.object({
          url: z.string(),
          min_time_between_triggers_seconds: z.number().default(0),
          wait_after_last_change_seconds: z.number().default(0),
        }),
      ),
    }),
  ),
  task: z.array(taskType).min(1),
});

const workspaceFileType = z.object({ path: z.string(), source: z.string() });

const stackType = z.object({
  resource: z.object({
    databricks_job: z.record(z.string(), z.looseObject({})),
    databricks_notebook: z.record(z.string(), workspaceFileType),
    databricks_workspace_file: z.record(z.string(), workspaceFileType).default({}),
  }),
});

/** A file that a deployment puts into the workspace. */
export interface WorkspaceFile {
  /** Where it is in the workspace; a notebook has no file extension there. */
  readonly path: string;
  /** The file on this machine. */
  readonly source: string;
  readonly isNotebook: boolean;
}

/** One task of the job; times in seconds, 0 for no limit. */
export interface Task {
  readonly key: string;
  readonly dependsOn: readonly string[];
  readonly runIf: string;
  readonly maxRetries: number;
  readonly retryIntervalSeconds: number;
  readonly retryOnTimeout: boolean;
  readonly timeoutSeconds: number;
  /** The notebook's place in the workspace. */
  readonly notebookPath: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The file-arrival job as `cdktf deploy` would create it. */
export interface SynthesizedJob {
  readonly name: string;
  readonly tasks: readonly Task[];
  /** The job's parameters and their defaults; they reach every task. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly maxConcurrentRuns: number;
  /** Whether a run above the maximum waits; otherwise it is skipped. */
  readonly queued: boolean;
  readonly trigger: {
    readonly url: string;
    readonly paused: boolean;
    readonly minTimeBetweenTriggersSeconds: number;
    readonly waitAfterLastChangeSeconds: number;
  };
  readonly workspaceFiles: readonly WorkspaceFile[];
}

/**
 * Reads the one file-arrival job of `<outputDirectory>/stacks/<environment>-pipeline`.
 *
 * @throws Error where the stack is missing, or holds a job that this machine cannot run
 */
export function readSynthesizedJob(outputDirectory: string, environment: string): SynthesizedJob {
  const stackDirectory = path.join(outputDirectory, "stacks", `${environment}-pipeline`);
  const file = path.join(stackDirectory, "cdk.tf.json");
  if (!existsSync(file)) throw new Error(`there is no synthesized stack at ${file}: run "npx cdktf synth" first`);
  const parsed = stackType.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`${file} holds no job with notebooks:\n${z.prettifyError(parsed.error)}`);
  const { databricks_job, databricks_notebook, databricks_workspace_file } = parsed.data.resource;

  // Other jobs of the stack, such as scheduled ones, have no file-arrival trigger.
  const candidates = Object.values(databricks_job).filter(({ trigger }) => trigger !== undefined);
  if (candidates.length !== 1) throw new Error(`${file} holds ${candidates.length} jobs with a trigger instead of one`);
  const job = jobType.safeParse(candidates[0]);
  if (!job.success) throw new Error(`the job in ${file} cannot run on this machine:\n${z.prettifyError(job.error)}`);

  const notebookPaths = new Map(
    Object.entries(databricks_notebook).map(([id, notebook]) => [`\${databricks_notebook.${id}.path}`, notebook.path]),
  );
  const toWorkspaceFile = (isNotebook: boolean) => (given: z.output<typeof workspaceFileType>) => ({
    path: given.path,
    source: path.resolve(stackDirectory, given.source),
    isNotebook,
  });
  const { trigger } = job.data;
  return {
    name: job.data.name,
    tasks: job.data.task.map((task) => ({
      key: task.task_key,
      dependsOn: task.depends_on.map(({ task_key }) => task_key),
      runIf: task.run_if,
      maxRetries: task.max_retries,
      retryIntervalSeconds: task.min_retry_interval_millis / 1000,
      retryOnTimeout: task.retry_on_timeout,
      timeoutSeconds: task.timeout_seconds,
      notebookPath: notebookPaths.get(task.notebook_task.notebook_path) ?? task.notebook_task.notebook_path,
      parameters: task.notebook_task.base_parameters,
    })),
    parameters: Object.fromEntries(job.data.parameter.map(({ name, default: value }) => [name, value])),
    timeoutSeconds: job.data.timeout_seconds,
    maxConcurrentRuns: job.data.max_concurrent_runs,
    queued: job.data.queue.enabled,
    trigger: {
      url: trigger.file_arrival.url,
      paused: trigger.pause_status === "PAUSED",
      minTimeBetweenTriggersSeconds: trigger.file_arrival.min_time_between_triggers_seconds,
      waitAfterLastChangeSeconds: trigger.file_arrival.wait_after_last_change_seconds,
    },
    workspaceFiles: [
      ...Object.values(databricks_notebook).map(toWorkspaceFile(true)),
      ...Object.values(databricks_workspace_file).map(toWorkspaceFile(false)),
    ],
  };
}

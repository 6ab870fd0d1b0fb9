/** The jobs, their notebooks and the package of these, read from a synthesized pipeline stack. */
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

const PIPELINE = "-pipeline";

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
  timeout_seconds: z.number().default(0),
  queue: block(z.object({ enabled: z.boolean() })).default({ enabled: false }),
  parameter: z.array(z.object({ name: z.string(), default: z.string() })).default([]),
  task: z.array(taskType).min(1),
});

const loadJobType = jobType.extend({
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
});

const directoryType = z.object({ path: z.string() });
const workspaceFileType = z.object({ path: z.string(), source: z.string() });

const stackType = z.object({
  resource: z.object({
    databricks_job: z.record(z.string(), z.looseObject({ name: z.string() })),
    databricks_directory: z.record(z.string(), directoryType).default({}),
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

/** A job as `cdktf deploy` would create it. */
export interface SynthesizedJob {
  readonly name: string;
  readonly tasks: readonly Task[];
  /** The job's parameters and their defaults; they reach every task. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /** Whether a run above the maximum waits; otherwise it is skipped. */
  readonly queued: boolean;
  /** All that its stack deploys. */
  readonly workspaceFiles: readonly WorkspaceFile[];
}

/** The job that the arrival of files starts. */
export interface SynthesizedLoadJob extends SynthesizedJob {
  readonly trigger: {
    readonly url: string;
    readonly paused: boolean;
    readonly minTimeBetweenTriggersSeconds: number;
    readonly waitAfterLastChangeSeconds: number;
  };
}

/**
 * Reads the one file-arrival job of `<outputDirectory>/stacks/<environment>-pipeline`.
 *
 * @throws Error where the stack is missing, or holds a job that this machine cannot run
 */
export function readLoadJob(outputDirectory: string, environment: string): SynthesizedLoadJob {
  const stack = readStack(outputDirectory, environment);
  // The other jobs are started by people or by the clock.
  const given = onlyJob(stack, "with a file-arrival trigger", ({ trigger }) => trigger !== undefined);
  const job = parseJob(loadJobType, given, stack);
  const { pause_status, file_arrival } = job.trigger;
  return {
    ...asSynthesizedJob(job, stack),
    trigger: {
      url: file_arrival.url,
      paused: pause_status === "PAUSED",
      minTimeBetweenTriggersSeconds: file_arrival.min_time_between_triggers_seconds,
      waitAfterLastChangeSeconds: file_arrival.wait_after_last_change_seconds,
    },
  };
}

/**
 * Reads the one job of that stack whose name ends in `nameEnd`; the start tells the environment.
 *
 * @throws Error where the stack is missing, or holds a job that this machine cannot run
 */
export function readJob(outputDirectory: string, environment: string, nameEnd: string): SynthesizedJob {
  const stack = readStack(outputDirectory, environment);
  const given = onlyJob(stack, `whose name ends in ${nameEnd}`, ({ name }) => name.endsWith(nameEnd));
  return asSynthesizedJob(parseJob(jobType, given, stack), stack);
}

/** A stack's resources, and where they were read. */
interface Stack {
  readonly file: string;
  readonly resource: z.output<typeof stackType>["resource"];
}

type GivenJob = Stack["resource"]["databricks_job"][string];

/** The environments whose pipeline stack was synthesized. */
export function readEnvironments(outputDirectory: string): string[] {
  const stacks = path.join(outputDirectory, "stacks");
  const names = existsSync(stacks) ? readdirSync(stacks) : [];
  return names.filter((name) => name.endsWith(PIPELINE)).map((name) => name.slice(0, -PIPELINE.length));
}

/** The environment whose pipeline stack was synthesized last, as it is before each run; undefined where there is none. */
export function lastEnvironment(outputDirectory: string): string | undefined {
  return readEnvironments(outputDirectory)
    .sort((one, other) => writtenAt(outputDirectory, other) - writtenAt(outputDirectory, one))
    .at(0);
}

/** When the pipeline stack of an environment was synthesized, in milliseconds since the epoch; 0 where it never was. */
export function writtenAt(outputDirectory: string, environment: string): number {
  return statSync(stackFile(outputDirectory, environment), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The schema of the orders, which is the same in every environment; undefined where no stack was synthesized. */
export function readSchema(outputDirectory: string): string | undefined {
  const [environment] = readEnvironments(outputDirectory);
  return environment && readLoadJob(outputDirectory, environment).parameters.schema;
}

function stackFile(outputDirectory: string, environment: string): string {
  return path.join(outputDirectory, "stacks", `${environment}${PIPELINE}`, "cdk.tf.json");
}

function readStack(outputDirectory: string, environment: string): Stack {
  const file = stackFile(outputDirectory, environment);
  if (!existsSync(file)) throw new Error(`there is no synthesized stack at ${file}: run "npx cdktf synth" first`);
  const parsed = stackType.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`${file} holds no job with notebooks:\n${z.prettifyError(parsed.error)}`);
  return { file, resource: parsed.data.resource };
}

function onlyJob({ file, resource }: Stack, which: string, isWanted: (job: GivenJob) => boolean): GivenJob {
  const [job, ...others] = Object.values(resource.databricks_job).filter(isWanted);
  if (job === undefined || others.length > 0) {
    throw new Error(`${file} holds ${job === undefined ? 0 : 1 + others.length} jobs ${which} instead of one`);
  }
  return job;
}

function parseJob<T extends z.ZodType>(type: T, given: GivenJob, { file }: Stack): z.output<T> {
  const job = type.safeParse(given);
  if (!job.success) {
    throw new Error(`the job ${given.name} in ${file} cannot run on this machine:\n${z.prettifyError(job.error)}`);
  }
  return job.data;
}

function asSynthesizedJob(job: z.output<typeof jobType>, { file, resource }: Stack): SynthesizedJob {
  const { databricks_notebook, databricks_workspace_file } = resource;
  const toWorkspaceFile = (isNotebook: boolean) => (given: z.output<typeof workspaceFileType>) => ({
    path: workspacePath(given.path, resource),
    source: path.resolve(path.dirname(file), given.source),
    isNotebook,
  });
  return {
    name: job.name,
    tasks: job.task.map((task) => ({
      key: task.task_key,
      dependsOn: task.depends_on.map(({ task_key }) => task_key),
      runIf: task.run_if,
      maxRetries: task.max_retries,
      retryIntervalSeconds: task.min_retry_interval_millis / 1000,
      retryOnTimeout: task.retry_on_timeout,
      timeoutSeconds: task.timeout_seconds,
      notebookPath: workspacePath(task.notebook_task.notebook_path, resource),
      parameters: task.notebook_task.base_parameters,
    })),
    parameters: Object.fromEntries(job.parameter.map(({ name, default: value }) => [name, value])),
    timeoutSeconds: job.timeout_seconds,
    queued: job.queue.enabled,
    workspaceFiles: [
      ...Object.values(databricks_notebook).map(toWorkspaceFile(true)),
      ...Object.values(databricks_workspace_file).map(toWorkspaceFile(false)),
    ],
  };
}

/** A path with what it says of the paths of directories and notebooks filled in, as Terraform would. */
function workspacePath(given: string, resource: Stack["resource"]): string {
  const pathsByType: Readonly<Record<string, Readonly<Record<string, { readonly path: string }>>>> = {
    databricks_directory: resource.databricks_directory,
    databricks_notebook: resource.databricks_notebook,
  };
  return given.replace(/\$\{(\w+)\.([\w-]+)\.path\}/g, (reference, type: string, id: string) => {
    const referred = pathsByType[type]?.[id];
    return referred ? workspacePath(referred.path, resource) : reference;
  });
}

/** What the catalog of the orders is called in each environment that was synthesized. */
export function readCatalogs(outputDirectory: string): string[] {
  return readEnvironments(outputDirectory).flatMap(
    (environment) => readLoadJob(outputDirectory, environment).parameters.catalog ?? [],
  );
}

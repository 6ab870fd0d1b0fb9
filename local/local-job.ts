/** A synthesized job on this machine: its workspace files in a folder, `/Volumes` in another, its catalog in Spark's. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { resolveReferences } from "./dynamic-values.ts";
import type { Home } from "./home.ts";
import { removeUnfinishedUploads } from "./landing-directory.ts";
import { KernelError, type NotebookKernel } from "./notebook-kernel.ts";
import type { SynthesizedJob, SynthesizedLoadJob, Task } from "./synthesized-job.ts";
import { runTaskGraph, type Attempt, type JobStatus, type TaskResult } from "./task-graph.ts";

/** Spark's only catalog that can hold Delta tables without a metastore. */
const LOCAL_CATALOG = "spark_catalog";

/** A workspace waits a minute before it retries, for the cloud to recover; a laptop has nothing to wait for. */
const LONGEST_RETRY_PAUSE_SECONDS = 1;

/** One run of the job. */
export interface JobRun {
  readonly runId: string;
  readonly status: JobStatus;
  readonly seconds: number;
  readonly tasks: readonly (TaskResult & {
    /** Prints of the notebook, and the stack where it failed; null where it did not start. */
    readonly log: string | null;
  })[];
}

/** Runs one job on one home. */
export class LocalJob<J extends SynthesizedJob = SynthesizedJob> {
  readonly job: J;
  readonly #home: Home;
  readonly #kernel: Pick<NotebookKernel, "runNotebook">;
  readonly #notebooks: ReadonlyMap<string, string>;
  #lastRunId = 0;

  /** Puts the job's notebooks and their package into the home's workspace folder. */
  constructor(job: J, home: Home, kernel: Pick<NotebookKernel, "runNotebook">) {
    this.job = job;
    this.#home = home;
    this.#kernel = kernel;
    this.#notebooks = deployWorkspaceFiles(job, home.workspace);
  }

  /**
   * Runs the job once, to its end.
   *
   * @param canceled aborts the run
   * @param onTask told before a task starts (without a result) and after it ended
   * @param given parameters of this run, instead of the job's defaults
   */
  async run(
    canceled: AbortSignal,
    onTask: (task: Task, result?: TaskResult) => void,
    given: Readonly<Record<string, string>> = {},
  ): Promise<JobRun> {
    const started = performance.now();
    // Like a workspace's: a number that grows, never used twice.
    this.#lastRunId = Math.max(Date.now(), this.#lastRunId + 1);
    const runId = String(this.#lastRunId);
    const logs = path.join(this.#home.logs, runId);
    mkdirSync(logs, { recursive: true });
    const logOf = (task: string, attempt: number) =>
      path.join(logs, attempt === 1 ? `${task}.log` : `${task}-${attempt}.log`);

    const execute = async (task: Task, attempt: number, signal: AbortSignal): Promise<Attempt> => {
      const defaults = Object.entries({ ...task.parameters, ...this.job.parameters }).map(
        ([name, value]) => [name, this.localValue(resolveReferences(value, { "job.run_id": runId }))] as const,
      );
      const parameters = { ...Object.fromEntries(defaults), ...given };
      const notebook = this.#notebooks.get(task.notebookPath);
      if (notebook === undefined)
        throw new Error(`task ${task.key} runs ${task.notebookPath}, which the stack does not deploy`);
      try {
        const log = logOf(task.key, attempt);
        const output = await this.#kernel.runNotebook(notebook, parameters, log, signal);
        return { succeeded: true, output };
      } catch (error) {
        if (error instanceof KernelError) return { succeeded: false, message: error.message };
        throw error;
      }
    };

    const localTasks = this.job.tasks.map((task) => ({
      ...task,
      retryIntervalSeconds: Math.min(task.retryIntervalSeconds, LONGEST_RETRY_PAUSE_SECONDS),
    }));
    const { status, tasks } = await runTaskGraph(localTasks, execute, this.job.timeoutSeconds, canceled, onTask);
    return {
      runId,
      status,
      seconds: (performance.now() - started) / 1000,
      tasks: tasks.map((task) => ({ ...task, log: task.attempts === 0 ? null : logOf(task.key, task.attempts) })),
    };
  }

  /** A setting's value on this machine: each volume is a folder of the home, the volumes' catalog is Spark's own. */
  protected localValue(value: string): string {
    const volume = this.job.parameters.volume ?? "";
    const [, catalog] = /^\/Volumes\/([^/]+)\/[^/]+\/[^/]+$/.exec(volume) ?? [];
    if (catalog === undefined)
      throw new Error(`the parameter volume of ${this.job.name} is "${volume}", which is no volume`);
    if (value === catalog) return LOCAL_CATALOG;
    if (value === volume || value.startsWith(`${volume}/`)) {
      return path.join(this.#home.volume, value.slice(volume.length));
    }
    const other = `/Volumes/${catalog}/`;
    return value.startsWith(other) ? path.join(this.#home.otherVolumes, value.slice(other.length)) : value;
  }
}

/** Runs the job that files start when they arrive. */
export class LocalLoadJob extends LocalJob<SynthesizedLoadJob> {
  /** The directory that the trigger watches, on this machine. */
  readonly landingDirectory: string;

  /** Makes the directory, too, and removes what a delivery has left there that was killed. */
  constructor(job: SynthesizedLoadJob, home: Home, kernel: Pick<NotebookKernel, "runNotebook">) {
    super(job, home, kernel);
    this.landingDirectory = this.localValue(job.trigger.url);
    if (this.landingDirectory === job.trigger.url) {
      throw new Error(`the trigger watches ${job.trigger.url}, which is not in the job's volume`);
    }
    mkdirSync(this.landingDirectory, { recursive: true });
    removeUnfinishedUploads(this.landingDirectory);
  }

  /** Whether something was begun that nobody has finished, and that the next run finishes: the checkpoint tells of it. */
  get isUnfinished(): boolean {
    const checkpoint = this.localValue(this.job.parameters.checkpoint ?? "");
    const notes = (kind: string) => {
      const folder = path.join(checkpoint, kind);
      return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
    };
    if (["batches", "records", "erasures"].some((kind) => notes(kind).length > 0)) return true;
    // A withdrawal is remembered for a while after it is done.
    return notes("withdrawals").some((note) => !readFileSync(note, "utf8").includes('"is_done": true'));
  }
}

/** Lays the job's workspace files out as a deployment does; returns each notebook's file by its workspace path. */
function deployWorkspaceFiles(job: SynthesizedJob, workspace: string): Map<string, string> {
  rmSync(workspace, { recursive: true, force: true });
  const notebooks = new Map<string, string>();
  for (const file of job.workspaceFiles) {
    const target = path.join(workspace, file.isNotebook ? `${file.path}.py` : file.path);
    mkdirSync(path.dirname(target), { recursive: true });
    cpSync(file.source, target);
    if (file.isNotebook) notebooks.set(file.path, target);
  }
  return notebooks;
}

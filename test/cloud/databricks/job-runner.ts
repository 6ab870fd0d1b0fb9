/** Runs deployed jobs: the notebooks that were imported into the workspace, on local Spark, as whom the job says. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { FileArrivalTrigger } from "../../../local/file-arrival-trigger.ts";
import { type Home, openHome } from "../../../local/home.ts";
import { waitingFiles } from "../../../local/landing-directory.ts";
import { LocalJob } from "../../../local/local-job.ts";
import { KernelError } from "../../../local/notebook-kernel.ts";
import type { SynthesizedJob } from "../../../local/synthesized-job.ts";
import type { JobStatus, TaskResult } from "../../../local/task-graph.ts";
import type { Principal } from "../account.ts";
import type { Lake } from "../lake.ts";
import type { UnityCatalog } from "./catalog.ts";
import { parentOf, WorkspaceFiles, type WorkspaceObject } from "./files.ts";
import { type Job, jobsOf } from "./jobs.ts";
import { type Kernel, LocalCatalog } from "./local-catalog.ts";
import { isPermitted } from "./permissions.ts";
import type { Workspace, Workspaces } from "./workspace.ts";

export interface JobRunnerOptions {
  /** Where the folders of catalogs are made. */
  readonly folder: string;
  readonly openKernel: (home: Home) => Kernel;
  /** How many times faster than a real one the clock of a trigger runs. */
  readonly speed?: number;
}

export type RunTrigger = "FILE_ARRIVAL" | "ONE_TIME" | "RUN_JOB_TASK";

/** One run of a job, as it is known so far. */
export interface Run {
  readonly run_id: number;
  readonly job_id: number;
  readonly job_name: string;
  readonly trigger: RunTrigger;
  /** The name of whoever it acts as. */
  readonly run_as: string;
  readonly start_time: number;
  readonly state: "QUEUED" | "RUNNING" | "TERMINATED";
  readonly result?: JobStatus;
  /** Why it did not even start. */
  readonly message?: string;
  readonly tasks: readonly (Pick<TaskResult, "key"> & Partial<TaskResult>)[];
}

export const runsOf = (workspace: Workspace) => workspace.table<Run>("runs");

/** How often triggers are looked at, in milliseconds of their clock, and the shortest time between two looks of ours. */
const LOOK = 1000;
const LEAST_PAUSE = 50;

const FILE_LEVELS = ["CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"];

export class JobRunner {
  readonly #workspaces: Workspaces;
  readonly #catalog: UnityCatalog;
  readonly #lake: Lake;
  readonly #options: JobRunnerOptions;
  readonly #speed: number;
  readonly #catalogs = new Map<string, LocalCatalog>();
  readonly #triggers = new Map<string, FileArrivalTrigger>();
  readonly #timer: NodeJS.Timeout;
  readonly #closed = new AbortController();
  /** Runs follow one another: there is one Spark. */
  #last: Promise<unknown> = Promise.resolve();

  /** Looks at the triggers from now on. */
  constructor(workspaces: Workspaces, catalog: UnityCatalog, lake: Lake, options: JobRunnerOptions) {
    this.#workspaces = workspaces;
    this.#catalog = catalog;
    this.#lake = lake;
    this.#options = options;
    this.#speed = options.speed ?? 1;
    this.#timer = setInterval(
      () => {
        this.#look();
      },
      Math.min(LOOK, Math.max(LEAST_PAUSE, LOOK / this.#speed)),
    );
  }

  /** Puts a run of a job into the queue. */
  start(workspace: Workspace, job: Job, trigger: RunTrigger, parameters: Readonly<Record<string, string>> = {}): Run {
    const run = this.#queued(workspace, job, trigger);
    this.#last = this.#last.then(() => this.#execute(workspace, job, run, parameters));
    return run;
  }

  /** The folder in which clients' files of a job arrive, where it has one on this machine. */
  landingFolderOf(workspace: Workspace, { settings }: Job): string | undefined {
    const url = settings.trigger?.file_arrival?.url;
    const local = url === undefined ? undefined : this.#catalogAt(url);
    if (url === undefined || !local) return undefined;
    const volume = this.#catalog
      .volumesOf(workspace, local.name)
      .find(({ fullName }) => url.startsWith(rootOf(fullName)));
    return volume && path.join(local.folderOf(volume), url.slice(rootOf(volume.fullName).length));
  }

  /** Ends what is running, and waits for that. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed.abort(new Error("the cloud was closed"));
    await this.#last;
    for (const each of this.#catalogs.values()) await each.close();
  }

  #look(): void {
    for (const workspace of this.#workspaces.all()) {
      for (const job of jobsOf(workspace).values()) {
        const arrival = job.settings.trigger?.file_arrival;
        const folder = this.landingFolderOf(workspace, job);
        if (!arrival || folder === undefined) continue;
        this.#catalogAt(arrival.url)?.exchange(workspace);
        if (job.settings.trigger?.pause_status === "PAUSED") continue;
        mkdirSync(folder, { recursive: true });
        const files = waitingFiles(folder);
        if (this.#triggerOf(job).observe((performance.now() / 1000) * this.#speed, files)) {
          this.start(workspace, job, "FILE_ARRIVAL");
        }
      }
    }
  }

  #triggerOf({ job_id, settings }: Job): FileArrivalTrigger {
    const arrival = settings.trigger?.file_arrival;
    const key = `${job_id} ${JSON.stringify(arrival)}`;
    const trigger =
      this.#triggers.get(key) ??
      new FileArrivalTrigger({
        minTimeBetweenTriggersSeconds: arrival?.min_time_between_triggers_seconds ?? 0,
        waitAfterLastChangeSeconds: arrival?.wait_after_last_change_seconds ?? 0,
      });
    this.#triggers.set(key, trigger);
    return trigger;
  }

  /** The catalog of a path in `/Volumes`, with folders on this machine from the first time on. */
  #catalogAt(volumePath: string): LocalCatalog | undefined {
    const [, name] = /^\/Volumes\/([^/]+)\//.exec(volumePath) ?? [];
    if (name === undefined) return undefined;
    const made = (): LocalCatalog => {
      const home = openHome(path.join(this.#options.folder, name));
      return new LocalCatalog(name, home, this.#options.openKernel(home), this.#catalog, this.#lake);
    };
    const local = this.#catalogs.get(name) ?? made();
    this.#catalogs.set(name, local);
    return local;
  }

  #queued(workspace: Workspace, { job_id, settings, creator_user_name }: Job, trigger: RunTrigger): Run {
    const run_id = workspace.nextNumber("run");
    return runsOf(workspace).set(String(run_id), {
      ...{ run_id, job_id, trigger, start_time: Date.now(), state: "QUEUED", tasks: [] },
      job_name: settings.name,
      run_as: settings.run_as?.service_principal_name ?? settings.run_as?.user_name ?? creator_user_name,
    });
  }

  /** Runs a job to its end, whatever that is. */
  async #execute(
    workspace: Workspace,
    job: Job,
    queued: Run,
    parameters: Readonly<Record<string, string>>,
  ): Promise<Run> {
    const runs = runsOf(workspace);
    const update = (changes: Partial<Run>) =>
      runs.set(String(queued.run_id), { ...(runs.get(String(queued.run_id)) ?? queued), ...changes });
    update({ state: "RUNNING" });
    try {
      const runner = this.#runnerOf(workspace, job, queued);
      const other = job.settings.tasks.find(({ run_job_task: task }) => task !== undefined);
      if (other?.run_job_task) {
        const started = jobsOf(workspace).get(String(other.run_job_task.job_id));
        if (!started) throw new KernelError(`Job ${other.run_job_task.job_id} does not exist.`);
        needPermission(workspace, runner, [`/jobs/${started.job_id}`], ["CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"]);
        const { result = "FAILED" } = await this.#execute(
          workspace,
          started,
          this.#queued(workspace, started, "RUN_JOB_TASK"),
          {},
        );
        return update({ state: "TERMINATED", result });
      }
      const finished = await this.#runNotebooks(workspace, job, runner, queued, parameters, update);
      return update({ state: "TERMINATED", ...finished });
    } catch (error) {
      return update({ state: "TERMINATED", result: "FAILED", message: (error as Error).message });
    }
  }

  async #runNotebooks(
    workspace: Workspace,
    job: Job,
    runner: Principal,
    { run_id }: Run,
    parameters: Readonly<Record<string, string>>,
    update: (changes: Partial<Run>) => void,
  ): Promise<Pick<Run, "result" | "tasks">> {
    const { volume = "" } = parametersOf(job);
    const local = this.#catalogAt(volume);
    if (!local)
      throw new KernelError(`the parameter volume of ${job.settings.name} is "${volume}", which is no volume`);
    const { home } = local;
    const deployed = exportCode(workspace, job, path.join(home.directory, "deployed"));
    const kernel: Pick<Kernel, "runNotebook"> = {
      runNotebook: (file, ...rest) => {
        // Asked for at each task's start, as it may be gone by then.
        needNotebook(workspace, runner, `/${path.relative(home.workspace, file).replace(/\.py$/, "")}`);
        return local.runNotebook(workspace, runner, [file, ...rest]);
      },
    };
    const tasks = new Map<string, Run["tasks"][number]>();
    const { status, tasks: results } = await new LocalJob(deployed, home, kernel).run(
      this.#closed.signal,
      ({ key }, result) => {
        tasks.set(key, result ?? { key });
        update({ tasks: [...tasks.values()] });
      },
      { run_id: String(run_id), ...parameters },
    );
    return { result: status, tasks: results };
  }

  /** @throws KernelError where the job may not run as whom it says, or not on what it says */
  #runnerOf(workspace: Workspace, { settings }: Job, { run_as }: Run): Principal {
    const runner = workspace.account.named(run_as);
    if (!runner || !workspace.lets(runner))
      throw new KernelError(`PERMISSION_DENIED: ${run_as} is not in the workspace`);
    for (const { existing_cluster_id: id } of settings.tasks) {
      if (id !== undefined) needPermission(workspace, runner, [`/clusters/${id}`], ["CAN_RESTART", "CAN_MANAGE"]);
    }
    for (const { new_cluster } of settings.job_clusters ?? []) {
      const { policy_id: id } = new_cluster;
      if (id !== undefined) needPermission(workspace, runner, [`/cluster-policies/${id}`], ["CAN_USE"]);
    }
    return runner;
  }
}

/** The root of a volume as notebooks name it. */
const rootOf = (fullName: string) => `/Volumes/${fullName.replaceAll(".", "/")}`;

const parametersOf = ({ settings }: Job): Readonly<Record<string, string>> =>
  Object.fromEntries((settings.parameters ?? []).map(({ name, default: value }) => [name, value]));

/** @throws KernelError where somebody may do none of the things that the levels stand for */
function needPermission(
  workspace: Workspace,
  runner: Principal,
  objects: readonly string[],
  levels: readonly string[],
) {
  if (isPermitted(workspace, runner, objects, levels)) return;
  throw new KernelError(`PERMISSION_DENIED: ${runner.name} lacks ${String(levels[0])} on ${String(objects[0])}`);
}

/** @throws KernelError where it is not there */
function notebookAt(workspace: Workspace, notebook: string): WorkspaceObject {
  const found = new WorkspaceFiles(workspace).get(notebook);
  if (found?.object_type !== "NOTEBOOK") throw new KernelError(`Unable to access the notebook "${notebook}".`);
  return found;
}

/** @throws KernelError where the notebook is not there, or its runner may not read it */
function needNotebook(workspace: Workspace, runner: Principal, notebook: string): void {
  const files = new WorkspaceFiles(workspace);
  const { object_id: id } = notebookAt(workspace, notebook);
  const folders = function* (of: string): Generator<string> {
    const folder = parentOf(of);
    yield `/directories/${String(files.get(folder)?.object_id)}`;
    if (folder !== "/") yield* folders(folder);
  };
  needPermission(workspace, runner, [`/notebooks/${id}`, ...folders(notebook)], FILE_LEVELS);
}

/** A deployed job as the laptop runs it, with what is in its notebooks' folders now. */
function exportCode(workspace: Workspace, job: Job, folder: string): SynthesizedJob {
  rmSync(folder, { recursive: true, force: true });
  const { settings } = job;
  const notebooks = settings.tasks.map(
    ({ notebook_task: task }) => notebookAt(workspace, task?.notebook_path ?? "").path,
  );
  const folders = new Set(notebooks.map(parentOf));
  const objects = [...folders].flatMap((each) => new WorkspaceFiles(workspace).below(each));
  return {
    name: settings.name,
    tasks: settings.tasks.map((task, i) => ({
      key: task.task_key,
      dependsOn: (task.depends_on ?? []).map(({ task_key }) => task_key),
      runIf: task.run_if ?? "ALL_SUCCESS",
      maxRetries: task.max_retries ?? 0,
      retryIntervalSeconds: (task.min_retry_interval_millis ?? 0) / 1000,
      retryOnTimeout: task.retry_on_timeout ?? false,
      timeoutSeconds: task.timeout_seconds ?? 0,
      notebookPath: notebooks[i] ?? "",
      parameters: task.notebook_task?.base_parameters ?? {},
    })),
    parameters: parametersOf(job),
    timeoutSeconds: settings.timeout_seconds ?? 0,
    queued: settings.queue?.enabled ?? false,
    workspaceFiles: objects.flatMap(({ object_type, path: objectPath, content }) => {
      if (content === undefined) return [];
      const source = path.join(folder, objectPath);
      mkdirSync(path.dirname(source), { recursive: true });
      writeFileSync(source, content);
      return [{ path: objectPath, source, isNotebook: object_type === "NOTEBOOK" }];
    }),
  };
}

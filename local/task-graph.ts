/** Runs a job's tasks in their order, with retries, timeouts and `run_if`, as Databricks does; on one machine, one at a time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Task } from "./synthesized-job.ts";

export type TaskStatus = "SUCCESS" | "FAILED" | "TIMEDOUT" | "UPSTREAM_FAILED" | "EXCLUDED" | "CANCELED";
export type JobStatus = "SUCCESS" | "SUCCESS_WITH_FAILURES" | "FAILED" | "TIMEDOUT" | "CANCELED";

/** What one attempt of a task came to. */
export type Attempt =
  | { readonly succeeded: true; readonly output: string | null }
  | { readonly succeeded: false; readonly message: string };

/** What a task came to, after all its attempts. */
export interface TaskResult {
  readonly key: string;
  readonly status: TaskStatus;
  readonly attempts: number;
  readonly seconds: number;
  /** What the notebook handed to `dbutils.notebook.exit`. */
  readonly output: string | null;
  /** Why the task did not succeed. */
  readonly message: string | null;
}

/** Runs a task once. Gives up, rejecting, when the signal aborts. */
export type Execute = (task: Task, attempt: number, signal: AbortSignal) => Promise<Attempt>;

export interface TaskGraphRun {
  readonly status: JobStatus;
  readonly tasks: readonly TaskResult[];
}

/** The conditions of https://docs.databricks.com/aws/en/jobs/run-if over the statuses of the tasks depended on. */
const runIfConditions: Readonly<Record<string, (statuses: readonly TaskStatus[]) => boolean>> = {
  ALL_SUCCESS: (statuses) => statuses.every(isSuccess),
  ALL_DONE: () => true,
  NONE_FAILED: (statuses) => !statuses.some(isFailure),
  AT_LEAST_ONE_SUCCESS: (statuses) => statuses.some(isSuccess),
  AT_LEAST_ONE_FAILED: (statuses) => statuses.some(isFailure),
  ALL_FAILED: (statuses) => statuses.every(isFailure),
};

function isSuccess(status: TaskStatus): boolean {
  return status === "SUCCESS";
}

function isFailure(status: TaskStatus): boolean {
  return status === "FAILED" || status === "TIMEDOUT" || status === "UPSTREAM_FAILED";
}

/** An abort signal after some seconds; 0 means never, as in a job's settings. */
function timeoutSignal(seconds: number): AbortSignal {
  return seconds > 0 ? AbortSignal.timeout(seconds * 1000) : new AbortController().signal;
}

/** @throws Error where a task depends on an unknown one, the tasks wait for each other, or a `run_if` is unknown */
export function inOrder(tasks: readonly Task[]): Task[] {
  const keys = new Set(tasks.map(({ key }) => key));
  for (const { key, dependsOn, runIf } of tasks) {
    const unknown = dependsOn.find((other) => !keys.has(other));
    if (unknown !== undefined) throw new Error(`task ${key} depends on ${unknown}, which the job does not have`);
    if (!(runIf in runIfConditions)) throw new Error(`task ${key} has the unknown run_if ${runIf}`);
  }
  const ordered: Task[] = [];
  const waiting = [...tasks];
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ dependsOn }) =>
      dependsOn.every((key) => ordered.some((task) => task.key === key)),
    );
    if (next === -1) throw new Error(`these tasks wait for each other: ${waiting.map(({ key }) => key).join(", ")}`);
    ordered.push(...waiting.splice(next, 1));
  }
  return ordered;
}

/** Runs one task with its retries. */
async function runTask(
  task: Task,
  execute: Execute,
  canceled: AbortSignal,
  jobTimeout: AbortSignal,
): Promise<TaskResult> {
  const started = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    const taskTimeout = timeoutSignal(task.timeoutSeconds);
    let result: Pick<TaskResult, "status" | "output" | "message">;
    try {
      const done = await execute(task, attempt, AbortSignal.any([canceled, jobTimeout, taskTimeout]));
      result = done.succeeded
        ? { status: "SUCCESS", output: done.output, message: null }
        : { status: "FAILED", output: null, message: done.message };
    } catch (error) {
      if (canceled.aborted) result = { status: "CANCELED", output: null, message: "the run was canceled" };
      else if (jobTimeout.aborted)
        result = { status: "TIMEDOUT", output: null, message: "the job's time limit was reached" };
      else if (taskTimeout.aborted) {
        const message = `the task's time limit of ${task.timeoutSeconds} s was reached`;
        result = { status: "TIMEDOUT", output: null, message };
      } else throw error;
    }
    const mayRetry = result.status === "FAILED" || (result.status === "TIMEDOUT" && task.retryOnTimeout);
    const attemptsLeft = task.maxRetries === -1 || attempt <= task.maxRetries;
    if (!mayRetry || !attemptsLeft || canceled.aborted || jobTimeout.aborted) {
      return { key: task.key, ...result, attempts: attempt, seconds: (performance.now() - started) / 1000 };
    }
    // The next attempt finds the signals aborted, where that is what ended the pause.
    const pause = AbortSignal.any([canceled, jobTimeout]);
    await sleep(task.retryIntervalSeconds * 1000, undefined, { signal: pause }).catch(() => undefined);
  }
}

/** A run succeeds where its leaves do: https://docs.databricks.com/aws/en/jobs/run-if#how-databricks-determines-job-run-status */
function jobStatus(tasks: readonly Task[], results: ReadonlyMap<string, TaskResult>): JobStatus {
  const statuses = [...results.values()].map(({ status }) => status);
  if (statuses.includes("CANCELED")) return "CANCELED";
  const inner = new Set(tasks.flatMap(({ dependsOn }) => dependsOn));
  const leaves = [...results.values()].filter(({ key }) => !inner.has(key)).map(({ status }) => status);
  if (leaves.includes("TIMEDOUT")) return "TIMEDOUT";
  if (leaves.some(isFailure)) return "FAILED";
  return statuses.some(isFailure) ? "SUCCESS_WITH_FAILURES" : "SUCCESS";
}

/**
 * Runs all tasks.
 *
 * @param timeoutSeconds the job's time limit; 0 for none
 * @param canceled aborts the run; the tasks that were not finished are CANCELED
 * @param onTask told before a task starts (without a result) and after it ended
 */
export async function runTaskGraph(
  tasks: readonly Task[],
  execute: Execute,
  timeoutSeconds: number,
  canceled: AbortSignal,
  onTask: (task: Task, result?: TaskResult) => void,
): Promise<TaskGraphRun> {
  const jobTimeout = timeoutSignal(timeoutSeconds);
  const results = new Map<string, TaskResult>();
  for (const task of inOrder(tasks)) {
    const upstream = task.dependsOn.map((key) => results.get(key)?.status ?? "EXCLUDED");
    let result: TaskResult;
    const notRun = { key: task.key, attempts: 0, seconds: 0, output: null };
    if (canceled.aborted) {
      result = { ...notRun, status: "CANCELED", message: "the run was canceled" };
    } else if (jobTimeout.aborted) {
      result = { ...notRun, status: "TIMEDOUT", message: "the job's time limit was reached" };
    } else if (runIfConditions[task.runIf]?.(upstream) === false) {
      result = upstream.some(isFailure)
        ? { ...notRun, status: "UPSTREAM_FAILED", message: "a task that it depends on failed" }
        : { ...notRun, status: "EXCLUDED", message: `its condition ${task.runIf} was not met` };
    } else {
      onTask(task);
      result = await runTask(task, execute, canceled, jobTimeout);
    }
    results.set(task.key, result);
    onTask(task, result);
  }
  return { status: jobStatus(tasks, results), tasks: [...results.values()] };
}

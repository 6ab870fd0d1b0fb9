/** One run of the job: progress while it goes on, a line for each task with its counts and seconds. */
import { styleText } from "node:util";
import type { JobRun, LocalJob } from "../local/local-job.ts";
import type { Task } from "../local/synthesized-job.ts";
import type { TaskResult, TaskStatus } from "../local/task-graph.ts";
import { shownPath } from "./arguments.ts";
import type { Progress } from "./progress.ts";
import { printable } from "./text-table.ts";

/** What a notebook handed to `dbutils.notebook.exit`: counts, and lists of what they count. */
export type TaskSummary = Readonly<Record<string, unknown>>;

/** A task's summary, or null where it has none. */
export function summaryOf({ output }: Pick<TaskResult, "output">): TaskSummary | null {
  return output === null ? null : (JSON.parse(output) as TaskSummary);
}

/** The counts of a summary, in words: `rows_read: 5` is "5 rows read". */
function counts(summary: TaskSummary | null): string {
  return Object.entries(summary ?? {})
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `${value as number} ${name.replaceAll("_", " ")}`)
    .join(", ");
}

const COLORS: Readonly<Partial<Record<TaskStatus, "green" | "yellow" | "dim">>> = {
  SUCCESS: "green",
  CANCELED: "yellow",
  EXCLUDED: "dim",
};

/** A status in its colour, where the output is a terminal. */
function colored(status: TaskStatus): string {
  return process.stdout.isTTY ? styleText(COLORS[status] ?? "red", status) : status;
}

/** Runs a job and hands a line for each task, and for each of its warnings, to `print`, as soon as the task has ended. */
export async function runAndReport(
  job: LocalJob,
  interrupted: AbortSignal,
  progress: Progress,
  print: (line: string) => void,
  parameters: Readonly<Record<string, string>> = {},
): Promise<JobRun> {
  const width = Math.max(...job.job.tasks.map(({ key }) => key.length));
  const onTask = (task: Task, result?: TaskResult) => {
    if (result === undefined) {
      progress.step(task.key);
      return;
    }
    progress.end();
    const attempts = result.attempts > 1 ? `${result.attempts} attempts` : "";
    const seconds = `${result.seconds.toFixed(1)} s`.padStart(7);
    const summary = summaryOf(result);
    const details = [attempts, printable(result.message ?? ""), counts(summary)]
      .filter((text) => text !== "")
      .join("; ");
    print(`  ${task.key.padEnd(width)}  ${colored(result.status)} ${seconds}  ${details}`.trimEnd());
    for (const warning of (summary?.warnings as string[] | undefined) ?? []) {
      print(`    warning: ${printable(warning)}`);
    }
  };
  const run = await job.run(interrupted, onTask, parameters);
  for (const { key, message, log } of run.tasks) {
    if (message !== null && log !== null) print(`  The whole log of ${key}: ${shownPath(log)}`);
  }
  return run;
}

/** The jobs of a synthesized pipeline stack. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { all, type StackJson } from "../synthesized.ts";

const NOTEBOOKS = path.join(__dirname, "../../notebooks");

/** The jobs that run notebooks. */
export const NOTEBOOK_JOBS = [
  "orders_tracking_incremental_load",
  "orders_tracking_erase",
  "orders_tracking_replay",
  "orders_tracking_upkeep",
  "orders_tracking_withdraw",
] as const;
export const JOBS = [...NOTEBOOK_JOBS, "orders_tracking_sweep"] as const;

export interface Task extends Readonly<Record<string, unknown>> {
  readonly task_key: string;
  readonly depends_on?: readonly { readonly task_key: string }[];
  readonly notebook_task: { readonly notebook_path: string };
}

export interface Job extends Readonly<Record<string, unknown>> {
  readonly name: string;
  readonly task: readonly Task[];
  readonly parameter: readonly { readonly name: string; readonly default: string }[];
}

/** The job of this name in the environment `tiny`. */
export function jobOf(pipeline: StackJson, name: (typeof JOBS)[number]): Job {
  const job = jobsOf(pipeline).find((each) => each.name === `[tiny] ${name}`);
  if (!job) throw new Error(`there is no job ${name}`);
  return job;
}

export function jobsOf(pipeline: StackJson): readonly Job[] {
  return all(pipeline, "databricks_job") as unknown as Job[];
}

export function notebookJobsOf(pipeline: StackJson): readonly Job[] {
  return NOTEBOOK_JOBS.map((name) => jobOf(pipeline, name));
}

/** Names of the widgets that a task's notebook defines or reads, sorted. */
export function widgets({ task_key }: Task): string[] {
  const source = readFileSync(path.join(NOTEBOOKS, `${task_key}.py`), "utf8");
  const named = [...source.matchAll(/dbutils\.widgets\.\w+\(\s*"(\w+)"/g)].map(([, name]) => String(name));
  return [...new Set(named)].sort();
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const folders: string[] = [];

/** A folder of the test's own, under the system's temporary folder, until the end of the test's file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "order-tracking-"));
  folders.push(folder);
  return folder;
}

// Before the `afterAll` of the test's file, which is defined later: what is still at work there may write meanwhile. Not in a
// program, as `spark-chaos.ts` is one, which removes its own.
if ("afterAll" in globalThis) {
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
}

/** The job that most tests use: one task, and the parameters that every job of the project has. */
export const aJob = {
  name: "a job",
  max_concurrent_runs: 1,
  queue: { enabled: true },
  parameter: [
    { name: "catalog", default: "orders_test" },
    { name: "checkpoint", default: "/Volumes/orders_test/operations/checkpoint" },
    { name: "schema", default: "order_tracking" },
    { name: "volume", default: "/Volumes/orders_test/order_tracking/order_files" },
    { name: "run_id", default: "{{job.run_id}}" },
  ],
  trigger: {
    file_arrival: {
      url: "/Volumes/orders_test/order_tracking/order_files/file_arrival/",
      min_time_between_triggers_seconds: 90,
      wait_after_last_change_seconds: 60,
    },
  },
  task: [{ task_key: "first", notebook_task: { notebook_path: "${databricks_notebook.first.path}" } }] as Record<
    string,
    unknown
  >[],
};

/** Writes a pipeline stack as `cdktf synth` does; returns the output directory. */
export function stackOnDisk(
  job: object,
  notebooks: Record<string, string>,
  modules: Record<string, string> = {},
  environment = "test",
  otherJobs: Record<string, object> = {},
): string {
  const output = temporaryFolder();
  const stack = path.join(output, "stacks", `${environment}-pipeline`);
  mkdirSync(stack, { recursive: true });
  const write = (files: Record<string, string>, extension: string) =>
    Object.fromEntries(
      Object.entries(files).map(([name, source]) => {
        const asset = path.join("assets", name, "0123", `${path.basename(name)}${extension}`);
        mkdirSync(path.dirname(path.join(stack, asset)), { recursive: true });
        writeFileSync(path.join(stack, asset), source);
        return [name.replaceAll(/\W/g, "_"), { path: `\${databricks_directory.folder.path}/${name}`, source: asset }];
      }),
    );
  const resource = {
    databricks_directory: { folder: { path: `/Shared/order-tracking/${environment}` } },
    databricks_job: { job, sweep: { name: "a scheduled job" }, ...otherJobs },
    databricks_notebook: write(notebooks, ".py"),
    databricks_workspace_file: write(modules, ""),
  };
  writeFileSync(path.join(stack, "cdk.tf.json"), JSON.stringify({ resource }));
  return output;
}

/** The source of a notebook with these lines as its only cell. */
export function notebook(...lines: string[]): string {
  return ["# Databricks notebook source", ...lines, ""].join("\n");
}

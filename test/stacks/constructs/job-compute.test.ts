import type { EnvironmentSettings } from "../../../environments/environment.ts";
import { all, MINIMAL, only, synthesize } from "../../synthesized.ts";

const SINGLE_NODE = {
  spark_version: "17.3.x-scala2.13",
  is_single_node: true,
  kind: "CLASSIC_PREVIEW",
  data_security_mode: "USER_ISOLATION",
};

function pipelineOn(compute: EnvironmentSettings["compute"]) {
  const { pipeline } = synthesize({ ...MINIMAL, compute });
  const job = only(pipeline, "databricks_job");
  return { clusters: all(pipeline, "databricks_cluster"), job, tasks: job.task as Record<string, unknown>[] };
}

it("is one all-purpose cluster that stops by itself", () => {
  const { clusters, job, tasks } = pipelineOn("all-purpose");

  expect(clusters).toEqual([expect.objectContaining({ ...SINGLE_NODE, autotermination_minutes: 20 })]);
  expect(job).not.toHaveProperty("job_cluster");
  for (const task of tasks) expect(task.existing_cluster_id).toMatch(/^\$\{databricks_cluster\..*\.id\}$/);
});

it("is a new cluster for each run, shared by its tasks", () => {
  const { clusters, job, tasks } = pipelineOn("job-cluster");

  expect(clusters).toEqual([]);
  expect(job.job_cluster).toEqual([
    { job_cluster_key: "single_node", new_cluster: expect.objectContaining(SINGLE_NODE) as object },
  ]);
  for (const task of tasks) expect(task.job_cluster_key).toBe("single_node");
});

it("is serverless where a task says nothing", () => {
  const { clusters, job, tasks } = pipelineOn("serverless");

  expect(clusters).toEqual([]);
  expect(job).not.toHaveProperty("job_cluster");
  for (const task of tasks) {
    expect(task).not.toHaveProperty("existing_cluster_id");
    expect(task).not.toHaveProperty("job_cluster_key");
  }
});

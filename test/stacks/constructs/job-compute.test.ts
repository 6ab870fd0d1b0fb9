import type { EnvironmentSettings } from "../../../environments/environment.ts";
import { all, MINIMAL, synthesize } from "../../synthesized.ts";
import { JOBS, jobsOf } from "../jobs.ts";

const SINGLE_NODE = {
  spark_version: "17.3.x-scala2.13",
  is_single_node: true,
  kind: "CLASSIC_PREVIEW",
  data_security_mode: "USER_ISOLATION",
};

function pipelineOn(compute: EnvironmentSettings["compute"]) {
  const { pipeline } = synthesize({ ...MINIMAL, compute });
  const jobs = jobsOf(pipeline);
  expect(jobs).toHaveLength(JOBS.length);
  return { clusters: all(pipeline, "databricks_cluster"), jobs, tasks: jobs.flatMap(({ task }) => task) };
}

it("is one all-purpose cluster for all jobs, which stops by itself", () => {
  const { clusters, jobs, tasks } = pipelineOn("all-purpose");

  expect(clusters).toEqual([expect.objectContaining({ ...SINGLE_NODE, autotermination_minutes: 20 })]);
  for (const job of jobs) expect(job).not.toHaveProperty("job_cluster");
  for (const task of tasks) expect(task.existing_cluster_id).toMatch(/^\$\{databricks_cluster\..*\.id\}$/);
});

it("is a new cluster for each run, shared by its tasks", () => {
  const { clusters, jobs, tasks } = pipelineOn("job-cluster");

  expect(clusters).toEqual([]);
  for (const job of jobs) {
    expect(job.job_cluster).toEqual([
      { job_cluster_key: "single_node", new_cluster: expect.objectContaining(SINGLE_NODE) as object },
    ]);
  }
  for (const task of tasks) expect(task.job_cluster_key).toBe("single_node");
});

it("is serverless where a task names no cluster, and retries only as the task says", () => {
  const { clusters, jobs, tasks } = pipelineOn("serverless");

  expect(clusters).toEqual([]);
  for (const job of jobs) expect(job).not.toHaveProperty("job_cluster");
  for (const task of tasks) {
    expect(task).not.toHaveProperty("existing_cluster_id");
    expect(task).not.toHaveProperty("job_cluster_key");
    expect(task.disable_auto_optimization).toBe(true);
  }
});

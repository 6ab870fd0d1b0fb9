import type { EnvironmentSettings } from "../../../environments/environment.ts";
import { all, MINIMAL, only, synthesize, type StackJson } from "../../synthesized.ts";
import { notebookJobsOf } from "../jobs.ts";

const SINGLE_NODE = {
  spark_version: "17.3.x-scala2.13",
  is_single_node: true,
  kind: "CLASSIC_PREVIEW",
  data_security_mode: "USER_ISOLATION",
};

function pipelineOn(compute: EnvironmentSettings["compute"]) {
  const { pipeline } = synthesize({ ...MINIMAL, compute });
  const jobs = notebookJobsOf(pipeline);
  return { pipeline, clusters: all(pipeline, "databricks_cluster"), jobs, tasks: jobs.flatMap(({ task }) => task) };
}

/** What a policy demands of each attribute of a cluster. */
function policyOf(pipeline: StackJson) {
  const { definition } = only(pipeline, "databricks_cluster_policy");
  return JSON.parse(String(definition)) as Record<string, Record<string, unknown>>;
}

/** The attributes of a cluster as a policy names them. */
function attributesOf(cluster: Record<string, unknown>) {
  const { custom_tags, ...others } = cluster;
  const tags = Object.entries(custom_tags as object).map(([tag, value]) => [`custom_tags.${tag}`, value as unknown]);
  return Object.fromEntries([...Object.entries(others), ...tags]) as Record<string, unknown>;
}

it("is one all-purpose cluster for all jobs, which stops by itself", () => {
  const { clusters, jobs, tasks } = pipelineOn("all-purpose");

  expect(clusters).toEqual([expect.objectContaining({ ...SINGLE_NODE, autotermination_minutes: 20 })]);
  for (const job of jobs) expect(job).not.toHaveProperty("job_cluster");
  for (const task of tasks) expect(task.existing_cluster_id).toMatch(/^\$\{databricks_cluster\..*\.id\}$/);
});

it("pins the all-purpose cluster, which would be deleted for good after 30 days without a run", () => {
  expect(pipelineOn("all-purpose").clusters).toEqual([expect.objectContaining({ is_pinned: true })]);
});

it("leaves to the service what that adds to a single node, which would be drift that each deployment undoes", () => {
  expect(pipelineOn("all-purpose").clusters).toEqual([
    expect.objectContaining({
      lifecycle: {
        ignore_changes: [
          'custom_tags["ResourceClass"]',
          'spark_conf["spark.databricks.cluster.profile"]',
          'spark_conf["spark.master"]',
        ],
      },
    }),
  ]);
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

it.each(["all-purpose", "job-cluster"] as const)("obeys a policy on an %s, which fixes all that costs", (compute) => {
  const { pipeline, clusters, jobs } = pipelineOn(compute);
  const policy = policyOf(pipeline);
  const ofJobs = jobs.flatMap(({ job_cluster }) => (job_cluster ?? []) as { new_cluster: Record<string, unknown> }[]);
  const all = [...clusters, ...ofJobs.map(({ new_cluster }) => new_cluster)];

  expect(all).not.toHaveLength(0);
  for (const cluster of all) {
    expect(cluster.policy_id).toMatch(/^\$\{databricks_cluster_policy\..*\.id\}$/);
    const attributes = attributesOf(cluster);
    for (const [attribute, rule] of Object.entries(policy)) {
      if (rule.type === "fixed" && attribute !== "cluster_type") expect(rule.value).toBe(attributes[attribute]);
    }
  }
  expect(Object.keys(policy)).toEqual(
    expect.arrayContaining([
      "spark_version",
      "node_type_id",
      "is_single_node",
      "data_security_mode",
      "custom_tags.owner",
    ]),
  );
});

it("lets an all-purpose cluster wait for 10 to 60 minutes, and a job's cluster end with its run", () => {
  expect(policyOf(pipelineOn("all-purpose").pipeline)).toMatchObject({
    cluster_type: { type: "fixed", value: "all-purpose" },
    autotermination_minutes: { type: "range", minValue: 10, maxValue: 60, defaultValue: 20 },
  });
  const ofJobs = policyOf(pipelineOn("job-cluster").pipeline);
  expect(ofJobs.cluster_type).toEqual({ type: "fixed", value: "job" });
  expect(ofJobs).not.toHaveProperty("autotermination_minutes");
});

it("is serverless where a task names no cluster, and retries only as the task says", () => {
  const { pipeline, clusters, jobs, tasks } = pipelineOn("serverless");

  expect(clusters).toEqual([]);
  expect(all(pipeline, "databricks_cluster_policy")).toEqual([]);
  for (const job of jobs) expect(job).not.toHaveProperty("job_cluster");
  for (const task of tasks) {
    expect(task).not.toHaveProperty("existing_cluster_id");
    expect(task).not.toHaveProperty("job_cluster_key");
    expect(task.disable_auto_optimization).toBe(true);
  }
});

import { Cluster } from "@cdktf/provider-databricks/lib/cluster/index.js";
import { ClusterPolicy } from "@cdktf/provider-databricks/lib/cluster-policy/index.js";
import type { JobConfig, JobTask } from "@cdktf/provider-databricks/lib/job/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { tags } from "../tags.ts";

const JOB_CLUSTER_KEY = "single_node";

/** A cluster that nobody uses costs money; starting one takes a few minutes. */
const AUTO_TERMINATION_MINUTES = { least: 10, ours: 20, most: 60 } as const;

/** Properties for {@link JobCompute}. */
export interface JobComputeProps {
  readonly environment: Environment;
}

/**
 * What the jobs' tasks run on, as the environment chooses: one cluster that stays for a while, a new one for each run,
 * or serverless compute. Clusters obey a policy, so that one made by hand for the jobs costs no more than theirs.
 */
export class JobCompute extends Construct {
  /** The settings of a job that runs on it. */
  readonly jobSettings: Pick<JobConfig, "jobCluster">;
  /** The settings of each of its tasks. */
  readonly taskSettings: Pick<JobTask, "existingClusterId" | "jobClusterKey" | "disableAutoOptimization">;
  readonly cluster?: Cluster;
  readonly policy?: ClusterPolicy;

  constructor(scope: Construct, id: string, { environment }: JobComputeProps) {
    super(scope, id);
    if (environment.compute === "serverless") {
      this.jobSettings = {};
      // Otherwise the service tries again as it thinks best, whatever a task says about retries.
      this.taskSettings = { disableAutoOptimization: true };
      return;
    }
    this.policy = new ClusterPolicy(this, "policy", {
      name: names.clusterPolicy(environment),
      definition: JSON.stringify(policyDefinition(environment)),
    });
    // It takes no defaults from the policy, but says everything itself, so that plans show it.
    const nodeOfPolicy = { ...singleNode(environment), policyId: this.policy.id };
    if (environment.compute === "job-cluster") {
      this.jobSettings = { jobCluster: [{ jobClusterKey: JOB_CLUSTER_KEY, newCluster: nodeOfPolicy }] };
      this.taskSettings = { jobClusterKey: JOB_CLUSTER_KEY };
      return;
    }
    this.cluster = new Cluster(this, "cluster", {
      ...nodeOfPolicy,
      clusterName: names.cluster(environment),
      autoterminationMinutes: AUTO_TERMINATION_MINUTES.ours,
      // Databricks deletes a cluster for good that nobody has used for 30 days, unless it is pinned; its jobs then fail.
      isPinned: true,
      // Otherwise each deployment would wait for a start of minutes; the first run starts it just as well.
      noWait: true,
      // The service adds these to a cluster with `isSingleNode`, and tells them. The provider would take them for drift, and
      // each deployment would edit the cluster, which restarts it under whoever uses it:
      // https://github.com/databricks/terraform-provider-databricks/issues/4360
      lifecycle: {
        ignoreChanges: [
          'custom_tags["ResourceClass"]',
          'spark_conf["spark.databricks.cluster.profile"]',
          'spark_conf["spark.master"]',
        ],
      },
    });
    this.jobSettings = {};
    this.taskSettings = { existingClusterId: this.cluster.id };
  }
}

/** One machine is plenty for a day's order files. */
function singleNode(environment: Environment) {
  return {
    sparkVersion: "17.3.x-scala2.13",
    nodeTypeId: "Standard_D4ds_v5",
    // The kind makes one flag of a single node; before, it took a profile, a master and a tag that had to agree.
    kind: "CLASSIC_PREVIEW",
    isSingleNode: true,
    // Standard access mode: whoever may use the cluster sees only what Unity Catalog lets them see, and the jobs may run
    // as any principal, which a dedicated cluster would have to name. On a single node since May 2025:
    // https://github.com/databricks/terraform-provider-databricks/pull/4778
    dataSecurityMode: "USER_ISOLATION",
    customTags: tags(environment),
  };
}

/**
 * What a cluster of the policy may be: what ours is, made of the same values, and no other. A single node has no
 * workers to bound. https://learn.microsoft.com/azure/databricks/admin/clusters/policy-definition
 */
function policyDefinition(environment: Environment): Readonly<Record<string, object>> {
  const { sparkVersion, nodeTypeId, kind, isSingleNode, dataSecurityMode, customTags } = singleNode(environment);
  const { least, ours, most } = AUTO_TERMINATION_MINUTES;
  const fixed = (value: string | boolean) => ({ type: "fixed", value });
  const isAllPurpose = environment.compute === "all-purpose";
  return {
    cluster_type: fixed(isAllPurpose ? "all-purpose" : "job"),
    spark_version: fixed(sparkVersion),
    node_type_id: fixed(nodeTypeId),
    kind: fixed(kind),
    is_single_node: fixed(isSingleNode),
    data_security_mode: fixed(dataSecurityMode),
    ...Object.fromEntries(Object.entries(customTags).map(([tag, value]) => [`custom_tags.${tag}`, fixed(value)])),
    // A job's cluster ends with its run.
    ...(isAllPurpose && {
      autotermination_minutes: { type: "range", minValue: least, maxValue: most, defaultValue: ours },
    }),
  };
}

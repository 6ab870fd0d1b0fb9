import { Cluster } from "@cdktf/provider-databricks/lib/cluster/index.js";
import type { JobConfig, JobTask } from "@cdktf/provider-databricks/lib/job/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../names.ts";
import { tags } from "../tags.ts";

const JOB_CLUSTER_KEY = "single_node";

/** A cluster that nobody uses costs money; starting one takes a few minutes. */
const AUTO_TERMINATION_MINUTES = 20;

/**
 * What the jobs' tasks run on, as the environment chooses: one cluster that stays for a while, a new one for each run,
 * or serverless compute.
 */
export class JobCompute extends Construct {
  /** What a job needs to know of it. */
  readonly ofJob: Pick<JobConfig, "jobCluster">;
  /** What each of its tasks needs to know of it. */
  readonly ofTask: Pick<JobTask, "existingClusterId" | "jobClusterKey" | "disableAutoOptimization">;

  constructor(scope: Construct, id: string, environment: Environment) {
    super(scope, id);
    switch (environment.compute) {
      case "all-purpose": {
        const cluster = new Cluster(this, "cluster", {
          clusterName: names.cluster(environment),
          autoterminationMinutes: AUTO_TERMINATION_MINUTES,
          // Otherwise each deployment would wait for a start of minutes; the first run starts it just as well.
          noWait: true,
          ...singleNode(environment),
        });
        this.ofJob = {};
        this.ofTask = { existingClusterId: cluster.id };
        break;
      }
      case "job-cluster":
        this.ofJob = { jobCluster: [{ jobClusterKey: JOB_CLUSTER_KEY, newCluster: singleNode(environment) }] };
        this.ofTask = { jobClusterKey: JOB_CLUSTER_KEY };
        break;
      case "serverless":
        this.ofJob = {};
        // Otherwise the service tries again as it thinks best, whatever a task says about retries.
        this.ofTask = { disableAutoOptimization: true };
        break;
    }
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
    // Standard access mode: whoever may use the cluster sees only what Unity Catalog lets them see. On a single node
    // since May 2025: https://github.com/databricks/terraform-provider-databricks/pull/4778
    dataSecurityMode: "USER_ISOLATION",
    customTags: tags(environment),
  };
}

import { Job, type JobConfig } from "@cdktf/provider-databricks/lib/job/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import { tags } from "../tags.ts";

/** All that the jobs of an environment have in common, whatever they run. */
export abstract class OrderJob extends Construct {
  readonly job: Job;

  protected constructor(scope: Construct, id: string, environment: Environment, own: JobConfig) {
    super(scope, id);
    this.job = new Job(this, "job", {
      ...own,
      ...(environment.runAs !== undefined && { runAs: { servicePrincipalName: environment.runAs } }),
      // Without the queue, a run that starts while another is at work would be skipped, and what it was for with it.
      maxConcurrentRuns: 1,
      queue: { enabled: true },
      notificationSettings: { noAlertForCanceledRuns: true, noAlertForSkippedRuns: true },
      // Changes come from here: one made by hand would be undone by the next deployment.
      editMode: "UI_LOCKED",
      tags: tags(environment),
    });
  }
}

/** For what starts by itself. */
export function pauseStatus({ triggerPaused }: Environment): "PAUSED" | "UNPAUSED" {
  return triggerPaused ? "PAUSED" : "UNPAUSED";
}

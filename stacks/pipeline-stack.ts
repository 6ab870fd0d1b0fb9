import type { Construct } from "constructs";
import type { Environment } from "../environments/environment.ts";
import { JobCompute } from "./constructs/job-compute.ts";
import { NotebookPackage } from "./constructs/notebook-package.ts";
import { OrderLoadJob } from "./constructs/order-load-job.ts";
import { OrderReplayJob } from "./constructs/order-replay-job.ts";
import { OrderUpkeepJob } from "./constructs/order-upkeep-job.ts";
import { EnvironmentStack } from "./environment-stack.ts";
import { useDatabricks } from "./providers.ts";

/** The workspace's part of an environment: the jobs, their notebooks and what they run on. */
export class PipelineStack extends EnvironmentStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, "pipeline", environment);
    useDatabricks(this, environment);

    const compute = new JobCompute(this, "compute", environment);
    const notebooks = new NotebookPackage(this, "notebooks", environment);
    const shared = { environment, compute, notebooks };
    new OrderLoadJob(this, "order-load", shared);
    new OrderUpkeepJob(this, "order-upkeep", shared);
    new OrderReplayJob(this, "order-replay", shared);
  }
}

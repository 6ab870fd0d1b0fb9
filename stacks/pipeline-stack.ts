import type { Construct } from "constructs";
import type { Environment } from "../environments/environment.ts";
import { OrderLoadJob } from "./constructs/order-load-job.ts";
import { EnvironmentStack } from "./environment-stack.ts";
import { useDatabricks } from "./providers.ts";

/** The workspace's part of an environment: the job, its notebooks and what they run on. */
export class PipelineStack extends EnvironmentStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, "pipeline", environment);
    useDatabricks(this, environment);

    new OrderLoadJob(this, "order-load", environment);
  }
}

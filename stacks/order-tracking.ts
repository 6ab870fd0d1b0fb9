import type { App } from "cdktf";
import type { Environment } from "../environments/environment.ts";
import { CatalogStack } from "./catalog-stack.ts";
import type { EnvironmentStack } from "./environment-stack.ts";
import { PipelineStack } from "./pipeline-stack.ts";
import { PlatformStack } from "./platform-stack.ts";

/** Adds an environment's three stacks. They know each other's names, and nothing of each other's state. */
export function addOrderTracking(app: App, environment: Environment): readonly EnvironmentStack[] {
  const platform = new PlatformStack(app, environment);
  const catalog = new CatalogStack(app, environment);
  const pipeline = new PipelineStack(app, environment);
  catalog.addDependency(platform);
  pipeline.addDependency(catalog);
  return [platform, catalog, pipeline];
}

import type { Construct } from "constructs";
import type { Environment } from "../environments/environment.ts";
import { GovernedStorage } from "./constructs/governed-storage.ts";
import { OrderCatalog } from "./constructs/order-catalog.ts";
import { PersonaGrants } from "./constructs/persona-grants.ts";
import { WorkspaceMembers } from "./constructs/workspace-members.ts";
import { EnvironmentStack } from "./environment-stack.ts";
import { useDatabricks } from "./providers.ts";

/** Unity Catalog's part of an environment: where tables and files live, and who reaches them, from which workspace. */
export class CatalogStack extends EnvironmentStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, "catalog", environment);
    useDatabricks(this, environment);

    const storage = new GovernedStorage(this, "storage", environment);
    const orders = new OrderCatalog(this, "orders", { environment, storage });
    new PersonaGrants(this, "grants", { environment, orders });
    // Here rather than beside the jobs, which are to run as one of them: this stack is deployed before theirs.
    if (!environment.existingWorkspace) new WorkspaceMembers(this, "members", environment);
  }
}

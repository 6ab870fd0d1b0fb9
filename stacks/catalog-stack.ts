import { Directory } from "@cdktf/provider-databricks/lib/directory/index.js";
import type { Construct } from "constructs";
import type { Environment } from "../environments/environment.ts";
import * as names from "../environments/names.ts";
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

    // Members here rather than beside the jobs, which are to run as one of them: this stack is deployed before theirs.
    const first = environment.existingWorkspace
      ? this.#addGuest(environment)
      : new WorkspaceMembers(this, "members", { environment }).deployer;
    const storage = new GovernedStorage(this, "storage", { environment, first });
    const orders = new OrderCatalog(this, "orders", { environment, storage });
    new PersonaGrants(this, "grants", { environment, orders });
  }

  /**
   * Tells whoever has the workspace that there is something in it, from the first to the last of this stack's resources:
   * they all wait for it, by way of the credential. The pipeline stack, which may be missing, has a folder of its own there.
   */
  #addGuest(environment: Environment): Directory {
    return new Directory(this, "guest", { path: names.guestCatalogFolder(environment), deleteRecursive: true });
  }
}

import { Grants, type GrantsConfig } from "@cdktf/provider-databricks/lib/grants/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import { membersOf, type Persona } from "../personas.ts";
import type { OrderCatalog } from "./order-catalog.ts";

/** Whoever deploys acts as the owner, or as a member of the group that is, and owners need no grant. */
type Grantee = Exclude<Persona, "deployer">;
type Privileges = Readonly<Record<Grantee, readonly string[]>>;

// Named one by one: ALL_PRIVILEGES grows with the product. MANAGE is nobody's.
const ON_CATALOG: Privileges = {
  loaders: ["USE_CATALOG"],
  analysts: ["USE_CATALOG"],
  operators: ["USE_CATALOG"],
  runner: ["USE_CATALOG"],
};
// MODIFY is for tables that somebody else's run made; its own ones it owns.
const MAKE_TABLES = ["USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE"];
const ON_SCHEMA: Privileges = {
  loaders: ["USE_SCHEMA"],
  analysts: ["USE_SCHEMA", "SELECT"],
  operators: ["USE_SCHEMA", "SELECT"],
  runner: MAKE_TABLES,
};
const ON_OPERATIONS_SCHEMA: Privileges = {
  loaders: [],
  // Analysts need no right on the stage to read the history: the view reads it with its owner's rights.
  analysts: [],
  operators: ["USE_SCHEMA", "SELECT"],
  runner: MAKE_TABLES,
};
const ON_VOLUME: Privileges = {
  loaders: ["READ_VOLUME", "WRITE_VOLUME"],
  analysts: [],
  // The archive, and rejected files with their reasons.
  operators: ["READ_VOLUME"],
  runner: ["READ_VOLUME", "WRITE_VOLUME"],
};
const ON_CHECKPOINT: Privileges = {
  // A forged claim moves files with the runner's rights.
  loaders: [],
  analysts: [],
  // What was damaged is kept there to be looked at.
  operators: ["READ_VOLUME"],
  runner: ["READ_VOLUME", "WRITE_VOLUME"],
};

/** Properties for {@link PersonaGrants}. */
export interface PersonaGrantsProps {
  readonly environment: Environment;
  readonly orders: OrderCatalog;
}

/**
 * What the environment's personas may do with tables and files.
 *
 * One resource for each object, since each owns all grants of its object and two of them would undo one another:
 * databricks_grants in the provider documentation, docs/resources/grants.md
 */
export class PersonaGrants extends Construct {
  constructor(scope: Construct, id: string, { environment, orders }: PersonaGrantsProps) {
    super(scope, id);
    const grant = (objectId: string, object: Omit<GrantsConfig, "grant">, privileges: Privileges): void => {
      const grants = byPrincipal(environment, privileges);
      if (grants.length > 0) new Grants(this, objectId, { ...object, grant: grants });
    };
    grant("catalog", { catalog: orders.catalog.name }, ON_CATALOG);
    grant("schema", { schema: orders.schema.id }, ON_SCHEMA);
    grant("operations-schema", { schema: orders.operationsSchema.id }, ON_OPERATIONS_SCHEMA);
    grant("volume", { volume: orders.volume.id }, ON_VOLUME);
    grant("checkpoint", { volume: orders.checkpoint.id }, ON_CHECKPOINT);
  }
}

/** One grant for each principal, in the order of their names; a group may be of several personas. */
function byPrincipal(environment: Environment, privileges: Privileges) {
  const granted = new Map<string, Set<string>>();
  for (const persona of Object.keys(privileges) as Grantee[]) {
    for (const principal of membersOf(persona, environment)) {
      granted.set(principal, new Set([...(granted.get(principal) ?? []), ...privileges[persona]]));
    }
  }
  return [...granted]
    .map(([principal, names]) => ({ principal, privileges: [...names] }))
    .filter((grant) => grant.privileges.length > 0)
    .sort((one, other) => (one.principal < other.principal ? -1 : 1));
}

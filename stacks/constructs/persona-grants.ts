import { Grants, type GrantsConfig } from "@cdktf/provider-databricks/lib/grants/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import type { OrderCatalog } from "./order-catalog.ts";

type Persona = "loaders" | "readers";
type Privileges = Readonly<Record<Persona, readonly string[]>>;

// Named one by one: ALL_PRIVILEGES grows with the product. The deployer owns the objects and needs no grant.
const ON_CATALOG: Privileges = { loaders: ["USE_CATALOG"], readers: ["USE_CATALOG"] };
const ON_SCHEMA: Privileges = { loaders: ["USE_SCHEMA"], readers: ["USE_SCHEMA", "SELECT"] };
const ON_VOLUME: Privileges = { loaders: ["READ_VOLUME", "WRITE_VOLUME"], readers: [] };

/** Properties for {@link PersonaGrants}. */
export interface PersonaGrantsProps {
  readonly environment: Environment;
  readonly orders: OrderCatalog;
}

/**
 * What the environment's loaders and readers may do.
 *
 * One resource for each object, since each owns all grants of its object and two of them would undo one another:
 * databricks_grants in the provider documentation, docs/resources/grants.md
 */
export class PersonaGrants extends Construct {
  constructor(scope: Construct, id: string, { environment, orders }: PersonaGrantsProps) {
    super(scope, id);
    const grant = (objectId: string, object: Omit<GrantsConfig, "grant">, privileges: Privileges): void => {
      const grants = byGroup(environment, privileges);
      if (grants.length > 0) new Grants(this, objectId, { ...object, grant: grants });
    };
    grant("catalog", { catalog: orders.catalog.name }, ON_CATALOG);
    grant("schema", { schema: orders.schema.id }, ON_SCHEMA);
    grant("volume", { volume: orders.volume.id }, ON_VOLUME);
  }
}

/** One grant for each group, in the order of their names; a group may be of both personas. */
function byGroup(environment: Environment, privileges: Privileges) {
  const { loaders, readers } = environment;
  return [...new Set([...loaders, ...readers])]
    .sort()
    .map((principal) => ({
      principal,
      privileges: [
        ...new Set([
          ...(loaders.includes(principal) ? privileges.loaders : []),
          ...(readers.includes(principal) ? privileges.readers : []),
        ]),
      ],
    }))
    .filter((grant) => grant.privileges.length > 0);
}

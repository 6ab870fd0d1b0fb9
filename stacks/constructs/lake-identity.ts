import { DatabricksAccessConnector } from "@cdktf/provider-azurerm/lib/databricks-access-connector/index.js";
import { RoleAssignment } from "@cdktf/provider-azurerm/lib/role-assignment/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../names.ts";
import { tags } from "../tags.ts";
import type { OrderLake } from "./order-lake.ts";

/** Properties for {@link LakeIdentity}. */
export interface LakeIdentityProps {
  readonly environment: Environment;
  readonly resourceGroupName: string;
  /** The lake that the identity may read and write. */
  readonly lake: OrderLake;
}

/** The managed identity with which Unity Catalog reads and writes the lake; nobody else needs to reach the data. */
export class LakeIdentity extends Construct {
  readonly dataRole: RoleAssignment;

  constructor(scope: Construct, id: string, { environment, resourceGroupName, lake }: LakeIdentityProps) {
    super(scope, id);

    const connector = new DatabricksAccessConnector(this, "connector", {
      name: names.accessConnector(environment),
      resourceGroupName,
      location: environment.location,
      identity: { type: "SystemAssigned" },
      tags: tags(environment),
    });

    // Reads arriving files, moves them to the archive and writes tables. On the account rather than on each container,
    // since signing short-lived access for clusters needs the account, which holds nothing but these two containers:
    // https://learn.microsoft.com/azure/databricks/connect/unity-catalog/cloud-storage/azure-managed-identities
    // File events would need three roles more; see docs/decisions/no-file-events.md.
    this.dataRole = new RoleAssignment(this, "data-role", {
      scope: lake.account.id,
      roleDefinitionName: "Storage Blob Data Contributor",
      principalId: connector.identity.principalId,
      // Says what the principal is, so that Azure need not find a new identity in a directory that lags behind.
      principalType: "ServicePrincipal",
    });
  }
}

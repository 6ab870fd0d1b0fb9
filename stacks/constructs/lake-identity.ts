import { DatabricksAccessConnector } from "@cdktf/provider-azurerm/lib/databricks-access-connector/index.js";
import type { ResourceGroup } from "@cdktf/provider-azurerm/lib/resource-group/index.js";
import { RoleAssignment } from "@cdktf/provider-azurerm/lib/role-assignment/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { tags } from "../tags.ts";
import type { OrderLake } from "./order-lake.ts";
import { RolesInEffect } from "./roles-in-effect.ts";

/** Properties for {@link LakeIdentity}. */
export interface LakeIdentityProps {
  readonly environment: Environment;
  readonly resourceGroup: Pick<ResourceGroup, "name" | "id">;
}

/** The managed identity with which Unity Catalog reads and writes the lake; nobody else needs to reach the data. */
export class LakeIdentity extends Construct {
  readonly connector: DatabricksAccessConnector;
  readonly #environment: Environment;
  readonly #resourceGroup: LakeIdentityProps["resourceGroup"];

  constructor(scope: Construct, id: string, { environment, resourceGroup }: LakeIdentityProps) {
    super(scope, id);
    this.#environment = environment;
    this.#resourceGroup = resourceGroup;

    this.connector = new DatabricksAccessConnector(this, "connector", {
      name: names.accessConnector(environment),
      resourceGroupName: resourceGroup.name,
      location: environment.location,
      identity: { type: "SystemAssigned" },
      tags: tags(environment),
    });
  }

  /**
   * Gives the identity the roles that it needs on the lake. They cannot come with the identity, which is there before
   * the lake: the lake's firewall lets it in by name.
   */
  addRoles({ account }: OrderLake): void {
    const roles = [
      // Reads arriving files, moves them to the archive and writes tables. On the account rather than on each container,
      // since signing short-lived access for clusters needs the account, which holds nothing but these two containers:
      // https://learn.microsoft.com/azure/databricks/connect/unity-catalog/cloud-storage/azure-managed-identities
      this.#role("data-role", "Storage Blob Data Contributor", account.id),
      ...(this.#environment.fileEvents ? this.#fileEventRoles(account.id) : []),
    ];
    // The catalog stack, which needs the roles first, is deployed once this stack is complete.
    new RolesInEffect(this, "roles-in-effect", roles);
  }

  /** What managed file events need: unity-catalog-azure in the Databricks provider's documentation, docs/guides. */
  #fileEventRoles(accountId: string): RoleAssignment[] {
    return [
      // Creates the queue for the events, and asks the account to send them.
      this.#role("account-role", "Storage Account Contributor", accountId),
      // Reads events from the queue, and removes those that it has read.
      this.#role("queue-role", "Storage Queue Data Contributor", accountId),
      // Subscribes the queue to the account's events; the topic between them is a resource of the group.
      this.#role("event-role", "EventGrid EventSubscription Contributor", this.#resourceGroup.id),
    ];
  }

  #role(id: string, roleDefinitionName: string, scope: string): RoleAssignment {
    return new RoleAssignment(this, id, {
      scope,
      roleDefinitionName,
      principalId: this.connector.identity.principalId,
      // Says what the principal is, so that Azure need not find a new identity in a directory that lags behind.
      principalType: "ServicePrincipal",
    });
  }
}

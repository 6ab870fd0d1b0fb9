import { RoleAssignment } from "@cdktf/provider-azurerm/lib/role-assignment/index.js";
import { UserAssignedIdentity } from "@cdktf/provider-azurerm/lib/user-assigned-identity/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { tags } from "../tags.ts";
import { RolesInEffect } from "./roles-in-effect.ts";

/** Properties for {@link LakeKey}. */
export interface LakeKeyProps {
  readonly environment: Environment;
  readonly resourceGroupName: string;
  readonly key: NonNullable<Environment["customerManagedKey"]>;
}

/**
 * The environment's own key for the lake: an identity with which the lake may use it.
 *
 * The identity is not the lake's own, which would exist only after the lake, and the lake needs the key from the start.
 * Key and vault are not ours: they outlive the lake, and whoever deploys this should not rule over them.
 */
export class LakeKey extends Construct {
  readonly url: string;
  readonly identity: UserAssignedIdentity;
  /** Ends when the identity can use the key, which the lake has to wait for. */
  readonly inEffect: RolesInEffect;

  constructor(scope: Construct, id: string, { environment, resourceGroupName, key }: LakeKeyProps) {
    super(scope, id);
    this.url = names.customerManagedKeyUrl(key);

    this.identity = new UserAssignedIdentity(this, "identity", {
      name: names.keyIdentity(environment),
      resourceGroupName,
      location: environment.location,
      tags: tags(environment),
    });
    // Wraps and unwraps the account's own key with this one, and reads its name and versions; no more.
    const role = new RoleAssignment(this, "role", {
      scope: names.customerManagedKeyId(environment, key),
      roleDefinitionName: "Key Vault Crypto Service Encryption User",
      principalId: this.identity.principalId,
      principalType: "ServicePrincipal",
      // The lake needs the old key to go over to another, and denies all data without it. So the old role goes last, and
      // the identity with it where there is no key any more. See docs/decisions/late-roles.md.
      lifecycle: { createBeforeDestroy: true },
    });
    this.inEffect = new RolesInEffect(this, "usable", [role]);
  }
}

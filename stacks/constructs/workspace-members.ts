import { PermissionAssignment } from "@cdktf/provider-databricks/lib/permission-assignment/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { membersOf } from "../personas.ts";

/** Properties for {@link WorkspaceMembers}. */
export interface WorkspaceMembersProps {
  readonly environment: Environment;
}

/**
 * Lets the environment's personas into a workspace of our own: a new one knows nobody but whoever created it.
 *
 * In a workspace of somebody else that is for its administrators to say, and to take back.
 */
export class WorkspaceMembers extends Construct {
  /** Of whoever deploys, who needs it until all else is gone. */
  readonly deployer?: PermissionAssignment;

  constructor(scope: Construct, id: string, { environment }: WorkspaceMembersProps) {
    super(scope, id);
    const groups = (["loaders", "analysts", "operators"] as const).flatMap((each) => membersOf(each, environment));
    // By name: the ids of the account's principals are known in the account alone.
    for (const groupName of new Set(groups)) {
      new PermissionAssignment(this, names.memberId(groupName), { groupName, permissions: ["USER"] });
    }
    for (const servicePrincipalName of membersOf("runner", environment)) {
      new PermissionAssignment(this, "runner", { servicePrincipalName, permissions: ["USER"] });
    }
    for (const servicePrincipalName of membersOf("deployer", environment)) {
      // Only administrators deploy, and somebody else may have made the workspace.
      this.deployer = new PermissionAssignment(this, "deployer", { servicePrincipalName, permissions: ["ADMIN"] });
    }
  }
}

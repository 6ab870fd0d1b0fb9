import type { RoleAssignment } from "@cdktf/provider-azurerm/lib/role-assignment/index.js";
import type { Construct } from "constructs";
import { TerraformData } from "../terraform-data.ts";

/** Azure takes a minute or two, and promises no more than ten. See docs/decisions/late-roles.md. */
const WAIT_SECONDS = 150;

/** Waits, whenever one of the roles is created, until it has taken effect: Azure says that it exists before. */
export class RolesInEffect extends TerraformData {
  constructor(scope: Construct, id: string, roles: readonly RoleAssignment[]) {
    super(scope, id, {
      triggersReplace: Object.fromEntries(roles.map((role) => [role.node.id, role.id])),
      provisioners: [
        {
          type: "local-exec",
          // The one program that is there wherever this project is deployed from.
          interpreter: ["node", "--eval"],
          command: `setTimeout(() => {}, ${WAIT_SECONDS * 1000})`,
        },
      ],
    });
  }
}

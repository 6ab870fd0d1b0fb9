import type { RoleAssignment } from "@cdktf/provider-azurerm/lib/role-assignment/index.js";
import type { Construct } from "constructs";
import { TerraformData } from "../terraform-data.ts";

/** Azure takes a minute or two, and promises no more than ten. See docs/decisions/late-roles.md. */
const WAIT_SECONDS = { ours: 150, most: 600 } as const;
/** Variable of the process that deploys, for whoever has met a slower Azure, or knows a faster one. */
const WAIT_VARIABLE = "ORDER_TRACKING_ROLE_WAIT_SECONDS";

const WAIT = [
  `const seconds = Number(process.env.${WAIT_VARIABLE} || ${WAIT_SECONDS.ours});`,
  `if (!(seconds >= 0 && seconds <= ${WAIT_SECONDS.most})) throw "${WAIT_VARIABLE} must be 0 to ${WAIT_SECONDS.most}";`,
  "setTimeout(() => {}, seconds * 1000);",
].join(" ");

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
          command: WAIT,
        },
      ],
    });
  }
}

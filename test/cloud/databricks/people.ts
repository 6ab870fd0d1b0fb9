/** Who is in a workspace. */
import { z } from "zod";
import type { Principal } from "../account.ts";
import { bodyOf, reply, type Route, routesOf } from "../http.ts";
import { METASTORE_ID } from "./catalog.ts";
import { type Membership, notFound, type Workspace, type Workspaces } from "./workspace.ts";

const permissions = z.array(z.enum(["USER", "ADMIN"])).min(1);
const principalNames = {
  group_name: z.string().optional(),
  service_principal_name: z.string().optional(),
  user_name: z.string().optional(),
};
const assignments = z.strictObject({
  permission_assignments: z.array(z.strictObject({ ...principalNames, permissions })).length(1),
});

const shown = (principal: Principal, membership: Membership) => ({
  permissions: [membership],
  Principal: {
    principal_id: principal.id,
    display_name: principal.name,
    ...(principal.kind === "group" && { group_name: principal.name }),
    ...(principal.kind === "service-principal" && { service_principal_name: principal.name }),
    ...(principal.kind === "user" && { user_name: principal.name }),
  },
});

export function peopleRoutes(workspaces: Workspaces): readonly Route[] {
  const scim = "/api/2.0/preview/scim/v2";
  const assigned = "/api/2.0/preview/permissionassignments";
  const assign = (workspace: Workspace, principal: Principal | undefined, [permission = "USER"]: Membership[]) => {
    if (!principal) throw notFound("The principal");
    workspace.members.set(String(principal.id), permission);
    return shown(principal, permission);
  };
  return [
    ...routesOf("workspace", {
      "GET /.well-known/databricks-config": ({ host }) =>
        reply(200, {
          host_type: "workspace",
          workspace_id: workspaces.at(host).id,
          cloud: "Azure",
          oidc_endpoint: `https://${host}/oidc`,
        }),
    }),
    ...workspaces.routes({
      [`GET ${scim}/Me`]: (workspace, _, caller) =>
        reply(
          200,
          { id: String(caller.id), userName: caller.name, displayName: caller.name, active: true },
          { "x-databricks-org-id": workspace.id },
        ),
      [`GET ${scim}/Groups`]: (workspace, { query }) => reply(200, listed(workspace, "group", query)),
      [`GET ${scim}/ServicePrincipals`]: (workspace, { query }) =>
        reply(200, listed(workspace, "service-principal", query)),
      [`GET ${assigned}`]: (workspace) =>
        reply(200, {
          permission_assignments: workspace.members.names().flatMap((id) => {
            const principal = workspace.account.withId(Number(id));
            return principal ? [shown(principal, workspace.members.get(id) ?? "USER")] : [];
          }),
        }),
      [`POST ${assigned}`]: (workspace, call) => {
        const [given] = bodyOf(call, assignments).permission_assignments;
        const { account } = workspace;
        const principal =
          account.find("group", given?.group_name ?? "") ??
          account.find("service-principal", given?.service_principal_name ?? "") ??
          account.find("user", given?.user_name ?? "");
        return reply(200, { permission_assignments: [assign(workspace, principal, given?.permissions ?? [])] });
      },
      [`PUT ${assigned}/principals/{id}`]: (workspace, call) =>
        reply(
          200,
          assign(
            workspace,
            workspace.account.withId(Number(call.params.id)),
            bodyOf(call, z.strictObject({ permissions })).permissions,
          ),
        ),
      [`DELETE ${assigned}/principals/{id}`]: (workspace, { params }) => {
        if (!workspace.members.delete(params.id ?? "")) throw notFound("The assignment");
        return reply(200, {});
      },
      "GET /api/2.1/unity-catalog/current-metastore-assignment": (workspace) =>
        reply(200, { metastore_id: METASTORE_ID, workspace_id: Number(workspace.id), default_catalog_name: "main" }),
    }),
  ];
}

function listed(workspace: Workspace, kind: Principal["kind"], query: URLSearchParams) {
  const wanted = /(?:displayName|applicationId) eq ["'](.*)["']/.exec(query.get("filter") ?? "")?.[1];
  const found = workspace.members
    .names()
    .map((id) => workspace.account.withId(Number(id)))
    .filter((each) => each?.kind === kind && (wanted === undefined || each.name === wanted))
    .map((each) => ({ id: String(each?.id), displayName: each?.name, applicationId: each?.name, active: true }));
  return { totalResults: found.length, startIndex: 1, itemsPerPage: found.length, Resources: found };
}

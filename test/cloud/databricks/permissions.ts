/** Who may do what with the objects of a workspace. */
import { z } from "zod";
import type { Principal } from "../account.ts";
import { bodyOf, type Call, reply, type Route } from "../http.ts";
import { clustersOf, policiesOf } from "./compute.ts";
import { WorkspaceFiles } from "./files.ts";
import { jobsOf } from "./jobs.ts";
import { dashboardsOf, queriesOf, warehousesOf } from "./reports.ts";
import { invalid, notFound, type Workspace, type Workspaces } from "./workspace.ts";

interface Access {
  readonly group_name?: string | undefined;
  readonly service_principal_name?: string | undefined;
  readonly user_name?: string | undefined;
  readonly permission_level: string;
}

interface ObjectType {
  /** What answers call it. */
  readonly told: string;
  readonly levels: readonly string[];
  readonly isThere: (workspace: Workspace, id: string) => boolean;
}

const FILE_LEVELS = ["CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"];
const isFile = (kind: string) => (workspace: Workspace, id: string) =>
  new WorkspaceFiles(workspace).withId(Number(id))?.object_type === kind;

const TYPES: Readonly<Record<string, ObjectType>> = {
  "cluster-policies": { told: "cluster-policy", levels: ["CAN_USE"], isThere: (ws, id) => policiesOf(ws).has(id) },
  clusters: {
    told: "cluster",
    levels: ["CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"],
    isThere: (ws, id) => clustersOf(ws).has(id),
  },
  jobs: {
    told: "job",
    levels: ["CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE"],
    isThere: (ws, id) => jobsOf(ws).has(id),
  },
  directories: { told: "directory", levels: FILE_LEVELS, isThere: isFile("DIRECTORY") },
  notebooks: { told: "notebook", levels: FILE_LEVELS, isThere: isFile("NOTEBOOK") },
  files: { told: "file", levels: FILE_LEVELS, isThere: isFile("FILE") },
  dashboards: { told: "dashboard", levels: FILE_LEVELS, isThere: (ws, id) => dashboardsOf(ws).has(id) },
  "sql/queries": {
    told: "query",
    levels: ["CAN_VIEW", ...FILE_LEVELS],
    isThere: (ws, id) => queriesOf(ws).has(id),
  },
  "sql/warehouses": {
    told: "warehouses",
    levels: ["CAN_VIEW", "CAN_MONITOR", "CAN_USE", "IS_OWNER", "CAN_MANAGE"],
    isThere: (ws, id) => warehousesOf(ws).has(id),
  },
};

const body = z.strictObject({
  access_control_list: z
    .array(
      z.strictObject({
        group_name: z.string().optional(),
        service_principal_name: z.string().optional(),
        user_name: z.string().optional(),
        permission_level: z.string(),
      }),
    )
    .default([]),
});

export const permissionsOf = (workspace: Workspace) => workspace.table<readonly Access[]>("permissions");

/** Whether somebody was permitted one of some levels on one of some objects, such as `/jobs/1`, alone or with a group. */
export function isPermitted(
  workspace: Workspace,
  principal: Principal,
  objects: readonly string[],
  levels: readonly string[],
): boolean {
  if (workspace.isAdministrator(principal)) return true;
  return objects
    .flatMap((object) => permissionsOf(workspace).get(object) ?? [])
    .some(({ group_name: group, service_principal_name: servicePrincipal, user_name: user, permission_level }) => {
      const isMeant =
        group === undefined ? [servicePrincipal, user].includes(principal.name) : principal.memberOf.includes(group);
      return isMeant && levels.includes(permission_level);
    });
}

export function permissionRoutes(workspaces: Workspaces): readonly Route[] {
  const path = "/api/2.0/permissions";
  const answers = (route: string) =>
    workspaces.routes({
      [`GET ${route}`]: (workspace, call) => reply(200, shown(workspace, call)),
      [`PUT ${route}`]: (workspace, call) => {
        const { type, key } = objectOf(workspace, call);
        const list = bodyOf(call, body).access_control_list.map((access) => resolved(workspace, access));
        for (const access of list) check(workspace, type, access);
        const owners = list.filter(({ permission_level }) => permission_level === "IS_OWNER");
        if (type.told === "job" && owners.length !== 1) throw invalid("The job must have exactly one owner.");
        if (owners.some(({ group_name }) => group_name)) throw invalid("Groups can not be owner");
        if (list.length > 0) permissionsOf(workspace).set(key, list);
        else permissionsOf(workspace).delete(key);
        return reply(200, shown(workspace, call));
      },
    });
  return [`${path}/{type}/{id}`, `${path}/{prefix}/{type}/{id}`].flatMap(answers);
}

function objectOf(workspace: Workspace, { params }: Call) {
  const requested = [params.prefix, params.type].filter(Boolean).join("/");
  const type = TYPES[requested];
  const id = params.id ?? "";
  if (!type) throw invalid(`there are no permissions on ${requested}`);
  if (!type.isThere(workspace, id)) throw notFound(`${requested} ${id}`);
  return { type, key: `/${requested}/${id}` };
}

/** A service principal may be called a user by its application id; it is told as what it is. */
function resolved(workspace: Workspace, access: Access): Access {
  const { user_name: name, permission_level } = access;
  const isServicePrincipal = name !== undefined && workspace.account.find("service-principal", name);
  return isServicePrincipal ? { service_principal_name: name, permission_level } : access;
}

function check(workspace: Workspace, type: ObjectType, access: Access): void {
  if (!type.levels.includes(access.permission_level)) {
    throw invalid(`Permission type ${access.permission_level} is not defined for a ${type.told}`);
  }
  if (access.group_name !== undefined && access.group_name !== "admins") workspace.need("group", access.group_name);
  if (access.service_principal_name !== undefined) workspace.need("service-principal", access.service_principal_name);
  if (access.user_name !== undefined) workspace.need("user", access.user_name);
}

/** Administrators may do everything, which they inherit from the workspace. */
function shown(workspace: Workspace, call: Call) {
  const { type, key } = objectOf(workspace, call);
  const told = (permissionsOf(workspace).get(key) ?? []).map(({ permission_level, ...principal }) => ({
    ...principal,
    all_permissions: [{ permission_level, inherited: false }],
  }));
  const admins = {
    group_name: "admins",
    all_permissions: [{ permission_level: "CAN_MANAGE", inherited: true, inherited_from_object: [`/${type.told}/`] }],
  };
  return { object_id: key, object_type: type.told, access_control_list: [...told.reverse(), admins] };
}

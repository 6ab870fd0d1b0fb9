/** SQL warehouses, and what people look at with them: saved queries, alerts and dashboards. */
import { z } from "zod";
import { guidOf } from "../azure/databricks.ts";
import { bodyOf, fields, reply, type Route, without } from "../http.ts";
import { WorkspaceFiles } from "./files.ts";
import { destinationsOf } from "./notifications.ts";
import { invalid, notFound, type Workspace, type Workspaces } from "./workspace.ts";

interface Entry {
  readonly id: string;
  readonly [field: string]: unknown;
}

const SIZES = ["2X-Small", "X-Small", "Small", "Medium", "Large", "X-Large", "2X-Large", "3X-Large", "4X-Large"];
const warehouseBody = fields(
  "channel tags spot_instance_policy id num_clusters creator_name instance_profile_arn",
).extend({
  name: z.string().min(1).max(99),
  cluster_size: z.enum(SIZES),
  auto_stop_mins: z.int().min(0).optional(),
  enable_photon: z.boolean().optional(),
  enable_serverless_compute: z.boolean().optional(),
  max_num_clusters: z.int().min(1).max(40).optional(),
  min_num_clusters: z.int().min(1).max(40).optional(),
  warehouse_type: z.enum(["CLASSIC", "PRO"]).optional(),
});
const queryFields = {
  apply_auto_limit: z.boolean().optional(),
  catalog: z.string().optional(),
  description: z.string().optional(),
  parameters: z.array(z.unknown()).optional(),
  run_as_mode: z.enum(["OWNER", "VIEWER"]).optional(),
  schema: z.string().optional(),
  tags: z.array(z.string()).optional(),
  query_text: z.string().optional(),
  warehouse_id: z.string().optional(),
  owner_user_name: z.string().optional(),
};
const queryBody = z.strictObject({
  auto_resolve_display_name: z.boolean().optional(),
  query: z.strictObject({ ...queryFields, display_name: z.string().min(1), parent_path: z.string().optional() }),
});
const queryChange = z.strictObject({
  id: z.string().optional(),
  auto_resolve_display_name: z.boolean().optional(),
  update_mask: z.string(),
  query: z.strictObject({ ...queryFields, display_name: z.string().optional() }),
});
const column = z.strictObject({ name: z.string(), aggregation: z.string().optional(), display: z.string().optional() });
const alertBody = z.strictObject({
  id: z.string().optional(),
  display_name: z.string().min(1),
  query_text: z.string().min(1),
  warehouse_id: z.string(),
  parent_path: z.string().optional(),
  custom_description: z.string().optional(),
  custom_summary: z.string().optional(),
  parameters: z.array(z.unknown()).optional(),
  run_as: z
    .strictObject({ service_principal_name: z.string().optional(), user_name: z.string().optional() })
    .optional(),
  run_as_user_name: z.string().optional(),
  evaluation: z.strictObject({
    source: column,
    comparison_operator: z.enum([
      "GREATER_THAN",
      "GREATER_THAN_OR_EQUAL",
      "LESS_THAN",
      "LESS_THAN_OR_EQUAL",
      "EQUAL",
      "NOT_EQUAL",
      "IS_NULL",
      "IS_NOT_NULL",
    ]),
    threshold: z
      .strictObject({ column: column.optional(), value: fields("bool_value double_value string_value").optional() })
      .optional(),
    empty_result_state: z.enum(["UNKNOWN", "OK", "TRIGGERED", "ERROR"]).optional(),
    notification: z
      .strictObject({
        notify_on_ok: z.boolean().optional(),
        retrigger_seconds: z.int().min(0).optional(),
        subscriptions: z
          .array(z.strictObject({ destination_id: z.string().optional(), user_email: z.string().optional() }))
          .optional(),
      })
      .optional(),
  }),
  schedule: z.strictObject({
    quartz_cron_schedule: z.string().regex(/^(\S+ ){5,6}\S+$/),
    timezone_id: z.string(),
    pause_status: z.enum(["PAUSED", "UNPAUSED"]).optional(),
  }),
});
const dashboardBody = fields("create_time update_time path lifecycle_state etag dashboard_id").extend({
  display_name: z.string().min(1),
  parent_path: z.string().optional(),
  serialized_dashboard: z.string().optional(),
  warehouse_id: z.string().optional(),
});

export const warehousesOf = (workspace: Workspace) => workspace.table<Entry>("warehouses");
export const queriesOf = (workspace: Workspace) => workspace.table<Entry>("queries");
export const alertsOf = (workspace: Workspace) => workspace.table<Entry>("alerts");
export const dashboardsOf = (workspace: Workspace) => workspace.table<Entry>("dashboards");
const trashOf = (workspace: Workspace) => workspace.table<Entry>("trash");

function find(table: { get(id: string): Entry | undefined }, id = "", kind = ""): Entry {
  const found = table.get(id);
  if (!found) throw notFound(`${kind} ${id}`);
  return found;
}

function needWarehouse(workspace: Workspace, id: string | undefined): void {
  if (id !== undefined && id !== "" && !warehousesOf(workspace).has(id)) throw notFound(`SQL warehouse ${id}`);
}

/** What is deleted here goes to the trash for thirty days. */
function trash(workspace: Workspace, table: { delete(id: string): boolean }, entry: Entry): void {
  table.delete(entry.id);
  trashOf(workspace).set(entry.id, entry);
}

export function reportRoutes(workspaces: Workspaces): readonly Route[] {
  return [
    ...warehouseRoutes(workspaces),
    ...queryRoutes(workspaces),
    ...alertRoutes(workspaces),
    ...dashboardRoutes(workspaces),
  ];
}

function warehouseRoutes(workspaces: Workspaces): readonly Route[] {
  const api = "/api/2.0/sql/warehouses";
  const save = (workspace: Workspace, id: string, given: z.output<typeof warehouseBody>, creator: unknown) => {
    const twin = warehousesOf(workspace)
      .values()
      .find((each) => each.name === given.name && each.id !== id);
    if (twin) throw invalid(`a SQL warehouse with the name ${given.name} exists already`);
    return warehousesOf(workspace).set(id, {
      max_num_clusters: 1,
      min_num_clusters: 1,
      auto_stop_mins: 120,
      enable_photon: true,
      spot_instance_policy: "COST_OPTIMIZED",
      warehouse_type: "PRO",
      enable_serverless_compute: false,
      ...given,
      id,
      creator_name: creator,
      num_clusters: 1,
      state: "RUNNING",
      jdbc_url: `jdbc:spark://stand-in:443/${id}`,
      odbc_params: { hostname: "stand-in", path: `/sql/1.0/warehouses/${id}`, port: 443, protocol: "https" },
    });
  };
  return workspaces.routes({
    [`POST ${api}`]: (workspace, call, caller) => {
      const id = guidOf(`warehouse ${workspace.nextNumber("warehouse")}`)
        .replaceAll("-", "")
        .slice(0, 16);
      save(workspace, id, bodyOf(call, warehouseBody), caller.name);
      return reply(200, { id });
    },
    [`GET ${api}`]: (workspace) => reply(200, { warehouses: warehousesOf(workspace).values() }),
    [`GET ${api}/{id}`]: (workspace, { params }) =>
      reply(200, find(warehousesOf(workspace), params.id, "SQL warehouse")),
    [`POST ${api}/{id}/edit`]: (workspace, call) => {
      const before = find(warehousesOf(workspace), call.params.id, "SQL warehouse");
      save(workspace, before.id, bodyOf(call, warehouseBody), before.creator_name);
      return reply(200, {});
    },
    [`DELETE ${api}/{id}`]: (workspace, { params }) => {
      warehousesOf(workspace).delete(find(warehousesOf(workspace), params.id, "SQL warehouse").id);
      return reply(200, {});
    },
    "GET /api/2.0/preview/sql/data_sources": (workspace) =>
      reply(
        200,
        warehousesOf(workspace)
          .values()
          .map(({ id, name }) => ({ id: guidOf(id), warehouse_id: id, name })),
      ),
  });
}

function queryRoutes(workspaces: Workspaces): readonly Route[] {
  const api = "/api/2.0/sql/queries";
  return workspaces.routes({
    [`POST ${api}`]: (workspace, call, caller) => {
      const { query } = bodyOf(call, queryBody);
      needWarehouse(workspace, query.warehouse_id);
      new WorkspaceFiles(workspace).needFolder(query.parent_path ?? "/Users");
      const id = guidOf(`query ${workspace.id} ${workspace.nextNumber("query")}`);
      const now = new Date().toISOString();
      return reply(
        200,
        queriesOf(workspace).set(id, {
          run_as_mode: "OWNER",
          owner_user_name: caller.name,
          ...query,
          // The same folder in its longer spelling.
          ...(query.parent_path && { parent_path: `/Workspace${WorkspaceFiles.normal(query.parent_path)}` }),
          id,
          lifecycle_state: "ACTIVE",
          create_time: now,
          update_time: now,
          last_modifier_user_name: caller.name,
        }),
      );
    },
    [`GET ${api}`]: (workspace) => reply(200, { results: queriesOf(workspace).values() }),
    [`GET ${api}/{id}`]: (workspace, { params }) => reply(200, find(queriesOf(workspace), params.id, "Query")),
    [`PATCH ${api}/{id}`]: (workspace, call) => {
      const before = find(queriesOf(workspace), call.params.id, "Query");
      const { query, update_mask } = bodyOf(call, queryChange);
      needWarehouse(workspace, query.warehouse_id);
      const masked = Object.entries(query).filter(
        ([field]) => update_mask === "*" || update_mask.split(",").includes(field),
      );
      return reply(200, queriesOf(workspace).set(before.id, { ...before, ...Object.fromEntries(masked) }));
    },
    [`DELETE ${api}/{id}`]: (workspace, { params }) => {
      trash(workspace, queriesOf(workspace), find(queriesOf(workspace), params.id, "Query"));
      return reply(200, {});
    },
  });
}

function alertRoutes(workspaces: Workspaces): readonly Route[] {
  const api = "/api/2.0/alerts";
  const check = (workspace: Workspace, given: z.output<typeof alertBody>) => {
    needWarehouse(workspace, given.warehouse_id);
    new WorkspaceFiles(workspace).needFolder(given.parent_path ?? "/Users");
    const { service_principal_name: runner } = given.run_as ?? {};
    if (runner !== undefined) workspace.need("service-principal", runner);
    for (const { destination_id: id } of given.evaluation.notification?.subscriptions ?? []) {
      if (id !== undefined && !destinationsOf(workspace).has(id)) throw notFound(`Notification destination ${id}`);
    }
  };
  const told = (entry: Entry) => ({
    ...entry,
    // The same folder in its longer spelling.
    ...(typeof entry.parent_path === "string" && {
      parent_path: `/Workspace${WorkspaceFiles.normal(entry.parent_path)}`,
    }),
    effective_run_as: entry.run_as ?? { user_name: entry.owner_user_name },
  });
  return workspaces.routes({
    [`POST ${api}`]: (workspace, call, caller) => {
      const given = bodyOf(call, alertBody);
      check(workspace, given);
      const id = guidOf(`alert ${workspace.id} ${workspace.nextNumber("alert")}`);
      const now = new Date().toISOString();
      const entry = alertsOf(workspace).set(id, {
        ...given,
        id,
        owner_user_name: caller.name,
        lifecycle_state: "ACTIVE",
        create_time: now,
        update_time: now,
      });
      return reply(200, told(entry));
    },
    [`GET ${api}`]: (workspace) => reply(200, { alerts: alertsOf(workspace).values().map(told) }),
    [`GET ${api}/{id}`]: (workspace, { params }) => reply(200, told(find(alertsOf(workspace), params.id, "Alert"))),
    [`PATCH ${api}/{id}`]: (workspace, call) => {
      const before = find(alertsOf(workspace), call.params.id, "Alert");
      const given = bodyOf(call, alertBody.partial());
      const after = { ...before, ...given, id: before.id };
      check(workspace, after as unknown as z.output<typeof alertBody>);
      return reply(200, told(alertsOf(workspace).set(before.id, after)));
    },
    [`DELETE ${api}/{id}`]: (workspace, { params }) => {
      trash(workspace, alertsOf(workspace), find(alertsOf(workspace), params.id, "Alert"));
      return reply(200, {});
    },
  });
}

function dashboardRoutes(workspaces: Workspaces): readonly Route[] {
  const api = "/api/2.0/lakeview/dashboards";
  const check = (workspace: Workspace, given: z.output<typeof dashboardBody>) => {
    needWarehouse(workspace, given.warehouse_id);
    try {
      JSON.parse(given.serialized_dashboard ?? "{}");
    } catch {
      throw invalid("serialized_dashboard is no JSON");
    }
  };
  const save = (workspace: Workspace, id: string, given: object) =>
    dashboardsOf(workspace).set(id, {
      ...given,
      id,
      dashboard_id: id,
      lifecycle_state: "ACTIVE",
      etag: String(80_611_980 + workspace.nextNumber("etag")),
    });
  return workspaces.routes({
    [`POST ${api}`]: (workspace, call) => {
      const given = bodyOf(call, dashboardBody);
      check(workspace, given);
      const files = new WorkspaceFiles(workspace);
      const folder = WorkspaceFiles.normal(given.parent_path ?? "/Users");
      if (!files.get(folder)) throw notFound(`Path (${folder})`);
      const file = `${folder}/${given.display_name}.lvdash.json`;
      if (files.get(file)) throw invalid(`Node named '${given.display_name}.lvdash.json' already exists`);
      files.put(file, { object_type: "DASHBOARD" });
      const id = guidOf(`dashboard ${workspace.id} ${workspace.nextNumber("dashboard")}`).replaceAll("-", "");
      const now = new Date().toISOString();
      return reply(
        200,
        save(workspace, id, { ...given, parent_path: folder, path: file, create_time: now, update_time: now }),
      );
    },
    [`GET ${api}`]: (workspace, { query }) => {
      const trashed = trashOf(workspace)
        .values()
        .filter(({ dashboard_id: id }) => id !== undefined)
        .map((each) => ({ ...each, lifecycle_state: "TRASHED" }));
      const isAskedForTrash = query.get("show_trashed") === "true";
      return reply(200, { dashboards: [...dashboardsOf(workspace).values(), ...(isAskedForTrash ? trashed : [])] });
    },
    [`GET ${api}/{id}`]: (workspace, { params }) => reply(200, find(dashboardsOf(workspace), params.id, "Dashboard")),
    [`PATCH ${api}/{id}`]: (workspace, call) => {
      const before = find(dashboardsOf(workspace), call.params.id, "Dashboard");
      const given = bodyOf(call, dashboardBody.partial());
      check(workspace, given as z.output<typeof dashboardBody>);
      return reply(200, save(workspace, before.id, { ...before, ...without(given, "parent_path", "path") }));
    },
    [`POST ${api}/{id}/published`]: (workspace, call) => {
      const dashboard = find(dashboardsOf(workspace), call.params.id, "Dashboard");
      const given = bodyOf(call, fields("embed_credentials warehouse_id dashboard_id"));
      needWarehouse(workspace, given.warehouse_id as string | undefined);
      return reply(200, {
        ...given,
        display_name: dashboard.display_name,
        revision_create_time: new Date().toISOString(),
      });
    },
    [`DELETE ${api}/{id}`]: (workspace, { params }) => {
      const dashboard = find(dashboardsOf(workspace), params.id, "Dashboard");
      new WorkspaceFiles(workspace).delete(String(dashboard.path), false);
      trash(workspace, dashboardsOf(workspace), dashboard);
      return reply(200, {});
    },
  });
}

/** Jobs: what starts them, what they run, and as whom. */
import { z } from "zod";
import type { Principal } from "../account.ts";
import { bodyOf, fields, Refusal, reply, type Route } from "../http.ts";
import type { UnityCatalog } from "./catalog.ts";
import { checkCluster, clusterSpec, clustersOf } from "./compute.ts";
import { destinationsOf } from "./notifications.ts";
import { invalid, notFound, type Workspace, type Workspaces } from "./workspace.ts";

const seconds = z.int().min(0);
const pause = z.enum(["PAUSED", "UNPAUSED"]).optional();
const addresses = z.array(z.string().regex(/@/)).optional();
const destinations = z
  .array(z.strictObject({ id: z.string() }))
  .max(3)
  .optional();
const emailEvents = z.strictObject({
  on_failure: addresses,
  on_success: addresses,
  on_start: addresses,
  on_duration_warning_threshold_exceeded: addresses,
  no_alert_for_skipped_runs: z.boolean().optional(),
});
const webhookEvents = z.strictObject({
  on_failure: destinations,
  on_success: destinations,
  on_start: destinations,
  on_duration_warning_threshold_exceeded: destinations,
});

const task = z.strictObject({
  task_key: z.string().regex(/^[\w-]{1,100}$/),
  description: z.string().optional(),
  depends_on: z.array(z.strictObject({ task_key: z.string(), outcome: z.string().optional() })).optional(),
  run_if: z
    .enum(["ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED"])
    .optional(),
  existing_cluster_id: z.string().optional(),
  job_cluster_key: z.string().optional(),
  disable_auto_optimization: z.boolean().optional(),
  max_retries: z.int().min(-1).optional(),
  min_retry_interval_millis: z.int().min(0).optional(),
  retry_on_timeout: z.boolean().optional(),
  timeout_seconds: seconds.optional(),
  notebook_task: z
    .strictObject({
      notebook_path: z.string(),
      source: z.literal("WORKSPACE").optional(),
      base_parameters: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  run_job_task: z
    .strictObject({ job_id: z.int(), job_parameters: z.record(z.string(), z.string()).optional() })
    .optional(),
  email_notifications: emailEvents.optional(),
  webhook_notifications: webhookEvents.optional(),
  notification_settings: fields(
    "no_alert_for_canceled_runs no_alert_for_skipped_runs alert_on_last_attempt",
  ).optional(),
});

const settings = z.strictObject({
  name: z.string().min(1).max(4096),
  description: z.string().optional(),
  format: z.literal("MULTI_TASK").optional(),
  edit_mode: z.enum(["UI_LOCKED", "EDITABLE"]).optional(),
  max_concurrent_runs: z.int().min(0).max(1000).optional(),
  timeout_seconds: seconds.optional(),
  tags: z.record(z.string(), z.string()).optional(),
  queue: z.strictObject({ enabled: z.boolean() }).optional(),
  parameters: z.array(z.strictObject({ name: z.string().regex(/^[\w.-]+$/), default: z.string() })).optional(),
  health: z
    .strictObject({
      rules: z.array(z.strictObject({ metric: z.string(), op: z.literal("GREATER_THAN"), value: z.int() })),
    })
    .optional(),
  email_notifications: emailEvents.optional(),
  webhook_notifications: webhookEvents.optional(),
  notification_settings: fields("no_alert_for_canceled_runs no_alert_for_skipped_runs").optional(),
  run_as: z
    .strictObject({ service_principal_name: z.string().optional(), user_name: z.string().optional() })
    .optional(),
  trigger: z
    .strictObject({
      pause_status: pause,
      file_arrival: z
        .strictObject({
          url: z.string().endsWith("/", { error: "the url of a file-arrival trigger ends with a slash" }),
          min_time_between_triggers_seconds: seconds.min(60).optional(),
          wait_after_last_change_seconds: seconds.min(60).optional(),
        })
        .optional(),
    })
    .optional(),
  schedule: z
    .strictObject({
      quartz_cron_expression: z.string().regex(/^(\S+ ){5,6}\S+$/),
      timezone_id: z.string(),
      pause_status: pause,
    })
    .optional(),
  job_clusters: z.array(z.strictObject({ job_cluster_key: z.string(), new_cluster: clusterSpec })).optional(),
  tasks: z.array(task).min(1).max(1000),
});

export type JobSettings = z.output<typeof settings>;

export interface Job {
  readonly job_id: number;
  readonly creator_user_name: string;
  readonly created_time: number;
  readonly settings: JobSettings;
}

export const jobsOf = (workspace: Workspace) => workspace.table<Job>("jobs");

export function jobRoutes(workspaces: Workspaces, catalog: UnityCatalog): readonly Route[] {
  const job = (workspace: Workspace, id: unknown) => {
    const found = jobsOf(workspace).get(String(id));
    if (!found) throw new Refusal(400, "INVALID_PARAMETER_VALUE", `Job ${String(id)} does not exist.`);
    return found;
  };
  const routes = (api: string) =>
    workspaces.routes({
      [`POST ${api}/create`]: (workspace, call, caller) => {
        const given = bodyOf(call, settings);
        check(workspace, given, caller, catalog);
        const job_id = workspace.nextNumber("job") * 7919;
        jobsOf(workspace).set(String(job_id), {
          job_id,
          creator_user_name: caller.name,
          created_time: Date.now(),
          settings: filled(given),
        });
        return reply(200, { job_id });
      },
      [`GET ${api}/get`]: (workspace, { query }) => reply(200, shown(job(workspace, query.get("job_id")))),
      [`GET ${api}/list`]: (workspace) => reply(200, { jobs: jobsOf(workspace).values().map(shown), has_more: false }),
      [`POST ${api}/reset`]: (workspace, call, caller) => {
        const body = bodyOf(call, z.strictObject({ job_id: z.int(), new_settings: settings }));
        const before = job(workspace, body.job_id);
        check(workspace, body.new_settings, caller, catalog);
        jobsOf(workspace).set(String(body.job_id), { ...before, settings: filled(body.new_settings) });
        return reply(200, {});
      },
      [`POST ${api}/delete`]: (workspace, call) => {
        const { job_id } = bodyOf(call, z.strictObject({ job_id: z.int() }));
        job(workspace, job_id);
        jobsOf(workspace).delete(String(job_id));
        workspace.table("permissions").delete(`/jobs/${job_id}`);
        return reply(200, {});
      },
    });
  return ["/api/2.1/jobs", "/api/2.2/jobs"].flatMap(routes);
}

/** Tasks come back in the order of their keys, and ids of destinations in theirs. */
function filled(given: JobSettings): JobSettings {
  const sorted = (events: z.output<typeof webhookEvents> | undefined) =>
    events &&
    Object.fromEntries(
      Object.entries(events).map(([event, ids]) => [
        event,
        [...ids].sort((one, other) => (one.id < other.id ? -1 : 1)),
      ]),
    );
  return {
    ...given,
    format: "MULTI_TASK",
    max_concurrent_runs: given.max_concurrent_runs ?? 1,
    timeout_seconds: given.timeout_seconds ?? 0,
    email_notifications: given.email_notifications ?? {},
    ...(given.webhook_notifications && { webhook_notifications: sorted(given.webhook_notifications) }),
    tasks: given.tasks
      .map((each) => ({
        ...each,
        run_if: each.run_if ?? ("ALL_SUCCESS" as const),
        timeout_seconds: each.timeout_seconds ?? 0,
        email_notifications: each.email_notifications ?? {},
        ...(each.notebook_task && { notebook_task: { ...each.notebook_task, source: "WORKSPACE" as const } }),
      }))
      .toSorted((one, other) => (one.task_key < other.task_key ? -1 : 1)),
  };
}

function shown(job: Job) {
  const runAs = job.settings.run_as;
  return {
    ...job,
    run_as_user_name: runAs?.service_principal_name ?? runAs?.user_name ?? job.creator_user_name,
  };
}

function check(workspace: Workspace, given: JobSettings, caller: Principal, catalog: UnityCatalog): void {
  if (given.run_as?.service_principal_name !== undefined) {
    workspace.need("service-principal", given.run_as.service_principal_name);
  }
  if (given.trigger !== undefined && given.schedule !== undefined) throw invalid("a job has a trigger or a schedule");
  const url = given.trigger?.file_arrival?.url;
  if (url !== undefined) {
    const { volume } = catalog.volumeAt(workspace, url.replace(/\/$/, ""));
    const runner = workspace.account.named(given.run_as?.service_principal_name ?? caller.name) ?? caller;
    if (!catalog.may(workspace, runner, "READ_VOLUME", "volume", volume.fullName)) {
      throw invalid(`${runner.name} may not read the volume of ${url}`);
    }
  }
  const named = given.parameters?.map(({ name }) => name) ?? [];
  if (new Set(named).size < named.length) throw invalid("two parameters have one name");
  const keys = given.tasks.map(({ task_key }) => task_key);
  if (new Set(keys).size < keys.length) throw invalid("two tasks have one key");
  const brought = (given.job_clusters ?? []).map(({ job_cluster_key }) => job_cluster_key);
  for (const { new_cluster } of given.job_clusters ?? []) checkCluster(workspace, new_cluster, "job");
  for (const each of given.tasks) {
    if (Boolean(each.notebook_task) === Boolean(each.run_job_task))
      throw invalid(`${each.task_key} needs one thing to do`);
    for (const { task_key } of each.depends_on ?? []) {
      if (!keys.includes(task_key)) throw invalid(`${each.task_key} depends on ${task_key}, which is no task`);
    }
    if (each.job_cluster_key !== undefined && !brought.includes(each.job_cluster_key)) {
      throw invalid(`there is no job cluster ${each.job_cluster_key}`);
    }
    if (each.existing_cluster_id !== undefined && !clustersOf(workspace).has(each.existing_cluster_id)) {
      throw invalid(`Cluster ${each.existing_cluster_id} does not exist`);
    }
    if (each.run_job_task && !jobsOf(workspace).has(String(each.run_job_task.job_id))) {
      throw notFound(`Job ${each.run_job_task.job_id}`);
    }
    const path = each.notebook_task?.notebook_path;
    if (path !== undefined && !path.startsWith("/")) throw invalid(`${path} is no absolute path of a notebook`);
  }
  const told = [given, ...given.tasks].flatMap(({ webhook_notifications: events }) =>
    Object.values(events ?? {}).flat(),
  );
  for (const each of told) {
    if (!destinationsOf(workspace).has(each.id)) throw notFound(`Notification destination ${each.id}`);
  }
}

/** What begins or ceases to cost, and how long a file takes to its answer. No prices: those are Azure's to tell. */
import { type Difference, isUnseen } from "./differences.ts";
import { type Change, list, record, text } from "./plan.ts";
import { STARTING, withPrevious } from "./previous.ts";
import { RESOURCE_COSTS } from "./resource-costs.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { isRecord } from "./secrets.ts";
import { listed } from "./text.ts";
import { typeInWords } from "./words.ts";

/** Fields that change what a thing costs. */
const COSTLY_FIELDS: Readonly<Record<string, RegExp>> = {
  azurerm_storage_account: /^account_replication_type$/,
  azurerm_storage_management_policy: /tier_to_cool|delete_after/,
  databricks_cluster: /^(node_type_id|num_workers|autoscale|autotermination_minutes|driver_node_type_id)/,
  databricks_sql_endpoint: /^(cluster_size|auto_stop_mins|max_num_clusters|enable_serverless_compute)$/,
  databricks_job:
    /^job_cluster\[[^\]]*\]$|node_type_id|num_workers|autoscale|quartz_cron_expression|wait_after_last_change|min_time_between/,
  databricks_alert_v2: /^schedule\.quartz_cron_schedule$/,
  databricks_cluster_policy: /^(definition|max_clusters_per_user)$/,
  databricks_external_location: /file_event/,
};

/** Findings that other tiers may tell as well: of the money that a change takes, nothing is left to them. */
export function findCosts(scene: Scene): readonly Finding[] {
  return [...beginnings(scene), ...scene.changes.flatMap((change) => costsOf(change, scene)), ...waits(scene)];
}

/** One sentence for each type that comes or goes; of what starts by itself, whether it does is told. */
function beginnings(scene: Scene): readonly Finding[] {
  const costly = Object.entries(RESOURCE_COSTS).filter(([type]) => !STARTING.test(type));
  return costly.flatMap(([type, { follows }]) =>
    (["create", "destroy"] as const).flatMap((action) => {
      const [first, ...others] = scene.changes.filter((change) => change.type === type && change.action === action);
      if (!first) return [];
      const names = listed([first, ...others].map((each) => scene.nameOf(each)));
      const verb =
        action === "create" ? (others.length > 0 ? "begin" : "begins") : others.length > 0 ? "cease" : "ceases";
      return [finding(scene, first, `${names} (${typeInWords(type)}) ${verb} to cost: ${follows}.`)];
    }),
  );
}

function costsOf(change: Change, scene: Scene): readonly Finding[] {
  if (change.action === "update") {
    const differences = scene.differences(change).filter(({ path }) => COSTLY_FIELDS[change.type]?.test(path));
    if (differences.length === 0) return startsOf(change, scene);
    const what = `The ${typeInWords(change.type)} ${scene.nameOf(change)} will cost something else`;
    return [
      finding(scene, change, `${what}: ${differences.map((each) => scene.showDifference(each)).join("; ")}.`),
      ...startsOf(change, scene),
    ];
  }
  const outcome = withPrevious(change, scene);
  return ["create", "replace"].includes(outcome.action) ? startsOf(outcome, scene) : [];
}

/** A job or an alert that begins, or ceases, to start by itself, or always runs from now on. */
function startsOf(change: Change, scene: Scene): readonly Finding[] {
  if (isStartUnseen(change, scene) || !STARTING.test(change.type)) return [];
  const what = `The ${typeInWords(change.type)} ${scene.nameOf(change)}`;
  if (isStarting(change.after, ["continuous"]) && !isStarting(change.before, ["continuous"]))
    return [finding(scene, change, `${what} always runs from now on, and so always costs compute.`)];
  const [before, after] = [isStarting(change.before), isStarting(change.after)];
  if (before === after) return [];
  return [
    finding(
      scene,
      change,
      `${what} ${after ? "begins" : "ceases"} to start by itself, and so to cost minutes of compute.`,
    ),
  ];
}

/** Whether the plan does not show if it will start by itself. */
function isStartUnseen(change: Change, scene: Scene): boolean {
  const isOfStart = ({ path }: Difference) => /^(trigger|schedule|continuous)(\.pause_status)?$/.test(path);
  return scene.differences(change).some((each) => isOfStart(each) && isUnseen(each));
}

/** Whether a job or an alert starts by itself, as one side of a change has it. */
export function isStarting(side: Change["after"], starts = ["trigger", "schedule", "continuous"]): boolean {
  return starts.some((start) =>
    // A job has a list of them, an alert has the one.
    [side[start]].flat().some((each) => isRecord(each) && each.pause_status !== "PAUSED"),
  );
}

/** How long a file waits for its run, where that changes. */
function waits(scene: Scene): readonly Finding[] {
  return scene.changes.flatMap((change) => {
    if (change.type !== "databricks_job" || isStartUnseen(change, scene)) return [];
    const [before, after] = [waitOf(withPrevious(change, scene).before), waitOf(change.after)];
    if (after === undefined || before === after) return [];
    const sentence =
      before === undefined
        ? `From a file to an answer: ${after}.`
        : `From a file to an answer it was ${before}; it will be ${after}.`;
    return [finding(scene, change, sentence)];
  });
}

function waitOf(job: Change["after"]): string | undefined {
  const [trigger] = list(job.trigger).map(record);
  const arrival = blockOf(trigger ?? {}, "file_arrival");
  if (arrival.url === undefined) return undefined;
  if (trigger?.pause_status === "PAUSED") return "as long as somebody takes to start the job, which is paused";
  const quiet = Number(arrival.wait_after_last_change_seconds ?? 0);
  const between = Number(arrival.min_time_between_triggers_seconds ?? 0);
  return [
    "up to a minute until it is seen",
    ...(quiet > 0 ? [`${quiet} s without another one`] : []),
    ...(between > 0 ? [`at least ${between} s after the run before`] : []),
    computeStart(job),
    "then the run itself",
  ].join(", ");
}

function computeStart(job: Change["after"]): string {
  const tasks = list(job.task).map(record);
  if (tasks.some((task) => text(task.existing_cluster_id) !== ""))
    return "minutes for the cluster to start if it has ended itself";
  if (list(job.job_cluster).length > 0) return "minutes for the run's own cluster to start";
  return "a moment for serverless compute or a cluster that is made with it";
}

function finding(scene: Scene, change: Change, headline: string): Finding {
  return { ...scene.about(change), headline, details: [], needsSecondLook: false };
}

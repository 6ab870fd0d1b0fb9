/** What there is in the cloud, as a page for people. */
import type { Principal } from "./account.ts";
import type { Arm } from "./azure/arm.ts";
import type { Job } from "./databricks/jobs.ts";
import { jobsOf } from "./databricks/jobs.ts";
import { type JobRunner, type Run, runsOf } from "./databricks/job-runner.ts";
import type { WorkspaceObject } from "./databricks/files.ts";
import type { Workspace, Workspaces } from "./databricks/workspace.ts";
import type { Lake } from "./lake.ts";
import type { Store } from "./store.ts";

export interface Shown {
  readonly arm: Arm;
  readonly store: Store;
  readonly workspaces: Workspaces;
  readonly lake: Lake;
  readonly jobs: JobRunner | undefined;
}

/** How often the page looks again, in seconds. */
const REFRESH = 2;
/** Runs of a job, the newest ones. */
const RUNS_SHOWN = 5;

/** A whole page of HTML. */
export function pageOf(shown: Shown): string {
  const groups = shown.arm.ofType("Microsoft.Resources/resourceGroups");
  const sections = [
    ...groups.map(({ id, name }) => section(`Resource group ${name}`, resourcesIn(shown.arm, id))),
    ...catalogs(shown),
    ...shown.arm
      .ofType("Microsoft.Databricks/workspaces")
      .flatMap(({ name, properties }) => workspace(shown, name, String(properties.workspaceId))),
  ];
  const body = sections.length > 0 ? sections.join("\n") : "<p>Nothing is deployed yet.</p>";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta http-equiv="refresh" content="${REFRESH}"><title>Stand-in for the cloud</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .3rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; } td { padding: .1rem 1.5rem .1rem 0; vertical-align: top; } td:first-child { color: #666; }
</style>
</head>
<body>
<h1>Stand-in for the cloud</h1>
${body}
</body>
</html>
`;
}

type Row = readonly [string, string];

function resourcesIn(arm: Arm, group: string): readonly Row[] {
  return arm
    .below(group)
    .filter(({ type }) => type !== "Microsoft.Network/networkInterfaces")
    .map(({ type, name, properties }) => {
      const role = typeof properties.roleDefinitionId === "string" ? ` for ${String(properties.principalId)}` : "";
      return [type.replace(/^Microsoft\./, ""), name + role] as const;
    });
}

function catalogs({ store, lake }: Shown): readonly string[] {
  const names = (type: string) => store.table(`unity catalog ${type}`).names();
  return store
    .table<Readonly<Record<string, unknown>>>("unity catalog catalog")
    .names()
    .map((catalog) => {
      const within = (type: string) => names(type).filter((name) => name.startsWith(`${catalog}.`));
      const volumes = within("volume").flatMap((name): readonly Row[] => {
        const volume = store.table<Readonly<Record<string, unknown>>>("unity catalog volume").get(name);
        const url = /^abfss:\/\/([^@]+)@([^.]+)[^/]+\/(.*)$/.exec(String(volume?.storage_location)) ?? [];
        const [, container = "", account = "", directory = ""] = url;
        const root = `${account}/${container}/${directory}/`;
        return [["volume", name], ...lake.below(root).map((file): Row => ["file", file.slice(root.length)])];
      });
      const listed = (type: string) => within(type).map((name): Row => [type, name]);
      return section(`Catalog ${catalog}`, [...listed("schema"), ...listed("table"), ...volumes]);
    });
}

function workspace({ store, workspaces, jobs }: Shown, name: string, id: string): readonly string[] {
  const there = workspaces.withId(id);
  const objects = there.table<WorkspaceObject>("objects").values();
  const count = (type: WorkspaceObject["object_type"]) =>
    objects.filter(({ object_type }) => object_type === type).length;
  const people = there.members.names().map(
    (member) =>
      store
        .table<Principal>("principals")
        .values()
        .find((each) => String(each.id) === member)?.name ?? "",
  );
  return [
    section(`Workspace ${name}`, [
      ["people", people.join(", ")],
      ["notebooks, files", `${count("NOTEBOOK")}, ${count("FILE")}`],
    ]),
    ...jobsOf(there)
      .values()
      .map((job) => section(`Job ${job.settings.name}`, ofJob(there, job, jobs), runNow(there, job, jobs))),
  ];
}

/** How a job is started, and its last runs. */
function ofJob(workspace: Workspace, job: Job, jobs: JobRunner | undefined): readonly Row[] {
  const { trigger, schedule } = job.settings;
  const isPaused = (trigger ?? schedule)?.pause_status === "PAUSED";
  const folder = jobs?.landingFolderOf(workspace, job);
  const what = trigger?.file_arrival?.url ?? schedule?.quartz_cron_expression ?? "people";
  const runs = runsOf(workspace)
    .values()
    .filter(({ job_id }) => job_id === job.job_id);
  return [
    ["started by", what + (isPaused ? " (paused)" : "")],
    ...(folder === undefined ? [] : [["put files into", folder] as const]),
    ...runs.toReversed().slice(0, RUNS_SHOWN).flatMap(ofRun),
  ];
}

function ofRun({ run_id, trigger, run_as, state, result, message, tasks }: Run): readonly Row[] {
  const about = `${result ?? state}, ${trigger.toLowerCase().replaceAll("_", " ")}, as ${run_as}`;
  return [
    [`run ${run_id}`, message === undefined ? about : `${about}: ${message}`],
    ...tasks.map(({ key, status = "RUNNING", output, message: why }): Row => {
      return [`\u2003${key}`, [status, output ?? why].filter(Boolean).join(": ")];
    }),
  ];
}

/** A button that starts the job, as a workspace has one. */
function runNow(workspace: Workspace, { job_id }: Job, jobs: JobRunner | undefined): string {
  if (!jobs) return "";
  return `<form method="post" action="/run/${workspace.id}/${job_id}"><button>Run now</button></form>`;
}

/** @param below HTML that follows the rows */
function section(title: string, rows: readonly Row[], below = ""): string {
  const lines = rows.map(([what, which]) => `<tr><td>${escaped(what)}</td><td>${escaped(which)}</td></tr>`);
  return `<h2>${escaped(title)}</h2>\n<table>\n${lines.join("\n")}\n</table>${below}`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

/** Jobs of the stand-in over HTTP, with notebooks that the test plays instead of Spark. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Home } from "../../local/home.ts";
import { AUDIENCES } from "./account.ts";
import { makeCatalog, makePlatform, urlIn } from "./client.ts";
import { type Cloud, DEPLOYER, startCloud } from "./cloud.ts";

const UC = "/api/2.1/unity-catalog";
const VOLUME = "/Volumes/cat/sch/files";
const NOTEBOOK = Buffer.from("# Databricks notebook source\nimport helper\n").toString("base64");
const RUNNER = "00000000-0000-4000-8000-000000000001";
/** The trigger waits for a minute, and this many times less here. */
const SPEED = 600;

let cloud: Cloud;
let host: string;
let folder: string;
let home: Home;
/** What the notebook does. */
let work: (parameters: Readonly<Record<string, string>>, notebook: string) => void;

/** Asks the workspace, as the deployer if nobody else is named. */
const ask = (method: string, asking: string, body?: object, caller = DEPLOYER) => {
  const principal = cloud.account.named(caller);
  if (!principal) throw new Error(`there is no ${caller}`);
  const authorization = `Bearer ${cloud.account.token(principal, AUDIENCES.databricks)}`;
  const { status, body: answer = {} } = cloud.answer(method, `https://${host}${asking}`, body, { authorization });
  return { status, body: answer as Readonly<Record<string, unknown>>, text: JSON.stringify(answer) };
};
const made = (asking: string, body: object) => {
  const answer = ask("POST", asking, body);
  if (answer.status >= 300) throw new Error(answer.text);
  return answer.body;
};
const grant = (object: string, principal: string, ...privileges: string[]) =>
  ask("PATCH", `${UC}/permissions/${object}`, { changes: [{ principal, add: privileges }] });
const revoke = (object: string, privilege: string) =>
  ask("PATCH", `${UC}/permissions/${object}`, { changes: [{ principal: RUNNER, remove: [privilege] }] });

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "order-tracking-jobs-"));
  cloud = await startCloud({
    jobs: {
      folder,
      speed: SPEED,
      openKernel: (opened) => {
        home = opened;
        return {
          runNotebook: (notebook, parameters) => {
            work(parameters, notebook);
            return Promise.resolve("done");
          },
          stop: () => Promise.resolve(),
        };
      },
    },
  });
  host = await makePlatform(cloud);
  await makeCatalog(cloud, host);
  made(`${UC}/volumes`, {
    ...{ name: "files", catalog_name: "cat", schema_name: "sch", volume_type: "EXTERNAL" },
    storage_location: urlIn("events", "orders"),
  });
  cloud.account.add("group", "loaders");
  cloud.account.add("user", "lo@example.com", ["loaders"]);
  cloud.account.add("user", "an@example.com", ["analysts"]);
  cloud.account.add("service-principal", RUNNER);
  for (const principal of [
    { group_name: "loaders" },
    { service_principal_name: RUNNER },
    { user_name: "an@example.com" },
  ]) {
    made("/api/2.0/preview/permissionassignments", {
      permission_assignments: [{ ...principal, permissions: ["USER"] }],
    });
  }
  for (const principal of ["loaders", RUNNER]) {
    grant("catalog/cat", principal, "USE_CATALOG");
    grant("schema/cat.sch", principal, "USE_SCHEMA");
    grant("volume/cat.sch.files", principal, "READ_VOLUME", "WRITE_VOLUME");
  }
  grant("schema/cat.sch", RUNNER, "CREATE_TABLE", "SELECT", "MODIFY");
  made("/api/2.0/workspace/mkdirs", { path: "/code" });
  made("/api/2.0/workspace/import", {
    path: "/code/load",
    content: NOTEBOOK,
    language: "PYTHON",
    format: "SOURCE",
  });
  made("/api/2.0/workspace/import", { path: "/code/helper.py", content: "", format: "RAW" });
  const { object_id } = ask("GET", "/api/2.0/workspace/get-status?path=/code").body;
  permit(`directories/${String(object_id)}`, "CAN_READ");
});
afterEach(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true });
  expect(cloud.unknown).toEqual([]);
});

const permit = (object: string, permission_level: string, more: object[] = []) =>
  ask("PUT", `/api/2.0/permissions/${object}`, {
    access_control_list: [...more, { service_principal_name: RUNNER, permission_level }],
  });

/** Makes the job; its id. */
function makeJob(trigger: object = {}): number {
  const { job_id } = made("/api/2.2/jobs/create", {
    name: "load",
    run_as: { service_principal_name: RUNNER },
    queue: { enabled: true },
    parameters: [
      { name: "catalog", default: "cat" },
      { name: "run_id", default: "{{job.run_id}}" },
      { name: "volume", default: VOLUME },
    ],
    trigger: {
      file_arrival: {
        url: `${VOLUME}/in/`,
        min_time_between_triggers_seconds: 60,
        wait_after_last_change_seconds: 60,
      },
      ...trigger,
    },
    tasks: [{ task_key: "load", notebook_task: { notebook_path: "/Workspace/code/load" } }],
  });
  return Number(job_id);
}

interface ShownRun {
  readonly state: { readonly life_cycle_state: string; readonly result_state?: string; readonly state_message: string };
  readonly tasks: readonly { readonly state: { readonly state_message: string } }[];
  readonly trigger: string;
  readonly creator_user_name: string;
}

/** All runs, once the last one has ended. */
async function ended(count = 1): Promise<readonly ShownRun[]> {
  for (;;) {
    const { runs } = ask("GET", "/api/2.2/jobs/runs/list").body as { readonly runs: readonly ShownRun[] };
    const isEnded = runs.every(({ state }) => state.life_cycle_state === "TERMINATED");
    if (runs.length >= count && isEnded) return runs;
    await sleep(50);
  }
}

const put = (file: string, caller?: string) => ask("PUT", `/api/2.0/fs/files${VOLUME}/${file}`, { a: 1 }, caller);

/** A Delta table's next version, as far as one can see it from outside. */
function commit(table: string): void {
  const log = path.join(home.tables, "sch.db", table, "_delta_log");
  mkdirSync(log, { recursive: true });
  writeFileSync(path.join(log, `${String(readdirSync(log).length).padStart(20, "0")}.json`), "{}");
}
const tables = () => cloud.store.inventory().filter((line) => line.includes("unity catalog table"));
const files = () => cloud.lake.below("lake/events/");

/** Moves the file on, as a loading notebook does, and commits to a table. */
function load({ volume = "" }: Readonly<Record<string, string>>): void {
  mkdirSync(path.join(volume, "archive"), { recursive: true });
  for (const file of readdirSync(path.join(volume, "in"))) {
    renameSync(path.join(volume, "in", file), path.join(volume, "archive", file));
  }
  commit("orders");
}

describe("a job with a file-arrival trigger", () => {
  it("runs what was imported, as whom it says, when a client has put a file into the volume", async () => {
    let seen: unknown;
    work = (parameters, notebook) => {
      seen = [parameters.catalog, readdirSync(path.dirname(notebook))];
      load(parameters);
    };
    makeJob();

    expect(put("in/a.csv", "lo@example.com").status).toBe(204);
    const [run] = await ended();

    expect(run).toMatchObject({ trigger: "FILE_ARRIVAL", creator_user_name: RUNNER });
    expect(run?.state).toMatchObject({ result_state: "SUCCESS" });
    expect(seen).toEqual(["spark_catalog", ["helper.py", "load.py"]]);
    expect(files()).toEqual(["lake/events/orders/archive/a.csv"]);
    expect(tables()).toEqual(["unity catalog table: cat.sch.orders"]);
    expect(ask("DELETE", `${UC}/schemas/cat.sch`).text).toContain("not empty");
  });

  it("also runs for a file that somebody has put into the volume's folder", async () => {
    work = load;
    makeJob();
    put("in/.keep", "lo@example.com");
    while (!readdirSync(folder).includes("cat")) await sleep(10);
    mkdirSync(path.join(home.volume, "in"), { recursive: true });
    writeFileSync(path.join(home.volume, "in", "b.csv"), "b");

    await ended();

    expect(files()).toContain("lake/events/orders/archive/b.csv");
  });

  it("is not started by files of who may not write, nor while it is paused; then whoever may manage its runs can", async () => {
    work = load;
    const id = makeJob({ pause_status: "PAUSED" });
    permit(`jobs/${id}`, "CAN_MANAGE_RUN", [{ user_name: DEPLOYER, permission_level: "IS_OWNER" }]);

    expect(put("in/a.csv", "an@example.com").status).toBe(403);
    expect(files()).toEqual([]);
    expect(put("in/a.csv", "lo@example.com").status).toBe(204);
    expect(ask("POST", "/api/2.2/jobs/run-now", { job_id: id }, "lo@example.com").status).toBe(403);
    await sleep(2 * (60_000 / SPEED));
    expect(ask("GET", "/api/2.2/jobs/runs/list").body).toMatchObject({ runs: [] });
    expect(ask("POST", "/api/2.2/jobs/run-now", { job_id: id }, RUNNER).status).toBe(200);

    expect(await ended()).toMatchObject([{ trigger: "ONE_TIME", state: { result_state: "SUCCESS" } }]);
  });
});

describe("the page", () => {
  const start = (id: number, origin: string) =>
    fetch(`${cloud.proxyUrl}/run/${cloud.workspaces.at(host).id}/${id}`, {
      method: "POST",
      headers: { origin },
      redirect: "manual",
    });

  it("starts a job and shows its runs, but not for pages of others", async () => {
    work = load;
    const id = makeJob({ pause_status: "PAUSED" });
    put("in/a.csv");

    expect((await start(id, "https://example.com")).status).toBe(403);
    expect((await start(id, cloud.proxyUrl)).status).toBe(303);
    await ended();

    const page = await (await fetch(cloud.proxyUrl)).text();
    expect(page).toContain(`SUCCESS, one time, as ${RUNNER}`);
    expect(page).toContain("<td>table</td><td>cat.sch.orders</td>");
    expect(page).toContain(`<td>put files into</td><td>${path.join(home.volume, "in")}/</td>`);
  });
});

describe("a run", () => {
  it.each([
    ["READ_VOLUME", "volume/cat.sch.files", () => undefined],
    ["WRITE_VOLUME", "volume/cat.sch.files", load],
    ["CREATE_TABLE", "schema/cat.sch", load],
    ["USE_SCHEMA", "schema/cat.sch", load],
    ["USE_CATALOG", "catalog/cat", load],
  ] as const)("without %s fails, and what it did is undone", async (privilege, object, notebook) => {
    work = notebook;
    makeJob({ pause_status: "PAUSED" });
    put("in/a.csv");
    revoke(object, privilege);
    made("/api/2.2/jobs/run-now", { job_id: 101 * 7919 });

    const [run] = await ended();

    expect(run?.tasks[0]?.state.state_message).toMatch(
      new RegExp(`^PERMISSION_DENIED: ${RUNNER} lacks ${privilege} on`),
    );
    expect(files()).toEqual(["lake/events/orders/in/a.csv"]);
    expect([tables(), readdirSync(home.tables)]).toEqual([[], []]);
  });

  it.each([
    ["SELECT", () => undefined],
    ["MODIFY", load],
  ] as const)("without %s on what somebody else has made fails", async (privilege, notebook) => {
    makeJob({ pause_status: "PAUSED" });
    put("in/a.csv");
    work = load;
    made("/api/2.2/jobs/run-now", { job_id: 101 * 7919 });
    await ended();
    cloud.store.table("unity catalog table").set("cat.sch.orders", { owner: "somebody" });
    revoke("schema/cat.sch", privilege);
    work = notebook;
    made("/api/2.2/jobs/run-now", { job_id: 101 * 7919 });

    const [run] = await ended(2);

    expect(run?.tasks[0]?.state.state_message).toContain(`lacks ${privilege} on cat.sch.orders`);
    expect(readdirSync(path.join(home.tables, "sch.db/orders/_delta_log"))).toHaveLength(1);
  });

  it("needs its notebook, and to be allowed to read it", async () => {
    work = load;
    makeJob({ pause_status: "PAUSED" });
    cloud.store.table(`workspace ${cloud.workspaces.at(host).id} permissions`).deleteBelow("/directories/");
    made("/api/2.2/jobs/run-now", { job_id: 101 * 7919 });
    expect((await ended())[0]?.tasks[0]?.state.state_message).toContain(`${RUNNER} lacks CAN_READ on /notebooks/`);

    made("/api/2.0/workspace/delete", { path: "/code/load" });
    made("/api/2.2/jobs/run-now", { job_id: 101 * 7919 });
    expect((await ended(2))[0]?.state.state_message).toContain('Unable to access the notebook "/Workspace/code/load"');
  });

  it("begins with no tables after the schema was made again", async () => {
    work = load;
    makeJob({ pause_status: "PAUSED" });
    put("in/a.csv");
    made("/api/2.2/jobs/run-now", { job_id: 101 * 7919 });
    await ended();
    ask("DELETE", `${UC}/schemas/cat.sch?force=true`);
    expect(tables()).toEqual([]);
    made(`${UC}/schemas`, { name: "sch", catalog_name: "cat" });
    grant("schema/cat.sch", RUNNER, "USE_SCHEMA", "CREATE_TABLE");
    made(`${UC}/volumes`, {
      ...{ name: "files", catalog_name: "cat", schema_name: "sch", volume_type: "EXTERNAL" },
      storage_location: urlIn("events", "orders"),
    });
    grant("volume/cat.sch.files", RUNNER, "READ_VOLUME");
    work = () => undefined;
    made("/api/2.2/jobs/run-now", { job_id: 101 * 7919 });
    await ended(2);

    expect(readdirSync(path.join(home.tables, "sch.db"))).toEqual([]);
  });
});

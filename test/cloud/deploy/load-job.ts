/** The deployed load job, started by clients' files, on local Spark: the same as `npm start`, with rights. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openHome } from "../../../local/home.ts";
import { NotebookKernel } from "../../../local/notebook-kernel.ts";
import { AUDIENCES } from "../account.ts";
import { type Answer, send } from "../client.ts";
import type { Cloud } from "../cloud.ts";
import { type JobRunnerOptions, runsOf } from "../databricks/job-runner.ts";
import { personIn } from "./surroundings.ts";

const root = path.join(__dirname, "../../..");
const samples = readdirSync(path.join(root, "samples"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.join(entry.parentPath, entry.name))
  .sort();
/** The trigger's minute takes two seconds. */
const SPEED = 30;

const TABLES = [
  "order_tracking.orders_table",
  "order_tracking.orders_history",
  "operations.stage_orders_table",
  "operations.quarantined_orders_table",
  "operations.loaded_files_table",
  "operations.job_runs_table",
];
/** Columns that tell when something happened or was written, or in which run. */
const OF_RUN =
  /^(_batch_id|_sent|_ingested_at|_quarantined_at|batch_ids?|moved_to|file_id|modified_at|occurred_at|run_id|record_id|started_at|ended_at|steps)$/;

const scratch = (what: string) => mkdtempSync(path.join(tmpdir(), `order-tracking-${what}-`));

/** How a cloud runs jobs as the laptop does. */
export const JOBS_ON_SPARK: JobRunnerOptions = {
  // Made once a job is looked at.
  folder: path.join(tmpdir(), `order-tracking-catalogs-${randomUUID()}`),
  speed: SPEED,
  openKernel: (home) => new NotebookKernel(home),
};

/** What all tables of a home hold, in one order of rows. */
async function tablesOf(home: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const kernel = new NotebookKernel(openHome(home));
  try {
    const contents: [string, readonly string[]][] = [];
    for (const table of TABLES) {
      const { rows } = await kernel.query(`SELECT * FROM ${table}`);
      const told = rows.map((row) => Object.entries(row).filter(([column]) => !OF_RUN.test(column)));
      contents.push([table, told.map((row) => JSON.stringify(Object.fromEntries(row))).sort()]);
    }
    return Object.fromEntries(contents);
  } finally {
    await kernel.stop();
  }
}

async function npmStart(environment: string, home: string): Promise<number | null> {
  const args = ["bin/order-tracking.mjs", "start", ...samples, "--environment", environment, "--home", home];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "ignore" });
  return new Promise((resolve) => child.on("close", resolve));
}

/** Tests the load job of an environment that names loaders, analysts and whom its jobs run as. */
export function testLoadJob(cloud: () => Cloud, environment: string): void {
  const volume = `/Volumes/orders_${environment}/order_tracking/order_files`;

  /** Asks the workspace's interface for files as a person who is in one group. */
  const filesAs = (group: string, method: string, file: string, body?: string): Promise<Answer> => {
    const { account, arm } = cloud();
    const workspace = arm
      .ofType("Microsoft.Databricks/workspaces")
      .find(({ name }) => name.endsWith(`-${environment}`));
    const person = account.add("user", personIn(group));
    return send(
      cloud(),
      method,
      `https://${String(workspace?.properties.workspaceUrl)}/api/2.0/fs/files${volume}/${file}`,
      {
        ...(body !== undefined && { body }),
        headers: {
          authorization: `Bearer ${account.token(person, AUDIENCES.databricks)}`,
          "content-type": "application/octet-stream",
        },
      },
    );
  };
  const runs = () =>
    cloud()
      .workspaces.all()
      .flatMap((workspace) => runsOf(workspace).values());

  it("takes no files from who may not write", async () => {
    const { status, text } = await filesAs("order-tracking-analysts", "PUT", "file_arrival/a.csv", "tracking_num\n1\n");

    expect([status, text]).toEqual([403, expect.stringContaining("lacks WRITE_VOLUME")]);
    expect(runs()).toEqual([]);
  });

  it("loads clients' files as npm start does, as whom its jobs run", async () => {
    for (const file of samples) {
      const answer = await filesAs(
        "order-tracking-loaders",
        "PUT",
        `file_arrival/${path.basename(file)}`,
        readFileSync(file, "utf8"),
      );
      expect(answer.status).toBe(204);
    }
    const home = scratch("npm-start");
    const started = npmStart(environment, home);
    while (runs().length === 0 || runs().some(({ state }) => state !== "TERMINATED")) await sleep(200);

    expect(runs()).toMatchObject([
      { trigger: "FILE_ARRIVAL", run_as: "00000000-0000-4000-8000-000000000001", result: "SUCCESS" },
    ]);
    expect(await started).toBe(0);
    const [run] = runs();
    const catalog = path.join(JOBS_ON_SPARK.folder, `orders_${environment}`);
    expect([run?.tasks.map(({ status }) => status), await tablesOf(catalog)]).toEqual([
      ["SUCCESS", "SUCCESS", "SUCCESS"],
      await tablesOf(home),
    ]);
  });

  it("shows the archive to who may read it, and has emptied the landing directory", async () => {
    const files = cloud()
      .lake.below("")
      .filter((file) => file.endsWith(".csv"));
    expect(files).toHaveLength(samples.length);
    for (const sample of samples) {
      const archived = files.find((file) => path.basename(file) === path.basename(sample)) ?? "";
      const answer = await filesAs("order-tracking-operators", "GET", archived.slice(archived.indexOf("archive/")));
      expect([answer.status, answer.text]).toEqual([200, readFileSync(sample, "utf8")]);
    }
  });
}

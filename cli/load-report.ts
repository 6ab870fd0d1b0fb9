/** What came of runs of the load job: the files, and what the tables hold now, for people or as one JSON document. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { environmentArgument, homeArgument } from "./arguments.ts";
import type { JobRun } from "../local/local-job.ts";
import type { Row } from "../local/notebook-kernel.ts";
import type { JobSession } from "./job-session.ts";
import type { Progress } from "./progress.ts";
import { summaryOf } from "./run-report.ts";
import { printable, showValue, textTable } from "./text-table.ts";

const root = path.dirname(__dirname);

/** The task that judges a run whose data has landed. */
const GATE = "quality_gate";

/** One delivery of files, and the run that it started. */
export interface Arrival {
  readonly files: readonly string[];
  readonly run: JobRun;
}

/** Whether the run's good data is in the tables, even if the run then failed in its quality gate. */
export function hasLanded({ tasks }: JobRun): boolean {
  return tasks.every(({ key, status }) => status === "SUCCESS" || key === GATE);
}

/** How the job begins the reason of a dropped file that waits as what it is now, as `claimed_files.py` has it. */
const WRITTEN_AGAIN = "it was written again before it could be loaded";

/**
 * Whether a run has left a file to a later one, since it may still be on its way, or was written again meanwhile. A dropped
 * file that cannot be taken stays as well, but no later run takes it either.
 */
export function leavesFiles(run: JobRun): boolean {
  return fileOutcomes(run).some(
    ({ outcome, reason }) =>
      outcome === "deferred" || (outcome === "dropped" && showValue(reason).startsWith(WRITTEN_AGAIN)),
  );
}

/** The names of the files that a run has moved out of the landing directory, and under which it has left no other one. */
export function takenFiles(run: JobRun): string[] {
  const files = fileOutcomes(run).map((file) => ({ path: String(file.path), outcome: String(file.outcome) }));
  const left = new Set(files.filter(({ outcome }) => outcome === "deferred").map((file) => file.path));
  return files
    .filter(({ path, outcome }) => ["staged", "rejected"].includes(outcome) && !left.has(path))
    .map((file) => file.path);
}

/** A run, as a JSON document tells of it. */
export function runDocument({ runId, status, seconds, tasks }: JobRun): object {
  return {
    run_id: runId,
    status,
    seconds,
    tasks: tasks.map((task) => ({
      task_key: task.key,
      status: task.status,
      attempts: task.attempts,
      seconds: task.seconds,
      summary: summaryOf(task),
      error: task.message,
      log: task.log,
    })),
  };
}

/**
 * Reads the tables and shows them, with the files of the runs.
 *
 * @param environment whose job ran
 * @param document what a JSON document says first; undefined for people
 * @param begun whether what came before the runs succeeded
 * @returns the exit code
 */
export async function reportLoads(
  session: JobSession,
  environment: string,
  arrivals: readonly Arrival[],
  progress: Progress,
  document: object | undefined,
  begun = true,
): Promise<number> {
  const succeeded = begun && arrivals.every(({ run }) => run.status === "SUCCESS");
  progress.step("Reading the tables");
  const tables = arrivals.every(({ run }) => hasLanded(run)) ? await readTables(session) : null;
  progress.end();
  if (document === undefined) {
    printTables(arrivals, tables, succeeded);
    if (arrivals.some(({ run }) => leavesFiles(run))) {
      const command = `npm run -s order-tracking -- run${environmentArgument(environment)}${homeArgument(session.home.directory)}`;
      console.log(`\nA file waits in the landing directory for a later run. In ten minutes, load it: ${command}`);
    }
  } else {
    const { job, home } = session;
    const told = {
      ...document,
      job: job.job.name,
      home: home.directory,
      succeeded,
      runs: arrivals.map(({ files, run }) => ({ ...runDocument(run), arrived: files })),
      files: arrivals.flatMap(({ run }) => fileOutcomes(run)),
      orders_by_status: tables?.ordersByStatus ?? null,
      quarantined_by_reason: tables?.quarantinedByReason ?? null,
    };
    console.log(JSON.stringify(told, null, 2));
  }
  return succeeded ? 0 : 1;
}

/** What the tables hold after the runs. */
interface Tables {
  readonly ordersByStatus: readonly Row[];
  readonly quarantinedByReason: readonly Row[];
}

async function readTables({ kernel }: JobSession): Promise<Tables> {
  const rows = async (name: string) => {
    const sql = readFileSync(path.join(root, "notebooks", "queries", `${name}.sql`), "utf8");
    return (await kernel.query(sql)).rows;
  };
  return { ordersByStatus: await rows("orders_by_status"), quarantinedByReason: await rows("quarantined_by_reason") };
}

/** What became of each file, as the tasks told it. */
function fileOutcomes({ tasks }: JobRun): Row[] {
  return tasks.flatMap((task) => (summaryOf(task)?.files as Row[] | undefined) ?? []);
}

/** A line for each file of a run that somebody has to look at: one that was not loaded, or not all of it. */
export function troublesOf(run: JobRun): string[] {
  return fileOutcomes(run).flatMap(({ path: file, outcome, reason, rows_read: read, rows_quarantined: bad }) => {
    const isWhole = outcome === "staged" && !bad;
    const what = outcome === "staged" ? `${Number(bad)} of ${Number(read)} rows quarantined` : showValue(outcome);
    return isWhole ? [] : [printable([`${showValue(file)}: ${what}`, reason].filter(Boolean).join(", "))];
  });
}

/** Terminals and logs show so many characters of a line without breaking it. */
const LINE_WIDTH = 100;

function printTables(arrivals: readonly Arrival[], tables: Tables | null, succeeded: boolean): void {
  const files = arrivals.flatMap(({ run }) => fileOutcomes(run));
  printSection("Files", files, ["path", "outcome", "rows_read", "rows_staged", "rows_quarantined"], "reason");
  const places = files.map(({ destination }) => showValue(destination)).filter((place) => place !== "");
  for (const folder of new Set(places.map((place) => path.posix.dirname(place)))) {
    console.log(`  in ${printable(folder)}`);
  }
  if (tables === null) {
    console.log("\nA run failed; what it did not finish waits for the next run.");
    return;
  }
  printSection("Orders by status, of all runs", tables.ordersByStatus, ["status", "orders", "last_update"]);
  printSection("Quarantined rows by reason, of all runs", tables.quarantinedByReason, ["rows", "rule", "example"]);
  if (!succeeded) console.log("\nA run failed in its quality gate; what is good of its data has landed all the same.");
}

/** A table with a title; what a row says in `below`, as long as it may be, stands in lines of its own. */
function printSection(title: string, rows: readonly Row[], columns: readonly string[], below = ""): void {
  if (rows.length === 0) return;
  console.log(`\n${title}`);
  const cells = rows.map((row) => columns.map((name) => row[name]));
  const [header = "", ...lines] = textTable(columns, cells);
  console.log(`  ${header}`);
  lines.forEach((line, index) => {
    console.log(`  ${line}`);
    for (const part of wrapped(printable(showValue(rows[index]?.[below])))) console.log(`    ${part}`);
  });
}

/** A text in lines. */
function wrapped(text: string): string[] {
  return text.match(new RegExp(`\\S.{0,${LINE_WIDTH - 5}}(?=\\s|$)|\\S+`, "g")) ?? [];
}

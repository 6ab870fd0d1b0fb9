/** `order-tracking start`, which is `npm start`: files through the job, and what came of them. */
import { constants, accessSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { deliver } from "../local/landing-directory.ts";
import type { JobRun } from "../local/local-job.ts";
import type { Row } from "../local/notebook-kernel.ts";
import { environmentOption, homeOption, parseArguments, shownPath, UsageError, userPath } from "./arguments.ts";
import { withJobSession, type JobSession } from "./job-session.ts";
import { Progress } from "./progress.ts";
import { runAndReport, summaryOf } from "./run-report.ts";
import { textTable } from "./text-table.ts";

export const usage = `Usage: npm start [-- [FILE...] [--environment NAME] [--json] [--home DIR]]

Loads files through the job and shows what happened. Without FILEs: the samples, in two arrivals.
Exit code 0 only if every run succeeded.

  --environment NAME  whose job (default: dev)
  --json              print one JSON document
  --home DIR          where the volume and the tables live, kept from run to run (default: .local)
`;

const root = path.dirname(__dirname);

/** One delivery of files, and the run that it started. */
interface Arrival {
  readonly files: readonly string[];
  readonly run: JobRun;
}

/** The samples, one folder an arrival. */
function sampleArrivals(): string[][] {
  const samples = path.join(root, "samples");
  return readdirSync(samples)
    .sort()
    .map((arrival) =>
      readdirSync(path.join(samples, arrival))
        .sort()
        .map((file) => path.join(samples, arrival, file)),
    );
}

/** @throws UsageError where one of the files is not a readable file; nothing has happened by then */
function checkFiles(files: readonly string[]): void {
  for (const file of files) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) throw new UsageError(`there is no file ${file}`);
    if (!found.isFile()) throw new UsageError(`${file} is not a file: name the files in it`);
    if (/^[._]/.test(path.basename(file))) {
      throw new UsageError(`${file} starts with "." or "_": the job leaves such files alone, so rename it first`);
    }
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      throw new UsageError(`${file} cannot be read: check its permissions`, { cause: error });
    }
  }
}

/** Loads the files, then shows the tables. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { ...homeOption, ...environmentOption, json: { type: "boolean", default: false } },
  });
  const given = positionals.map(userPath);
  checkFiles(given);
  const print = values.json
    ? () => undefined
    : (line: string) => {
        console.log(line);
      };
  const progress = new Progress();
  return withJobSession(userPath(values.home), values.environment, progress, async (session) => {
    print(`${session.job.job.name} on this machine, in ${shownPath(session.home.directory)}`);
    const arrivals: Arrival[] = [];
    for (const files of given.length > 0 ? [given] : sampleArrivals()) {
      const delivered = files.map((file) => deliver(file, session.job.landingDirectory));
      print(`\nArrival ${arrivals.length + 1}: ${delivered.join(", ")}`);
      const run = await runAndReport(session.job, session.interrupted, progress, print);
      session.interrupted.throwIfAborted();
      arrivals.push({ files: delivered, run });
      if (run.status !== "SUCCESS") break;
    }
    const succeeded = arrivals.every(({ run }) => run.status === "SUCCESS");
    progress.step("Reading the tables");
    const tables = succeeded ? await readTables(session) : null;
    progress.end();
    if (values.json)
      console.log(JSON.stringify(asDocument(session, values.environment, succeeded, arrivals, tables), null, 2));
    else printTables(session, arrivals, tables, print);
    return succeeded ? 0 : 1;
  });
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
function fileOutcomes(arrivals: readonly Arrival[]): Row[] {
  return arrivals.flatMap(({ run }) =>
    run.tasks.flatMap((task) => (summaryOf(task)?.files as Row[] | undefined) ?? []),
  );
}

function asDocument(
  { job, home }: JobSession,
  environment: string,
  succeeded: boolean,
  arrivals: readonly Arrival[],
  tables: Tables | null,
): object {
  return {
    environment,
    job: job.job.name,
    home: home.directory,
    succeeded,
    runs: arrivals.map(({ files, run }) => ({
      run_id: run.runId,
      status: run.status,
      seconds: run.seconds,
      arrived: files,
      tasks: run.tasks.map((task) => ({
        task_key: task.key,
        status: task.status,
        attempts: task.attempts,
        seconds: task.seconds,
        summary: summaryOf(task),
        error: task.message,
        log: task.log,
      })),
    })),
    files: fileOutcomes(arrivals),
    orders_by_status: tables?.ordersByStatus ?? null,
    quarantined_by_reason: tables?.quarantinedByReason ?? null,
  };
}

function printTables(
  { home, job }: JobSession,
  arrivals: readonly Arrival[],
  tables: Tables | null,
  print: (line: string) => void,
): void {
  const section = (title: string, rows: readonly Row[], columns = Object.keys(rows[0] ?? {})) => {
    if (rows.length === 0) return;
    print(`\n${title}`);
    for (const line of textTable(
      columns,
      rows.map((row) => columns.map((name) => row[name])),
    ))
      print(`  ${line}`);
  };
  const ofFiles = ["path", "outcome", "rows_read", "rows_staged", "rows_quarantined", "destination", "reason"];
  section("Files", fileOutcomes(arrivals), ofFiles);
  if (tables === null) {
    print("\nA run failed; what it did not finish waits for the next run.");
    return;
  }
  section("Orders by status", tables.ordersByStatus);
  section("Quarantined rows by reason", tables.quarantinedByReason);
  print(`
What to try next
  npm run -s order-tracking -- track TRK100006
  npm run -s order-tracking -- query "SELECT * FROM quarantined_orders_table"
  npm start -- your-orders.csv
  npm run -s order-tracking -- watch --speed 30    and copy files into ${shownPath(job.landingDirectory)}
Tables, files and logs are in ${shownPath(home.directory)}.`);
}

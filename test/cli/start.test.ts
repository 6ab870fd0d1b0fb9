import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { deliver, waitingFiles } from "../../local/landing-directory.ts";
import { findHome } from "../../local/home.ts";
import { sparkLog } from "../../local/spark-server.ts";
import { SparkTables } from "../../page/tables.ts";
import { loadings } from "../../page/way.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { shellLines } from "../pages.ts";
import { inProcess } from "./in-process.ts";
import { orderTracking } from "./order-tracking.ts";

// The whole way, as people go it: the synthesized job, Spark and Delta Lake, in a home of the tests' own.
jest.setTimeout(300_000);
// Each command that is run several times is also run in this process, which then synthesizes an environment only once.
jest.mock("../../cli/synthesize.ts", () => jest.requireActual<object>("./synthesizing-once.ts"));
const home = path.join(temporaryFolder(), "home");
const atHome = ["--home", home];

/** The parts of the JSON document that the tests look at. */
interface StartDocument {
  readonly succeeded: boolean;
  readonly runs: readonly {
    readonly status: string;
    readonly tasks: readonly {
      readonly task_key: string;
      readonly status: string;
      readonly summary: Row | null;
      readonly error: string | null;
    }[];
  }[];
  readonly files: readonly Row[];
  readonly orders_by_status: readonly Row[];
  readonly quarantined_by_reason: readonly Row[];
}
type Row = Readonly<Record<string, unknown>>;

async function startJson(
  args: readonly string[] = [],
  run = inProcess,
): Promise<StartDocument & { readonly code: number | null }> {
  const { code, stdout } = await run(["start", "--json", ...atHome, ...args]);
  return { code, ...(JSON.parse(stdout) as StartDocument) };
}

async function query(sql: string): Promise<Row[]> {
  const { stdout } = await inProcess(["query", sql, "--json", ...atHome]);
  return JSON.parse(stdout) as Row[];
}

/** A file of one order. */
function orderFile(name: string, trackingNum: string, status: string, lastUpdate: string): string {
  const file = path.join(temporaryFolder(), name);
  writeFileSync(file, `Tracking Num,STATUS,last_update_timestamp\n${trackingNum},${status},${lastUpdate}\n`);
  return file;
}

/** Files that are loaded with others, and then once more. */
const loadedAgain = ["gone.csv", "there.csv"];

describe.each(["first", "second"])("the %s start on the samples", (time) => {
  let started: Awaited<ReturnType<typeof startJson>>;
  beforeAll(async () => {
    started = await startJson([], time === "first" ? orderTracking : inProcess);
  });

  test("succeeds, in two arrivals of three tasks", () => {
    expect(started).toMatchObject({ code: 0, succeeded: true });
    expect(started.runs.map(({ tasks }) => tasks.map(({ task_key, status }) => [task_key, status]))).toEqual(
      Array(2).fill([
        ["source_to_stage", "SUCCESS"],
        ["stage_to_final", "SUCCESS"],
        ["quality_gate", "SUCCESS"],
      ]),
    );
  });

  test("leaves the newest state of each order, the late older file notwithstanding", () => {
    const counts = new Map(started.orders_by_status.map(({ status, orders }) => [status, orders]));
    expect(Object.fromEntries(counts)).toEqual({
      DELIVERED: 11,
      IN_TRANSIT: 10,
      RECEIVED: 35,
      RETURNED: 2,
      SHIPPED: 2,
    });
  });

  test("changes orders only the first time", () => {
    const merges = started.runs.map(({ tasks }) => tasks[1]?.summary);
    const changed = merges.map((summary) => [summary?.inserted, summary?.updated]);
    expect(changed).toEqual(
      time === "first"
        ? [
            [55, 0],
            [5, 23],
          ]
        : [
            [0, 0],
            [0, 0],
          ],
    );
  });

  test("archives every file", () => {
    expect(started.files.map(({ outcome }) => outcome)).toEqual(Array(4).fill("staged"));
    for (const { destination } of started.files)
      expect(existsSync(path.join(home, "volume", String(destination)))).toBe(true);
    expect(readdirSync(path.join(home, "volume", "file_arrival"))).toEqual([]);
  });

  test("quarantines the bad rows with their reasons", () => {
    expect(started.quarantined_by_reason.reduce((sum, { rows }) => sum + Number(rows), 0)).toBe(
      time === "first" ? 4 : 8,
    );
  });
});

test("every file came to its end, and the stage keeps every good row", async () => {
  const ledger = await query(`
    SELECT state, count(*) AS files, count(DISTINCT batch_id) AS batches,
           sum(rows_staged) = (SELECT count(*) FROM operations.stage_orders_table) AS stage_is_whole
    FROM operations.loaded_files_table GROUP BY state`);
  // The files of two starts, of two arrivals each: none of the first is forgotten, or counted again.
  expect(ledger).toEqual([{ state: "MERGED", files: 8, batches: 4, stage_is_whole: true }]);
});

test("track shows one order and its whole way, and says when there is none", async () => {
  const found = await inProcess(["track", "TRK100009", "--json", ...atHome]);
  expect(JSON.parse(found.stdout)).toMatchObject({
    tracking_num: "TRK100009",
    status: "DELIVERED",
    delivery_date: "2026-11-18",
    // The oldest came last, in a late file.
    history: [
      { status: "LABEL_PRINTED", valid_from: "2026-11-15 15:52:58", valid_to: "2026-11-16 16:53:44" },
      { status: "RECEIVED", valid_to: "2026-11-17 10:12:44" },
      { status: "SHIPPED", valid_to: "2026-11-18 12:30:42" },
      { status: "DELIVERED", valid_to: null, is_current: true },
    ],
  });
  const shown = await orderTracking(["track", "TRK100009", ...atHome]);
  expect(shown.stdout).toMatch(/^status +DELIVERED$/m);
  expect(shown.stdout).toMatch(/^2026-11-18 12:30:42 +DELIVERED +delivery date: 2026-11-18$/m);
  const missing = await inProcess(["track", "NO-SUCH", ...atHome]);
  expect(missing).toMatchObject({ code: 1, stdout: "" });
  expect(missing.stderr).toContain("There is no order NO-SUCH");
});

test("the page's queries are answered, and find an order by a part of its number", async () => {
  const tables = new SparkTables(findHome(home));
  try {
    const key = { tracking_num: "TRK100009" };
    const [found, states, rows, byDay, tasks, files, bad] = await Promise.all([
      tables.rows("find_orders", 5, { text: "k100009" }),
      tables.rows("order_states", 9, key),
      tables.rows("order_rows", 9, key),
      tables.rows("loads_by_day", 9),
      tables.rows("recent_task_runs", 99),
      tables.rows("recent_files", 99),
      tables.rows("quarantined_rows", 9, { rule: "malformed", column: "" }),
      tables.rows("order", 1, key),
      tables.rows("newest_orders", 1),
      tables.rows("rejected_files", 1),
      tables.rows("quarantine", 1),
    ]);
    expect(found.map(({ tracking_num }) => tracking_num)).toEqual([key.tracking_num]);
    expect(
      loadings(states.toReversed(), rows.toReversed()).map(({ rows: ofState }) =>
        ofState.map(({ decision }) => decision),
      ),
    ).toEqual([
      ["older than what was known, so it only filled in the way", "the same again, which changed nothing"],
      ["the first that was known of the order", "the same again, which changed nothing"],
      ["newer, so the order moved on", "the same again, which changed nothing"],
      ["newer, so the order moved on", "the same again, which changed nothing"],
    ]);
    expect(byDay.reduce((sum, { files: ofDay }) => sum + Number(ofDay), 0)).toBe(8);
    expect([tasks.length, files.length]).toEqual([12, 8]);
    expect(bad.map(({ raw_row }) => raw_row)).toEqual(Array(2).fill("TRK100064,ORD-5064,RECEIVED"));
  } finally {
    await tables.close();
  }
});

test("a wrong query is refused with Spark's sentence", async () => {
  const { code, stdout, stderr } = await orderTracking(["query", "SELECT nonsense FROM orders_table", ...atHome]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("[UNRESOLVED_COLUMN.WITH_SUGGESTION]");
  const misspelt = await inProcess(["query", "SELECT * FROM loaded_file_table", ...atHome]);
  expect(misspelt.stderr).toContain("Is it operations.loaded_files_table?");
  const twice = await inProcess(["query", "SELECT 1 AS one, 2 AS one", ...atHome]);
  expect(twice.stderr).toContain("several columns are called one: give each a name of its own with AS");
});

test("a name with three parts, as a workspace has it, means the table that is here", async () => {
  expect(await query("SELECT count(*) AS orders FROM orders_dev.order_tracking.orders_table")).toEqual([
    { orders: 60 },
  ]);
});

describe("a query that is no question", () => {
  test.each([
    ["DELETE FROM orders_table", "delete from table"],
    ["WITH none AS (SELECT * FROM orders_table) INSERT INTO orders_table SELECT * FROM none", "insert into"],
    ["EXECUTE IMMEDIATE 'DROP TABLE orders_table'", "execute immediate query"],
  ])("%s changes nothing", async (sql, what) => {
    const refused = await inProcess(["query", sql, ...atHome]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain(`${what}: this is not a question, and nothing was changed`);
  });

  test("is run by --write, once somebody agrees", async () => {
    const remove = ["query", "DELETE FROM orders_table WHERE tracking_num = 'NO-SUCH'", "--write", ...atHome];
    const asked = await inProcess(remove);
    expect(asked).toMatchObject({ code: 1, stdout: "" });
    expect(asked.stderr).toContain("add --yes to go ahead.\nNothing was changed.");
    expect((await orderTracking([...remove, "--yes"])).stdout).toMatch(/^num_affected_rows\n +0\n/);
    expect(await query("SELECT count(*) AS orders FROM orders_table")).toEqual([{ orders: 60 }]);
  });
});

test("people's own files go the same way, also two of one name", async () => {
  const files = [
    orderFile("mine.csv", "MINE-1", "NEW", "2026-11-20 08:00:00"),
    orderFile("mine.csv", "MINE-2", "NEW", "2026-11-20 08:00:00"),
    // To be loaded again later.
    ...loadedAgain.map((name) => orderFile(name, "BACK-1", "NEW", "2026-11-20 08:00:00")),
  ];
  const started = await startJson([...files, "--environment", "prod"]);
  expect(started).toMatchObject({ code: 0, runs: [{ status: "SUCCESS" }] });
  const sql = "SELECT tracking_num, status FROM orders_table WHERE tracking_num LIKE 'MINE-%' ORDER BY 1";
  const { stdout } = await inProcess(["query", sql, "--csv", ...atHome]);
  expect(stdout).toBe("tracking_num,status\r\nMINE-1,NEW\r\nMINE-2,NEW\r\n");
});

test("a rejected file fails the run in its quality gate, but what is good has landed and is shown", async () => {
  const rejected = path.join(temporaryFolder(), "no-orders.csv");
  writeFileSync(rejected, "colour,size\nred,7\n");
  const good = orderFile("good.csv", "GOOD-1", "GOOD", "2026-11-20 08:00:00");

  const failed = await orderTracking(["start", rejected, good, ...atHome]);

  expect(failed.code).toBe(1);
  expect(failed.stdout).toMatch(/stage_to_final +SUCCESS .*1 inserted/);
  expect(failed.stdout).toMatch(/quality_gate +FAILED .*rejected files: 1, more than the 0 that are allowed/);
  expect(failed.stdout).toMatch(/no-orders\.csv +rejected/);
  expect(failed.stdout).toMatch(/^ +its header lacks /m);
  expect(failed.stdout).toMatch(/^Orders by status, of all runs\n[^]*^ +GOOD +1 /m);
  const [, report = ""] = failed.stdout.split("\nFiles\n");
  expect(Math.max(...report.split("\n").map(({ length }) => length))).toBeLessThan(101);
  expect(failed.stdout).toContain("what is good of its data has landed all the same");
});

test("the commands of the page on a bad file name it and its rows, and load both again", () => {
  // In a folder of its own, since one of them writes a file, and on the tests' home. Another one reads a file of the page.
  const folder = temporaryFolder();
  symlinkSync(path.join(__dirname, "../../page"), path.join(folder, "page"));
  const npm = `npm() { shift 4; node "$COMMAND" "$1" --home "$AT" "\${@:2}"; }`;
  const commands = shellLines("docs/operate.md").map((line) =>
    // Nobody has mended it meanwhile.
    line.endsWith("--from rejected") ? `${line} || echo "it is rejected again"` : line,
  );
  const { status, stdout } = spawnSync("bash", ["-euc", [npm, ...commands].join("\n")], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, COMMAND: path.join(__dirname, "../../bin/order-tracking.mjs"), AT: home },
  });

  expect(commands).toHaveLength(7);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^no-orders\.csv .*its header lacks/m);
  expect(stdout).toMatch(/^orders_2026-11-18\.csv +\d+ +.*tracking_num is empty/m);
  expect(stdout).toMatch(/^ {2}quality_gate +SUCCESS[^]*^it is rejected again$/m);
});

test("replay loads an archived file again, which changes nothing", async () => {
  const replayed = await inProcess(["replay", "--from", "archive", "good.csv", "--json", ...atHome]);
  const document = JSON.parse(replayed.stdout) as StartDocument & { replay: { status: string; files: string[] } };
  expect(replayed.code).toBe(0);
  expect(document.replay).toMatchObject({ status: "SUCCESS", files: [expect.stringMatching(/^replay-.*good\.csv$/)] });
  expect(document.files).toEqual([expect.objectContaining({ path: document.replay.files[0], outcome: "staged" })]);
  expect(document.runs[0]?.tasks[1]?.summary).toMatchObject({ rows_taken: 1, inserted: 0, updated: 0, unchanged: 1 });
});

test("replay says why a file that is named is not loaded again, and fails", async () => {
  const { code, stdout } = await inProcess(["replay", "--from", "archive", "no-such.csv", ...atHome]);
  expect(stdout).toMatch(/^Not put back:\n {2}no-such\.csv: it is not in archive\/$/m);
  expect(code).toBe(1);
});

test("replay loads the files that could be put back where others could not, and fails", async () => {
  const archive = path.join(home, "volume", "archive");
  const archived = readdirSync(archive, { recursive: true, encoding: "utf8" });
  const gone = path.join(archive, archived.find((each) => each.endsWith("/gone.csv")) ?? "");
  rmSync(gone);
  symlinkSync("nowhere", gone);

  const { code, stdout } = await inProcess(["replay", "--from", "archive", ...loadedAgain, ...atHome]);
  rmSync(gone);
  expect(stdout).toMatch(/1 files could not be put back, 1 were; .*gone\.csv: No such file/);
  expect(stdout).toMatch(/^ *replay-\S+there\.csv +staged /m);
  expect(code).toBe(1);
});

test("track traces each row of an order to its line, withdraw takes a file back, and erase an order", async () => {
  const traced = await inProcess(["track", "GOOD-1", "--trace", ...atHome]);
  expect(traced.code).toBe(0);
  expect(traced.stdout).toMatch(/inserted, current +replay-\S+good\.csv +2 +GOOD /);

  const [file] = await query("SELECT path FROM operations.loaded_files_table WHERE path LIKE '%/good.csv'");
  const withdrawn = await orderTracking(["withdraw", String(file?.path), ...atHome]);
  expect(withdrawn.stdout).toMatch(/withdraw +SUCCESS .*\n +\S+good\.csv -> rejected\//);
  expect(withdrawn.code).toBe(0);
  expect((await inProcess(["track", "GOOD-1", ...atHome])).code).toBe(1);
  const again = await inProcess(["withdraw", String(file?.path), "--json", ...atHome]);
  expect(again).toMatchObject({ code: 1, stderr: "" });
  expect(JSON.parse(again.stdout)).toMatchObject({
    error: expect.stringContaining("it was withdrawn before") as string,
  });

  const asked = await inProcess(["erase", "GOOD-1", ...atHome]);
  expect(asked).toMatchObject({ code: 1, stdout: "" });
  // As Spark does with the plan of a query that has failed.
  appendFileSync(sparkLog, "Filter (tracking_num = GOOD-1)\n");
  const erased = await orderTracking(["erase", "GOOD-1", "--yes", ...atHome]);
  expect(readFileSync(sparkLog, "utf8")).not.toContain("GOOD-1");
  expect(erased.stdout).toMatch(/^archive\/ +1 /m);
  expect(erased.stdout).toMatch(/^rejected\/ +1 /m);
  expect(erased.code).toBe(0);
});

test("upkeep compacts the tables, and makes the view without which track knows no history", async () => {
  const view = path.join(home, "tables", "order_tracking.db", "orders_history.view.sql");
  rmSync(view);
  const tracked = await inProcess(["track", "MINE-1", ...atHome]);
  expect(tracked).toMatchObject({ code: 1, stdout: "" });
  expect(tracked.stderr).toContain('the view orders_history is missing: run "npm run -s order-tracking -- upkeep"');

  const { code, stdout } = await orderTracking(["upkeep", ...atHome]);
  expect(stdout).toMatch(
    /upkeep +SUCCESS .*[1-9]\d* files removed, \d+ rows folded\nTables: stage_orders_table, orders_table, /,
  );
  expect(code).toBe(0);
  expect(existsSync(view)).toBe(true);
});

test("fails with the names there are for an environment there is not", async () => {
  const { code, stderr } = await orderTracking(["start", "--environment", "qa", ...atHome]);
  expect(code).toBe(2);
  expect(stderr).toContain("there is no environment qa; there are: dev, staging, prod, sandbox");
});

test("a failing task shows its cause and its log", async () => {
  // A file stands where the archive has to be.
  const archive = path.join(home, "volume", "archive");
  const setAside = `${archive}-set-aside`;
  renameSync(archive, setAside);
  writeFileSync(archive, "");
  const file = orderFile("late.csv", "MINE-3", "NEW", "2026-11-20 08:00:00");

  const failed = await inProcess(["start", file, ...atHome]);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toMatch(/source_to_stage +FAILED .*archive/);
  expect(failed.stdout).toMatch(/The whole log of source_to_stage: .*source_to_stage.*\.log/);

  rmSync(archive);
  renameSync(setAside, archive);
});

test("Ctrl-C in the middle of a run says that nothing is lost", async () => {
  const file = orderFile("interrupted.csv", "MINE-4", "NEW", "2026-11-20 08:00:00");
  const interrupted = await orderTracking(["start", file, ...atHome], (_out, progress) =>
    progress.includes("source_to_stage ..."),
  );
  expect(interrupted.code).toBe(130);
  expect(interrupted.stderr).toContain("Nothing is lost");
});

test("the next run finishes what a failed and an interrupted one left behind", async () => {
  const started = await startJson([orderFile("after.csv", "MINE-5", "NEW", "2026-11-20 08:00:00")]);
  expect(started.code).toBe(0);
  const orders = await query("SELECT tracking_num FROM orders_table WHERE tracking_num LIKE 'MINE-%' ORDER BY 1");
  expect(orders.map(({ tracking_num }) => tracking_num)).toEqual(["MINE-1", "MINE-2", "MINE-3", "MINE-4", "MINE-5"]);
});

test("watch finishes what a run was cut short in, runs the job when a file arrives, and names what is bad", async () => {
  const landing = path.join(home, "volume", "file_arrival");
  const interrupted = orderFile("interrupted-again.csv", "MINE-6", "NEW", "2026-11-20 08:00:00");
  await orderTracking(["start", interrupted, ...atHome], (_out, progress) => progress.includes("stage_to_final ..."));
  const bad = path.join(temporaryFolder(), "bad.csv");
  writeFileSync(bad, "colour,size\nred,7\n");
  let delivered = false;
  const watched = await orderTracking(["watch", "--speed", "60", ...atHome], (stdout, stderr) => {
    if (!delivered && /quality_gate +SUCCESS/.test(stdout) && stderr.includes("Waiting for files")) {
      delivered = true;
      deliver(bad, landing);
    }
    return stdout.includes("bad.csv: ");
  });
  expect(watched.code).toBe(0);
  expect(watched.stdout).toContain("An earlier run was cut short");
  expect(await query("SELECT status FROM orders_table WHERE tracking_num = 'MINE-6'")).toEqual([{ status: "NEW" }]);
  expect(watched.stdout).toMatch(/^ {2}bad\.csv: rejected, its header lacks /m);
  expect(waitingFiles(landing)).toEqual([]);
});

test("run loads what is waiting", async () => {
  deliver(orderFile("waiting.csv", "MINE-7", "NEW", "2026-11-20 08:00:00"), path.join(home, "volume", "file_arrival"));
  const { code, stdout } = await orderTracking(["run", ...atHome]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/: 1 file waits in .*file_arrival\n/);
  expect(stdout).toContain("1 inserted");
});

test("reset empties the home, but only when it is told to", async () => {
  const asked = await orderTracking(["reset", ...atHome]);
  expect(asked).toMatchObject({ code: 1 });
  expect(asked.stderr).toContain("Nothing was changed");
  const removed = await orderTracking(["reset", "--yes", ...atHome]);
  expect(removed.code).toBe(0);
  expect(readdirSync(home)).toEqual([".order-tracking-home"]);
  const nothing = await inProcess(["reset", "--yes", ...atHome]);
  expect(nothing.stderr).toContain("there is nothing to remove");
});

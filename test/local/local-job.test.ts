import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import { LocalJob, LocalLoadJob, type JobRun } from "../../local/local-job.ts";
import { NotebookKernel } from "../../local/notebook-kernel.ts";
import { readJob, readLoadJob } from "../../local/synthesized-job.ts";
import { sparkStatus } from "../../local/spark-server.ts";
import { aJob, notebook, stackOnDisk, temporaryFolder } from "./stack-on-disk.ts";

jest.setTimeout(120_000); // Spark may have to be started.
const home = openHome(temporaryFolder());
const kernel = new NotebookKernel(home);
beforeAll(() => kernel.start());
afterAll(() => kernel.stop());

/** Runs a job whose first task is a notebook with these lines. */
async function runLines(
  lines: string[],
  settings: object = {},
  signal = new AbortController().signal,
): Promise<JobRun> {
  const job = { ...aJob, task: [{ ...aJob.task[0], ...settings }] };
  const output = stackOnDisk(job, { first: notebook(...lines) }, { "greeting/__init__.py": 'WORD = "hello"\n' });
  cpSync(output, home.synthesized, { recursive: true });
  return new LocalJob(readLoadJob(output, "test"), home, kernel).run(signal, () => undefined);
}

test("a notebook gets the job's parameters: volumes as folders, the catalog as Spark's, references resolved", async () => {
  const run = await runLines([
    "import json",
    'names = ["catalog", "checkpoint", "schema", "volume", "run_id"]',
    "for name in names:",
    '    dbutils.widgets.text(name, "")',
    "dbutils.notebook.exit(json.dumps({name: dbutils.widgets.get(name) for name in names}))",
  ]);
  expect(run.status).toBe("SUCCESS");
  expect(JSON.parse(run.tasks[0]?.output ?? "")).toEqual({
    catalog: "spark_catalog",
    checkpoint: path.join(home.otherVolumes, "operations", "checkpoint"),
    schema: "order_tracking",
    volume: home.volume,
    run_id: run.runId,
  });
});

test("a job that nothing starts runs with the parameters that people give, and with its defaults otherwise", async () => {
  const exit = 'dbutils.notebook.exit(" ".join(dbutils.widgets.get(name) for name in ["catalog", "run_id", "days"]))';
  const task = { task_key: "first", notebook_task: { notebook_path: "${databricks_notebook.first.path}" } };
  const byHand = {
    name: "[test] by_hand",
    parameter: [...aJob.parameter, { name: "days", default: "30" }],
    task: [task],
  };
  const output = stackOnDisk(aJob, { first: notebook(exit) }, {}, "test", { byHand });
  const job = new LocalJob(readJob(output, "test", "_hand"), home, kernel);
  const { signal } = new AbortController();
  const [plain, given] = [
    await job.run(signal, () => undefined),
    await job.run(signal, () => undefined, { days: "7", run_id: "{{mine}}" }),
  ];
  expect(plain.tasks[0]?.output).toBe(`spark_catalog ${plain.runId} 30`);
  expect(given.tasks[0]?.output).toBe("spark_catalog {{mine}} 7");
});

test("a notebook imports the package that is deployed beside it, and its prints go to the task's log", async () => {
  const run = await runLines([
    "from greeting import WORD",
    "# COMMAND ----------",
    "print(WORD, spark.range(3).count())",
  ]);
  expect(run.tasks[0]).toMatchObject({ status: "SUCCESS", output: null });
  expect(readFileSync(run.tasks[0]?.log ?? "", "utf8")).toBe("hello 3\n");
});

test("Delta tables and views that a notebook makes are there for queries by their bare names, and for the next command", async () => {
  await runLines([
    'spark.sql("CREATE SCHEMA IF NOT EXISTS order_tracking")',
    'spark.sql("CREATE OR REPLACE TABLE spark_catalog.order_tracking.t (at TIMESTAMP, n DECIMAL(4,2)) USING delta")',
    "spark.sql(\"INSERT INTO spark_catalog.order_tracking.t VALUES (TIMESTAMP '2026-11-16 08:00:00', 1.5)\")",
    'spark.sql("CREATE OR REPLACE VIEW order_tracking.v AS SELECT n AS m\\nFROM spark_catalog.order_tracking.t")',
  ]);
  const expected = { columns: ["at", "n"], rows: [{ at: "2026-11-16 08:00:00", n: "1.50" }] };
  await expect(kernel.query("SELECT * FROM t WHERE n = :n", { n: "1.5" })).resolves.toEqual(expected);
  await kernel.stop();
  // Its table may be gone: the others are there all the same.
  writeFileSync(path.join(home.tables, "order_tracking.db", "broken.view.sql"), "SELECT * FROM no_such_table");
  await expect(kernel.query("SELECT * FROM t")).resolves.toEqual(expected);
  await expect(kernel.query("SELECT m FROM v")).resolves.toEqual({ columns: ["m"], rows: [{ m: "1.50" }] });
});

test("a view of tables by their bare names is there for the next command; one that was dropped is not", async () => {
  await kernel.change("CREATE OR REPLACE VIEW bare AS\nSELECT n\nFROM t");
  await kernel.change("CREATE OR REPLACE VIEW dropped AS SELECT n FROM t");
  await kernel.change("DROP VIEW dropped");
  await kernel.stop();
  // Whoever finds another file than before opens the home anew.
  const broken = path.join(home.tables, "order_tracking.db", "broken.view.sql");
  writeFileSync(broken, "SELECT * FROM no_other_table");
  await expect(kernel.query("SELECT * FROM bare")).resolves.toMatchObject({ rows: [{ n: "1.50" }] });
  await expect(kernel.query("SELECT * FROM dropped")).rejects.toThrow("TABLE_OR_VIEW_NOT_FOUND");
  // What could not be made again may be another day.
  await kernel.change("DROP VIEW bare");
  expect(existsSync(broken)).toBe(true);
});

test("fails with the notebook's own error, its line in the log, and the kernel goes on", async () => {
  const run = await runLines(["x = 1", "", 'raise ValueError("no such order")']);
  expect(run.status).toBe("FAILED");
  expect(run.tasks[0]).toMatchObject({ status: "FAILED", message: "ValueError: no such order" });
  expect(readFileSync(run.tasks[0]?.log ?? "", "utf8")).toMatch(/first\.py", line 4, in <module>/);
  expect((await runLines(["1"])).status).toBe("SUCCESS");
});

test("fails with the causes of an error, too", async () => {
  const lines = [
    "try:",
    "    {}['key']",
    "except KeyError as error:",
    '    raise RuntimeError("not loaded") from error',
  ];
  expect((await runLines(lines)).tasks[0]?.message).toBe("RuntimeError: not loaded\n    caused by KeyError: 'key'");
});

test("fails with Spark's message, without its plan, for a wrong query", async () => {
  await expect(kernel.query("SELECT * FROM no_such_table")).rejects.toThrow(
    /^\[TABLE_OR_VIEW_NOT_FOUND\] The table or view `no_such_table` cannot be found[^;]*$/,
  );
});

test("each attempt of a retried task has a log of its own", async () => {
  const lines = ["import pathlib", "mark = pathlib.Path('../../../tried')", "assert mark.exists(), mark.touch()"];
  const run = await runLines(lines, { max_retries: 1 });
  expect(run.tasks[0]).toMatchObject({ status: "SUCCESS", attempts: 2 });
  expect(path.basename(run.tasks[0]?.log ?? "")).toBe("first-2.log");
  expect(existsSync(path.join(home.logs, run.runId, "first.log"))).toBe(true);
});

test("a task over its time limit is ended; the next run goes on with the same Spark", async () => {
  const before = await sparkStatus();
  const run = await runLines(["import time", "time.sleep(600)"], { timeout_seconds: 1 });
  expect(run.tasks[0]).toMatchObject({ status: "TIMEDOUT", attempts: 1 });
  expect((await runLines(["spark.range(1).count()"])).status).toBe("SUCCESS");
  expect(await sparkStatus()).toMatchObject({ pid: before?.pid });
});

test("cancelling ends a run in the middle of a notebook", async () => {
  const cancel = new AbortController();
  setTimeout(() => {
    cancel.abort();
  }, 500);
  const run = await runLines(["import time", "time.sleep(600)"], {}, cancel.signal);
  expect(run).toMatchObject({ status: "CANCELED", tasks: [{ status: "CANCELED" }] });
  expect(run.seconds).toBeLessThan(30); // On a machine that has much else to do as well; it would be minutes.
});

test.each([
  ["a batch", "batches/1.claimed.json", "{}"],
  ["what a run has to tell", "records/1.json", "{}"],
  ["an erasure", "erasures/1.json", '{"key": "T1"}'],
  ["a withdrawal", "withdrawals/1.json", '{"is_done": false}'],
])("%s that was cut short is unfinished until a run has finished it", (_, note, text) => {
  const output = stackOnDisk(aJob, { first: notebook("1") });
  const own = openHome(temporaryFolder());
  cpSync(output, own.synthesized, { recursive: true });
  const job = new LocalLoadJob(readLoadJob(output, "test"), own, kernel);
  expect(job.isUnfinished).toBe(false);
  const file = path.join(own.otherVolumes, "operations", "checkpoint", note);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  expect(job.isUnfinished).toBe(true);
  // A withdrawal is still remembered when it is done.
  if (note.startsWith("withdrawals/")) writeFileSync(file, '{"is_done": true}');
  else rmSync(file);
  expect(job.isUnfinished).toBe(false);
});

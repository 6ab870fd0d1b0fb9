import { appendFileSync, chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openHome } from "../../local/home.ts";
import { idleMinutes, type SparkStatus } from "../../local/spark-server.ts";
import { CheckoutCopy } from "./checkout-copy.ts";

// A Spark of the test's own: it is started, killed and left alone on purpose, while others use the checkout's.
jest.setTimeout(240_000);
const checkout = new CheckoutCopy();
const home = ["--home", path.join(checkout.folder, "home")];
const otherHome = ["--home", path.join(checkout.folder, "other home, that isn't the first's")];
const query = (sql: string, at = home) => ["query", sql, "--json", ...at];
/** Files of one arrival, with 55 orders in them, 35 of these in the first. */
const samples = ["orders_2026-11-16.csv", "orders_2026-11-17.csv"].map((name) =>
  path.join(checkout.folder, "samples", "1-new-orders", name),
);
const countOrders = "SELECT count(*) AS orders FROM orders_table";
afterAll(() => {
  checkout.remove();
});

/** What comes at once, on a machine that has much else to do as well; what is waited for otherwise takes minutes. */
const AT_ONCE_SECONDS = 30;

/** Waits until something holds, and fails where that takes too long. */
async function until(holds: () => boolean, seconds = AT_ONCE_SECONDS): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${String(holds)}`);
    await sleep(200);
  }
}

/** A statement of SQL that computes for minutes, on all cores. */
const computing = "SELECT count(*) FROM range(100000) AS a CROSS JOIN range(100000000) AS b WHERE a.id * b.id % 7 = 8";

/** One that is at work as long, and leaves the cores to others. */
const sleeping = "SELECT java_method('java.lang.Thread', 'sleep', id + 600000) FROM range(0, 1, 1, 1)";

/** Waits until Spark serves some command. */
async function untilUsed(how: (client: SparkStatus["clients"][number]) => boolean = () => true): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await checkout.sparkStatus())?.clients.some(how)) {
    if (Date.now() > deadline) throw new Error("Spark serves no such command within 60 s");
    await sleep(200);
  }
}

/** Waits until Spark is at work for some command. */
const untilAtWork = () => untilUsed(({ works }) => works);

const javaProcesses = () => checkout.processes.filter(({ command }) => command.includes("SparkSubmit"));

/** Starts the first Spark there is, and ends the command that does so as soon as that has come so far. */
async function interruptWhen(isReached: () => boolean): Promise<void> {
  expect(checkout.leftBehind()).toEqual([]);
  const watching = checkout.start(["watch", ...otherHome]);
  await until(isReached, 60);
  const asked = performance.now();
  watching.child.kill("SIGINT");
  expect((await watching.finished).code).toBe(0);
  expect(performance.now() - asked).toBeLessThan(AT_ONCE_SECONDS * 1000);
}

test("Ctrl-C ends a command at once while Java starts", async () => {
  await interruptWhen(() => checkout.java !== undefined);
  await checkout.run(["spark", "stop"]);
  await until(() => checkout.leftBehind().length === 0);
});

test("where nothing shall stay, Spark ends with the command", async () => {
  const { directory } = openHome(path.join(checkout.folder, "a home of nothing"));
  const one = query("SELECT 1 AS one", ["--home", directory]);
  const { stdout } = await checkout.run(one, { ORDER_TRACKING_SPARK_IDLE_MINUTES: "0" });
  expect(JSON.parse(stdout)).toEqual([{ one: 1 }]);
  await until(() => checkout.leftBehind().length === 0);
});

test("Ctrl-C ends a command at once before anybody can be asked", async () => {
  await interruptWhen(() => checkout.processes.some(({ command }) => command.includes("spark_server.py")));
});

test("the first commands start one Spark, for two homes at once, and later ones find it warm", async () => {
  const [first, second] = await Promise.all([
    checkout.run(["start", ...samples, "--json", ...home]),
    checkout.run(["start", ...samples.slice(0, 1), "--json", ...otherHome]),
  ]);
  expect([first.code, second.code]).toEqual([0, 0]);
  const { server } = checkout;
  const [here, there] = await Promise.all([
    checkout.run(query(countOrders)),
    checkout.run(query(countOrders, otherHome)),
  ]);
  // Neither home sees the other's tables.
  expect([here, there].map(({ stdout }) => JSON.parse(stdout) as unknown)).toEqual([
    [{ orders: 55 }],
    [{ orders: 35 }],
  ]);
  expect(checkout.server).toBe(server);
  expect(javaProcesses()).toHaveLength(1);
});

test("who has read enough of an answer ends nothing", async () => {
  const { child, finished } = checkout.start(["query", "SELECT * FROM range(200000)", "--csv", ...home]);
  child.stdout?.destroy();
  expect(await finished).toMatchObject({ code: 0, stderr: expect.not.stringContaining("EPIPE") as string });
});

test("spark status and doctor say since when it is warm, how large it is, whose, and who uses it", async () => {
  const watching = checkout.start(["watch", ...home]);
  await untilUsed();
  const status = await checkout.run(["spark", "status"]);
  expect(status.stdout).toMatch(/^Spark is warm: for \d+ min, [1-9]\d+ MiB, process \d+ of \S+; it ends 20 min after/);
  expect(status.stdout).toMatch(/\n {2}used by process \d+ for 0 min, idle: watch --home/);
  expect((await checkout.run(["doctor"])).stdout).toContain("Spark is warm");
  watching.child.kill("SIGINT");
  expect((await watching.finished).code).toBe(0);
});

test("Ctrl-C ends a query at once, and Spark goes on", async () => {
  const { java } = checkout;
  const running = checkout.start(query(computing));
  await untilAtWork(); // It would be for minutes.
  const before = performance.now();
  running.child.kill("SIGINT");
  await running.finished;
  expect(performance.now() - before).toBeLessThan(AT_ONCE_SECONDS * 1000);
  const next = await checkout.run(query("SELECT 1 AS one"));
  expect(JSON.parse(next.stdout)).toEqual([{ one: 1 }]);
  expect(checkout.java).toBe(java);
  // Nothing goes on computing what nobody waits for.
  await until(() => checkout.processes.filter(({ command }) => command.includes("spark_server.py")).length === 1);
});

test("a home that was emptied, or put back, behind Spark's back is seen as it is", async () => {
  const kept = path.join(checkout.folder, "kept");
  const tables = path.join(checkout.folder, "home", "tables");
  cpSync(tables, kept, { recursive: true, preserveTimestamps: true });
  const removed = await checkout.run(["query", "DELETE FROM orders_table", "--write", "--yes", ...home]);
  expect(removed.code).toBe(0);
  rmSync(tables, { recursive: true });
  mkdirSync(tables);
  const emptied = await checkout.run(query("SELECT * FROM orders_table"));
  expect(emptied.stderr).toContain("TABLE_OR_VIEW_NOT_FOUND");
  cpSync(kept, tables, { recursive: true, preserveTimestamps: true });
  const putBack = await checkout.run(query(countOrders));
  expect(JSON.parse(putBack.stdout)).toEqual([{ orders: 55 }]);
});

test("a table that cannot be read is named with its folder, by the Spark that is there", async () => {
  const { directory, tables } = openHome(path.join(checkout.folder, "a home with half a table"));
  const table = path.join(tables, "orders.db", "orders_table");
  mkdirSync(path.join(table, "_delta_log"), { recursive: true });
  writeFileSync(path.join(table, "_delta_log", "00000000000000000001.json"), '{"commitInfo":{}}\n');
  const { server } = checkout;
  const one = query("SELECT 1 AS one", ["--home", directory]);
  const refused = await checkout.run(one);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(
    /^Error: the table orders\.orders_table in .*orders_table cannot be read\n +caused by .*\n[^]*removes all orders$/m,
  );
  rmSync(table, { recursive: true });
  expect(JSON.parse((await checkout.run(one)).stdout)).toEqual([{ one: 1 }]);
  expect(checkout.server).toBe(server);
});

test("a home that is reset and filled while somebody asks is seen as it is by whoever comes then", async () => {
  const asking = checkout.start(query(sleeping));
  await untilAtWork();
  expect((await checkout.run(["reset", "--yes", ...home])).code).toBe(0);
  const started = await checkout.run(["start", ...samples, "--json", ...home]);
  expect(started).toMatchObject({ code: 0 });
  expect(asking.child.exitCode).toBeNull();
  asking.child.kill("SIGINT");
  await asking.finished;
  const orders = await checkout.run(query(countOrders));
  expect(JSON.parse(orders.stdout)).toEqual([{ orders: 55 }]);
});

/** Kills a part of the Spark that works on a query, which says so at once; returns the number of what was killed. */
async function killAtWork(victim: "server" | "java"): Promise<number> {
  const running = checkout.start(query(sleeping));
  await untilAtWork();
  const asked = performance.now();
  const killed = Number(checkout[victim]);
  process.kill(killed, "SIGKILL");
  const { code, stderr } = await running.finished;
  expect(code).toBe(1);
  expect(stderr).toContain("Spark ended unexpectedly; see ");
  expect(performance.now() - asked).toBeLessThan(AT_ONCE_SECONDS * 1000);
  return killed;
}

test("a query whose java is killed says so at once, and the next command has a new Spark", async () => {
  // That command is in an environment which says much of another Spark, Python, alphabet or time zone.
  const other = path.join(checkout.folder, "other");
  mkdirSync(path.join(other, "pyspark"), { recursive: true });
  writeFileSync(path.join(other, "pyspark", "__init__.py"), "raise ImportError('the other one')\n");
  writeFileSync(path.join(other, "python3"), "#!/bin/sh\necho the other one >&2; exit 1\n");
  chmodSync(path.join(other, "python3"), 0o755);
  // Python's part of Spark composes what a Mac has written, in workers.
  const file = path.join(other, "bestellungen_März.csv");
  writeFileSync(file, "tracking_num,status,address,last_update_timestamp\nUML-1,NEW,Mu\u0308hle,2026-11-20 08:00:00\n");
  const TZ = "America/New_York";

  const { server: serverBefore } = checkout;
  const killed = await killAtWork("java");

  const started = await checkout.run(["start", file, "--json", ...home], {
    PATH: `${other}:${process.env.PATH}`,
    PYTHONPATH: other,
    SPARK_HOME: other,
    PYSPARK_SUBMIT_ARGS: "--master yarn pyspark-shell",
    HADOOP_CONF_DIR: other,
    LC_ALL: "C",
    TZ,
  });
  expect(checkout.java).not.toBe(killed);
  expect(checkout.server).not.toBe(serverBefore);
  expect(javaProcesses()).toHaveLength(1);
  expect(JSON.parse(started.stdout)).toMatchObject({ files: [{ path: path.basename(file), outcome: "staged" }] });
  // By the Spark that was started in that environment, without which, but for the time zone, the next command comes.
  const { server } = checkout;
  const sql = `SELECT address, TIMESTAMP'2026-07-01 10:00:00' AS ten, (${countOrders}) AS orders
    FROM orders_table WHERE tracking_num = 'UML-1'`;
  const { stdout } = await checkout.run(query(sql), { TZ });
  expect(JSON.parse(stdout)).toEqual([{ address: "M\u00fchle", ten: "2026-07-01 10:00:00", orders: 56 }]);
  expect(checkout.server).toBe(server);
});

test("a query whose server is killed says so at once, and the next one has a new Spark", async () => {
  const killed = await killAtWork("server");
  const next = await checkout.run(query(countOrders));
  expect(JSON.parse(next.stdout)).toEqual([{ orders: 56 }]);
  expect(checkout.server).not.toBe(killed);
  expect(javaProcesses()).toHaveLength(1);
});

test("a server that hangs is replaced within seconds, and ends itself when it is idle", async () => {
  const hung = checkout.server;
  process.kill(Number(hung), "SIGSTOP");
  const next = await checkout.run(query("SELECT 1 AS one"), { ORDER_TRACKING_SPARK_IDLE_MINUTES: "0.02" });
  expect(JSON.parse(next.stdout)).toEqual([{ one: 1 }]);
  expect(checkout.server).not.toBe(hung);
  await until(() => checkout.leftBehind().length === 0);
});

test("with other code under local/ it serves nobody new; spark stop ends it and those whom it serves", async () => {
  expect((await checkout.run(query("SELECT 1 AS one"))).code).toBe(0);
  const watching = checkout.start(["watch", ...home]);
  await untilUsed();
  appendFileSync(path.join(checkout.folder, "local", "kernel.py"), "# changed\n");
  const refused = await checkout.run(query("SELECT 1 AS one"));
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/what was here before a change, for watch .* \(process \d+\): end that first/);
  const stopped = await checkout.run(["spark", "stop"]);
  expect(stopped.stdout).toMatch(/used by process \d+ for 0 min, idle: watch .*\nIt has ended\.\n$/);
  watching.child.kill("SIGINT");
  await watching.finished;
  await until(() => checkout.leftBehind().length === 0);
  expect((await checkout.run(["spark", "stop"])).stdout).toContain("No Spark is warm");
});

test("fails for an idle time that is none", () => {
  expect(idleMinutes(undefined)).toBe(20);
  expect(idleMinutes("0")).toBe(0);
  expect(() => idleMinutes("soon")).toThrow("ORDER_TRACKING_SPARK_IDLE_MINUTES is soon: give a number of minutes");
});

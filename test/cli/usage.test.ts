import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { inProcess } from "./in-process.ts";
import { orderTracking } from "./order-tracking.ts";

jest.setTimeout(60_000); // On a busy machine a program takes seconds to start.

// None of these gets as far as starting Spark.
describe("a mistake in the command line is said before anything happens", () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, "a-folder"));
  writeFileSync(path.join(folder, "_hidden.csv"), "");
  const home = path.join(folder, "home");
  // Whatever is written to this home's mark does not fit on the disk.
  const fullHome = path.join(folder, "full");
  mkdirSync(fullHome);
  symlinkSync("/dev/full", path.join(fullHome, ".order-tracking-home"));

  // Each way to fail, and to end well, as people meet it.
  test.each([
    ["an unknown command", ["strat"], 2, "There is no command strat."],
    ["an unknown option", ["start", "--jsno"], 2, "Unknown option '--jsno'"],
    ["nothing to replay", ["replay", "--home", home], 1, 'run "npm start" first'],
    ["the plan of nothing", ["plan"], 1, "give one environment"],
    ["a home of a name that terminals obey", ["track", "T1", "--home", `${home}\u001b[31m`], 1, "\\u{1b}[31m yet: run"],
    ["nothing to reset", ["reset", "--yes", "--home", home], 0, "there is nothing to remove"],
    ["a disk that is full", ["run", "--home", fullHome], 1, "Error: the disk is full: free some space"],
  ])("%s", async (_what, args, code, message) => {
    const finished = await orderTracking(args);
    expect(finished.stderr).toContain(message);
    expect(finished).toMatchObject({ code, stdout: "" });
  });

  test.each([
    ["a missing file", ["start", "no-such.csv"], 2, "there is no file"],
    ["a folder", ["start", path.join(folder, "a-folder")], 2, "is not a file: name the files in it"],
    ["a hidden file", ["start", path.join(folder, "_hidden.csv")], 2, "the job leaves such files alone"],
    ["no tracking number", ["track"], 2, "give one tracking number"],
    ["two statements", ["query", "SELECT 1", "SELECT 2"], 2, "give one SQL statement, in quotes"],
    ["two formats", ["query", "SELECT 1", "--json", "--csv"], 2, "give --json or --csv, not both"],
    ["a source there is not", ["replay", "--from", "trash"], 2, "--from trash: give quarantine, archive, rejected"],
    ["a day that is none", ["replay", "--since", "2026-02-30"], 2, "--since 2026-02-30: give a day such as"],
    ["a day in words", ["replay", "--until", "yesterday"], 2, "--until yesterday: give a day such as"],
    ["days the wrong way round", ["replay", "--since", "2026-11-21", "--until", "2026-11-20"], 2, "is after --until"],
    ["no file in place of all", ["replay", ""], 2, "a FILE is empty, which would mean all"],
    ["another file than the one that was named", ["withdraw", " a.csv"], 2, '" a.csv" has spaces around it'],
    ["a file for upkeep", ["upkeep", "orders.csv"], 2, "Unexpected argument 'orders.csv'"],
    ["nothing to keep up", ["upkeep", "--home", home], 1, 'run "npm start" first'],
    ["the state of nothing", ["state"], 2, "give one environment"],
    ["the state of two", ["state", "dev", "prod"], 2, "give one environment"],
    ["a stack that there is not", ["plan", "dev", "--stack", "page"], 1, "give platform, catalog, pipeline"],
    ["plans from nowhere", ["apply", "dev"], 1, "give the folder of the plans"],
    ["a speed of nothing", ["watch", "--speed", "fast"], 2, "--speed fast: give a number above 0"],
    ["a port that is none", ["page", "--port", "-1"], 2, "--port"],
    ["a page of nothing", ["page", "--home", home], 1, 'run "npm start" first'],
    ["a home that never was", ["track", "T1", "--home", home], 1, "no orders have been loaded into"],
    ["a question with --yes", ["query", "SELECT 1", "--yes"], 2, "--yes is for --write"],
  ])("%s", async (_what, args, code, message) => {
    const finished = await inProcess(args);
    expect(finished.stderr).toContain(message);
    expect(finished).toMatchObject({ code, stdout: "" });
  });

  // One of `cli/commands/`, whose usage is shown where any of them is asked for it, and the one of `bin/`.
  test.each(["start", "doctor"])("%s -h shows how to call it", async (command) => {
    const { code, stdout } = await orderTracking([command, "-h"]);
    expect(stdout).toMatch(/^Usage: npm /);
    expect(code).toBe(0);
  });
});

const commands = readdirSync(path.join(__dirname, "../../cli/commands")).map((file) => path.parse(file).name);

test.each(commands)("%s has a usage of its own", async (command) => {
  const { usage } = (await import(`../../cli/commands/${command}.ts`)) as { readonly usage: string };
  expect(usage).toMatch(command === "start" ? /^Usage: npm start / : `Usage: npm run -s order-tracking -- ${command}`);
});

test("an option without -- before it, which npm keeps, is refused instead of being left out", () => {
  const root = path.join(__dirname, "../..");
  const args = ["run", "-s", "order-tracking", "withdraw", "a.csv", "--home=/tmp/x"];
  const npm = (...given: string[]) => spawnSync("npm", given, { cwd: root, encoding: "utf8" });
  const { status, stdout, stderr } = npm(...args);
  expect(stdout).toBe("");
  // Later ones refuse it themselves, and .npmrc keeps them from saying so.
  const isRefusedByNpm = Number(npm("--version").stdout.split(".")[0]) >= 12;
  expect(status).toBe(isRefusedByNpm ? 1 : 2);
  if (!isRefusedByNpm)
    expect(stderr).toMatch(/^npm has taken --home for an option of its own: put -- before the options/);
});

test.each([
  ["a pipe", "EPIPE", 0],
  ["a terminal", "EIO", 0], // What one answers that was closed.
  ["a file", "EIO", 1],
  ["a file", "ENOSPC", 1],
])("output to %s that ends in %s ends a command with %d", (to, code, status) => {
  const isTerminal = `process.stdout.isTTY = ${to === "a terminal"}`;
  const emit = `process.stdout.emit("error", Object.assign(new Error("write"), { code: "${code}" }))`;
  const preload = `data:text/javascript,process.once("beforeExit", () => { ${isTerminal}; ${emit}; });`;
  const ended = spawnSync(process.execPath, ["--import", "tsx", "--import", preload, "cli/main.ts", "--version"], {
    cwd: path.join(__dirname, "../.."),
    encoding: "utf8",
  });
  expect(ended.stdout).toBe("0.1.0\n");
  expect(ended.status).toBe(status);
});

test("--help shows every command, --version which version this is", async () => {
  const [long, short, version] = await Promise.all(
    [["--help"], ["-h"], ["--version"]].map((args) => orderTracking(args)),
  );
  expect(long?.stdout).toContain("  query    run SQL on the local tables\n");
  expect(short).toEqual(long);
  expect(version).toMatchObject({ code: 0, stdout: "0.1.0\n", stderr: "" });
});

test("doctor says what this machine has", async () => {
  const { code, stdout } = await orderTracking(["doctor"]);
  expect(stdout).toMatch(/^ok +Node \d+.*\nok +Python 3\.\d+.*\nok +Java \d+/);
  expect(code).toBe(0);
});

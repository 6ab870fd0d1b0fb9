import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { releaseLock, takeLock } from "../../bin/lock.mjs";
import { temporaryFolder } from "../local/stack-on-disk.ts";

jest.setTimeout(60_000); // On a busy machine programs take seconds to start.

const PACKAGES = JSON.stringify({ packages: { "node_modules/a": { version: "1.0.0" } } });

/** A checkout with what sets it up, and nothing else. */
function newCheckout(): string {
  const checkout = temporaryFolder();
  for (const folder of ["bin", path.join("cli", "commands")]) {
    cpSync(path.join(__dirname, "../..", folder), path.join(checkout, folder), { recursive: true });
  }
  writeFileSync(path.join(checkout, "package-lock.json"), PACKAGES);
  const installs = `const fs = require("node:fs");
    fs.mkdirSync("node_modules");
    fs.writeFileSync("node_modules/.package-lock.json", ${JSON.stringify(PACKAGES)});`;
  writeFileSync(path.join(checkout, "npm-cli.js"), installs);
  // No programs, though they are called as some are.
  mkdirSync(path.join(checkout, "folders", "java"), { recursive: true });
  return checkout;
}

/** Runs Node on a machine whose path has no programs but those in the checkout's `path`, and npm in a file. */
function runNode(checkout: string, ...args: readonly string[]) {
  return runNodeWith({}, checkout, ...args);
}

/** Does so with more variables. */
function runNodeWith(variables: NodeJS.ProcessEnv, checkout: string, ...args: readonly string[]) {
  const folders = ["folders", "path"].map((name) => path.join(checkout, name));
  const env = { PATH: folders.join(path.delimiter), npm_execpath: path.join(checkout, "npm-cli.js"), ...variables };
  return spawnSync(process.execPath, args, { env, encoding: "utf8", timeout: 60_000 });
}

/** The program of a set-up, or of a part of it. */
function program(checkout: string, what: "setUp" | "setUpNode"): readonly string[] {
  const module = JSON.stringify(pathToFileURL(path.join(checkout, "bin", "setup.mjs")).href);
  return ["--input-type=module", "--eval", `import { fail, ${what} } from ${module}; await ${what}().catch(fail);`];
}

test("on a machine with Node alone, what needs no more is set up, and what does says at once all that is missing", () => {
  const checkout = newCheckout();
  const spark = runNode(checkout, ...program(checkout, "setUp"));
  expect(spark.status).toBe(1);
  expect(spark.stderr).toMatch(/^Python was not found: .*\nJava was not found: .*\n$/);
  const node = runNode(checkout, ...program(checkout, "setUpNode"));
  expect(node).toMatchObject({ status: 0, stderr: "Installing the Node packages (once; about a minute) ...\n" });
  rmSync(checkout, { recursive: true });
});

test("what runs the job is set up with Spark, whichever way it is asked for, and nothing else is", () => {
  const checkout = newCheckout();
  runNode(checkout, ...program(checkout, "setUpNode"));
  const asksForPython = (...args: readonly string[]) =>
    runNode(checkout, path.join(checkout, "bin", "order-tracking.mjs"), ...args).stderr.includes(
      "Python was not found",
    );
  for (const args of [["plan", "dev", "--compare=main"], ["plan", "dev", "--compare", "main"], ["cloud"], ["run"]]) {
    expect([args, asksForPython(...args)]).toEqual([args, true]);
  }
  for (const args of [["plan", "dev"], ["run", "--help"], ["--version"], ["strat"]]) {
    expect([args, asksForPython(...args)]).toEqual([args, false]);
  }
  rmSync(checkout, { recursive: true });
});

/** Gives a checkout a machine with Java, and an installed Python that does what a script says; returns Java's path. */
function withSpark(checkout: string, pythonDoes: string): string {
  const environment = path.join(checkout, ".venv");
  const script = (file: string, text: string) => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  };
  const [java, python] = [path.join(checkout, "path", "java"), path.join(environment, "bin", "python")];
  script(java, `echo 'openjdk version "17.0.1"'`);
  script(path.join(checkout, "path", "python3"), "echo 3.11.0");
  script(python, pythonDoes);
  writeFileSync(path.join(checkout, "requirements.txt"), "");
  const mark = createHash("sha256").update(environment).update(realpathSync(python)).digest("hex");
  writeFileSync(path.join(environment, "installed"), mark);
  return java;
}

test("Spark is prepared for quick starts once, and once more when another Java is in its place", () => {
  const checkout = newCheckout();
  runNode(checkout, ...program(checkout, "setUpNode"));
  const java = withSpark(checkout, "echo $1 >> prepared; : > .venv/jars/classes.jsa");
  mkdirSync(path.join(checkout, ".venv", "jars"));

  const prepared = () => {
    expect(runNode(checkout, ...program(checkout, "setUp"))).toMatchObject({ status: 0 });
    return readFileSync(path.join(checkout, "prepared"), "utf8").trim().split("\n").length;
  };
  expect([prepared(), prepared()]).toEqual([1, 1]);
  utimesSync(java, 1, 1);
  expect([prepared(), prepared()]).toEqual([2, 2]);
  rmSync(checkout, { recursive: true });
});

test("packages of another kind of machine, which may share the checkout, are none, whatever npm is told to omit", () => {
  const checkout = newCheckout();
  const packageOf = (machine: string) => ({
    [`node_modules/@esbuild/${machine}`]: { version: "1.0.0", optional: true },
  });
  const [own, other] = [packageOf(`${process.platform}-${process.arch}`), packageOf("another-machine")];
  const listed = (packages: object) => JSON.stringify({ packages });
  const installed = path.join(checkout, "node_modules", ".package-lock.json");
  writeFileSync(path.join(checkout, "package-lock.json"), listed({ ...own, ...other }));
  writeFileSync(
    path.join(checkout, "npm-cli.js"),
    `require("node:fs").writeFileSync(${JSON.stringify(installed)},
      process.argv.includes("--include=optional") ? ${JSON.stringify(listed(own))} : "{}")`,
  );
  mkdirSync(path.dirname(installed));
  writeFileSync(installed, listed(other));

  const doctor = runNode(checkout, path.join(checkout, "bin", "order-tracking.mjs"), "doctor");
  expect(doctor).toMatchObject({ stdout: expect.stringContaining("Only to deploy:") as string, stderr: "" });
  const said = [1, 2].map(() => runNode(checkout, ...program(checkout, "setUpNode")).stderr);
  expect(said).toEqual(["Installing the Node packages (once; about a minute) ...\n", ""]);
  rmSync(checkout, { recursive: true });
});

test("no package is installed by a script of its own, and those that have one work without it", () => {
  const file = (name: string) => readFileSync(path.join(__dirname, "../..", name), "utf8");
  const { packages } = JSON.parse(file("package-lock.json")) as {
    packages: Record<string, { hasInstallScript?: true }>;
  };
  const withScript = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  // They look for a binary that is there, in a package of its own or, for `npx cdktf`, in the package itself.
  expect(withScript.map(([name]) => name.replace("node_modules/", ""))).toEqual([
    "@cdktf/node-pty-prebuilt-multiarch",
    "@parcel/watcher",
    "@swc/core",
    "esbuild",
    "unrs-resolver",
  ]);
  expect(file(".npmrc")).toMatch(/^ignore-scripts=true$/m);
});

test("tests are chosen by their paths without git, and by what has changed with it, which is told in a sentence", () => {
  const checkout = newCheckout();
  mkdirSync(path.join(checkout, "test", "cli"), { recursive: true });
  writeFileSync(path.join(checkout, "test", "cli", "track.test.ts"), "");
  const nodeIsOld = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"18.0.0"}})';
  const chosen = (...args: readonly string[]) =>
    runNode(checkout, "--import", nodeIsOld, path.join(checkout, "bin", "test.mjs"), ...args).stderr;
  expect(chosen("cli/track")).toMatch(/^Node 18/);
  expect(chosen("cli/trick")).toBe("no test file's path has cli/trick in it\n");
  expect(chosen("--changed")).toBe(
    "git could not be run (spawnSync git ENOENT): install it, or name tests by parts of their paths\n",
  );
  rmSync(checkout, { recursive: true });
});

test("whoever has no name on this machine hears of it before anything is downloaded", () => {
  const checkout = newCheckout();
  withSpark(checkout, "exit 3");
  const asNobody = "import os from 'node:os'; os.userInfo = () => { throw new Error('ENOENT'); };";
  const [type = "", evaluate = "", code = ""] = program(checkout, "setUp");
  const { stderr } = runNode(checkout, type, evaluate, `${asNobody} ${code}`);
  expect(stderr).toMatch(/^user \d+ has no entry in \/etc\/passwd, .*\n$/);
  rmSync(checkout, { recursive: true });
});

test("a Node that is too old is told of although nothing is left to set up", () => {
  const checkout = newCheckout();
  runNode(checkout, ...program(checkout, "setUpNode"));
  const [type = "", evaluate = "", code = ""] = program(checkout, "setUpNode");
  const asOld = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.1" } });';
  const { status, stderr } = runNode(checkout, type, evaluate, `${asOld} ${code}`);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "Node 20.11.1 is too old: install Node 20.12 or newer from https://nodejs.org\n",
  });
  rmSync(checkout, { recursive: true });
});

test("Spark is set up without what the environment says of another one", () => {
  const checkout = newCheckout();
  runNode(checkout, ...program(checkout, "setUpNode"));
  const variables = { SPARK_HOME: "/opt/spark", PYTHONPATH: "/opt/spark/python", HADOOP_CONF_DIR: "/etc/hadoop" };
  withSpark(checkout, `echo "$SPARK_HOME$PYTHONPATH$HADOOP_CONF_DIR" >> said; : > .venv/jars/classes.jsa`);
  mkdirSync(path.join(checkout, ".venv", "jars"));
  expect(runNodeWith(variables, checkout, ...program(checkout, "setUp"))).toMatchObject({ status: 0 });
  expect(readFileSync(path.join(checkout, "said"), "utf8")).toBe("\n");
  rmSync(checkout, { recursive: true });
});

test("what fails while another step goes on is told after that step, with whatever failed in it", () => {
  const setUp = (end: string) => {
    const checkout = newCheckout();
    const fails = `require("node:fs").writeFileSync("npm", String(process.pid)); throw new Error("no network");`;
    writeFileSync(path.join(checkout, "npm-cli.js"), fails);
    const untilNpmHasFailed =
      "until [ -s npm ]; do /bin/sleep 0.1; done; while kill -0 $(/bin/cat npm); do /bin/sleep 0.1; done; /bin/sleep 0.2";
    withSpark(checkout, `${untilNpmHasFailed}; ${end}`);
    const { stderr } = runNode(checkout, ...program(checkout, "setUp"));
    rmSync(checkout, { recursive: true });
    return stderr;
  };
  const [one, both] = [setUp("exit 0"), setUp("echo no disk; exit 3")];
  for (const said of [one, both]) {
    expect(said).toContain("Fetching the Delta Lake jars (once");
    expect(said).toContain("no network");
    expect(said).not.toContain("Preparing Spark for quick starts");
  }
  expect(one).not.toContain("fetching the Delta Lake jars failed");
  expect(both).toMatch(/fetching the Delta Lake jars failed [^]*no disk/);
});

test("a set-up that meets one which it cannot see does not wait for it, and says what to remove", () => {
  const checkout = newCheckout();
  const lock = path.join(checkout, ".setup-lock");
  writeFileSync(lock, "7 a-start\nweb-1 pid:[1]");
  const { status, stderr } = runNode(checkout, ...program(checkout, "setUpNode"));
  expect(status).toBe(1);
  expect(stderr).toBe(
    `Process 7 on web-1, which cannot be seen from here (if it is gone for good, remove ${lock}), is setting this ` +
      "checkout up: try again when it has ended\n",
  );
  rmSync(checkout, { recursive: true });
});

test("a second set-up of a checkout waits for the first one, says so, and finds that nothing is left to do", async () => {
  const checkout = newCheckout();
  const lock = path.join(checkout, ".setup-lock");
  expect(takeLock(lock)).toBeUndefined();

  const second = spawn(process.execPath, program(checkout, "setUpNode"));
  const ended = new Promise((resolve) => second.on("close", resolve));
  let said = "";
  await new Promise<void>((resolve) => {
    second.stderr.on("data", (text: Buffer) => {
      said += text.toString();
      resolve();
    });
  });
  mkdirSync(path.join(checkout, "node_modules"));
  writeFileSync(path.join(checkout, "node_modules", ".package-lock.json"), PACKAGES);
  releaseLock(lock);

  expect(await ended).toBe(0);
  expect(said).toBe(`Process ${process.pid} is setting this checkout up: waiting for it ...\n`);
  expect(existsSync(lock)).toBe(false);
  rmSync(checkout, { recursive: true });
});

/**
 * Sets this checkout up: Node packages, a Python environment, the Delta jars. Runs without any npm package.
 *
 * Each step looks at what is there, does nothing where that is right, and otherwise starts over; its mark of success is
 * written last. So an interrupted set-up mends itself at the next try.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { releaseLock, takeLock } from "./lock.mjs";
import { findRequirements } from "./requirements.mjs";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const pythonIn = (folder) => path.join(root, folder, "bin", "python");
/** The Python that runs Spark. */
export const python = pythonIn(".venv");
/** The Python that scans the synthesized stacks. */
export const scannerPython = pythonIn(".venv-security");
/** The Python that has what benchmarks are compared with. */
export const benchPython = pythonIn(".venv-bench");

/** A reason to stop that people can act on; shown as one sentence, without a stack. */
export class SetupError extends Error {}

/** npm writes node_modules/.package-lock.json last, so it tells whether an installation was finished, and of what. */
export function nodePackagesAreInstalled() {
  const read = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8")).packages;
  try {
    const installed = read("node_modules/.package-lock.json");
    return Object.entries(read("package-lock.json")).every(
      ([name, wanted]) => name === "" || wanted.optional || installed[name]?.version === wanted.version,
    );
  } catch {
    return false;
  }
}

/** Runs a program without showing its output; where it fails, the end of that output becomes the error. */
function run(what, command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    // Left alone, it would go on beside that of the next set-up. Ctrl-C reaches it by itself.
    const end = () => child.kill();
    process.once("SIGTERM", end).once("SIGHUP", end);
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("error", (error) => reject(new SetupError(`${what} failed: ${error.message}`)));
    child.on("close", (code) => {
      process.off("SIGTERM", end).off("SIGHUP", end);
      const said = output.trim().split("\n").slice(-60).join("\n");
      if (code === 0) resolve();
      else reject(new SetupError(`${what} failed (exit code ${code}); the next try starts it over:\n${said}`));
    });
  });
}

function installNodePackages() {
  // npm says where it is when it started us; otherwise it is on the path.
  const npm = process.env.npm_execpath?.endsWith("npm-cli.js")
    ? { command: process.execPath, args: [process.env.npm_execpath] }
    : { command: "npm", args: [] };
  const args = [...npm.args, "ci", "--include=dev", "--loglevel=error"];
  return run("installing the Node packages (npm ci)", npm.command, args);
}

/** Finds out whether a Python environment is what its lock file says, and makes it anew where it is not. */
function pythonPackages(folder, lock) {
  const environment = path.join(root, folder);
  const mark = path.join(environment, "installed");
  // Another lock file, path, or Python of this machine makes it anew.
  const fingerprint = () =>
    createHash("sha256")
      .update(readFileSync(path.join(root, lock)))
      .update(environment)
      .update(realpathSync(pythonIn(folder)))
      .digest("hex");
  return {
    areInstalled: () =>
      existsSync(pythonIn(folder)) && existsSync(mark) && readFileSync(mark, "utf8") === fingerprint(),
    install: async (basePython) => {
      rmSync(environment, { recursive: true, force: true });
      await run("making the Python environment", basePython, ["-m", "venv", environment]);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
      await run("installing the Python packages", pythonIn(folder), [...pip, "-r", lock]);
      writeFileSync(mark, fingerprint());
    },
  };
}

const packages = pythonPackages(".venv", "requirements.txt");
const scannerPackages = pythonPackages(".venv-security", "requirements-security.txt");
const benchPackages = pythonPackages(".venv-bench", "requirements-bench.txt");
const jars = path.join(root, ".venv", "jars");

async function fetchJars() {
  const unfinished = `${jars}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished);
  await run("fetching the Delta Lake jars", python, ["local/fetch_jars.py", unfinished]);
  renameSync(unfinished, jars);
}

const classArchive = path.join(jars, "classes.jsa");
const archiveClasses = () => run("preparing Spark for quick starts", python, ["local/archive_classes.py"]);

const nodeStep = ["Installing the Node packages", "a minute", nodePackagesAreInstalled, installNodePackages];

/** What takes a while, how long, whether it is done, and how it is done with a Python of this machine. */
const steps = [
  nodeStep,
  ["Installing Spark and the Python packages", "a minute or two", packages.areInstalled, packages.install],
  ["Fetching the Delta Lake jars", "15 seconds", () => existsSync(jars), fetchJars],
  ["Preparing Spark for quick starts", "20 seconds", () => existsSync(classArchive), archiveClasses],
];
const scannerSteps = [
  nodeStep,
  ["Installing the security scanner", "a minute or two", scannerPackages.areInstalled, scannerPackages.install],
];
const benchSteps = [
  ["Installing what benchmarks are compared with", "half a minute", benchPackages.areInstalled, benchPackages.install],
];

/**
 * Makes everything ready, saying on standard error what takes long.
 *
 * @throws {SetupError} with one sentence where something is missing on this machine or could not be installed
 */
export const setUp = () => makeReady(steps);

/** Makes ready what plans and deploys, which needs neither Python nor Spark; otherwise as {@link setUp}. */
export const setUpNode = () => makeReady([nodeStep]);

/** Makes ready what scans the stacks, which nothing else needs; otherwise as {@link setUp}. */
export const setUpScanner = () => makeReady(scannerSteps);

/** Makes ready what benchmarks are compared with, which nothing else needs; otherwise as {@link setUp}. */
export const setUpBench = () => makeReady(benchSteps);

/** Keeps a checkout to one set-up at a time, since each would take away what another one is making. */
const lock = path.join(root, ".setup-lock");

async function makeReady(wanted) {
  if (wanted.every(([, , isDone]) => isDone())) return;
  await lockCheckout();
  try {
    let basePython;
    // Each step is looked at when its turn comes: one that starts over may take away what a later one has made.
    for (const [what, duration, isDone, act] of wanted) {
      if (isDone()) continue;
      // Not before something is missing: to ask for Java's version takes longer than some commands.
      basePython ??= pythonOfThisMachine();
      process.stderr.write(`${what} (once; about ${duration}) ...\n`);
      await act(basePython);
    }
  } finally {
    releaseLock(lock);
  }
}

/** Waits until no other process sets the checkout up. */
async function lockCheckout() {
  let owner = takeLock(lock);
  if (owner !== undefined) process.stderr.write(`Process ${owner} is setting this checkout up: waiting for it ...\n`);
  for (; owner !== undefined; owner = takeLock(lock)) await sleep(200);
}

/** The Python to make environments with; throws where it, or anything else, is missing on this machine. */
function pythonOfThisMachine() {
  const findings = findRequirements();
  const missing = findings.filter(({ ok }) => !ok);
  if (missing.length > 0) throw new SetupError(missing.map(({ sentence }) => sentence).join("\n"));
  return findings.find(({ name }) => name === "Python").command;
}

/** Ends the process as a failed command does: the sentence for an expected error, the whole stack for a bug. */
export function fail(error) {
  // A full disk, or a folder that cannot be written to: the system's own sentence names the path.
  const isExpected = error instanceof SetupError || error.syscall !== undefined;
  process.stderr.write(`${isExpected ? error.message : error.stack}\n`);
  process.exit(1);
}

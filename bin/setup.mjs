/**
 * Sets this checkout up: Node packages, a Python environment, the Delta jars. Runs without any npm package.
 *
 * Each step looks at what is there, does nothing where that is right, and otherwise starts over; its mark of success is
 * written last. So an interrupted set-up mends itself at the next try.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { canBeSeen, releaseLock, takeLock } from "./lock.mjs";
import { findJava, findNode, findOperatingSystem, findPython, findUser } from "./requirements.mjs";
import { sparkEnvironment } from "./spark-environment.mjs";

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

/** Without it no TypeScript runs. Each kind of machine has another one, and a checkout may be shared between two kinds. */
const MACHINES_OWN_PACKAGE = `@esbuild/${process.platform}-${process.arch}`;

/** npm writes node_modules/.package-lock.json last, so it tells whether an installation was finished, and of what. */
export function nodePackagesAreInstalled() {
  const read = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8")).packages;
  try {
    const installed = read("node_modules/.package-lock.json");
    return Object.entries(read("package-lock.json")).every(
      ([name, wanted]) =>
        name === "" ||
        (wanted.optional && !name.endsWith(MACHINES_OWN_PACKAGE)) ||
        installed[name]?.version === wanted.version,
    );
  } catch {
    return false;
  }
}

/** Runs a program without showing its output; where it fails, the end of that output becomes the error. */
function run(what, command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: sparkEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
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
  const args = [...npm.args, "ci", "--include=dev", "--include=optional", "--loglevel=error"];
  return run("installing the Node packages (npm ci)", npm.command, args);
}

/** Finds out whether a Python environment is what its lock file says, and makes it anew where it is not: part of a step. */
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
    needs: [findOperatingSystem, findPython],
    isDone: () => existsSync(pythonIn(folder)) && existsSync(mark) && readFileSync(mark, "utf8") === fingerprint(),
    act: async () => {
      rmSync(environment, { recursive: true, force: true });
      await run("making the Python environment", findPython().command, ["-m", "venv", environment]);
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
/** Which Java the archive is of, which is large: any other one does without it, and does not say so. */
const archiveMark = `${classArchive}.java`;

/**
 * Tells this machine's Java from another one, and from a later version in its place, without starting it. What stands in
 * for any of several, such as /usr/bin/java on a Mac, is the same for all of them, which then start without the archive.
 */
function javaFingerprint() {
  const { JAVA_HOME, PATH = "" } = process.env;
  const folders = JAVA_HOME ? [path.join(JAVA_HOME, "bin")] : PATH.split(path.delimiter);
  const java = folders.map((folder) => path.join(folder, "java")).find(canBeRun);
  return java && `${realpathSync(java)} ${statSync(java).mtimeMs}`;
}

function canBeRun(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const classesAreArchived = () =>
  existsSync(classArchive) && existsSync(archiveMark) && readFileSync(archiveMark, "utf8") === javaFingerprint();

async function archiveClasses() {
  await run("preparing Spark for quick starts", python, ["local/archive_classes.py"]);
  writeFileSync(archiveMark, javaFingerprint());
}

/** What takes a while, and how long; what this machine must have for it; whether it is done, and how it is done. */
const nodeStep = {
  what: "Installing the Node packages",
  duration: "a minute",
  needs: [],
  isDone: nodePackagesAreInstalled,
  act: installNodePackages,
};
const sparkSteps = [
  { what: "Installing Spark and the Python packages", duration: "a minute or two", ...packages },
  {
    what: "Fetching the Delta Lake jars",
    duration: "15 seconds",
    needs: [findJava, findUser],
    isDone: () => existsSync(jars),
    act: fetchJars,
  },
  {
    what: "Preparing Spark for quick starts",
    duration: "20 seconds",
    needs: [findJava, findUser],
    isDone: classesAreArchived,
    act: archiveClasses,
  },
];
const scannerStep = { what: "Installing the security scanner", duration: "a minute or two", ...scannerPackages };
const benchStep = { what: "Installing what benchmarks are compared with", duration: "half a minute", ...benchPackages };

/**
 * Makes everything ready, saying on standard error what takes long.
 *
 * @throws {SetupError} with one sentence where something is missing on this machine or could not be installed
 */
export const setUp = () => makeReady([nodeStep], sparkSteps);

/** Makes ready what needs neither Python nor Spark, such as what plans and deploys; otherwise as {@link setUp}. */
export const setUpNode = () => makeReady([nodeStep]);

/** Makes ready what scans the stacks, which nothing else needs; otherwise as {@link setUp}. */
export const setUpScanner = () => makeReady([nodeStep], [scannerStep]);

/** Makes ready what benchmarks are compared with, which nothing else needs; otherwise as {@link setUp}. */
export const setUpBench = () => makeReady([benchStep]);

/** Keeps a checkout to one set-up at a time, since each would take away what another one is making. */
const lock = path.join(root, ".setup-lock");

/** Takes the steps of each list in their order, and the lists at once. */
async function makeReady(...lists) {
  // Also where nothing is left to do: with an older one, what was installed fails somewhere on its way.
  const node = findNode();
  if (!node.ok) throw new SetupError(node.sentence);
  const isReady = (steps) => steps.every(({ isDone }) => isDone());
  if (lists.every(isReady)) return;
  await lockCheckout();
  try {
    checkMachine(lists.filter((steps) => !isReady(steps)).flat());
    // Each to the end of its step: one that goes on after another has failed must not do so beside the next set-up.
    const failures = [];
    await Promise.all(lists.map((steps) => takeSteps(steps, failures)));
    if (failures.length > 0) throw new SetupError(failures.map(told).join("\n"));
  } finally {
    releaseLock(lock);
  }
}

/** Takes steps in their order until one fails, here or in another list: people need not wait minutes to hear of it. */
async function takeSteps(steps, failures) {
  try {
    // Each step is looked at when its turn comes: one that starts over may take away what a later one has made.
    for (const { what, duration, isDone, act } of steps) {
      if (failures.length > 0) return;
      if (isDone()) continue;
      process.stderr.write(`${what} (once; about ${duration}) ...\n`);
      await act();
    }
  } catch (error) {
    failures.push(error);
  }
}

/**
 * Waits until no other process sets the checkout up.
 *
 * @throws {SetupError} where the end of the other one would not be noticed
 */
async function lockCheckout() {
  let isWaiting = false;
  for (let owner = takeLock(lock); owner !== undefined; owner = takeLock(lock)) {
    const sentence = `Process ${owner} is setting this checkout up`;
    if (!canBeSeen(owner)) throw new SetupError(`${sentence}: try again when it has ended`);
    if (!isWaiting) process.stderr.write(`${sentence}: waiting for it ...\n`);
    isWaiting = true;
    await sleep(200);
  }
}

/**
 * Looks for all that some steps need, so that people can get everything at once. Not done before there is something to do:
 * to ask for Java's version takes longer than some commands.
 *
 * @throws {SetupError} where something is missing on this machine
 */
function checkMachine(steps) {
  const needs = new Set(steps.flatMap((step) => step.needs));
  const missing = [...needs].map((find) => find()).filter(({ ok }) => !ok);
  if (missing.length > 0) throw new SetupError(missing.map(({ sentence }) => sentence).join("\n"));
}

/** The sentence for an expected error, the whole stack for a bug. */
function told(error) {
  // A full disk, or a folder that cannot be written to: the system's own sentence names the path.
  const isExpected = error instanceof SetupError || error.syscall !== undefined;
  return isExpected ? error.message : error.stack;
}

/** Ends the process as a failed command does, saying why. */
export function fail(error) {
  process.stderr.write(`${told(error)}\n`);
  process.exit(1);
}

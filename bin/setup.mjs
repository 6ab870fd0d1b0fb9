/**
 * Sets this checkout up: Node packages, a Python environment, the Delta jars. Runs without any npm package.
 *
 * Each step looks at what is there, does nothing where that is right, and otherwise starts over; its mark of success is
 * written last. So an interrupted set-up mends itself at the next try.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findRequirements } from "./requirements.mjs";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const environment = path.join(root, ".venv");
/** The Python that runs Spark. */
export const python = path.join(environment, "bin", "python");

/** A reason to stop that people can act on; shown as one sentence, without a stack. */
export class SetupError extends Error {}

/** npm writes node_modules/.package-lock.json last, so it tells whether an installation was finished, and of what. */
function nodePackagesAreInstalled() {
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
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("error", (error) => reject(new SetupError(`${what} failed: ${error.message}`)));
    child.on("close", (code) => {
      const end = output.trim().split("\n").slice(-60).join("\n");
      if (code === 0) resolve();
      else reject(new SetupError(`${what} failed (exit code ${code}); the next try starts it over:\n${end}`));
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

/** What the Python environment was made from; another lock file or another path makes it anew. */
function pythonFingerprint() {
  const lock = readFileSync(path.join(root, "requirements.txt"));
  return createHash("sha256").update(lock).update(environment).digest("hex");
}

const pythonMark = path.join(environment, "installed");
const jars = path.join(environment, "jars");

function pythonPackagesAreInstalled() {
  return existsSync(python) && existsSync(pythonMark) && readFileSync(pythonMark, "utf8") === pythonFingerprint();
}

async function installPythonPackages(basePython) {
  rmSync(environment, { recursive: true, force: true });
  await run("making the Python environment", basePython, ["-m", "venv", environment]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
  await run("installing the Python packages", python, [...pip, "-r", "requirements.txt"]);
  writeFileSync(pythonMark, pythonFingerprint());
}

async function fetchJars() {
  const unfinished = `${jars}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished);
  await run("fetching the Delta Lake jars", python, ["local/fetch_jars.py", unfinished]);
  renameSync(unfinished, jars);
}

/**
 * Makes everything ready, saying on standard error what takes long.
 *
 * @throws {SetupError} with one sentence where something is missing on this machine or could not be installed
 */
export async function setUp() {
  const findings = findRequirements();
  const missing = findings.filter(({ ok }) => !ok);
  if (missing.length > 0) throw new SetupError(missing.map(({ sentence }) => sentence).join("\n"));
  const basePython = findings.find(({ name }) => name === "Python").command;
  const steps = [
    ["Installing the Node packages", "a minute", nodePackagesAreInstalled, installNodePackages],
    [
      "Installing Spark and the Python packages",
      "a minute or two",
      pythonPackagesAreInstalled,
      () => installPythonPackages(basePython),
    ],
    ["Fetching the Delta Lake jars", "15 seconds", () => existsSync(jars), fetchJars],
  ];
  for (const [what, duration, isDone, act] of steps) {
    if (isDone()) continue;
    process.stderr.write(`${what} (once; about ${duration}) ...\n`);
    await act();
  }
}

/** Ends the process as a failed command does: the sentence for an expected error, the whole stack for a bug. */
export function fail(error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}

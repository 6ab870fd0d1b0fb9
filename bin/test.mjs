/**
 * `npm test [-- PATTERN... | --changed [COMMIT]]`: sets the checkout up, then runs the tests of both languages: every one,
 * those whose file's path matches a pattern, or those that can be reached by what has changed since a commit (by default
 * what is not committed). At the end: how long each file took, the slowest tests, what was skipped and why, and the counts.
 *
 * Both languages at once, since much of their time is waiting. What pytest prints is shown at the end.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { affectedTests, isTest } from "./affected-tests.mjs";
import { changedFiles, filesOf } from "./git-files.mjs";
import { fail, python, root, setUp, SetupError } from "./setup.mjs";
import { sparkEnvironment } from "./spark-environment.mjs";
import { jestResults, pytestResults, report } from "./test-report.mjs";

/** Runs a test runner, and reads what it reports; no report is a failure. */
async function run(name, command, args, output, reportFile, read) {
  const startedAt = Date.now();
  const child = spawn(command, args, { cwd: root, env: sparkEnvironment(), stdio: ["ignore", output, output] });
  const status = await new Promise((resolve) => child.on("error", () => resolve(1)).on("close", resolve));
  // People see which of the two is the one to be waited for.
  console.log(`${name} has ended after ${Math.round((Date.now() - startedAt) / 1000)} s`);
  let results = [];
  try {
    results = read(readFileSync(reportFile, "utf8"), root);
  } catch {
    console.error(`${name} left no report`);
  }
  const hasFailed = results.some(({ outcome }) => outcome === "failed");
  if (status !== 0 && !hasFailed) results.push({ file: name, name: "it ended badly", outcome: "failed", seconds: 0 });
  return results;
}

/** The test files to run; undefined for all of them. */
function chosenTests([first, ...rest]) {
  if (first === undefined) return undefined;
  if (first === "--changed") {
    if (rest.length > 1) throw new SetupError("give one commit after --changed, or none");
    const files = filesOf(root).filter((name) => existsSync(path.join(root, name)));
    const changed = changedFiles(root, rest[0]);
    const chosen = affectedTests(files, (name) => readFileSync(path.join(root, name), "utf8"), changed);
    console.log(`${changed.length} files have changed; ${chosen.length} test files can be reached by that.`);
    return chosen;
  }
  const patterns = [first, ...rest];
  const option = patterns.find((pattern) => pattern.startsWith("-"));
  if (option !== undefined)
    throw new SetupError(`there is no option ${option}: give --changed, or parts of test files' paths`);
  // Not asked of git: a copy of the files may have no repository, and its machine no git.
  const tests = readdirSync(path.join(root, "test"), { recursive: true })
    .map((name) => `test/${name}`)
    .filter(isTest);
  const chosen = tests.filter((name) => patterns.some((pattern) => name.includes(pattern)));
  if (chosen.length === 0) throw new SetupError(`no test file's path has ${patterns.join(" or ")} in it`);
  return chosen;
}

let chosen;
try {
  chosen = chosenTests(process.argv.slice(2));
  await setUp();
} catch (error) {
  fail(error);
}
const reports = mkdtempSync(path.join(os.tmpdir(), "order-tracking-tests-"));
const pytestOutput = path.join(reports, "pytest.txt");

async function runJest(files) {
  const file = path.join(reports, "jest.json");
  const jest = path.join(root, "node_modules", ".bin", "jest");
  return run(
    "jest",
    jest,
    // Paths as they are: Jest would take them for patterns, in which some characters of a checkout's path mean others.
    [
      "--ci",
      "--json",
      `--outputFile=${file}`,
      "--silent=false",
      ...(files.length > 0 ? ["--runTestsByPath"] : []),
      ...files,
    ],
    "inherit",
    file,
    jestResults,
  );
}

async function runPytest(files) {
  const file = path.join(reports, "pytest.xml");
  // Two processes, which share a Spark, where there is enough to do for both.
  const processes = files.length === 0 || files.length > 4 ? ["-n", "2", "--dist", "worksteal"] : [];
  return run(
    "pytest",
    python,
    ["-m", "pytest", ...processes, `--junitxml=${file}`, ...files],
    openSync(pytestOutput, "w"),
    file,
    pytestResults,
  );
}

const ofLanguage = (extension) => chosen?.filter((name) => name.endsWith(extension)) ?? [];
const results = await Promise.all([
  chosen === undefined || ofLanguage(".ts").length > 0
    ? runJest(ofLanguage(".ts").map((name) => `${root}/${name}`))
    : [],
  chosen === undefined || ofLanguage(".py").length > 0 ? runPytest(ofLanguage(".py")) : [],
]);
if (existsSync(pytestOutput)) process.stdout.write(readFileSync(pytestOutput));
rmSync(reports, { recursive: true });
const { lines, failed } = report(results.flat());
process.exitCode = failed === 0 ? 0 : 1;
for (const line of lines) console.log(line);

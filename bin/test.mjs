/**
 * `npm test`: sets the checkout up, then runs every test of both languages; the last line counts them.
 *
 * Both languages at once, since much of their time is waiting, for Spark to start above all. What pytest prints is shown
 * at the end.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fail, python, root, setUp } from "./setup.mjs";

/** Runs a test runner; `count` reads its report, and no report is a failure. */
async function run(command, args, output, report, count) {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", output, output] });
  const status = await new Promise((resolve) => child.on("error", () => resolve(1)).on("close", resolve));
  let counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    counts = count(readFileSync(report, "utf8"));
  } catch {
    console.error(`${path.basename(command)} left no report`);
  }
  return status === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

function countJest(text) {
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests } = JSON.parse(text);
  return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, skipped: numPendingTests };
}

function countPytest(text) {
  const number = (name) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(text)[1]);
  const failed = number("failures") + number("errors");
  return { passed: number("tests") - failed - number("skipped"), failed, skipped: number("skipped") };
}

try {
  await setUp();
} catch (error) {
  fail(error);
}
const reports = mkdtempSync(path.join(os.tmpdir(), "order-tracking-tests-"));
const jestReport = path.join(reports, "jest.json");
const pytestReport = path.join(reports, "pytest.xml");
const jest = path.join(root, "node_modules", ".bin", "jest");
const pytestOutput = path.join(reports, "pytest.txt");
const results = await Promise.all([
  run(jest, ["--ci", "--json", `--outputFile=${jestReport}`, "--silent=false"], "inherit", jestReport, countJest),
  run(python, ["-m", "pytest", `--junitxml=${pytestReport}`], openSync(pytestOutput, "w"), pytestReport, countPytest),
]);
process.stdout.write(readFileSync(pytestOutput));
rmSync(reports, { recursive: true });
const total = (name) => results.reduce((sum, counts) => sum + counts[name], 0);
process.exitCode = total("failed") === 0 ? 0 : 1;
console.log(`${total("passed")} passed, ${total("failed")} failed, ${total("skipped")} skipped`);

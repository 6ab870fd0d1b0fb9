/**
 * `npm run check:security`: checkov over the stacks of the environments, as they were synthesized, and zizmor and
 * actionlint over the workflows. Fails on whatever `.checkov.yaml` does not accept, on what it accepts without need, on a
 * scan that does not see the stacks, and on anything that is found in a workflow.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { acceptedChecks, judge } from "./security-report.mjs";
import { fail, root, scannerPython, SetupError, setUpScanner } from "./setup.mjs";

const CONFIGURATION = path.join(root, ".checkov.yaml");
const BROKEN = "broken-on-purpose";

const stackFile = (stack) => `/stacks/${stack}/cdk.tf.json`;

/** Runs a program and returns what it printed. */
function output(what, command, args, options) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    ...options,
  });
  if (status !== 0) throw new SetupError(`${what} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/** Writes a copy of a platform stack whose lake shows everything to everybody. */
function breakOnPurpose(directory, platform) {
  const stack = JSON.parse(readFileSync(path.join(directory, stackFile(platform)), "utf8"));
  for (const account of Object.values(stack.resource.azurerm_storage_account)) {
    account.allow_nested_items_to_be_public = true;
  }
  mkdirSync(path.join(directory, "stacks", BROKEN));
  writeFileSync(path.join(directory, stackFile(BROKEN)), JSON.stringify(stack, null, 2));
}

function scan(directory) {
  const options = ["--config-file", CONFIGURATION, "--directory", directory, "--soft-fail", "--output", "json"];
  const checkov = path.join(path.dirname(scannerPython), "checkov");
  const { results } = JSON.parse(output("checkov", checkov, options, { cwd: directory }));
  return { passed: results?.passed_checks ?? [], failed: results?.failed_checks ?? [] };
}

/** Go's module, which Go builds and keeps: there is no package of it that holds the program. */
const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

/** What is wrong with the workflows, as the tools tell it. */
function workflowProblems() {
  const zizmor = path.join(path.dirname(scannerPython), "zizmor");
  const tools = [
    ["zizmor", zizmor, ["--offline", "--no-progress", "--quiet", ".github"]],
    ["actionlint", "go", ["run", ACTIONLINT]],
  ];
  return tools.flatMap(([name, command, args]) => {
    const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
    if (error?.code === "ENOENT" && command === "go") {
      console.log("skipped   actionlint: Go, which builds it, was not found (https://go.dev/dl)");
      return [];
    }
    if (error) throw new SetupError(`${name} failed: ${error.message}`);
    if (status === 0) console.log(`${name} found nothing in the workflows.`);
    return status === 0 ? [] : [`${name}:\n${stdout}${stderr}`];
  });
}

async function main(directory) {
  await setUpScanner();
  const ofWorkflows = workflowProblems();
  output("the synthesis", process.execPath, ["--import", "tsx", "main.ts"], {
    // Named, so that one that cannot be synthesized is a failure, and not left out.
    env: { ...process.env, CDKTF_OUTDIR: directory, ORDER_TRACKING_ENVIRONMENTS: "dev,staging,prod" },
  });
  const platforms = readdirSync(path.join(directory, "stacks")).filter((stack) => stack.endsWith("-platform"));
  breakOnPurpose(directory, platforms[0]);
  const found = scan(directory);
  const accepted = acceptedChecks(readFileSync(CONFIGURATION, "utf8"));
  const { problems, notes } = judge(found, accepted, platforms.map(stackFile), stackFile(BROKEN));
  for (const note of notes) console.log(`accepted  ${note}`);
  problems.push(...ofWorkflows);
  for (const problem of problems) console.log(`problem   ${problem}`);
  const count = found.passed.length + found.failed.length;
  console.log(
    `${count} results, ${problems.length === 0 ? "nothing that is not accepted." : `${problems.length} problems.`}`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

const directory = mkdtempSync(path.join(os.tmpdir(), "order-tracking-security-"));
try {
  await main(directory).finally(() => rmSync(directory, { recursive: true }));
} catch (error) {
  fail(error);
}

/** What is asked of Terraform, by a program in its place. What the real one answers is in test/terraform. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { orderTracking } from "./order-tracking.ts";

jest.setTimeout(60_000);
const before = process.env;

interface Call {
  readonly stack: string;
  readonly args: readonly string[];
  readonly backend: unknown;
  readonly variables: Readonly<Record<string, string>>;
}

let directory: string;
let record: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "order-tracking-plan-test-"));
  record = path.join(directory, "calls.jsonl");
  process.env = { ...before, PATH: `${path.join(directory, "bin")}${path.delimiter}${before.PATH}` };
});
afterEach(() => {
  process.env = before;
  rmSync(directory, { recursive: true });
});

/** Puts a program in Terraform's place, which writes down what it is asked, and fails in stacks of this name. */
function putInPlaceOfTerraform(failing = "none"): void {
  const program = `#!${process.execPath}
    const { appendFileSync, readFileSync } = require("node:fs");
    const stack = require("node:path").basename(process.cwd());
    const { backend } = JSON.parse(readFileSync("backend_override.tf.json", "utf8")).terraform;
    const call = { stack, args: process.argv.slice(2), backend, variables: process.env };
    appendFileSync(${JSON.stringify(record)}, JSON.stringify(call) + require("node:os").EOL);
    if (stack === ${JSON.stringify(failing)}) { console.error("Error: no provider"); process.exit(1); }
    console.log("told by " + process.argv[2]);`;
  mkdirSync(path.join(directory, "bin"));
  const file = path.join(directory, "bin", "terraform");
  writeFileSync(file, program);
  chmodSync(file, 0o755);
}

const calls = () =>
  readFileSync(record, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Call);

test("plans the stacks in the order of a deployment, each without a state and with nobody's rights", async () => {
  putInPlaceOfTerraform();
  Object.assign(process.env, { ARM_CLIENT_SECRET: "a-secret", DATABRICKS_TOKEN: "a-token", TF_VAR_slack_url: "kept" });

  const { code, stdout } = await orderTracking(["plan", "staging"]);

  expect(code).toBe(0);
  expect(calls().map(({ stack, args: [command] }) => `${command} ${stack}`)).toEqual(
    ["platform", "catalog", "pipeline"].flatMap((kind) => [`init staging-${kind}`, `plan staging-${kind}`]),
  );
  for (const { backend, variables } of calls()) {
    expect(Object.keys(backend as object)).toEqual(["local"]);
    expect(variables).toMatchObject({ ARM_USE_MSI: "true", TF_VAR_slack_url: "kept" });
    expect(Object.values(variables)).not.toEqual(expect.arrayContaining([expect.stringMatching(/a-(secret|token)/)]));
  }
  expect(stdout).toContain("staging-platform\n\ntold by plan\n\nstaging-catalog\n");
});

test("stops where Terraform fails, with what it said", async () => {
  putInPlaceOfTerraform("dev-catalog");

  const { code, stderr } = await orderTracking(["plan", "dev"]);

  expect(code).toBe(1);
  expect(stderr).toContain("Error: no provider");
  expect(calls().at(-1)).toMatchObject({ stack: "dev-catalog" });
});

test("fails for an environment that there is not, with those that there are", async () => {
  const { code, stderr } = await orderTracking(["plan", "qa"]);

  expect(stderr).toContain("there is no environment qa; there are: dev, staging, prod, sandbox");
  expect(code).toBe(2);
});

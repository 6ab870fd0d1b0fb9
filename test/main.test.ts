import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const ROOT = path.join(__dirname, "..");
const LASTING = ["dev", "prod", "staging"].flatMap((name) =>
  ["catalog", "pipeline", "platform"].map((kind) => `${name}-${kind}`),
);

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "order-tracking-main-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Runs the app as cdktf.json does. */
function run(output: string, variables: Record<string, string> = {}, nodeOptions: readonly string[] = []) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeOptions, "--import", "tsx", "main.ts"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { PATH: process.env.PATH, CDKTF_OUTDIR: path.join(directory, output), ...variables },
  });
  return { status, stdout, stderr };
}

const stacksIn = (output: string) => readdirSync(path.join(directory, output, "stacks")).sort();

it("synthesizes three stacks for each environment, with no program but Node, and loads no provider's index", () => {
  const hook = path.join(directory, "count-modules.cjs");
  writeFileSync(hook, 'process.on("exit", () => console.log(Object.keys(require.cache).length));');

  // As on a laptop that only runs the job.
  const modules = Number(run("lasting", { PATH: directory }, ["--require", hook]).stdout);

  expect(stacksIn("lasting")).toEqual(LASTING);
  expect(modules).toBeGreaterThan(300);
  expect(modules).toBeLessThan(700);
});

it("adds a sandbox's stacks when the variables ask for one", () => {
  run("sandbox", {
    ORDER_TRACKING_SANDBOX_OWNER: "anna",
    ORDER_TRACKING_SANDBOX_BRANCH: "main",
    ORDER_TRACKING_SANDBOX_EXPIRES_ON: new Date().toISOString().slice(0, "YYYY-MM-DD".length),
  });

  const added = stacksIn("sandbox").filter((name) => !LASTING.includes(name));

  expect(added.map((name) => name.replace(/^sbx\w{8}/, "sbx"))).toEqual([
    "sbx-catalog",
    "sbx-pipeline",
    "sbx-platform",
  ]);
});

it("fails on a stack that breaks a guard rail", () => {
  const hook = path.join(directory, "open-keys.cjs");
  const account = path.join(ROOT, "node_modules/@cdktf/provider-azurerm/lib/storage-account/index.js");
  writeFileSync(
    hook,
    `const { prototype } = require(${JSON.stringify(account)}).StorageAccount;
    const attributes = prototype.synthesizeAttributes;
    prototype.synthesizeAttributes = function () {
      return { ...attributes.call(this), shared_access_key_enabled: true };
    };`,
  );

  expect(run("broken", {}, ["--require", hook])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("[dev-platform/lake/account] no-shared-keys: ") as string,
  });
});

describe("with an environment that is wrong", () => {
  const WRONG = { ORDER_TRACKING_STAGING_SUBSCRIPTION_ID: "staging" };
  const SENTENCE =
    'staging was not synthesized: environment "staging" cannot be used:\n  subscriptionId is "staging": it must be ' +
    "a GUID, as in the variable that subscriptionIdVariable names\n";

  it("synthesizes the others, and says so where cdktf shows it", () => {
    expect(run("others", WRONG)).toEqual({ status: 0, stdout: SENTENCE, stderr: "" });
    expect(stacksIn("others")).toEqual(LASTING.filter((stack) => !stack.startsWith("staging")));
  });

  it("does not look at it where another one is named", () => {
    expect(run("named", { ...WRONG, ORDER_TRACKING_ENVIRONMENTS: "dev" })).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(stacksIn("named")).toEqual(LASTING.filter((stack) => stack.startsWith("dev")));
  });

  it("fails where it is named, with the sentence alone", () => {
    expect(run("wrong", { ...WRONG, ORDER_TRACKING_ENVIRONMENTS: "dev,staging" })).toEqual({
      status: 1,
      stdout: "",
      stderr: SENTENCE,
    });
  });
});

it("fails on a name that there is not, with those that there are", () => {
  expect(run("unknown", { ORDER_TRACKING_ENVIRONMENTS: "qa" })).toEqual({
    status: 2,
    stdout: "",
    stderr: "there is no environment qa; there are: dev, staging, prod, sandbox\n",
  });
});

/** `plan` and `apply`, with a program in Terraform's place. What the real one does is in test/cloud/deploy. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { shownPath } from "../../cli/arguments.ts";
import { refuseOthersFiles } from "../../cli/plan-folder.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { change, plan } from "../review/made-up.ts";
import { inProcess } from "./in-process.ts";
import { MadeUpTerraform } from "./made-up-terraform.ts";
import { orderTracking } from "./order-tracking.ts";

jest.setTimeout(120_000);
// For the commands in this process; those in one of their own synthesize each time.
jest.mock("../../cli/synthesize.ts", () => jest.requireActual<object>("./synthesizing-once.ts"));

let terraform: MadeUpTerraform;
beforeEach(() => {
  terraform = new MadeUpTerraform();
});
afterEach(() => {
  terraform.remove();
});

/** As in a workflow: with a sign-in, and the subscription's id. */
const signIn = () =>
  Object.assign(process.env, {
    ARM_CLIENT_ID: "somebody",
    ORDER_TRACKING_STAGING_SUBSCRIPTION_ID: "11111111-2222-3333-4444-555555555555",
  });
const commands = (wanted: string) =>
  terraform
    .calls()
    .filter(({ args: [command] }) => command === wanted)
    .map(({ stack }) => stack);
const STACKS = ["staging-platform", "staging-catalog", "staging-pipeline"];
/** Of an earlier plan. */
const STACK = { "manifest.json": '{ "stacks": {} }', "stacks/staging-catalog/cdk.tf.json": "{}" };
const LOST = change({
  type: "databricks_schema",
  address: "databricks_schema.orders_schema_A6890076",
  actions: ["delete"],
  before: { name: "orders" },
  after: null,
});

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), content);
  }
  return folder;
}

test("without a sign-in it plans as nobody, against nothing, and says so", async () => {
  Object.assign(process.env, { ARM_CLIENT_SECRET: "a-secret", DATABRICKS_TOKEN: "a-token", TF_VAR_slack_url: "kept" });
  const out = temporaryFolder();

  const { code, stdout } = await orderTracking(["plan", "staging", "--out", out]);

  expect(code).toBe(0);
  expect(stdout).toContain(
    "Planned as if nothing were there yet, since its subscription is not known: ORDER_TRACKING_STAGING_SUBSCRIPTION_ID is not set.",
  );
  const calls = terraform.calls();
  expect(calls.filter(({ args: [command] }) => command === "init").map(({ stack }) => stack)).toEqual(STACKS);
  for (const { backend, variables } of calls) {
    expect(backend).toEqual({ local: { path: "no.tfstate" } });
    expect(variables).toMatchObject({ ARM_USE_MSI: "true", TF_VAR_slack_url: "kept" });
    expect(Object.values(variables)).not.toEqual(expect.arrayContaining([expect.stringMatching(/a-(secret|token)/)]));
  }
  const applied = await inProcess(["apply", "staging", "--plan", out]);
  expect(applied).toMatchObject({ code: 1 });
  expect(applied.stderr).toContain("holds no sealed plan");
});

test("plans nothing from nothing where a workflow has an identity, and names the variable that it lacks", async () => {
  Object.assign(process.env, { ARM_CLIENT_ID: "somebody", ARM_USE_OIDC: "true" });
  const out = folderWith({ ...STACK, "seal.json": "{}" });

  // A comparison, which takes minutes, would fail for want of such a commit.
  const { code, stderr } = await inProcess(["plan", "staging", "--out", out, "--compare", "no-such-commit"]);

  expect(code).toBe(1);
  expect(stderr).toContain("its subscription is not known: ORDER_TRACKING_STAGING_SUBSCRIPTION_ID is not set");
  expect(readdirSync(out).sort()).toEqual(["manifest.json", "seal.json", "stacks"]);
});

test("goes on where Terraform fails in one stack, and fails with what it said, but with no secret of it", async () => {
  signIn();
  Object.assign(process.env, { TF_VAR_slack_url: "no luck" });
  terraform.answer({ failing: "plan staging-catalog" });

  const { code, stdout, stderr } = await inProcess(["plan", "staging"]);

  expect(code).toBe(1);
  expect(stderr).toContain("staging-catalog: Terraform failed\nError: (value of TF_VAR_slack_url)");
  expect(stdout).toContain("staging: 0 new");
  expect(commands("plan").sort()).toEqual([...STACKS].sort());
});

test.each([
  ["is tainted, so must be replaced", "untaint databricks_catalog.orders_1B2A"],
  ["must be replaced", ""],
])("says what to do where Terraform refuses to replace what must last since it %s", async (why, advice) => {
  signIn();
  const refusal =
    "Resource databricks_catalog.orders_1B2A has\nlifecycle.prevent_destroy set, but the plan calls for it";
  terraform.answer({
    failing: "plan staging-catalog",
    failure: `  # databricks_catalog.orders_1B2A ${why}\n\nError: Instance cannot be destroyed\n\n${refusal}`,
  });

  const { code, stderr } = await inProcess(["plan", "staging", "--stack", "catalog"]);

  expect(code).toBe(1);
  expect(/untaint \S+/.exec(stderr)?.[0] ?? "").toBe(advice);
});

test("saves what it planned, applies exactly that in its order, and asks for a word where data may be lost", async () => {
  signIn();
  Object.assign(process.env, { ORDER_TRACKING_PLAN_KEY: "a key of many characters" });
  const states = { "staging-catalog": { lineage: "l", serial: 4 } };
  terraform.answer({ plans: { "staging-catalog": plan([LOST]) }, states });
  const out = temporaryFolder();

  const planned = await orderTracking(["plan", "staging", "--json", "--out", out]);

  expect(planned).toMatchObject({ code: 3, stderr: "" });
  expect(JSON.parse(planned.stdout)).toMatchObject({ environment: "staging", verdict: "second look" });
  expect(readFileSync(path.join(out, "review.md"), "utf8")).toMatch(
    /The schema `orders` is deleted\.[^]*from `staging-catalog\/\S+, stacks\/constructs\/order-catalog\.ts:\d+`/,
  );
  expect(JSON.parse(readFileSync(path.join(out, "review.json"), "utf8"))).toEqual(JSON.parse(planned.stdout));
  for (const stack of STACKS) expect(existsSync(path.join(out, "stacks", stack, "plan"))).toBe(false);
  terraform.calls();

  const refused = await inProcess(["apply", "staging", "--plan", out]);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("If that is meant: --allow-data-loss 'databricks_schema.orders_schema_A6890076'");
  expect(commands("apply")).toEqual([]);

  const allowed = ["apply", "staging", "--plan", out, "--allow-data-loss", "databricks_schema.orders_schema_A6890076"];
  const applied = await orderTracking(allowed);
  expect(applied).toMatchObject({ code: 0, stderr: "" });
  expect(commands("apply")).toEqual(STACKS);
  expect(existsSync(path.join(out, "stacks", "staging-platform", "plan"))).toBe(false);

  // Somebody has deployed in between.
  terraform.answer({
    plans: { "staging-catalog": plan([LOST]) },
    states: { "staging-catalog": { lineage: "l", serial: 5 } },
  });
  const stale = await inProcess(allowed);
  expect(stale).toMatchObject({ code: 1 });
  expect(stale.stderr).toContain("staging-catalog: somebody deployed in between (state 4 was planned on, it is 5 now)");
  expect(commands("apply")).toEqual([]);
});

test.each([
  ["stacks/mine.ts", { "stacks/mine.ts": "" }],
  ["manifest.json", { "manifest.json": '{ "name": "a web app" }', "stacks/staging-catalog/cdk.tf.json": "{}" }],
  ["main.ts", { "main.ts": "", ...STACK }],
  ["review.md", { "review.md": "of a book" }],
  ["unfinished-business.md", { "unfinished-business.md": "" }],
  ["unfinished-1-draft", { "unfinished-1-draft/notes.txt": "of a book", ...STACK }],
  ["unfinished-1-letter", { "unfinished-1-letter": "to a friend", ...STACK }],
])("refuses a folder that has %s, which no plan has left", (stranger, files) => {
  const folder = folderWith(files);
  expect(() => {
    refuseOthersFiles(folder);
  }).toThrow(`this folder holds ${stranger}, which no plan has left`);
});

test("deletes nothing in a folder that it refuses", async () => {
  const files = { "main.ts": "", ...STACK };
  const folder = folderWith(files);

  const { code, stderr } = await inProcess(["plan", "staging", "--out", folder]);

  expect(code).toBe(1);
  expect(stderr).toContain("this folder holds main.ts, which no plan has left");
  for (const file of Object.keys(files)) expect(existsSync(path.join(folder, file))).toBe(true);
});

test("leaves an earlier plan as it was where there is no such environment", async () => {
  const files = { ...STACK, "seal.json": "{}" };
  const folder = folderWith(files);

  const { code, stderr } = await inProcess(["plan", "stagnig", "--out", folder]);

  expect(code).toBe(1);
  expect(stderr).toContain("there is no environment stagnig");
  expect(readdirSync(folder).sort()).toEqual(["manifest.json", "seal.json", "stacks"]);
  for (const file of Object.keys(files)) expect(existsSync(path.join(folder, file))).toBe(true);
});

test("takes the place of an earlier plan, also of one that was interrupted", async () => {
  const folder = folderWith({
    "unfinished-1-abcdef/unfinished-2-ghijkl/staging/manifest.json": "",
    "manifest.json.unfinished": "{",
    "stacks/prod-catalog/cdk.tf.json": "{}",
    "stacks/staging-catalog/backend_override.tf.json": "{}",
  });

  expect(await inProcess(["plan", "staging", "--out", folder])).toMatchObject({ code: 0 });

  expect(readdirSync(folder).sort()).toEqual(["manifest.json", "review.json", "review.md", "stacks"]);
  expect(readdirSync(path.join(folder, "stacks")).sort()).toEqual([...STACKS].sort());
});

test("reviews a plan whose rows cannot be compared, says why, and asks for a second look", async () => {
  const repository = folderWith({ "main.ts": 'throw new Error("no stacks today");' });
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, stdio: "pipe" });
  git("init", "--quiet");
  git("add", "main.ts");
  git("-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "commit", "--quiet", "--message", "broken");
  process.env.GIT_DIR = path.join(repository, ".git");

  const file = path.join(folderWith({ "late orders.csv": "" }), "late orders.csv");

  const { code, stdout } = await orderTracking(["plan", "staging", "--compare", "HEAD", "--file", file, "--json"]);

  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    rows: [
      {
        headline: expect.stringMatching(/^The rows were not compared, since `.*`\.$/) as string,
        details: [`To try that again: \`npm run -s order-tracking -- compare HEAD '${file}' --environment staging\``],
        needsSecondLook: true,
      },
    ],
    verdict: "second look",
  });
  const mistake = await inProcess(["plan", "staging", "--compare", "no-such-commit"]);
  expect(mistake).toMatchObject({ code: 1, stdout: "" });
  expect(mistake.stderr).toContain("there is no commit no-such-commit in this repository");
});

test.each([
  ["all of them", [], ""],
  [
    "those of them that were planned",
    ["--stack", "catalog", "--stack", "platform"],
    " --stack platform --stack catalog",
  ],
])("says how to plan the stacks again where one is not applied to its end: %s", async (_, given, options) => {
  signIn();
  terraform.answer({ failing: "apply" });
  const out = temporaryFolder();
  await inProcess(["plan", "staging", "--out", out, ...given]);

  const { code, stderr } = await orderTracking(["apply", "staging", "--plan", out]);

  expect(code).toBe(1);
  expect(stderr).toContain(`apply that: npm run -s order-tracking -- plan staging${options} --out ${shownPath(out)}\n`);
});

test.each([
  ["plan", "--out", "0a1b2c3d-1111-2222-3333-444444444444"],
  ["apply", "--plan", "ID"],
])("says how to remove the lock of a deployment that was killed where %s meets it", async (command, option, told) => {
  signIn();
  const out = temporaryFolder();
  await inProcess(["plan", "staging", "--out", out]);
  const id = "0a1b2c3d-1111-2222-3333-444444444444";
  terraform.answer({
    failing: `${command} staging-catalog`,
    failure: `Error: Error acquiring the state lock\n\nError message: already locked\nLock Info:\n  ID:        ${id}`,
  });

  const { code, stderr } = await orderTracking([command, "staging", option, out]);

  expect(code).toBe(1);
  expect(stderr).toContain(`
  ORDER_TRACKING_ENVIRONMENTS=staging npx cdktf synth
  terraform -chdir=cdktf.out/stacks/staging-catalog init
  terraform -chdir=cdktf.out/stacks/staging-catalog force-unlock ${told}
`);
});

test("keeps the only record of what was made where the state could not be written, and says how to push it", async () => {
  signIn();
  const out = temporaryFolder();
  await inProcess(["plan", "staging", "--out", out]);
  terraform.answer({ failing: "apply staging-catalog", left: { "errored.tfstate": "{}" } });
  const folder = path.join(out, "stacks", "staging-catalog");

  const applied = await orderTracking(["apply", "staging", "--plan", out]);
  terraform.calls();
  const [again, planned] = [
    await inProcess(["apply", "staging", "--plan", out]),
    await inProcess(["plan", "staging", "--out", out]),
  ];

  for (const { code, stderr } of [applied, again, planned]) {
    expect(code).toBe(1);
    expect(stderr).toContain(
      `  terraform -chdir=${shownPath(folder)} state push errored.tfstate && rm ${shownPath(folder)}/errored.tfstate\n`,
    );
    expect(stderr).not.toContain("Plan again, and apply that");
  }
  expect(terraform.calls()).toEqual([]);
  expect(existsSync(path.join(folder, "errored.tfstate"))).toBe(true);
});

test("fails for an environment that there is not, with those that there are", async () => {
  const { code, stderr } = await orderTracking(["plan", "qa"]);

  expect(stderr).toContain("there is no environment qa; there are: dev, staging, prod, sandbox");
  expect(code).toBe(1);
});

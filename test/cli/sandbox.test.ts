/** `sandbox` in the stand-in for the cloud, where something is not as expected. What it does else is in test/cloud/deploy. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { missingSteps, perform } from "../../deploy/create-state-backend.ts";
import { dev } from "../../environments/dev.ts";
import { resolveEnvironment } from "../../environments/environment.ts";
import { resourceGroup } from "../../environments/names.ts";
import { sandbox, sandboxName } from "../../environments/sandbox.ts";
import { tags } from "../../stacks/tags.ts";
import { type Cloud, startCloud, SUBSCRIPTION_ID } from "../cloud/cloud.ts";
import { reply } from "../cloud/http.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { inProcess } from "./in-process.ts";
import { orderTracking } from "./order-tracking.ts";

jest.setTimeout(120_000); // A program is started for each of many calls of a command in a process of its own.
jest.mock("../../deploy/az-process.ts", () => jest.requireActual<object>("../cloud/az-without-process.ts"));
// For the commands in this process; those in one of their own synthesize each time.
jest.mock("../../cli/synthesize.ts", () => jest.requireActual<object>("./synthesizing-once.ts"));
const before = process.env;
const expired = ["anna", "ben"].map((owner) =>
  resolveEnvironment(sandbox({ owner, branch: "main", expiresOn: "2020-01-01" }), {}),
);
const [first, second] = expired.map(({ name }) => name).sort();
let cloud: Cloud;

/** Puts a program in Terraform's place. */
function inPlaceOfTerraform(program: string): void {
  const bin = temporaryFolder();
  writeFileSync(path.join(bin, "terraform"), `#!${process.execPath}\n${program}`, { mode: 0o755 });
  process.env.PATH = `${bin}${path.delimiter}${process.env.PATH}`;
}

beforeAll(async () => {
  cloud = await startCloud();
  process.env = { ...before, ...cloud.variables(), [dev.subscriptionIdVariable]: SUBSCRIPTION_ID };
  const { location, stateContainer } = dev;
  const backend = { subscriptionId: SUBSCRIPTION_ID, location, tags: {}, ...stateContainer };
  for (const step of await missingSteps(backend)) await perform(step);
  for (const environment of expired) {
    const name = resourceGroup(environment);
    const id = `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/${name}`;
    const type = "Microsoft.Resources/resourceGroups";
    cloud.arm.set({ id, name, type, location, tags: tags(environment), properties: {} });
  }
});
afterAll(async () => {
  process.env = before;
  await cloud.close();
});

it("names the sandbox that it could not look at, and goes on with the others", async () => {
  let asked = 0;
  // All groups are listed once, and then again before each sandbox is taken down.
  cloud.fault = ({ path }) => {
    const isList = path.toLowerCase() === `/subscriptions/${SUBSCRIPTION_ID}/resourcegroups`;
    return isList && ++asked === 2 ? reply(409, { error: { code: "Conflict", message: "not now" } }) : undefined;
  };

  const { code, stderr } = await inProcess(["sandbox", "reap", "--yes"]);

  cloud.fault = undefined;
  expect(stderr).toMatch(new RegExp(`${first} is left alone: "az .*" failed: .*not now`));
  expect(stderr).toContain(`Left of ${second}, and how to remove it`);
  expect(code).toBe(1);
});

it("names the sandboxes of a person and a branch that a checkout with another repository has made", async () => {
  const made = resolveEnvironment(sandbox({ owner: "carla", branch: "fix/#12", expiresOn: "2999-01-01" }), {});
  const elsewhere = { ...made, name: "sbxelsewher", sourceRepository: "https://github.com/others/order-tracking" };
  // Its tags are those of the other branch as well.
  const similar = resolveEnvironment(sandbox({ owner: "carla", branch: "fix/-12", expiresOn: "2999-01-01" }), {});
  const ids = [elsewhere, similar].map((environment) => {
    const name = resourceGroup(environment);
    const id = `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/${name}`;
    const type = "Microsoft.Resources/resourceGroups";
    cloud.arm.set({ id, name, type, location: dev.location, tags: tags(environment), properties: {} });
    return id;
  });
  const down = (branch: string) =>
    inProcess(["sandbox", "down", "--owner", "carla", "--branch", branch]).then(({ stdout }) => stdout);

  const [said, ofAnother] = [await down("fix/#12"), await down("main")];

  for (const id of ids) cloud.arm.remove(id);
  expect(said).toContain(`Nothing is known of ${made.name}.\n`);
  expect(said).toContain("\n  sbxelsewher, of https://github.com/others/order-tracking\n");
  expect(said).not.toContain(similar.name);
  expect(ofAnother).not.toContain("sbxelsewher");
});

it("deploys to a sandbox that somebody has locked only where it is told to, or the lock is old", async () => {
  const name = sandboxName("dora", "main");
  const { storageAccount, container } = dev.stateContainer;
  const state = `${storageAccount}/${container}/${name}/${name}-platform.tfstate`;
  const lock = (Created: string) => {
    const info = JSON.stringify({ Who: "dora@laptop", Operation: "OperationTypeApply", Created });
    const metadata = { terraformlockid: Buffer.from(info).toString("base64") };
    cloud.lake.write(state, Buffer.from("{}"), { lease: "of-dora", metadata });
  };
  inPlaceOfTerraform('console.error("as far as Terraform"); process.exitCode = 1;');
  const up = (...more: readonly string[]) =>
    inProcess(["sandbox", "up", "--owner", "dora", "--branch", "main", "--days", "3", ...more]);

  lock(new Date().toISOString());
  const [refused, isKept] = [await up(), cloud.lake.get(state)?.lease !== undefined];
  const [told, isBroken] = [await up("--break-locks"), cloud.lake.get(state)?.lease === undefined];
  lock("2020-01-01T00:00:00Z");
  const [late, isBrokenAgain] = [await up(), cloud.lake.get(state)?.lease === undefined];
  cloud.lake.delete(state);

  expect(refused.stderr).toMatch(/is locked by dora@laptop since .*: run this again with --break-locks/);
  expect(refused.stderr).not.toContain("as far as Terraform");
  expect([isKept, isBroken, isBrokenAgain]).toEqual([true, true, true]);
  for (const { stdout, stderr } of [told, late]) {
    expect(stdout).toContain("the lock was broken.");
    expect(stderr).toContain("as far as Terraform");
  }
});

it("keeps the folder whose file alone tells what was made, and says how to push that", async () => {
  inPlaceOfTerraform(`
    if (process.argv[2] === "apply") {
      require("node:fs").writeFileSync("errored.tfstate", "what was made");
      process.exitCode = 1;
    }
  `);

  const { code, stderr } = await inProcess(["sandbox", "up", "--owner", "dora", "--branch", "main", "--days", "3"]);

  const [, folder = ""] = /terraform -chdir=(\S+) state push errored\.tfstate/.exec(stderr) ?? [];
  expect(readFileSync(path.join(folder, "errored.tfstate"), "utf8")).toBe("what was made");
  rmSync(path.join(folder, "../.."), { recursive: true });
  expect(code).toBe(1);
});

it("takes down none of the others once it was interrupted", async () => {
  const { storageAccount, container } = dev.stateContainer;
  for (const { name } of expired) {
    cloud.lake.write(`${storageAccount}/${container}/${name}/${name}-platform.tfstate`, Buffer.from("{}"));
  }
  // In Terraform's place: as long as it runs, somebody presses Ctrl-C.
  inPlaceOfTerraform('process.kill(process.ppid, "SIGINT");\nsetTimeout(() => {}, 60_000);\n');

  const { code, stdout, stderr } = await orderTracking(["sandbox", "reap", "--yes"]);

  expect(stdout).toContain(second);
  expect(stderr).toContain("interrupted");
  expect(stderr).not.toContain(second);
  expect(code).toBe(1);
});

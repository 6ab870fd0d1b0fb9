import path from "node:path";
import { missingSteps, perform } from "../../deploy/create-state-backend.ts";
import { dev } from "../../environments/dev.ts";
import { resolveEnvironment } from "../../environments/environment.ts";
import { workspaceId } from "../../environments/names.ts";
import { type Cloud, startCloud, SUBSCRIPTION_ID } from "../cloud/cloud.ts";
import "../local/stack-on-disk.ts"; // A command imports it first within a test, where Jest takes no hook any more.
import { inProcess } from "./in-process.ts";
import { orderTracking } from "./order-tracking.ts";

jest.setTimeout(120_000); // A program is started for each of many calls of a command in a process of its own.
jest.mock("../../deploy/az-process.ts", () => jest.requireActual<object>("../cloud/az-without-process.ts"));
// For the commands in this process; those in one of their own synthesize each time.
jest.mock("../../cli/synthesize.ts", () => jest.requireActual<object>("./synthesizing-once.ts"));
const before = process.env;
let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud();
  process.env = { ...before, ...cloud.variables(), [dev.subscriptionIdVariable]: SUBSCRIPTION_ID };
  const backend = { subscriptionId: SUBSCRIPTION_ID, location: dev.location, tags: {}, ...dev.stateContainer };
  for (const step of await missingSteps(backend)) await perform(step);
});
afterAll(async () => {
  process.env = before;
  await cloud.close();
});

test("shows what is missing and asks, makes it, and says what GitHub has to be told", async () => {
  const asked = await orderTracking(["identities", "dev"]);
  expect(asked.code).toBe(1);
  expect(asked.stdout).toContain("Missing for the workflows of example/order-tracking:\nid-order-tracking-dev-plan\n");
  expect(asked.stdout).toContain("      az identity federated-credential create --name github-dev-plan-pull-request ");
  expect(asked.stderr).toContain("Nothing was changed.");
  expect(cloud.arm.ofType("Microsoft.ManagedIdentity/userAssignedIdentities")).toEqual([]);

  const made = await inProcess(["identities", "dev", "--yes"]);
  expect([made.code, made.stderr]).toEqual([0, ""]);
  expect(made.stdout).toContain("gh api --method PUT repos/example/order-tracking/actions/oidc/customization/sub");
  expect(made.stdout).toMatch(
    /begin with repo:example\/order-tracking\.[^]*run this command again with --subject-prefix and that:\n {2}gh api repos\/example\/order-tracking\/actions\/oidc\/customization\/sub --jq \.sub_claim_prefix\n/,
  );
  for (const { name, properties } of cloud.arm.ofType("Microsoft.ManagedIdentity/userAssignedIdentities")) {
    expect([name, made.stdout.includes(`--body ${String(properties.clientId)}`)]).toEqual([name, true]);
  }
  expect(made.stdout).toContain("Once dev is deployed, ask again: DATABRICKS_HOST is its workspace");
});

test("says where the workspace is once it is there, for each environment whose jobs sign in to it", async () => {
  const id = workspaceId(resolveEnvironment(dev, { [dev.subscriptionIdVariable]: SUBSCRIPTION_ID }));
  cloud.arm.set({
    ...{ id, name: path.basename(id), type: "Microsoft.Databricks/workspaces" },
    properties: { workspaceUrl: "adb-1.1.azuredatabricks.net", workspaceId: "1" },
  });

  const { code, stdout } = await inProcess(["identities", "dev"]);

  expect([code, stdout.split("\n")[0]]).toEqual([0, "All of it is there."]);
  for (const environment of ["dev-plan", "dev", "sandbox"]) {
    expect(stdout).toContain(
      `  gh variable set DATABRICKS_HOST --repo example/order-tracking --env ${environment} --body https://adb-1.1.azuredatabricks.net\n`,
    );
  }
  expect(stdout).not.toContain("ask again");
});

test("tells whoever does not agree, too, of what there is that is not meant to be", async () => {
  const type = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";
  const drift = cloud.arm.ofType(type).find(({ name }) => name === "github-dev-plan-drift");
  if (!drift) throw new Error("there is no credential");
  cloud.arm.remove(drift.id);
  const [name, subject] = ["by-hand", "repo:example/order-tracking:environment:dev-plan"];
  const properties = { ...drift.properties, name, subject };
  cloud.arm.set({ ...drift, id: drift.id.replace(drift.name, name), name, properties });

  const { code, stdout, stderr } = await inProcess(["identities", "dev"]);

  expect([code, stderr]).toEqual([1, expect.stringContaining("Nothing was changed.")]);
  expect(stdout).toMatch(
    /^id-order-tracking-dev-plan is not trusted with just what is meant[^]*federated-credential delete --name by-hand [^]*Missing for/,
  );
});

test("takes jobs for those whose subjects begin as GitHub tells it", async () => {
  const prefix = "repo:example@12/order-tracking@345";
  const type = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";
  // The command line tells the name beside the properties.
  for (const { id, name } of cloud.arm.ofType(type)) cloud.arm.patch(id, { name });

  const { code, stdout } = await inProcess(["identities", "dev", "--subject-prefix", prefix]);

  expect(code).toBe(1);
  expect(stdout).toContain(`--subject ${prefix}:environment:dev-plan:workflow:Deploy `);
  expect(stdout).toContain("the jobs of repo:example/order-tracking:environment:dev-plan\n");
});

import path from "node:path";
import { madeUpAz } from "../deploy/made-up-az.ts";
import { SUBSCRIPTION_ID } from "../synthesized.ts";
import { inProcess } from "./in-process.ts";
import { orderTracking } from "./order-tracking.ts";

jest.setTimeout(60_000);
// For the commands in this process; those in one of their own synthesize each time.
jest.mock("../../cli/synthesize.ts", () => jest.requireActual<object>("./synthesizing-once.ts"));
const before = process.env;
const made = madeUpAz();

beforeEach(() => {
  process.env = {
    ...before,
    PATH: `${made.folder}${path.delimiter}${before.PATH}`,
    ORDER_TRACKING_DEV_SUBSCRIPTION_ID: SUBSCRIPTION_ID,
    // Of another workspace, which is no matter here.
    DATABRICKS_HOST: "https://adb-1.azuredatabricks.example",
  };
});
afterAll(() => {
  process.env = before;
});

// One after the other, on the same Azure.
test("shows what is missing, and changes nothing while nobody agrees", async () => {
  const { code, stdout, stderr } = await orderTracking(["state", "dev"]);

  expect(stdout).toContain(
    `State of dev: tfstate in ordertrackstatedev (rg-order-tracking-dev-state), subscription ${SUBSCRIPTION_ID}\nMissing:\n`,
  );
  expect(stdout).toContain("  create the container tfstate\n      az storage container-rm create --storage-account ");
  expect(stdout).toContain("--role 'Storage Blob Data Contributor'");
  expect(stderr).toContain("There is no terminal to ask on: add --yes to go ahead.\nNothing was changed.");
  expect(code).toBe(1);
  expect(made.azure().groups).toEqual([]);
});

test("--yes creates it, and says what comes next", async () => {
  const { code, stdout } = await inProcess(["state", "dev", "--yes"]);

  expect(stdout).toMatch(
    /done: create the resource group [^]*done: lock the storage account[^]*cdktf diff dev-platform/,
  );
  expect(code).toBe(0);
  expect(made.azure()).toMatchObject({ groups: ["rg-order-tracking-dev-state"], containers: ["tfstate"] });
});

test("a second time finds all of it there, and changes nothing", async () => {
  const there = made.azure();

  const { code, stdout } = await inProcess(["state", "dev", "--yes"]);

  expect(stdout).toMatch(/^State of dev: .*\nAll of it is there\.\n$/);
  expect(code).toBe(0);
  expect(made.azure()).toEqual(there);
});

test("fails with the variable to set while the subscription is not known", async () => {
  delete process.env.ORDER_TRACKING_DEV_SUBSCRIPTION_ID;

  const { code, stderr } = await inProcess(["state", "dev"]);

  expect(stderr).toContain("Set ORDER_TRACKING_DEV_SUBSCRIPTION_ID to its id");
  expect(code).toBe(1);
});

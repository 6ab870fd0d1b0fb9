/** The upgrade of a deployed environment from another commit to this checkout: `npm run test:upgrade`. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { dev } from "../../../environments/dev.ts";
import { STACK_KINDS } from "../../../environments/names.ts";
import { STATEFUL_TYPES } from "../../../stacks/guard-rails/stateful-types.ts";
import { type Cloud, SUBSCRIPTION_ID } from "../cloud.ts";
import { Deployment, outcome, SUCCESS } from "./deployment.ts";
import { installProviders } from "./providers.ts";
import { startPeopledCloud } from "./surroundings.ts";

const root = path.join(__dirname, "../../..");
/** Where the other commit is checked out, with its packages. */
const BASE = process.env.ORDER_TRACKING_UPGRADE_BASE;
const SYNTHESIS = "node --import tsx main.ts";

const providers = BASE === undefined ? "only npm run test:upgrade asks for it" : installProviders();
if (typeof providers === "string") console.warn(`No upgrade was rehearsed: ${providers}`);

interface Change {
  readonly address: string;
  readonly type: string;
  readonly change: { readonly actions: readonly string[] };
}

(typeof providers === "string" ? describe.skip : describe)("an upgrade", () => {
  const home = mkdtempSync(path.join(tmpdir(), "order-tracking-upgrade-home-"));
  let cloud: Cloud;
  let deployment: Deployment;
  let before: ReadonlySet<string>;

  const environment = {
    environment: dev.name,
    variables: { [dev.subscriptionIdVariable]: SUBSCRIPTION_ID, ORDER_TRACKING_ENVIRONMENTS: dev.name },
  };

  beforeAll(async () => {
    if (typeof providers === "string") return;
    cloud = await startPeopledCloud({});
    deployment = new Deployment(cloud, providers, { ...environment, app: `cd ${BASE} && ${SYNTHESIS}` });
    expect(outcome(await deployment.makeState())).toBe(SUCCESS);
    expect(outcome(await deployment.deploy())).toBe(SUCCESS);
    before = await loaded(BASE ?? "", home, "1-new-orders");
    deployment.redefine({ ...environment, app: SYNTHESIS });
  });
  afterAll(async () => {
    await cloud.close();
    rmSync(home, { recursive: true });
  });

  it("neither replaces nor destroys anything that holds data", async () => {
    expect(outcome(await deployment.synthesize())).toBe(SUCCESS);
    for (const kind of STACK_KINDS) {
      expect(outcome(await deployment.terraform(kind, ["plan", "-input=false", "-no-color", "-out=upgrade"]))).toBe(
        SUCCESS,
      );
      const { output } = await deployment.terraform(kind, ["show", "-json", "upgrade"]);
      const { resource_changes: changes } = JSON.parse(output) as { resource_changes: readonly Change[] };
      const lost = changes.filter(
        ({ type, change: { actions } }) =>
          STATEFUL_TYPES.includes(type) && actions.some((action) => action === "delete" || action === "forget"),
      );
      expect([kind, lost.map(({ address }) => address)]).toEqual([kind, []]);
    }
  });

  it("is deployed, and has nothing to change after that", async () => {
    expect(outcome(await deployment.deploy())).toBe(SUCCESS);
    for (const kind of STACK_KINDS) expect([kind, await deployment.planned(kind)]).toEqual([kind, "nothing"]);
    expect(cloud.unknown).toEqual([]);
  });

  it("loses no order that was loaded before it, and loads more", async () => {
    expect(before.size).toBeGreaterThan(0);
    const after = await loaded(root, home, "2-updates");
    expect([...before].filter((order) => !after.has(order))).toEqual([]);
    expect(after.size).toBeGreaterThan(before.size);
  });
});

/** Loads samples with the job of a checkout. @returns the tracking numbers of all orders that are there then */
async function loaded(checkout: string, home: string, arrival: string): Promise<ReadonlySet<string>> {
  const samples = path.join(root, "samples", arrival);
  const files = readdirSync(samples).map((file) => path.join(samples, file));
  await command(checkout, ["start", ...files, "--home", home]);
  const orders = await command(checkout, ["query", "SELECT tracking_num FROM orders_table", "--home", home, "--json"]);
  return new Set((JSON.parse(orders) as readonly { tracking_num: string }[]).map((order) => order.tracking_num));
}

/** Runs a command of a checkout, and ends the Spark that it leaves warm. */
async function command(checkout: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ["--import", "tsx", "cli/main.ts", ...args], {
    cwd: checkout,
    env: { ...process.env, ORDER_TRACKING_SPARK_IDLE_MINUTES: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, said] = ["", ""];
  child.stdout.on("data", (text: Buffer) => {
    stdout += text.toString();
    said += text.toString();
  });
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  expect([args[0], outcome({ code, output: said })]).toEqual([args[0], SUCCESS]);
  return stdout;
}

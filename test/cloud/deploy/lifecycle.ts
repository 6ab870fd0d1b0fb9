/** Every environment from nothing to nothing: deployed, looked at again, changed, broken, mended, interrupted, destroyed. */
import type { EnvironmentSettings } from "../../../environments/environment.ts";
import { STACK_KINDS } from "../../../environments/names.ts";
import { type Cloud, type CloudOptions, DEPLOYER, SUBSCRIPTION_ID } from "../cloud.ts";
import { OF_OTHERS, SANDBOX_REQUEST, SHIPPED } from "./choices.ts";
import { type Deployable, Deployment, outcome, SUCCESS } from "./deployment.ts";
import { installProviders, type Providers } from "./providers.ts";
import { JOBS_ON_SPARK } from "./load-job.ts";
import { report } from "./report.ts";
import { ONLY, SEED } from "./selected.ts";
import { addNeighbours, addStateRoles, addWorkspaceOfDev, startPeopledCloud } from "./surroundings.ts";

const APP = "node --import tsx test/cloud/deploy/app.ts";
/**
 * What the cloud keeps of a destroyed environment: its state, what waits in a workspace's trash, and the empty folders
 * that the environments of one workspace share.
 */
const KEPT = /^(files: ordertrackstate|workspace \d+ trash: |workspace \d+ objects: \/order-tracking(\/guests)?$)/;

const providers = installProviders();
if (typeof providers === "string") console.warn(`Nothing was deployed: ${providers}`);

/** The environment as the repository has it, with the project's own program. */
function shipped({ name, subscriptionIdVariable }: EnvironmentSettings): Deployable {
  return {
    environment: name,
    variables: {
      [subscriptionIdVariable]: SUBSCRIPTION_ID,
      ORDER_TRACKING_ENVIRONMENTS: name,
      ORDER_TRACKING_SANDBOX_OWNER: SANDBOX_REQUEST.owner,
      ORDER_TRACKING_SANDBOX_BRANCH: SANDBOX_REQUEST.branch,
      ORDER_TRACKING_SANDBOX_EXPIRES_ON: SANDBOX_REQUEST.expiresOn,
    },
  };
}

/** The same with other settings. */
function changed(settings: EnvironmentSettings, changes: Partial<EnvironmentSettings>): Deployable {
  const { environment, variables } = shipped(settings);
  const json = JSON.stringify({ ...settings, ...changes });
  return { environment, variables: { ...variables, ORDER_TRACKING_TEST_SETTINGS: json }, app: APP };
}

/** Starts a cloud in which there is what has to be there before a first deployment of an environment. */
export async function prepare(settings: EnvironmentSettings, providers: Providers, options: CloudOptions) {
  const isShipped = SHIPPED.includes(settings);
  const cloud = await startPeopledCloud(options);
  addStateRoles(cloud);
  if (!isShipped) addNeighbours(cloud);
  else if (settings.existingWorkspace) addWorkspaceOfDev(cloud);
  const deployment = new Deployment(cloud, providers, isShipped ? shipped(settings) : changed(settings, {}));
  if (isShipped) expect(outcome(await deployment.makeState())).toEqual(SUCCESS);
  return { cloud, deployment };
}

export const isAskedFor = ({ name }: EnvironmentSettings) =>
  ONLY === undefined || name === ONLY || (ONLY === "sandbox" && name.startsWith("sbx"));

/** Tests of an environment while it is deployed. */
export type TestDeployed = (cloud: () => Cloud, environment: string) => void;

/** Adds the tests of some environments. */
export function testLifecycle(all: readonly EnvironmentSettings[], testDeployed: TestDeployed = () => undefined): void {
  for (const settings of all) {
    const isTested = typeof providers !== "string" && isAskedFor(settings);
    (isTested ? describe : describe.skip)(settings.name, () => {
      testLifecycleOf(settings, testDeployed);
    });
  }
}

function testLifecycleOf(settings: EnvironmentSettings, testDeployed: TestDeployed): void {
  const startedAt = Date.now();
  let cloud: Cloud;
  let deployment: Deployment;
  let before: readonly string[];
  let resources = 0;

  /** Hands a deployment over to one with other settings, which goes on with the same state. */
  const change = (changes: Partial<EnvironmentSettings>) => {
    deployment.redefine(changed(settings, changes));
  };
  const plans = async (...more: readonly string[]) => {
    const [platform, catalog, pipeline] = await Promise.all(
      STACK_KINDS.map((kind) => deployment.planned(kind, ...more)),
    );
    return { platform, catalog, pipeline };
  };
  const NO_CHANGES = { platform: "nothing", catalog: "nothing", pipeline: "nothing" };

  beforeAll(async () => {
    if (typeof providers === "string") return;
    ({ cloud, deployment } = await prepare(settings, providers, { seed: SEED, jobs: JOBS_ON_SPARK }));
    before = cloud.store.inventory();
  });
  afterAll(async () => {
    report(settings.name, cloud, resources, startedAt);
    await cloud.close();
  });

  it("is deployed from nothing in one go", async () => {
    expect(outcome(await deployment.deploy())).toEqual(SUCCESS);
    resources = cloud.store.inventory().length - before.length;
  });

  it("has nothing to change after that", async () => {
    expect(await plans()).toEqual(NO_CHANGES);
  });

  it("is handed over by whoever deployed it first, and then shows the same to whoever plans", async () => {
    const { deployer } = settings;
    if (deployer === undefined) return;
    deployment.signIn(deployer);
    expect(outcome(await deployment.deploy())).toEqual(SUCCESS);
    expect(await plans()).toEqual(NO_CHANGES);
    // Who may only read the states cannot lock them.
    deployment.signIn(OF_OTHERS.planner);
    expect(await plans("-lock=false")).toEqual(NO_CHANGES);
    deployment.signIn(DEPLOYER);
    expect(await plans()).toEqual(NO_CHANGES);
  });

  testDeployed(() => cloud, settings.name);

  it("follows a change of each kind", async () => {
    // In place, by replacement, more and less of something.
    change({ owner: "somebody-else", retentionDays: 31, maxBadRowsPercent: 49, archiveCoolAfterDays: 29 });
    expect(outcome(await deployment.deploy())).toEqual(SUCCESS);
    expect(await plans()).toEqual(NO_CHANGES);
  });

  it("finds and mends what was changed or deleted behind its back", async () => {
    breakThings(cloud, settings.name);
    expect(await plans()).toEqual({ platform: "something", catalog: "something", pipeline: "something" });
    expect(outcome(await deployment.deploy())).toEqual(SUCCESS);
    expect(await plans()).toEqual(NO_CHANGES);
  });

  it("is not destroyed where it has to last", async () => {
    if (settings.disposable) return;
    const { code, output } = await deployment.destroy();
    expect(code).not.toBe(0);
    expect(output).toContain("Instance cannot be destroyed");
    change({ disposable: true });
    expect(outcome(await deployment.deploy())).toEqual(SUCCESS);
  });

  it("leaves nothing behind when it is destroyed", async () => {
    expect(outcome(await deployment.destroy())).toEqual(SUCCESS);
    expect(cloud.store.inventory().filter((line) => !before.includes(line) && !KEPT.test(line))).toEqual([]);
    expect(before.filter((line) => !cloud.store.inventory().includes(line))).toEqual([]);
  });

  it("asked nobody for anything that the cloud does not have", () => {
    expect(cloud.unknown).toEqual([]);
  });
}

/** Somebody changes a tag, takes away a grant or an object, and renames a job, by hand. */
function breakThings(cloud: Cloud, name: string): void {
  // The account of its states has the same tags, and no hierarchy.
  const lake = cloud.arm
    .ofType("Microsoft.Storage/storageAccounts")
    .find(({ tags, properties }) => tags?.environment === name && properties.isHnsEnabled === true);
  if (!lake) throw new Error("there is no lake");
  cloud.arm.set({ ...lake, tags: { ...lake.tags, owner: "nobody" } });
  cloud.store.table("unity catalog volume").delete(`orders_${name}.order_tracking.order_files`);
  const tables =
    cloud.store
      .inventory()
      .find((line) => line.includes(" jobs: "))
      ?.split(": ") ?? [];
  const jobs = cloud.store.table(tables[0] ?? "");
  const [job = ""] = jobs.names();
  jobs.delete(job);
  // Whoever deletes a job by its interface deletes its permissions as well.
  cloud.store.table((tables[0] ?? "").replace(/jobs$/, "permissions")).delete(`/jobs/${job}`);
}

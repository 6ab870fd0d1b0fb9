/** The life of a sandbox, and what is left of it when its end is disturbed: nothing, or what people are told of. */
import { dev } from "../../../environments/dev.ts";
import { sandboxName } from "../../../environments/sandbox.ts";
import { type Cloud, passingErrors, SUBSCRIPTION_ID } from "../cloud.ts";
import { forgetSecurable } from "../databricks/catalog.ts";
import { reply } from "../http.ts";
import { Random } from "../random.ts";
import type { Store } from "../store.ts";
import { SANDBOX_REQUEST } from "./choices.ts";
import { Deployment, outcome, SUCCESS } from "./deployment.ts";
import { installProviders } from "./providers.ts";
import { report } from "./report.ts";
import { SandboxCommand } from "./sandbox-command.ts";
import { ONLY, SEED, TEARDOWNS } from "./selected.ts";
import { startPeopledCloud } from "./surroundings.ts";

/** A branch that is not there: nothing but the recorded state tells of it. */
const { owner, branch } = SANDBOX_REQUEST;
const WHOSE = ["--owner", owner, "--branch", branch];
const NAME = sandboxName(owner, branch);
const GROUP = `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-order-tracking-${NAME}`;
/** What waits in a workspace's trash goes by itself. */
const KEPT = /^workspace \d+ trash: /;

const providers = installProviders();
if (typeof providers === "string") console.warn(`No sandbox was taken down: ${providers}`);
const isTested = typeof providers !== "string" && (ONLY === undefined || ONLY === "sandbox");

(isTested ? describe : describe.skip)("a sandbox", () => {
  const startedAt = Date.now();
  let cloud: Cloud;
  let home: Deployment;
  let sandbox: SandboxCommand;
  let before: readonly string[];
  let withHome: Store;
  let withSandbox: Store;

  const use = async (store?: Store) => {
    if (typeof providers === "string") throw new Error(providers);
    cloud = await startPeopledCloud({ seed: SEED, ...(store && { store }) });
    sandbox = new SandboxCommand(cloud, providers);
    return providers;
  };
  const leftovers = () => cloud.store.inventory().filter((line) => !before.includes(line) && !KEPT.test(line));
  const setTags = (tags: Readonly<Record<string, string | undefined>>) => {
    const group = cloud.arm.get(GROUP);
    if (group)
      cloud.arm.set({ ...group, tags: JSON.parse(JSON.stringify({ ...group.tags, ...tags })) as object as never });
  };

  beforeAll(async () => {
    const found = await use();
    home = new Deployment(cloud, found, {
      environment: dev.name,
      variables: { [dev.subscriptionIdVariable]: SUBSCRIPTION_ID, ORDER_TRACKING_ENVIRONMENTS: dev.name },
    });
    expect(outcome(await home.makeState())).toBe(SUCCESS);
    expect(outcome(await home.deploy())).toBe(SUCCESS);
    before = cloud.store.inventory();
    withHome = cloud.store.copy();
  });
  afterAll(async () => {
    report("sandbox command", cloud, 0, startedAt);
    await cloud.close();
  });

  it("is deployed, and shown with its last day", async () => {
    expect(outcome(await sandbox.run(["up", ...WHOSE, "--until", SANDBOX_REQUEST.expiresOn]))).toBe(SUCCESS);
    withSandbox = cloud.store.copy();

    const { output } = await sandbox.run(["list"]);
    expect(output).toMatch(new RegExp(`${NAME} +${owner} +${branch} +${SANDBOX_REQUEST.expiresOn} +recorded`));
  });

  it("keeps dev from being destroyed before it", async () => {
    const there = cloud.store.inventory();
    expect((await home.destroy()).code).not.toBe(0);
    expect(there.filter((line) => !cloud.store.inventory().includes(line))).toEqual([]);
  });

  it("is not reaped before its last day has passed", async () => {
    const { code, output } = await sandbox.run(["reap", "--yes"]);
    expect([code, output]).toEqual([0, "No sandbox has expired.\n"]);
  });

  it("is left alone where it does not say that it is one", async () => {
    setTags({ "expires-on": "2026-01-01", branch: undefined });
    const there = cloud.store.inventory();

    const reaped = await sandbox.run(["reap", "--yes"]);
    const down = await sandbox.run(["down", NAME, "--yes"]);

    expect(reaped.output).toContain(`${NAME} is left alone: it does not have a sandbox's tag branch`);
    expect([down.code, down.output]).toEqual([1, expect.stringContaining("in Azure is no sandbox")]);
    expect(cloud.store.inventory()).toEqual(there);
  });

  it("lives longer where it is extended", async () => {
    setTags({ branch });
    expect(outcome(await sandbox.run(["extend", NAME, "--until", SANDBOX_REQUEST.expiresOn]))).toBe(SUCCESS);
    expect((await sandbox.run(["list"])).output).toContain(SANDBOX_REQUEST.expiresOn);
  });

  it("is shown, and not taken down, while nobody agrees to it", async () => {
    setTags({ "expires-on": "2026-01-01" });
    const there = cloud.store.inventory();

    const { code, output } = await sandbox.run(["reap"]);

    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`Expired:\n.*\n${NAME} [^]*Nothing was changed`));
    expect(cloud.store.inventory()).toEqual(there);
  });

  it("leaves nothing behind when it is reaped, and a second time there is nothing to do", async () => {
    expect(outcome(await sandbox.run(["reap", "--yes"]))).toBe(SUCCESS);
    expect(leftovers()).toEqual([]);
    expect(before.filter((line) => !cloud.store.inventory().includes(line))).toEqual([]);

    const { code, output } = await sandbox.run(["down", NAME, "--yes"]);
    expect([code, output]).toEqual([0, expect.stringContaining(`Nothing is left of ${NAME}.`)]);
    expect(cloud.unknown).toEqual([]);
  });

  describe.each(Array.from({ length: TEARDOWNS }, (_, round) => round + 1))("teardown %i", (round) => {
    it("ends with nothing left, or with what removes it", async () => {
      await cloud.close();
      const random = new Random(SEED * 1000 + round);
      const kind = pick(random, "kind", Object.keys(DISTURBANCES));
      await use(kind === "up is killed" ? withHome.copy() : withSandbox.copy());

      await DISTURBANCES[kind]?.(cloud, sandbox, random);
      cloud.fault = undefined;
      const second = await sandbox.run(["down", NAME, "--yes", "--break-locks"]);

      if (second.code !== 0) {
        const remedies = second.output.split("\n").filter((line) => line.startsWith("    az "));
        expect([kind, remedies.length > 0 ? "remedies" : second.output]).toEqual([kind, "remedies"]);
        for (const remedy of remedies)
          expect([remedy, outcome(await sandbox.follow(remedy))]).toEqual([remedy, SUCCESS]);
        expect([kind, outcome(await sandbox.run(["down", NAME, "--yes"]))]).toEqual([kind, SUCCESS]);
      }
      expect([kind, leftovers()]).toEqual([kind, []]);
      expect(cloud.unknown).toEqual([]);
    });
  });
});

const pick = <Choice>(random: Random, purpose: string, choices: readonly Choice[]): Choice => {
  const choice = choices[Math.floor(random.next(purpose) * choices.length)];
  if (choice === undefined) throw new Error("there is nothing to choose from");
  return choice;
};

type Disturbance = (cloud: Cloud, sandbox: SandboxCommand, random: Random) => Promise<unknown>;

/** More requests than any command here makes. */
const MOST_REQUESTS = 250;

/** Kills a command once the cloud has answered some more requests. */
const killed =
  (args: readonly string[]): Disturbance =>
  async (cloud, sandbox, random) => {
    const last = cloud.answered.length + Math.floor(random.next("when") * MOST_REQUESTS);
    return sandbox.run(args, (kill) => {
      cloud.fault = () => {
        if (cloud.answered.length > last) kill();
        return undefined;
      };
    });
  };

/** What happens to a sandbox before or while it is taken down for the first time. */
const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  "up is killed": killed(["up", ...WHOSE]),
  "down is killed": killed(["down", NAME, "--yes"]),
  "services ask for patience": (cloud, sandbox, random) => {
    cloud.fault = passingErrors(Math.floor(random.next("seed") * 1000), 1 / 10);
    return sandbox.run(["down", NAME, "--yes"]);
  },
  "rights end": (cloud, sandbox, random) => {
    const last = cloud.answered.length + Math.floor(random.next("when") * MOST_REQUESTS);
    cloud.fault = ({ method, path }) => {
      if (cloud.answered.length <= last || method === "GET" || path.endsWith("/token")) return undefined;
      const [code, message] = ["AuthorizationFailed", "Your rights have ended."];
      return reply(403, { error_code: "PERMISSION_DENIED", error: { code, message }, message });
    };
    return sandbox.run(["down", NAME, "--yes"]);
  },
  "things were deleted by hand": (cloud, sandbox, random) => {
    const ours = cloud.store.inventory().filter((line) => line.includes(NAME) && !line.startsWith("files: "));
    for (let i = 0; i < 3; i += 1) remove(cloud, pick(random, `thing ${i}`, ours));
    return sandbox.run(["down", NAME, "--yes"]);
  },
  "a state was deleted by hand": (cloud, sandbox, random) => {
    const states = cloud.lake.below("ordertrackstatedev/").filter((path) => path.includes(NAME));
    cloud.lake.delete(pick(random, "state", states));
    return sandbox.run(["down", NAME, "--yes"]);
  },
};

/** Removes a line of the inventory, with all that is in it. */
function remove(cloud: Cloud, line: string): void {
  const [table = "", ...rest] = line.split(": ");
  const name = rest.join(": ");
  cloud.store.table(table).delete(name);
  if (table === "azure") cloud.arm.remove(name);
  const [, account, container] = /\/storageAccounts\/(\w+)(?:\/.*\/containers\/(\w+))?$/.exec(name) ?? [];
  if (account) cloud.lake.deleteBelow(container ? `${account}/${container}/` : `${account}/`);
  const [, securable] =
    /^unity catalog (catalog|schema|volume|external_location|storage_credential)$/.exec(table) ?? [];
  if (securable) forgetSecurable((each) => cloud.store.table(each), securable, name);
}

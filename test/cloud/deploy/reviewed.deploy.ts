/** What was planned and reviewed is what is applied: with the real Terraform, and the state's real locks. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { dev } from "../../../environments/dev.ts";
import type { Review } from "../../../review/review.ts";
import { type Cloud, SUBSCRIPTION_ID } from "../cloud.ts";
import { commandVariables, Deployment, type Finished, outcome, SUCCESS } from "./deployment.ts";
import { installProviders } from "./providers.ts";
import { ONLY, SEED } from "./selected.ts";
import { startPeopledCloud } from "./surroundings.ts";

const root = path.join(__dirname, "../../..");
const KEY = "a key of many characters";

const providers = installProviders();
if (typeof providers === "string") console.warn(`Nothing was planned: ${providers}`);

(typeof providers === "string" || (ONLY !== undefined && ONLY !== "reviewed") ? describe.skip : describe)("dev", () => {
  let cloud: Cloud;
  let variables: NodeJS.ProcessEnv;
  const plans = mkdtempSync(path.join(tmpdir(), "order-tracking-plans-"));
  const folder = (name: string) => path.join(plans, name);

  beforeAll(async () => {
    if (typeof providers === "string") return;
    cloud = await startPeopledCloud({ seed: SEED });
    variables = {
      ...commandVariables(cloud, providers.cliConfig),
      [dev.subscriptionIdVariable]: SUBSCRIPTION_ID,
      ORDER_TRACKING_PLAN_KEY: KEY,
    };
    const deployment = new Deployment(cloud, providers, {
      environment: "dev",
      variables: { [dev.subscriptionIdVariable]: SUBSCRIPTION_ID, ORDER_TRACKING_ENVIRONMENTS: "dev" },
    });
    expect(outcome(await deployment.makeState())).toBe(SUCCESS);
  });
  afterAll(async () => {
    expect(cloud.unknown).toEqual([]);
    await cloud.close();
    rmSync(plans, { recursive: true });
  });

  const run = async (args: readonly string[], onStart?: (child: ChildProcess) => void): Promise<Finished> => {
    const child = spawn(process.execPath, ["--import", "tsx", "cli/main.ts", ...args], {
      cwd: root,
      env: variables,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
    onStart?.(child);
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, output };
  };
  const plan = (name: string) => run(["plan", "dev", "--out", folder(name)]);
  const apply = (name: string, ...more: readonly string[]) => run(["apply", "dev", "--plan", folder(name), ...more]);
  const reviewIn = (name: string) => JSON.parse(readFileSync(path.join(folder(name), "review.json"), "utf8")) as Review;
  const codeOf = ({ code, output }: Finished, expected: number) =>
    code === expected ? expected : outcome({ code: code ?? -1, output });
  /** Sends a signal once the cloud was asked for so many changes more. */
  const signalAfter = (changes: number, signal: NodeJS.Signals) => (child: ChildProcess) => {
    const before = cloud.answered.length;
    const timer = setInterval(() => {
      const asked = cloud.answered
        .slice(before)
        .filter(({ method, host }) => method === "PUT" && host.startsWith("management"));
      if (asked.length < changes) return;
      clearInterval(timer);
      child.kill(signal);
    }, 5);
    child.on("close", () => {
      clearInterval(timer);
    });
  };

  it("is planned from nothing, with nothing that needs a second look", async () => {
    expect(codeOf(await plan("first"), 2)).toBe(2);
    expect(reviewIn("first")).toMatchObject({ verdict: "changes", loss: [], warnings: [] });
  });

  it("goes on to the end of its stack where the command that applies it is killed, and is finished by the next one", async () => {
    // In another folder than it was planned in, as in another job of a workflow.
    cpSync(folder("first"), folder("copy"), { recursive: true });
    const { code } = await run(["apply", "dev", "--plan", folder("copy")], signalAfter(2, "SIGKILL"));
    expect(code).toBeNull();
    // Waits for the state's lock, which Terraform still has.
    expect(codeOf(await plan("second"), 2)).toBe(2);
    expect(codeOf(await apply("second"), 0)).toBe(0);
    expect(codeOf(await plan("third"), 0)).toBe(0);
  });

  it("is not changed by a plan that others have overtaken", async () => {
    const before = cloud.store.inventory();
    const { code, output } = await apply("first");
    expect(code).toBe(1);
    expect(output).toMatch(/dev-platform: somebody deployed in between .*: plan again/);
    expect(cloud.store.inventory()).toEqual(before);
  });

  it("stops where it is told to with Ctrl-C, keeps no lock, and is finished by the next one", async () => {
    for (const each of cloud.arm.ofType("Microsoft.Storage/storageAccounts")) {
      if (each.name === "ordertrackingdev") cloud.arm.set({ ...each, tags: { ...each.tags, owner: "nobody" } });
    }
    cloud.store.table("unity catalog volume").delete("orders_dev.order_tracking.order_files");
    expect(codeOf(await plan("mended"), 2)).toBe(2);
    expect(reviewIn("mended").drift.some(({ isRelevant }) => isRelevant)).toBe(true);
    const { code, output } = await run(["apply", "dev", "--plan", folder("mended")], signalAfter(1, "SIGINT"));
    expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining("interrupted") as string });
    expect(codeOf(await plan("mended-again"), 2)).toBe(2);
    cpSync(folder("mended-again"), folder("twin"), { recursive: true });
    const [one, other] = await Promise.all([apply("mended-again"), apply("twin")]);
    // Two at once: one of them applies it, and the other one is refused, by the lock or as overtaken.
    expect([one.code, other.code].sort()).toEqual([0, 1]);
    expect(codeOf(await plan("after"), 0)).toBe(0);
  });
});

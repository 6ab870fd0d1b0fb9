/** An environment in another one's workspace, whose owner cannot take the workspace away from under it. */
import type { EnvironmentSettings } from "../../../environments/environment.ts";
import type { StackKind } from "../../../environments/names.ts";
import { MINIMAL } from "../../synthesized.ts";
import { outcome, SUCCESS } from "./deployment.ts";
import { installProviders } from "./providers.ts";
import { ONLY, SEED } from "./selected.ts";
import { SingleStack } from "./single-stack.ts";
import { startPeopledCloud } from "./surroundings.ts";

const HOST: EnvironmentSettings = { ...MINIMAL, name: "host", storageAccount: "orderlakeofahost", disposable: true };
const GUEST: EnvironmentSettings = {
  ...HOST,
  ...{ name: "visitor", storageAccount: "orderlakeofavisitor" },
  existingWorkspace: { name: "dbw-order-tracking-host", resourceGroup: "rg-order-tracking-host" },
};

const providers = installProviders();
if (typeof providers === "string") console.warn(`No guest was deployed: ${providers}`);

(typeof providers === "string" || ONLY !== undefined ? it.skip : it)(
  "is not destroyed while a guest is in its workspace, not even one that never came to its pipeline",
  async () => {
    if (typeof providers === "string") return;
    const cloud = await startPeopledCloud({ seed: SEED });
    const stackOf = (settings: EnvironmentSettings, kind: StackKind) =>
      new SingleStack(cloud, providers, settings, kind);
    const pipeline = stackOf(HOST, "pipeline");
    const host = [stackOf(HOST, "platform"), stackOf(HOST, "catalog"), pipeline];
    const guestCatalog = stackOf(GUEST, "catalog");
    const guest = [stackOf(GUEST, "platform"), guestCatalog];
    for (const each of [...host, ...guest]) expect(outcome(await each.apply())).toBe(SUCCESS);

    expect(outcome(await pipeline.destroy())).toContain("is not empty");
    // It was refused before anything else went.
    expect((await pipeline.plan()).code).toBe(0);
    expect((await guestCatalog.plan()).code).toBe(0);

    for (const each of [...host, ...guest].reverse()) expect(outcome(await each.destroy())).toBe(SUCCESS);
    expect(cloud.unknown).toEqual([]);
    await cloud.close();
  },
);

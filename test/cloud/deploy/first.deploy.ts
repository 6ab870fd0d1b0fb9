/** First deployments, over and over, with answers and roles that are late in other ways each time. */
import { STACK_KINDS } from "../../../environments/names.ts";
import { SHIPPED } from "./choices.ts";
import { outcome, SUCCESS } from "./deployment.ts";
import { isAskedFor, prepare } from "./lifecycle.ts";
import { installProviders } from "./providers.ts";
import { report } from "./report.ts";
import { FIRST_DEPLOYMENTS, SEED } from "./selected.ts";

const cases = SHIPPED.filter(isAskedFor).flatMap((settings) =>
  Array.from({ length: FIRST_DEPLOYMENTS }, (_, i) => [settings.name, SEED + i, settings] as const),
);

if (cases.length === 0) it.skip("is asked for by --first-deployments", () => undefined);
else {
  const providers = installProviders();
  it.concurrent.each(cases)("%s is deployed from nothing with seed %i", async (name, seed, settings) => {
    if (typeof providers === "string") throw new Error(providers);
    const startedAt = Date.now();
    const { cloud, deployment } = await prepare(settings, providers, { seed });
    try {
      const before = cloud.store.inventory().length;
      expect(outcome(await deployment.deploy())).toBe(SUCCESS);
      for (const kind of STACK_KINDS) expect([kind, await deployment.planned(kind)]).toEqual([kind, "nothing"]);
      expect(cloud.unknown).toEqual([]);
      report(`${name} ${seed}`, cloud, cloud.store.inventory().length - before, startedAt);
    } finally {
      await cloud.close();
    }
  });
}

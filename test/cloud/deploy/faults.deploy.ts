/** What goes wrong on the way: services that ask for patience, roles that are later than late, rights that end. */
import type { EnvironmentSettings } from "../../../environments/environment.ts";
import { STACK_KINDS, type StackKind } from "../../../environments/names.ts";
import { MINIMAL } from "../../synthesized.ts";
import { type Cloud, passingErrors } from "../cloud.ts";
import { reply } from "../http.ts";
import { Random } from "../random.ts";
import { outcome, SUCCESS } from "./deployment.ts";
import { OF_OTHERS } from "./choices.ts";
import { installProviders } from "./providers.ts";
import { ONLY, SEED } from "./selected.ts";
import { SingleStack } from "./single-stack.ts";
import { startPeopledCloud } from "./surroundings.ts";

const SETTINGS: EnvironmentSettings = {
  ...MINIMAL,
  name: "rough",
  disposable: true,
  compute: "all-purpose",
  notifications: { emails: ["team@example.com"] },
};
/** One request in so many fails at first. */
const SHARE_OF_ERRORS = 1 / 15;
/** A deployment of a stack that goes wrong does so within so many requests. */
const MOST_REQUESTS = 40;
/** What azurerm says of something that was made without the state knowing, and for which address. */
const THERE_ALREADY = /a resource with the ID "([^"]+)" already exists - [^]*?with (\S+),/g;
/** The same of something in Unity Catalog, which is imported by its full name. */
const IN_CATALOG_ALREADY = /cannot create [\w ]+: '([^']+)' already exists[^]*?with (\S+),/g;
/** The same of a role assignment, of which Azure tells only the number. */
const ASSIGNED_ALREADY = /conflicting role assignment is ([0-9a-f]{32})\.[^]*?with (\S+),/g;

const providers = installProviders();
if (typeof providers === "string") console.warn(`No fault was met: ${providers}`);

(typeof providers === "string" || ONLY !== undefined ? describe.skip : describe)("a deployment", () => {
  let cloud: Cloud;
  let stacks: Readonly<Record<StackKind, SingleStack>>;

  const start = async (latestRole?: number) => {
    if (typeof providers === "string") throw new Error(providers);
    cloud = await startPeopledCloud({ seed: SEED, ...(latestRole !== undefined && { latestRole }) });
    const stack = (kind: StackKind) => new SingleStack(cloud, providers, SETTINGS, kind);
    stacks = { platform: stack("platform"), catalog: stack("catalog"), pipeline: stack("pipeline") };
  };
  afterEach(async () => {
    expect(cloud.unknown).toEqual([]);
    await cloud.close();
  });
  const expectNothingToChange = async () => {
    for (const kind of STACK_KINDS) expect([kind, (await stacks[kind].plan()).code]).toEqual([kind, 0]);
  };

  it("waits where services ask it to, or fail for a moment", async () => {
    await start();
    cloud.fault = passingErrors(SEED, SHARE_OF_ERRORS);
    for (const kind of STACK_KINDS) expect(outcome(await stacks[kind].apply())).toBe(SUCCESS);
    cloud.fault = undefined;

    await expectNothingToChange();
  });

  it("says which role is missing where one is later than the wait, and is finished by the next one", async () => {
    await start(0);
    expect(outcome(await stacks.platform.apply())).toBe(SUCCESS);
    const [role] = cloud.arm.ofType("Microsoft.Authorization/roleAssignments");
    cloud.arm.patch(role?.id ?? "", { inEffectAt: Number.MAX_SAFE_INTEGER });

    expect((await stacks.catalog.apply()).output).toContain("does not have the role Storage Blob Data Contributor");
    cloud.arm.patch(role?.id ?? "", { inEffectAt: 0 });
    for (const kind of ["catalog", "pipeline"] as const) expect(outcome(await stacks[kind].apply())).toBe(SUCCESS);

    await expectNothingToChange();
  });

  it("that breaks while it makes what must last is finished by the next one, once that is untainted", async () => {
    await start();
    if (typeof providers === "string") throw new Error(providers);
    const lasting = { ...MINIMAL, name: "rough", ownerGroup: OF_OTHERS.owners[0] };
    // Each is made by a first request, and finished by a second one.
    const seconds = { platform: /^PUT .*\/blobServices\/default$/, catalog: /^PATCH .*\/unity-catalog\/catalogs\// };
    for (const kind of ["platform", "catalog"] as const) {
      const stack = new SingleStack(cloud, providers, lasting, kind);
      cloud.fault = ({ method, path }) =>
        seconds[kind].test(`${method} ${path}`) ? reply(403, { error_code: "PERMISSION_DENIED" }) : undefined;
      expect((await stack.apply()).code).toBe(1);
      cloud.fault = undefined;

      const { output } = await stack.apply();
      const [, address = ""] = /Resource (\S+) has\s+lifecycle\.prevent_destroy/.exec(output) ?? [];
      expect(output).toContain(`${address} is tainted, so must be replaced`);
      expect(outcome(await stack.untaint(address))).toBe(SUCCESS);
      expect(outcome(await stack.apply())).toBe(SUCCESS);
      expect((await stack.plan()).code).toBe(0);
    }
  });

  it.each([1, 2, 3])("whose rights end at some request is finished by the next one (%i)", async (round) => {
    await start();
    const random = new Random(SEED * 100 + round);
    for (const kind of STACK_KINDS) {
      const last = cloud.answered.length + Math.floor(random.next(kind) * MOST_REQUESTS);
      cloud.fault = ({ method, path }) => {
        const isAllowed = cloud.answered.length <= last || method === "GET" || path.endsWith("/token");
        const [code, message] = ["PERMISSION_DENIED", "Your rights have ended."];
        return isAllowed ? undefined : reply(403, { error_code: code, error: { code, message }, message });
      };
      await stacks[kind].apply();
      cloud.fault = undefined;
      expect(outcome(await stacks[kind].apply())).toBe(SUCCESS);
    }

    await expectNothingToChange();
  });

  it.each([1, 2, 3])(
    "that is interrupted is finished by the next one, and by what that asks for (%i)",
    async (round) => {
      await start();
      const random = new Random(SEED * 100 + round);
      for (const kind of STACK_KINDS) {
        const last = cloud.answered.length + Math.floor(random.next(kind) * MOST_REQUESTS);
        await stacks[kind].apply((terraform) => {
          cloud.fault = () => {
            if (cloud.answered.length > last) {
              cloud.fault = undefined;
              terraform.kill("SIGINT");
            }
            return undefined;
          };
        });
        cloud.fault = undefined;
        // azurerm ends its waiting for what it is making, and the state does not have that then.
        const { output } = await stacks[kind].apply();
        for (const [, id = "", address = ""] of [THERE_ALREADY, IN_CATALOG_ALREADY].flatMap((words) => [
          ...output.matchAll(words),
        ]))
          expect(outcome(await stacks[kind].import(address, id))).toBe(SUCCESS);
        for (const [, number, address = ""] of output.matchAll(ASSIGNED_ALREADY)) {
          const roles = cloud.arm.ofType("Microsoft.Authorization/roleAssignments");
          const role = roles.find(({ name }) => name.replaceAll("-", "") === number);
          expect(outcome(await stacks[kind].import(address, role?.id ?? ""))).toBe(SUCCESS);
        }
        expect(outcome(await stacks[kind].apply())).toBe(SUCCESS);
      }

      await expectNothingToChange();
    },
  );
});

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { leftoverLines, names } from "../../deploy/leftovers.ts";
import { readSandboxHome } from "../../deploy/sandbox-home.ts";
import { isStale } from "../../deploy/sandbox-states.ts";
import { checkSandboxName, hasExpired, whyNoSandbox } from "../../deploy/sandboxes.ts";
import { type RecordedState, readState, tagsIn } from "../../deploy/tear-down.ts";
import { dev } from "../../environments/dev.ts";
import { resolveEnvironment } from "../../environments/environment.ts";
import * as physicalNames from "../../environments/names.ts";
import { prod } from "../../environments/prod.ts";
import { sandbox, sandboxName } from "../../environments/sandbox.ts";
import { staging } from "../../environments/staging.ts";
import { tags } from "../../stacks/tags.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { SUBSCRIPTION_ID, synthesize } from "../synthesized.ts";

const REQUEST = { owner: "anna", branch: "late-files", expiresOn: "2026-12-24" };
const NAME = sandboxName(REQUEST.owner, REQUEST.branch);
const SANDBOX = resolveEnvironment(sandbox(REQUEST), {});

it.each([dev, staging, prod].map(({ name }) => [name]))("takes %s for no sandbox", (name) => {
  expect(() => {
    checkSandboxName(name);
  }).toThrow(`${name} is no sandbox`);
});

it("takes for a sandbox's name whatever the name of a sandbox is, and nothing longer or shorter", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (owner, branch) => {
      const name = sandboxName(owner, branch);
      expect(() => {
        checkSandboxName(name);
      }).not.toThrow();
      for (const other of [`${name}x`, name.slice(1), `${name}\n`, name.toUpperCase()]) {
        expect(() => {
          checkSandboxName(other);
        }).toThrow("is no sandbox");
      }
    }),
  );
});

it("takes for a sandbox what is deployed as one, and not what lasts or is another's", () => {
  expect(whyNoSandbox(NAME, tags(SANDBOX))).toBeUndefined();
  for (const settings of [dev, staging, prod]) {
    const environment = resolveEnvironment(settings, {});
    expect(whyNoSandbox(environment.name, tags(environment))).toMatch(/does not have a sandbox's tag branch/);
  }
  expect(whyNoSandbox(NAME, { ...tags(SANDBOX), environment: "prod" })).toBe(
    `its tag environment is prod, not ${NAME}`,
  );
});

it("takes for no sandbox what lacks any of a sandbox's tags", () => {
  const needed = ["project", "environment", "branch", "expires-on"];
  for (const tag of needed) {
    const others = Object.fromEntries(Object.entries(tags(SANDBOX)).filter(([name]) => name !== tag));
    expect([tag, whyNoSandbox(NAME, others)]).toEqual([tag, expect.stringContaining(tag)]);
  }
  expect(whyNoSandbox(NAME, { ...tags(SANDBOX), "expires-on": "soon" })).toContain("expires-on is soon");
});

it("has expired once its last day has passed, and never without one", () => {
  expect(hasExpired({ "expires-on": "2026-12-24" }, "2026-12-24")).toBe(false);
  expect(hasExpired({ "expires-on": "2026-12-24" }, "2026-12-25")).toBe(true);
  expect(hasExpired({}, "9999-12-31")).toBe(false);
});

it.each([
  ["a lock of minutes", "2026-11-24T11:30:00.123Z", false],
  ["a lock of a day", "2026-11-23T12:00:00Z", true],
  ["a lock of an unknown time", "an unknown time", false],
])("%s", (_, since, expected) => {
  expect(isStale({ who: "anna@laptop", operation: "apply", since }, new Date("2026-11-24T12:00:00Z"))).toBe(expected);
});

describe("what has a sandbox's name", () => {
  it("is all that a sandbox makes in Azure, in the workspace and in Unity Catalog", () => {
    for (const nameOf of [
      physicalNames.catalog,
      physicalNames.storageCredential,
      physicalNames.eventSourceLocation,
      physicalNames.managedLocation,
      physicalNames.loadJob,
      physicalNames.sweepJob,
      physicalNames.upkeepJob,
      physicalNames.replayJob,
      physicalNames.cluster,
      physicalNames.clusterPolicy,
      physicalNames.warehouse,
      physicalNames.dashboard,
      physicalNames.workspaceFolder,
      physicalNames.resourceGroup,
      physicalNames.storageAccount,
    ]) {
      expect([nameOf(SANDBOX), names(nameOf(SANDBOX), NAME)]).toEqual([nameOf(SANDBOX), true]);
    }
  });

  it("is nothing of another environment", () => {
    const other = resolveEnvironment(sandbox({ ...REQUEST, owner: "ben" }), {});
    for (const environment of [other, resolveEnvironment(dev, {}), resolveEnvironment(prod, {})]) {
      expect(names(physicalNames.catalog(environment), NAME)).toBe(false);
      expect(names(physicalNames.loadJob(environment), NAME)).toBe(false);
      expect(names(physicalNames.storageAccount(environment), NAME)).toBe(false);
    }
    expect(names(`x${NAME}`, NAME)).toBe(false);
    expect(names(undefined, NAME)).toBe(false);
  });
});

it("tells the exact command for what is left, and that the trash empties itself", () => {
  const body = '{"path":"/order-tracking/guests/x","recursive":true}';
  expect(
    leftoverLines({
      what: "folder x",
      call: { command: "rest", options: { method: "post", url: "https://w/a", body } },
    }),
  ).toEqual(["folder x", `    az rest --method post --url https://w/a --body '${body}'`]);
  expect(leftoverLines({ what: "dashboard x, in the trash" })).toEqual([
    "dashboard x, in the trash",
    "    goes by itself, within 30 days",
  ]);
});

it("can be destroyed by whoever may register no services, like the sandbox that is made", () => {
  const folder = temporaryFolder();
  const stacks = [...synthesize(dev, { [dev.subscriptionIdVariable]: SUBSCRIPTION_ID }).files];
  for (const [file, content] of stacks.filter(([name]) => name.endsWith("cdk.tf.json"))) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), content);
  }
  const { emptyConfiguration, providerHashes } = readSandboxHome(folder, dev.name, undefined);

  const { platform } = synthesize(sandbox(REQUEST), { [dev.subscriptionIdVariable]: SUBSCRIPTION_ID });
  expect(emptyConfiguration).toMatchObject({ provider: { azurerm: platform.provider.azurerm } });
  expect(providerHashes).toBeUndefined();
  // What was committed to hold the stacks to their providers holds what destroys them as well.
  const committed = path.join(folder, "stacks", `${dev.name}-platform`, ".terraform.lock.hcl");
  writeFileSync(committed, "hashes");
  expect(readSandboxHome(folder, dev.name, undefined).providerHashes).toBe("hashes");
});

it("reads the tags of what is written down, where there are any", () => {
  const instance = (attributes?: RecordedState["resources"][number]["instances"][number]["attributes"]) => ({
    instances: [{ attributes }],
    mode: "managed",
  });
  const state = [
    instance({ tags: { environment: NAME } }),
    instance({ tags: null }),
    instance({ tags: { Vendor: "x" } }),
    instance(),
  ];
  expect(tagsIn({ resources: state })).toEqual([{ environment: NAME }]);
});

it("reads a state with a SQL warehouse, whose tags are pairs, and with tags that are of no kind that is known", () => {
  const pairs = Object.entries(tags(SANDBOX)).map(([key, value]) => ({ key, value }));
  const state = {
    resources: [[{ custom_tags: pairs }], ["blue"], "green", { environment: null }].map((written) => ({
      mode: "managed",
      instances: [{ attributes: { tags: written } }],
    })),
  };

  expect(tagsIn(readState(JSON.stringify(state)))).toEqual([tags(SANDBOX)]);
  expect(readState("\n")).toEqual({ resources: [] });
});

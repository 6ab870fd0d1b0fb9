import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readStateBackend } from "../../deploy/state-backend.ts";
import type { EnvironmentSettings, Variables } from "../../environments/environment.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { MINIMAL, SUBSCRIPTION_ID, synthesize } from "../synthesized.ts";

const STATE = { resourceGroup: "rg-state", storageAccount: "ordertrackstate", container: "tfstate" };

/** Reads the backend of an environment from its stacks on disk. */
function read(settings: EnvironmentSettings, variables?: Variables, environment = settings.name) {
  const output = temporaryFolder();
  const { platform } = synthesize(settings, variables);
  mkdirSync(path.join(output, "stacks", `${settings.name}-platform`), { recursive: true });
  writeFileSync(path.join(output, "stacks", `${settings.name}-platform`, "cdk.tf.json"), JSON.stringify(platform));
  return readStateBackend(output, environment);
}

it.each([
  ["of its own", {}],
  ["that is there", { existingResourceGroup: "rg-shared" }],
])("knows where the state is to be, and what has to be known to create that, in a resource group %s", (_, group) => {
  expect(read({ ...MINIMAL, ...group, stateContainer: STATE })).toMatchObject({
    ...STATE,
    subscriptionId: SUBSCRIPTION_ID,
    location: "westeurope",
    tags: { owner: "somebody", "cost-centre": "logistics" },
  });
});

it("fails where state is kept in files, with what to put in the environment", () => {
  expect(() => read(MINIMAL)).toThrow(
    /tiny keeps its state in files. .* environments\/tiny.ts[^]*storageAccount: "ordertrackstatetiny"/,
  );
});

it("proposes no name that is too long", () => {
  expect(() => read({ ...MINIMAL, name: "abcdefghijk" })).toThrow('"ordertrackstateabcdefghi"');
});

it("fails while the subscription is not known, with the variable to set", () => {
  expect(() => read({ ...MINIMAL, stateContainer: STATE }, {})).toThrow("Set TINY_SUBSCRIPTION_ID to its id");
});

it("fails on an environment that there is not", () => {
  expect(() => read(MINIMAL, {}, "qa")).toThrow("there is no environment qa");
});

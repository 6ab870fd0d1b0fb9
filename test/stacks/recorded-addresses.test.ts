/**
 * Resources whose loss loses data stay at their addresses. A construct's id and its place in the tree are its
 * resources' addresses: where one of them changes, Terraform deletes what it finds at the old one.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StorageContainer } from "@cdktf/provider-azurerm/lib/storage-container/index.js";
import { App, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { dev } from "../../environments/dev.ts";
import { prod } from "../../environments/prod.ts";
import { sandbox } from "../../environments/sandbox.ts";
import { staging } from "../../environments/staging.ts";
import { STATEFUL_TYPES } from "../../stacks/guard-rails/stateful-types.ts";
import { type StackJson, synthesize } from "../synthesized.ts";
import { type Addresses, describeChanges, type Move, RECORD_COMMAND } from "./recorded-addresses.ts";

const RECORD = path.join(__dirname, "recorded-addresses.json");
const ENVIRONMENTS = [dev, staging, prod, sandbox({ owner: "anna", branch: "main", expiresOn: "2026-12-24" })];
/** With the resource group everything in it goes. */
const TYPES = [...STATEFUL_TYPES, "azurerm_resource_group"];

it("stays where it is recorded, or says where it was", () => {
  const stacks = ENVIRONMENTS.flatMap((settings) => {
    const { platform, catalog, pipeline } = synthesize(settings);
    return Object.entries({ platform, catalog, pipeline }).map(
      ([kind, stack]) => [`${settings.name}-${kind}`, stack] as const,
    );
  });
  const now = Object.fromEntries(stacks.map(([name, stack]) => [name, statefulAddresses(stack)]));
  const moves = Object.fromEntries(stacks.map(([name, { moved = [] }]) => [name, moved]));
  if (process.env.RECORD_ADDRESSES) writeFileSync(RECORD, `${JSON.stringify(now, null, 2)}\n`);

  const changes = describeChanges(JSON.parse(readFileSync(RECORD, "utf8")) as Addresses, now, moves);
  // Thrown rather than compared, so that the code in it is printed as it has to be added.
  if (changes !== "") throw new Error(changes);
});

function statefulAddresses({ resource }: StackJson): Record<string, string> {
  return Object.fromEntries(
    TYPES.flatMap((type) =>
      Object.entries(resource[type] ?? {}).map(([id, { name }]) => [`${type}.${id}`, String(name)]),
    ),
  );
}

describe("describes", () => {
  const recorded = { stack: { "volume.old": "files", "catalog.one": "orders" } };
  const changes = (now: Record<string, string>, moves: readonly Move[] = []) =>
    describeChanges(recorded, { stack: now }, { stack: moves });

  it("nothing where all is as it was", () => {
    expect(changes(recorded.stack)).toBe("");
  });

  it("a move of what has the same type and name, with the code to add", () => {
    const moved = changes({ "volume.new": "files", "volume.other": "more", "catalog.one": "orders" });

    expect(moved).toContain("stack: volume.old would be deleted, and created anew as volume.new.");
    expect(moved).toContain('\n    resource.moveFromId("volume.old");\n');
    expect(moved).toContain("volume.other is new");
  });

  it("nothing where a move is said, before and after it is recorded", () => {
    const now = { "volume.new": "files", "catalog.one": "orders" };
    const moves = [{ from: "volume.old", to: "volume.new" }];

    expect(changes(now, moves)).toBe("");
    expect(describeChanges({ stack: now }, { stack: now }, { stack: moves })).toBe("");
  });

  it.each([
    ["is gone", {}],
    ["has another name", { "volume.new": "others" }],
    ["has another type", { "folder.new": "files" }],
  ])("a loss where it %s", (_, added) => {
    expect(changes({ "catalog.one": "orders", ...added })).toContain(
      `stack: volume.old would be deleted with what it holds. If that is meant: ${RECORD_COMMAND}`,
    );
  });

  it("a whole stack that is gone, and one that is new", () => {
    const all = describeChanges(recorded, { other: { "volume.new": "x" } }, {});

    expect(all).toContain("stack: catalog.one would be deleted");
    expect(all).toContain("other: volume.new is new");
  });

  it("the same change of several stacks once", () => {
    const inTwo = describeChanges({ a: recorded.stack, b: recorded.stack }, { a: {}, b: {} }, {});

    expect(inTwo.match(/^a, b: /gm)).toHaveLength(2);
  });
});

it("prints code that makes Terraform move the resource", () => {
  const outdir = mkdtempSync(path.join(tmpdir(), "order-tracking-addresses-"));
  const stack = new TerraformStack(new App({ outdir }), "stack");
  const printed = describeChanges({ stack: { "volume.old": "x" } }, { stack: { "volume.new": "x" } }, {});
  const container = new StorageContainer(new Construct(stack, "new"), "place", { name: "x" });
  container.moveFromId(/moveFromId\("(.*)"\);/.exec(printed)?.[1] ?? "");
  rmSync(outdir, { recursive: true });

  expect(stack.toTerraform()).toMatchObject({
    moved: [{ from: "volume.old", to: `azurerm_storage_container.${container.friendlyUniqueId}` }],
  });
});

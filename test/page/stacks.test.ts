import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readPicture } from "../../page/stacks.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { MINIMAL, synthesize } from "../synthesized.ts";

const RUNNER = "22222222-2222-4222-8222-222222222222";

const folder = temporaryFolder();
const { files } = synthesize({
  ...MINIMAL,
  analysts: ["analysts"],
  loaders: ["loaders"],
  operators: ["operators"],
  runAs: RUNNER,
  warehouse: "create",
});
for (const [file, content] of files) {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), content);
}
const picture = readPicture(folder, "tiny");

it("shows each resource of each stack once, by what it is for", () => {
  expect(picture?.stacks.map(({ name }) => name)).toEqual(["platform", "catalog", "pipeline"]);
  for (const { count, groups } of picture?.stacks ?? []) {
    const names = groups.flatMap(({ resources }) => resources.flatMap((each) => each.names));
    expect(names).toHaveLength(count);
  }
  const [platform] = picture?.stacks ?? [];
  expect(platform?.groups.find(({ name }) => name === "lake")?.resources).toContainEqual({
    kind: "storage account",
    names: ["ordertrackingtiny"],
    costsWhileIdle: true,
  });
});

it("says who may do what, with the names of things", () => {
  expect(picture?.rights).toEqual(
    expect.arrayContaining([
      { who: "analysts", may: "use schema, select", on: "schema order_tracking" },
      { who: "loaders", may: "read volume, write volume", on: "volume order_files" },
      { who: "operators", may: "can manage run", on: "job [tiny] orders_tracking_incremental_load" },
      { who: `service principal ${RUNNER}`, may: "use catalog", on: "catalog orders_tiny" },
    ]),
  );
  const role = picture?.rights.find(({ may }) => may === "Storage Blob Data Contributor");
  expect(role?.who).toMatch(/^access connector /);
  expect(role?.on).toBe("storage account ordertrackingtiny");
  expect(JSON.stringify(picture)).not.toContain("${");
});

it("says what costs while nothing happens", () => {
  const costs = new Map(picture?.costs.map(({ what, whileIdle }) => [what, whileIdle]));
  expect(costs.get("storage account ordertrackingtiny")).toBe("what is stored");
  expect(costs.get("job [tiny] orders_tracking_incremental_load")).toBe("a listing of the lake a minute");
  expect(costs.get("job [tiny] orders_tracking_upkeep")).toBe("its schedule, which starts a run");
  expect(costs.get("job [tiny] orders_tracking_replay")).toBeUndefined();
  expect(costs.has("SQL warehouse [tiny] order tracking")).toBe(true);
});

it("shows nothing where a stack is missing", () => {
  expect(readPicture(folder, "other")).toBeUndefined();
});

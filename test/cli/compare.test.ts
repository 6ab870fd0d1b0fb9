/** `compare`, with Spark: the same files, loaded by the code of a commit and by that of this checkout; and in a review. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { RowComparison } from "../../review/rows.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { inProcess } from "./in-process.ts";
import { MadeUpTerraform } from "./made-up-terraform.ts";
import { orderTracking } from "./order-tracking.ts";

jest.setTimeout(300_000);

/** In place of the comparison in this process; a command that is started compares all the same. */
const compareRows = jest.fn<Promise<RowComparison>, unknown[]>();
jest.mock("../../cli/row-changes.ts", () => ({ compareRows }));

const root = path.join(__dirname, "../..");
const scratch = temporaryFolder();
const repository = path.join(scratch, "repository");
const isCloned = spawnSync("git", ["clone", "--quiet", root, repository]).status === 0;
const [withCommit, why] = isCloned ? [test, ""] : [test.skip, " (skipped: git knows no repository here)"];
const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, stdio: "pipe" });

/** A commit like this checkout, but for the contract: an address is needed, a status is not, and the last status first. */
beforeAll(() => {
  if (!isCloned) return;
  const contract = path.join(repository, "notebooks/order_tracking/contract/orders.py");
  const changed = readFileSync(contract, "utf8")
    .replace(
      'Column("address", "string")',
      'Column("address", "string", required=True),\n        Column("carrier", "string")',
    )
    .replace('Column("status", "string", required=True)', 'Column("status", "string")')
    .replace('"RETURNED",\n', "")
    .replace('"NEW",', '"RETURNED",\n            "NEW",');
  writeFileSync(contract, changed);
  const author = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"];
  git(...author, "commit", "--quiet", "--all", "--message", "another contract");
});

const HEADER = "tracking_num,order_num,status,address,received_date,delivery_date,last_update_timestamp";
const row = (number: string, status: string, address: string) =>
  `${number},O1,${status},${address},2026-01-01,,2026-01-01 10:00:00`;

withCommit(`shows what is otherwise, row by row, and says where a person should look${why}`, async () => {
  const rows = [
    row("T1", "SHIPPED", "1 Main Street"),
    row("T2", "SHIPPED", ""),
    row("T3", "", "3 Main Street"),
    row("T4", "SHIPPED", "4 Main Street"),
    row("T4", "RETURNED", "4 Main Street"),
  ];
  const file = path.join(scratch, "orders.csv");
  writeFileSync(file, `${[HEADER, ...rows].join("\n")}\n`);
  process.env.GIT_DIR = path.join(repository, ".git");

  const { code, stdout, stderr } = await orderTracking(["compare", "HEAD", file, "--json"]);

  expect([code, stderr]).toEqual([3, ""]);
  const { changes, ...totals } = JSON.parse(stdout) as RowComparison;
  expect(totals).toEqual({
    ...{ base: "HEAD", files: 1, orders: 3, quarantined: 1 },
    ...{ newColumns: [], lostColumns: ["carrier"] },
  });
  const found = Object.fromEntries(
    changes.map(({ kind, count, examples }) => [kind, [count, ...examples.map(({ name }) => name)]]),
  );
  expect(found).toEqual({
    lost: [1, "T3"],
    inserted: [1, "T2"],
    changed: [1, "T4"],
    quarantined: [1, "orders.csv, row 3"],
    released: [1, "orders.csv, row 2"],
  });
  const changed = changes.find(({ kind }) => kind === "changed")?.examples[0];
  expect([changed?.before?.status, changed?.after?.status]).toEqual(["SHIPPED", "RETURNED"]);
});

withCommit(`is a part of a review where it is asked for${why}`, async () => {
  const file = path.join(scratch, "orders.csv");
  writeFileSync(file, "");
  compareRows.mockResolvedValue({
    ...{ base: "HEAD", files: 1, orders: 1, quarantined: 0 },
    ...{ newColumns: [], lostColumns: ["carrier"] },
    changes: [{ kind: "inserted", count: 1, examples: [{ name: "T9" }] }],
  });
  const { run } = await import("../../cli/commands/plan.ts");
  const print = jest.spyOn(console, "log").mockImplementation();
  const terraform = new MadeUpTerraform();
  Object.assign(process.env, {
    GIT_DIR: path.join(repository, ".git"),
    ARM_CLIENT_ID: "somebody",
    ORDER_TRACKING_STAGING_SUBSCRIPTION_ID: "11111111-2222-3333-4444-555555555555",
  });

  const code = await run(["staging", "--compare", "HEAD", "--file", file]);

  const stdout = print.mock.calls.flat().join("\n");
  print.mockRestore();
  terraform.remove();
  expect(compareRows).toHaveBeenCalledWith("HEAD", "staging", [[file]], expect.anything());
  expect(code).toBe(3);
  expect(stdout).toContain("What it does to rows\n  ⚠ Orders have no column `carrier` any more.\n");
  expect(stdout).toContain("1 order is there that `HEAD` does not load.\n      `T9`");
});

test("refuses a commit that there is not before anything is loaded", async () => {
  const { code, stderr } = await orderTracking(["compare", "no-such-commit"]);
  expect(code).toBe(1);
  expect(stderr).toContain("there is no commit no-such-commit in this repository");
});

test.each([
  [[], "give a commit"],
  [["HEAD", "no-such-file.csv"], "there is no file"],
])("refuses %j before anything is loaded", async (args, message) => {
  compareRows.mockClear();
  const { code, stderr } = await inProcess(["compare", ...args]);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
  expect(compareRows).not.toHaveBeenCalled();
});

import { findRowChanges, ROW_CHANGES, type RowComparison, type RowExample } from "../../review/rows.ts";

const SAME: RowComparison = {
  ...{ base: "main", files: 2, orders: 60, quarantined: 1 },
  ...{ newColumns: [], lostColumns: [], changes: [] },
};

it("says that nothing is otherwise", () => {
  expect(findRowChanges(SAME, "dev-pipeline")).toEqual([
    {
      ...{ stack: "dev-pipeline", address: "", details: [], needsSecondLook: false },
      headline: "Of 2 files it makes the same as `main`: 60 orders and 1 quarantined row.",
    },
  ]);
});

it("has a sentence for each way to be otherwise, what is less than before first and marked, and counts what it leaves out", () => {
  const changes = ROW_CHANGES.toReversed().map((kind) => ({ kind, count: 2, examples: [{ name: "T1" }] }));
  const findings = findRowChanges({ ...SAME, newColumns: ["a"], lostColumns: ["b"], changes }, "dev-pipeline");
  expect(findings.map(({ headline, needsSecondLook }) => `${needsSecondLook ? "! " : ""}${headline}`)).toEqual([
    "Orders have a column `a` that `main` does not have.",
    "! Orders have no column `b` any more.",
    "! 2 orders that `main` loads are not there.",
    "! 2 orders are otherwise than with `main`.",
    "2 orders are there that `main` does not load.",
    "! 2 rows that `main` lets through are quarantined.",
    "2 rows that `main` quarantines are let through.",
    "! 2 files that `main` takes are rejected.",
    "2 files that `main` rejects are taken.",
  ]);
  for (const { details } of findings.slice(2)) expect(details).toEqual(["`T1`", "and 1 more"]);
});

it("shows the columns of an order that differ, and why a row is not taken, as code", () => {
  const examples: readonly RowExample[] = [
    { name: "T1", before: { status: "SHIPPED", address: "1 Main" }, after: { status: "*LOST*", address: "1 Main" } },
    { name: "T2", before: { address: "2 Main" }, after: { status: "NEW" } },
    { name: "a.csv, row 3", reason: "`status` is missing" },
    { name: "T4", after: { status: "NEW" } },
  ];
  const [finding] = findRowChanges({ ...SAME, changes: [{ kind: "changed", count: 4, examples }] }, "dev-pipeline");
  expect(finding?.details).toEqual([
    "`T1`: `status` `SHIPPED` → `*LOST*`",
    "`T2`: `address` `2 Main` → nothing, `status` nothing → `NEW`",
    "`a.csv, row 3`: `'status' is missing`",
    "`T4`",
  ]);
});

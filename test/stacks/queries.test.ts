import { resolveEnvironment } from "../../environments/environment.ts";
import { allQueries, readQuery, withFullNames } from "../../stacks/queries.ts";
import { MINIMAL } from "../synthesized.ts";

const TABLES = /(?<!\.)\b(?:operations\.)?(?:\w+_table|orders_history)\b/g;

it("describes a query by the comment that its file begins with", () => {
  expect(readQuery("orders_by_status")).toMatchObject({
    name: "orders_by_status",
    description: "How many orders are in each status, and when one of them last changed.",
    text: expect.stringContaining("\nSELECT upper(status)") as string,
  });
});

it("finds every query, in the order of their names", () => {
  const names = allQueries().map(({ name }) => name);

  expect(names).toEqual(expect.arrayContaining(["late_orders", "orders_by_status", "quarantined_by_reason"]));
  expect(names).toEqual([...names].sort());
});

it("names every table in full where no catalog can be set, and nothing else", () => {
  const environment = resolveEnvironment(MINIMAL, {});
  for (const query of allQueries()) {
    const full = withFullNames(query, environment);

    const expected = query.text.replace(
      TABLES,
      (table) => `orders_tiny.${table.includes(".") ? table : `order_tracking.${table}`}`,
    );
    expect(full).toBe(expected);
    expect(full).not.toBe(query.text);
  }
});

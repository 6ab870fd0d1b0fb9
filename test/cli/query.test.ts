import { jsonLines } from "../../cli/commands/query.ts";

test.each([
  { rows: [] },
  { rows: [{ tracking_num: "T1", reasons: [{ rule: "type" }], address: "the old\nmill", empty: null }] },
  { rows: [{ n: 1 }, {}, { n: 3 }] },
])("rows in parts are the JSON that they are at once: $rows", ({ rows }) => {
  expect([...jsonLines(rows)].join("")).toBe(`${JSON.stringify(rows, null, 2)}\n`);
});

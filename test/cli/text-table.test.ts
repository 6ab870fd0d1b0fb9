import { showValue, textTable } from "../../cli/text-table.ts";

test("columns are as wide as their widest value, numbers stand right", () => {
  expect(
    textTable(
      ["status", "orders"],
      [
        ["DELIVERED", 7],
        ["NEW", 12],
      ],
    ),
  ).toEqual(["status     orders", "DELIVERED       7", "NEW            12"]);
});

test("line breaks in a value do not break the table", () => {
  expect(textTable(["address"], [["1 Mill\nLane"]])).toEqual(["address", "1 Mill Lane"]);
});

test("missing values are empty, structured ones are JSON", () => {
  expect([null, undefined, "x", 1.5, ["a"]].map(showValue)).toEqual(["", "", "x", "1.5", '["a"]']);
});

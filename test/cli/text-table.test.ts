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

test("a long result is a long table", () => {
  const rows = Array.from({ length: 150_000 }, (_, number) => [number]);
  expect(textTable(["number"], rows)).toHaveLength(150_001);
});

test("line breaks in a value do not break the table", () => {
  expect(textTable(["address"], [["1 Mill\nLane"]])).toEqual(["address", "1 Mill Lane"]);
});

test("what a terminal would obey is written out", () => {
  expect(textTable(["address"], [["\u001b[2J1 Main\u202e 👩‍🚀"]])).toEqual(["address", "\\u{1b}[2J1 Main\\u{202e} 👩‍🚀"]);
});

test("missing values are empty, structured ones are JSON", () => {
  expect([null, undefined, "x", 1.5, ["a"]].map(showValue)).toEqual(["", "", "x", "1.5", '["a"]']);
});

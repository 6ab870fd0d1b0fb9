import { csv, csvLines, forSpreadsheet } from "../../cli/csv.ts";

test("values with commas, quotes or line ends are quoted, structures are JSON, missing values are empty", () => {
  const rows = [
    ["T1", "1 Mill Lane, York", null],
    ["T2", 'the "old"\nmill', [{ rule: "type" }]],
  ];
  expect(csv(["tracking_num", "address", "reasons"], rows)).toBe(
    'tracking_num,address,reasons\r\nT1,"1 Mill Lane, York",\r\nT2,"the ""old""\nmill","[{""rule"":""type""}]"\r\n',
  );
});

test("its lines come one by one, with their ends", () => {
  expect([...csvLines(["a"], [["1"], ["two\nlines"]])]).toEqual(["a\r\n", "1\r\n", '"two\nlines"\r\n']);
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])("a spreadsheet takes %j for a text", (value) => {
  expect(forSpreadsheet(value)).toBe(`'${value}`);
});

test("to a spreadsheet other texts, numbers and structures go as they are", () => {
  expect(["1 Mill Lane", "a=b", -1.5, ["=1"], null].map(forSpreadsheet)).toEqual([
    "1 Mill Lane",
    "a=b",
    "-1.5",
    '["=1"]',
    "",
  ]);
});

test("no rows are a header line", () => {
  expect(csv(["a", "b"], [])).toBe("a,b\r\n");
});

import { csv, csvLines } from "../../cli/csv.ts";

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

test("no rows are a header line", () => {
  expect(csv(["a", "b"], [])).toBe("a,b\r\n");
});

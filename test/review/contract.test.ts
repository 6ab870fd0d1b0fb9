import { contractChanges, isForGood } from "../../review/contract.ts";

const column = (name: string, rest: object = {}) => ({
  name,
  type: "string",
  required: false,
  aliases: [],
  formats: [],
  case: null,
  ...rest,
});
const rule = (rest: object = {}) => ({
  name: "order",
  column: "b",
  condition: "{b} >= {a}",
  message: "b is before a",
  warn_only: true,
  ...rest,
});
const contract = (rest: object = {}) => ({
  columns: [column("a"), column("status")],
  key: "a",
  sequence: "a",
  progress: { column: "status", values: ["NEW", "SENT"], only_known: false },
  rules: [rule()],
  future_tolerance_seconds: 86400,
  ...rest,
});
const progress = (values: readonly string[], only_known = false) => ({
  progress: { column: "status", values, only_known },
});

it("says nothing where nothing differs, and survives what is no contract", () => {
  expect(contractChanges(contract(), contract())).toEqual([]);
  expect(contractChanges(undefined, [])).toEqual([]);
});

it.each<[object, object, string]>([
  [{}, { columns: [column("a"), column("status", { required: true })] }, "`status` is now required"],
  [{}, { columns: [column("a"), column("status"), column("c", { type: "date" })] }, "`c` is new: `date`"],
  [{}, { columns: [column("a")] }, "`status` is no longer a column"],
  [{}, { columns: [column("a", { type: "int" }), column("status")] }, "`a` is now `int`, not `string` any more"],
  [{}, { columns: [column("a", { aliases: ["x"] }), column("status")] }, "`x` is now known as a name of `a`"],
  [
    { columns: [column("d", { formats: ["dd/MM/yyyy", "MM/dd/yyyy"] })] },
    { columns: [column("d", { formats: ["MM/dd/yyyy", "dd/MM/yyyy"] })] },
    "the formats of `d` have another order",
  ],
  [{}, { key: "status" }, "the key is now `status`, not `a` any more"],
  [{}, progress(["SENT", "NEW"]), "the values of `status` have another order"],
  [{}, progress(["NEW", "SENT", "LOST"]), "`LOST` is now known as a value of `status`"],
  [{}, progress(["NEW", "SENT"], true), "other values of `status` are bad from now on"],
  [{}, { rules: [rule({ warn_only: false })] }, "`b is before a` (rule `order`) now sends a row to quarantine"],
  [
    {},
    { rules: [rule({ condition: "{b} > {a}" })] },
    "`b is before a` (rule `order`) now asks for `{b} > {a}`, not for `{b} >= {a}` any more",
  ],
  [{}, { rules: [] }, "`b is before a` (rule `order`) is no longer looked at"],
  [{ rules: [] }, {}, "new: `b is before a` (rule `order`) is only warned of"],
  [{}, { future_tolerance_seconds: null }, "a state may now lie any time after its file's arrival; it was 24 hours"],
])("says what differs: %j, %j", (before, after, words) => {
  expect(contractChanges(contract(before), contract(after)).join("\n")).toContain(words);
});

it.each([
  [{ type: "bigint" }, true],
  [{ required: true }, false],
])("says which change no later deployment takes back: %j", (change, isIt) => {
  const sentences = contractChanges(contract(), contract({ columns: [column("a"), column("status", change)] }));
  expect(sentences.map(isForGood)).toEqual([isIt]);
});

it("tells another condition of a rule once, and takes no other rule for it", () => {
  const other = rule({ condition: "{b} > 0", message: "b is nothing" });
  const stricter = rule({ condition: "{b} > {a}", warn_only: false });
  expect(contractChanges(contract({ rules: [rule(), other] }), contract({ rules: [other, stricter] }))).toEqual([
    expect.stringContaining("now asks for `{b} > {a}`"),
    "`b is before a` (rule `order`) now sends a row to quarantine",
  ]);
});

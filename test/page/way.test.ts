import { changes, decisions, loadings } from "../../page/way.ts";

const row = (status: string, day: number, file: string) => ({
  tracking_num: "T1",
  status,
  last_update_timestamp: `2026-11-${day} 10:00:00`,
  _source_file: file,
});

describe("what a loaded row meant for its order", () => {
  it("moves it on, or only fills in its way, or changes nothing", () => {
    const rows = [
      row("RECEIVED", 16, "a.csv"),
      row("SHIPPED", 17, "b.csv"),
      row("LABEL_PRINTED", 15, "late.csv"),
      row("SHIPPED", 17, "b-again.csv"),
      row("DELIVERED", 17, "c.csv"),
    ];
    expect(decisions(rows).map(({ decision }) => decision)).toEqual([
      "the first that was known of the order",
      "newer, so the order moved on",
      "older than what was known, so it only filled in the way",
      "the same again, which changed nothing",
      "another state of the same time: the order of the statuses says which one counts",
    ]);
  });

  it("is what was sent last where the states of one time have one status, in whatever case", () => {
    const corrected = { ...row("shipped", 17, "corrected.csv"), address: "1 Mill Lane" };
    const ofOneStatus = [row("SHIPPED", 17, "a.csv"), corrected];
    const decided = decisions([...ofOneStatus, row("SHIPPED", 17, "a-again.csv")]).map(({ decision }) => decision);
    expect(decided.slice(1)).toEqual(Array(2).fill("another state of the same time: what was sent last counts"));
    expect(decisions([row("DELIVERED", 17, "b.csv"), ...ofOneStatus]).at(-1)?.decision).toBe(
      "another state of the same time: the order of the statuses says which one counts",
    );
  });
});

it("is not said of the first row that it was the first where rows before it are left out", () => {
  const rows = [row("SHIPPED", 17, "b.csv"), row("LABEL_PRINTED", 15, "late.csv")];
  expect(decisions(rows, true).map(({ decision }) => decision)).toEqual([
    "what was known before it is not shown",
    "older than what was known, so it only filled in the way",
  ]);
});

describe("the way of an order", () => {
  it("has each state with all rows that told of it, and what else it changed", () => {
    const states = [
      { status: "RECEIVED", valid_from: "2026-11-16 10:00:00", is_current: false, delivery_date: null },
      { status: "SHIPPED", valid_from: "2026-11-17 10:00:00", is_current: true, delivery_date: "2026-11-18" },
    ];
    const rows = [row("RECEIVED", 16, "a.csv"), row("SHIPPED", 17, "b.csv"), row("SHIPPED", 17, "b-again.csv")];
    expect(
      loadings(states, rows).map(({ status, changes, isCurrent, rows: ofState }) => [
        status,
        changes,
        isCurrent,
        ofState.map(({ _source_file }) => _source_file),
      ]),
    ).toEqual([
      ["RECEIVED", "", false, ["a.csv"]],
      ["SHIPPED", "delivery date: 2026-11-18", true, ["b.csv", "b-again.csv"]],
    ]);
  });

  it("has each change of a number, and the number as it is in the table", () => {
    expect(changes({ weight: 0.001, units: 1_234_566 }, { weight: 0.004, units: 1_234_567 })).toBe(
      "weight: 0.004; units: 1234567",
    );
  });
});

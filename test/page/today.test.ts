import { type DayOfLoads, judge } from "../../page/today.ts";

const limits = { quarantinedPercent: 20, rejectedFiles: 0 };
const loaded = (day: string, rows_read: number, more: Partial<DayOfLoads> = {}): DayOfLoads => ({
  day: `2026-11-${day}`,
  files: 2,
  files_rejected: 0,
  rows_read,
  rows_quarantined: 0,
  ...more,
});
const before = [loaded("18", 100), loaded("19", 90), loaded("20", 5000)];
const allRejected = ["14", "15", "16", "17"].map((day) => loaded(day, 0, { files: 1, files_rejected: 1 }));
const today = "2026-11-21";

describe("today's load", () => {
  it.each([
    ["as many rows as usual", loaded("21", 101), before],
    ["the first day of all", loaded("21", 101), [] as DayOfLoads[]],
    ["as many bad rows as are allowed", loaded("21", 100, { rows_quarantined: 20 }), before],
    ["as many rows as on the days on which not all was rejected", loaded("21", 100), [...before, ...allRejected]],
  ])("is normal with %s", (_, day, earlier) => {
    expect(judge([...earlier, day], today, limits)).toMatchObject({
      headline: "Today’s load is normal",
      isFine: true,
    });
  });

  it.each([
    ["far fewer rows than usual", loaded("21", 49), "49 rows in 2 files; 100 on a usual day."],
    ["far more rows than usual", loaded("21", 201), "201 rows in 2 files; 100 on a usual day."],
    [
      "too many bad rows",
      loaded("21", 100, { rows_quarantined: 21 }),
      "21 rows quarantined, 21 % of them; 20 % are allowed.",
    ],
    ["a rejected file", loaded("21", 100, { files_rejected: 1 }), "1 file rejected; 0 in a run are allowed."],
  ])("needs a look with %s", (_, day, sentence) => {
    const { isFine, findings } = judge([...before, day], today, limits);
    expect(isFine).toBe(false);
    expect(findings.filter((finding) => !finding.isFine)).toEqual([{ isFine: false, sentence }]);
  });

  it("is of the files that were not rejected", () => {
    const { findings } = judge([...before, loaded("21", 100, { files_rejected: 1 })], today, limits);
    expect(findings[0]).toEqual({ isFine: true, sentence: "100 rows in 1 file; 100 on a usual day." });
  });

  it("needs a look where there is none", () => {
    expect(judge(before, today, limits)).toMatchObject({ headline: "Nothing has been loaded today", isFine: false });
    expect(judge([], today, limits).headline).toBe("Nothing has been loaded in the last 30 days");
  });
});

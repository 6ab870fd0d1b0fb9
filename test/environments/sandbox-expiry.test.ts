import fc from "fast-check";
import { EnvironmentError } from "../../environments/environment.ts";
import { checkLastDay, defaultLastDay, lastDayAfter } from "../../environments/sandbox-expiry.ts";

const TODAY = "2026-11-24";
const dayAfter = (today: string, days: number) =>
  new Date(Date.parse(today) + days * 24 * 60 * 60 * 1000).toISOString().slice(0, "YYYY-MM-DD".length);

it.each([
  ["today", TODAY],
  ["90 days from now", "2027-02-22"],
  ["what nobody asked for otherwise", defaultLastDay(TODAY)],
])("takes %s", (_, day) => {
  expect(() => {
    checkLastDay("--until", day, TODAY);
  }).not.toThrow();
});

it.each([
  ["yesterday", "2026-11-23", "--until is 2026-11-23: that day has passed"],
  ["91 days from now", "2027-02-23", "--until is 2027-02-23: it must be at most 90 days from now"],
  ["years ahead", "2036-11-24", "--until is 2036-11-24: it must be at most 90 days from now"],
  ["a day that no calendar has", "2027-02-30", "--until is 2027-02-30: it must be a date as YYYY-MM-DD"],
  ["a word", "tomorrow", "--until is tomorrow: it must be a date as YYYY-MM-DD"],
])("refuses %s", (_, day, message) => {
  expect(() => {
    checkLastDay("--until", day, TODAY);
  }).toThrow(new EnvironmentError(message));
});

it("takes a day if, and only if, it is one of the next 90 days, whatever today is", () => {
  const today = fc.date({ min: new Date("2026-01-01"), max: new Date("2036-12-31"), noInvalidDate: true });
  fc.assert(
    fc.property(today, fc.integer({ min: -400, max: 400 }), (date, days) => {
      const day = date.toISOString().slice(0, "YYYY-MM-DD".length);
      let isTaken = true;
      try {
        checkLastDay("--until", dayAfter(day, days), day);
      } catch {
        isTaken = false;
      }
      expect(isTaken).toBe(days >= 0 && days <= 90);
    }),
  );
});

it("counts days from today, and takes no more than 90 of them", () => {
  expect(lastDayAfter("--days", "3", TODAY)).toBe("2026-11-27");
  expect(lastDayAfter("--days", "0", TODAY)).toBe(TODAY);
  for (const days of ["91", "100", "-1", "1.5", "soon", ""]) {
    expect(() => lastDayAfter("--days", days, TODAY)).toThrow("it must be a whole number of days, at most 90");
  }
});

import fc from "fast-check";
import { FileArrivalTrigger } from "../../local/file-arrival-trigger.ts";

const timing = { minTimeBetweenTriggersSeconds: 90, waitAfterLastChangeSeconds: 60 };

/** The seconds at which a trigger fires that looks every second; `files` gives the listing at each. */
function firings(seconds: number, files: (second: number) => string[]): number[] {
  const trigger = new FileArrivalTrigger(timing);
  return [...Array(seconds).keys()].filter((second) => trigger.observe(second, files(second)));
}

describe("a file-arrival trigger", () => {
  test("does not fire on an empty directory", () => {
    expect(firings(300, () => [])).toEqual([]);
  });

  test("fires once, when nothing has arrived for the waiting time", () => {
    expect(firings(300, (second) => (second < 10 ? [] : ["a.csv"]))).toEqual([70]);
  });

  test("waits anew with each arrival", () => {
    const files = (second: number) => ["a.csv", "b.csv", "c.csv"].slice(0, Math.floor(second / 40));
    expect(firings(400, files)).toEqual([180]);
  });

  test("keeps the minimum time between two runs", () => {
    const files = (second: number) => [...(second < 0 ? [] : ["a.csv"]), ...(second < 61 ? [] : ["b.csv"])];
    expect(firings(400, files)).toEqual([60, 150]);
  });

  test("does not fire for a name that is still there, however often it is overwritten", () => {
    expect(firings(1000, () => ["a.csv"])).toHaveLength(1);
  });

  test("fires again for a name that went away and came back", () => {
    expect(firings(400, (second) => (second > 100 && second < 200 ? [] : ["a.csv"]))).toEqual([60, 260]);
  });

  test("fires again for a name that a run has taken and another file has, although each look saw it", () => {
    const trigger = new FileArrivalTrigger(timing);
    const fired = [...Array(400).keys()].filter((second) => {
      if (second === 100) trigger.forget(["a.csv", "b.csv"], 60);
      return trigger.observe(second, second < 30 ? ["a.csv"] : ["a.csv", "not-taken.csv"]);
    });
    expect(fired).toEqual([90, 180]);
  });

  test("fires once for a name that went away and came back while the run went on that took it", () => {
    const trigger = new FileArrivalTrigger(timing);
    const fired = [...Array(600).keys()].filter((second) => {
      if (second === 300) trigger.forget(["a.csv"], 60);
      return trigger.observe(second, second > 100 && second < 110 ? [] : ["a.csv"]);
    });
    expect(fired).toEqual([60, 170]);
  });

  test("never misses a file and never fires too early, whatever arrives when", () => {
    const arrivals = fc.array(fc.nat(500), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(arrivals, (times) => {
        const fired = firings(1000, (second) =>
          times.flatMap((time, index) => (time <= second ? [`${index}.csv`] : [])),
        );
        for (const time of times) expect(fired.some((second) => second >= time + 60)).toBe(true);
        for (const second of fired) expect(times.some((time) => time > second - 60 && time <= second)).toBe(false);
        fired.slice(1).forEach((second, index) => {
          expect(second - (fired[index] ?? 0)).toBeGreaterThanOrEqual(90);
        });
      }),
    );
  });
});

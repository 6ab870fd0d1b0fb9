import { stripVTControlCharacters } from "node:util";
import { Progress } from "../../cli/progress.ts";

/** What is written in half a minute of one step, in which Spark tells how far it is. */
function written(isTTY: boolean, isSilent = false, columns?: number): string[] {
  const lines: string[] = [];
  const write = (text: string) => lines.push(text) > 0;
  const progress = new Progress(isSilent, { isTTY, write, columns });
  progress.step("source_to_stage");
  progress.show({ tasks: 8, tasks_done: 3, rows: 350_000 });
  jest.advanceTimersByTime(30_000);
  progress.end();
  jest.advanceTimersByTime(60_000);
  return lines;
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("a log gets a line as a step starts, and one every so often, until its end", () => {
  expect(written(false)).toEqual([
    "source_to_stage ...\n",
    "source_to_stage: 3 of 8 Spark tasks, 350,000 rows read, 5 s\n",
    "source_to_stage: 3 of 8 Spark tasks, 350,000 rows read, 15 s\n",
  ]);
});

test("a terminal has one line, which moves and is taken away", () => {
  const lines = written(true);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines.filter((line) => line.includes("\n") || !line.startsWith("\r"))).toEqual([]);
  expect(lines.at(-2)).toContain("3 of 8 Spark tasks, 350,000 rows read, 30 s");
  expect(lines.at(-1)).toBe("\r\u001b[K");
});

test("the line of a narrow terminal is cut, as it would go on in a second line", () => {
  const lines = written(true, false, 40).map((line) => stripVTControlCharacters(line).trim());
  expect(lines.at(-2)).toMatch(/^. source_to_stage 3 of 8 Spark tasks, 3$/);
  expect(Math.max(...lines.map(({ length }) => length))).toBe(39);
});

test("for who reads JSON there is nothing", () => {
  expect(written(true, true)).toEqual([]);
});

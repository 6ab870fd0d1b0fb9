import { expect, jest, test } from "@jest/globals";
import type { Home } from "../../local/home.ts";

const openSpark = jest.fn();
jest.mock("../../local/spark-server.ts", () => ({ openSpark, idleMinutes: () => 0 }));

test("whoever lets go of Spark while that is under way waits for it as well", async () => {
  const { NotebookKernel } = await import("../../local/notebook-kernel.ts");
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  openSpark.mockReturnValue(Promise.resolve({ next: () => ended, end: () => ended }));
  const kernel = new NotebookKernel({ tables: "tables" } as Home);
  await kernel.start();
  let ends = 0;
  const stops = [kernel.stop(), kernel.stop()].map((stop) => stop.then(() => (ends += 1)));
  await new Promise(setImmediate);
  expect(ends).toBe(0);
  end();
  await Promise.all(stops);
  expect(ends).toBe(2);
});

test("rows that come in several lines are those of one answer, in their order", async () => {
  const { NotebookKernel } = await import("../../local/notebook-kernel.ts");
  const lines = [
    { id: 1, rows: [{ n: 1 }, { n: 2 }] },
    { id: 1, rows: [{ n: 3 }] },
    { id: 1, result: { columns: ["n"], rows: [{ n: 4 }] } },
  ];
  let ask: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  const next = () => asked.then(() => lines.shift());
  openSpark.mockReturnValue(Promise.resolve({ write: ask, next, end: () => Promise.resolve() }));
  const kernel = new NotebookKernel({ tables: "tables", synthesized: "no-such-folder" } as Home);
  expect(await kernel.query("SELECT n FROM numbers")).toEqual({
    columns: ["n"],
    rows: [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }],
  });
});

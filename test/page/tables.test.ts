import { mkdirSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import { savedQuery } from "../../page/saved-queries.ts";
import { SparkTables } from "../../page/tables.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const home = openHome(path.join(temporaryFolder(), "home"));

/** Answers with the number of the question, and notes when it is let go of. */
class FakeKernel {
  readonly asked: string[] = [];
  stopped = 0;

  query(sql: string, parameters: Readonly<Record<string, string>> = {}) {
    this.asked.push(JSON.stringify(parameters));
    if (parameters.tracking_num === "bad") return Promise.reject(new Error("refused"));
    return Promise.resolve({ columns: ["n"], rows: [{ n: this.asked.length, sql }] });
  }

  stop() {
    this.stopped += 1;
    return Promise.resolve();
  }
}

describe("what is asked", () => {
  it("is asked once for as long as the tables are as they were", async () => {
    const kernel = new FakeKernel();
    const tables = new SparkTables(home, [kernel]);
    const ask = (tracking_num: string) => tables.rows("order", 1, { tracking_num });
    await Promise.all([ask("T1"), ask("T1"), ask("T2")]);
    expect(kernel.asked).toEqual(['{"tracking_num":"T1"}', '{"tracking_num":"T2"}']);
    mkdirSync(path.join(home.tables, "a.db", "t", "_delta_log"), { recursive: true });
    await ask("T1");
    expect(kernel.asked).toHaveLength(3);
    await tables.close();
  });

  it("is asked again where it was refused", async () => {
    const kernel = new FakeKernel();
    const tables = new SparkTables(home, [kernel]);
    const ask = () => tables.rows("order", 1, { tracking_num: "bad" });
    await expect(ask()).rejects.toThrow("refused");
    await expect(ask()).rejects.toThrow("refused");
    expect(kernel.asked).toHaveLength(2);
    await tables.close();
  });

  it("is asked where nothing else waits for an answer", async () => {
    const kernels = [new FakeKernel(), new FakeKernel()];
    const tables = new SparkTables(home, kernels);
    await Promise.all(["1", "2", "3", "4"].map((tracking_num) => tables.rows("order", 1, { tracking_num })));
    expect(kernels.map(({ asked }) => asked.length)).toEqual([2, 2]);
    await tables.close();
    expect(kernels.map(({ stopped }) => stopped)).toEqual([1, 1]);
  });

  it("lets go of Spark once all is answered", async () => {
    jest.useFakeTimers();
    const kernel = new FakeKernel();
    const tables = new SparkTables(home, [kernel]);
    await Promise.all([tables.rows("order", 1, { tracking_num: "1" }), tables.rows("newest_orders", 1)]);
    jest.advanceTimersByTime(4000);
    expect(kernel.stopped).toBe(0);
    jest.advanceTimersByTime(4000);
    expect(kernel.stopped).toBe(1);
    jest.useRealTimers();
  });
});

describe("a saved query", () => {
  it("is a part of a SELECT of so many rows, so that it can change nothing", () => {
    expect(savedQuery("orders_by_status", 7)).toMatch(/^SELECT \* FROM \(\n-- How many orders [^]*\n\) LIMIT 7$/);
  });

  it.each(["../queries/order", "no_such_query", ""])("is none with the name %j", (name) => {
    expect(() => savedQuery(name, 1)).toThrow("there is no saved query");
  });
});

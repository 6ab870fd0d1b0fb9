import path from "node:path";
import { openHome } from "../../local/home.ts";
import type { Row } from "../../local/notebook-kernel.ts";
import { Replays } from "../../page/replays.ts";
import { whereIsIt } from "../../page/where-is-it.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { fakeTables } from "./fake-tables.ts";

const home = openHome(path.join(temporaryFolder(), "home"));

/** The page of an order that so many rows told of, each of a state of its own; the newest row comes first. */
async function orderWith(states: number): Promise<string> {
  const times = Array.from({ length: states }, (_, index) => `2026-11-01 ${String(states - index).padStart(8, "0")}`);
  const order: Row = { tracking_num: "T1", status: "S", last_update_timestamp: times[0] };
  const tables = fakeTables({
    order: [order],
    order_states: times.map((valid_from, index) => ({ status: "S", valid_from, is_current: index === 0 })),
    order_rows: times.map((time) => ({ status: "S", last_update_timestamp: time, _source_file: `${time}.csv` })),
  });
  return (await whereIsIt.parts.order?.({ order: "T1" }, { home, tables, replays: new Replays(home) }))?.text ?? "";
}

/** What is said at the top of an order whose states these are, the newest first. */
async function headOf(order: Row, states: readonly Row[]): Promise<string | undefined> {
  const tables = fakeTables({ order: [{ tracking_num: "T1", ...order }], order_states: states, order_rows: [] });
  const shown = await whereIsIt.parts.order?.({ order: "T1" }, { home, tables, replays: new Replays(home) });
  return /<strong class="status">(.*)<\/p>/.exec(shown?.text ?? "")?.[1]?.replace("</strong>", "");
}

describe("the status of an order", () => {
  const state = (status: string, day: number): Row => ({ status, valid_from: `2026-01-${day} 10:00:00` });
  const order = { status: "SHIPPED", last_update_timestamp: "2026-01-15 10:00:00" };

  it("began with the first of the last states that have it, whatever else has changed since", async () => {
    const states = [state("SHIPPED", 15), state("Shipped", 13), state("RECEIVED", 12), state("SHIPPED", 11)];
    expect(await headOf(order, states)).toBe("SHIPPED since 2026-01-13 10:00:00");
    expect(await headOf(order, states.slice(0, 2))).toBe("SHIPPED since 2026-01-13 10:00:00");
  });

  it("has no known beginning where that is cut off, or its states are not those of the order any more", async () => {
    const lastUpdate = "SHIPPED last update 2026-01-15 10:00:00";
    expect(await headOf(order, Array<Row>(501).fill(state("SHIPPED", 15)))).toBe(lastUpdate);
    expect(await headOf(order, [state("DELIVERED", 16), state("SHIPPED", 15)])).toBe(lastUpdate);
    expect(await headOf(order, [])).toBe(lastUpdate);
  });

  it("is no more than the last update in a list of orders", async () => {
    const tables = fakeTables({ newest_orders: [{ tracking_num: "T1", ...order }] });
    const shown = await whereIsIt.parts.order?.({}, { home, tables, replays: new Replays(home) });
    expect(shown?.text).toMatch(/>last update<\/th>/);
    expect(shown?.text).not.toContain("since");
  });
});

const timesIn = (shown: string) => [...shown.matchAll(/<time>\S+ 0*(\d+)<\/time>/g)].map(([, time]) => Number(time));

describe("the way of an order", () => {
  it("begins with the oldest state, and ends where the order is", async () => {
    const shown = await orderWith(3);
    expect(timesIn(shown)).toEqual([1, 2, 3]);
    expect(shown).toMatch(/<li aria-current="true">\s*<p>\s*<time>\S+ 00000003</);
    expect(shown).toMatch(/00000001\.csv<\/code>, loaded : the first that was known of the order/);
    expect(shown).not.toContain("of more");
  });

  it("has the newest states of one that has more than are shown, and says so", async () => {
    const shown = await orderWith(501);
    const times = timesIn(shown);
    expect([times.length, times[0], times.at(-1)]).toEqual([500, 2, 501]);
    expect(shown).toContain("The newest 500 of more.");
    expect(shown).toContain("Of the rows that told of it, the newest 500 of more");
    expect(shown).not.toContain("the first that was known of the order");
  });
});

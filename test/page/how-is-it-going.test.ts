import path from "node:path";
import { openHome } from "../../local/home.ts";
import type { Row } from "../../local/notebook-kernel.ts";
import { readDashboard } from "../../page/dashboard.ts";
import { howIsItGoing } from "../../page/how-is-it-going.ts";
import { Replays } from "../../page/replays.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { fakeTables } from "./fake-tables.ts";

const home = openHome(path.join(temporaryFolder(), "home"));

/** The first widget of a saved query, as it is shown. */
async function widgetOf(query: string, rows: readonly Row[]): Promise<string> {
  const placed = readDashboard()
    .flatMap(({ widgets }) => widgets)
    .find((each) => each.query === query);
  const about = { home, tables: fakeTables({ [query]: rows }), replays: new Replays(home) };
  return (await howIsItGoing.parts.widget?.({ name: placed?.name ?? "" }, about))?.text ?? "";
}

/** What the chart of a widget is drawn of. */
function chartIn(shown: string): { data: { labels?: string[]; datasets: { data: { x: number; y: number }[] }[] } } {
  const [, written = ""] = /data-chart="([^"]*)"/.exec(shown) ?? [];
  return JSON.parse(written.replaceAll("&quot;", '"')) as ReturnType<typeof chartIn>;
}

/** Runs with the newest first, each a minute after the one before it and so many seconds long. */
const runs = (times: number) =>
  Array.from({ length: times }, (_, index): Row => {
    const seconds = times - index;
    const started_at = new Date(Date.UTC(2026, 10, 1, 0, seconds)).toISOString().slice(0, 19).replace("T", " ");
    return { run_id: `run-${seconds}`, started_at, seconds, status: "SUCCESS" };
  });

describe("the chart of runs", () => {
  it("goes on in time to the newest run, and its words name the last of them", async () => {
    const shown = await widgetOf("run_durations", runs(9));
    expect(chartIn(shown).data.datasets[0]?.data.map(({ y }) => y)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(shown).toMatch(/: 9 values, the last 8 of them: run-2 [^"]*; run-9 2026-11-01 00:09:00 9 SUCCESS"/);
    expect(shown).not.toContain("of more");
  });

  it("is of the newest where there are more than can be drawn, and says so", async () => {
    const shown = await widgetOf("run_durations", runs(2001));
    const drawn = chartIn(shown).data.datasets[0]?.data.map(({ y }) => y);
    expect([drawn?.length, drawn?.[0], drawn?.at(-1)]).toEqual([2000, 2, 2001]);
    expect(shown).toContain("2,000 values of more, the last 8 of them: run-1994 ");
    expect(shown).toContain("The newest 2,000 of more.");
  });
});

it("draws a status with a character that nobody sees", async () => {
  const shown = await widgetOf("orders_by_status", [{ status: "DELIVERED\u200e", orders: 1 }]);
  expect(chartIn(shown).data.labels).toEqual(["DELIVERED\u200e"]);
});

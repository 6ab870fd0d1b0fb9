import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import type { Row } from "../../local/notebook-kernel.ts";
import { Replays, type ReplayRequest } from "../../page/replays.ts";
import type { PageProps } from "../../page/server.ts";
import { synthesize } from "../synthesized.ts";
import { dev } from "../../environments/dev.ts";
import { fakeTables } from "./fake-tables.ts";

export const BATCH = "20261121T130036.048973Z-c01e98";
const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
const STATUSES = ["RECEIVED", "DELIVERED", "IN_TRANSIT", "RETURNED", "SHIPPED"];

const orders = Array.from({ length: 120 }, (_, index): Row => ({
  tracking_num: `TRK1000${String(index).padStart(2, "0")}`,
  order_num: `ORD-${2000 + index}`,
  status: index === 9 ? "DELIVERED" : STATUSES[index % STATUSES.length],
  address: `${index} Main Street, Springfield`,
  received_date: day(9),
  delivery_date: null,
  last_update_timestamp: `${day(0)} 08:${String(index % 60).padStart(2, "0")}:00`,
}));

/** The oldest first; the saved queries have the newest first. */
const states: Row[] = [
  { status: "LABEL_PRINTED", valid_from: `${day(3)} 15:52:58` },
  { status: "RECEIVED", valid_from: `${day(2)} 16:53:44` },
  { status: "SHIPPED", valid_from: `${day(1)} 10:12:44` },
  { status: "DELIVERED", valid_from: `${day(0)} 08:09:00`, delivery_date: day(0), is_current: true },
].map((state) => ({ tracking_num: "TRK100009", delivery_date: null, is_current: false, ...state }));

const orderRow = (index: number, file: string): Row => {
  const { status, valid_from } = states[index] ?? {};
  return { status, last_update_timestamp: valid_from, _source_file: file, _ingested_at: `${day(0)} 09:00:0${index}` };
};

/** Three runs of three tasks, the newest first; the newest has failed. */
const taskRuns = [0, 1, 2].flatMap((run) => {
  const began = Date.now() - (run + 1) * 3_600_000;
  const task = (name: string, from: number, to: number, more: Row): Row => ({
    run_id: String(run),
    task: name,
    status: "SUCCESS",
    started_at: new Date(began + from * 1000).toISOString().replace("T", " ").slice(0, 19),
    started_ms: began + from * 1000,
    ended_ms: began + to * 1000,
    ...more,
  });
  return [
    task(
      "quality_gate",
      6.3,
      6.8,
      run === 0 ? { status: "FAILED", error: "rejected files: 1, more than the 0 that are allowed" } : {},
    ),
    task("stage_to_final", 3.8, 6.2, { rows_read: 38 }),
    task("source_to_stage", 0, 3.7, { rows_read: 38, rows_quarantined: 4 }),
  ];
});

const quarantined = (number: number, message: string, raw: object): Row => ({
  _source_file: "orders_2026-11-18.csv",
  _row_number: number,
  _batch_id: BATCH,
  _quarantined_at: `${day(0)} 09:00:00`,
  message,
  raw_row: JSON.stringify(raw),
});

const file = (name: string, state: string, more: Row = {}): Row => ({
  path: name,
  state,
  batch_id: BATCH,
  occurred_at: `${day(0)} 09:00:04`,
  size_bytes: 2310,
  rows_read: 35,
  rows_staged: 35,
  rows_quarantined: 0,
  reason: null,
  ...more,
});
const REJECTED = `rejected/2026/11/21/${BATCH}/colours.csv`;
const rejected = file("colours.csv", "REJECTED", {
  reason: "the header has no column tracking_num",
  moved_to: REJECTED,
  rows_read: 0,
  rows_staged: 0,
});

const answers = {
  newest_orders: orders,
  order: ({ tracking_num }: Readonly<Record<string, string>>) =>
    orders.filter((each) => each.tracking_num === tracking_num),
  find_orders: ({ text = "" }: Readonly<Record<string, string>>) =>
    orders.filter((each) => `${String(each.tracking_num)} ${String(each.order_num)}`.includes(text.toUpperCase())),
  order_states: states.toReversed(),
  order_rows: [
    orderRow(3, "orders_2026-11-18.csv"),
    orderRow(0, "orders_2026-11-15_late.csv"),
    orderRow(2, "orders_2026-11-17.csv"),
    orderRow(1, "orders_2026-11-16.csv"),
  ],
  // Up to the day on which they are asked for, since the page looks for those of that day.
  loads_by_day: () =>
    [6, 5, 4, 1, 0].map((ago) => ({
      day: day(ago),
      files: 2,
      files_rejected: ago === 0 ? 1 : 0,
      rows_read: 110 - 3 * ago,
      rows_quarantined: 4,
    })),
  orders_by_status: STATUSES.map((status, index) => ({
    status,
    orders: 60 - 11 * index,
    last_update: `${day(0)} 08:00:00`,
  })),
  late_orders: orders
    .filter(({ status }) => status !== "DELIVERED" && status !== "RETURNED")
    .map((order) => ({ ...order, days_open: 9 })),
  arrivals_and_loads: [6, 5, 4, 1, 0].flatMap((ago) =>
    ["arrived", "loaded"].map((event) => ({ day: day(ago), event, files: 2 + (ago % 3), rows: 110 })),
  ),
  run_durations: [0, 1, 4, 5, 6].map((ago) => ({
    run_id: String(ago),
    started_at: `${day(ago)} 06:00:00`,
    seconds: 7 + (ago % 3),
    status: "SUCCESS",
  })),
  quarantined_by_reason: [
    {
      rule: "type",
      column: "received_date",
      rows: 2,
      example: "received_date is not a date such as 2026-11-21: 18th of November",
    },
    { rule: "malformed", column: null, rows: 1, example: "the row does not have the 7 values of the header" },
  ],
  quarantined_rows: [
    quarantined(7, "received_date is not a date such as 2026-11-21: 18th of November", {
      "Tracking Num": "TRK1",
      note: "<script>alert(1)</script>",
    }),
    quarantined(9, "received_date is not a date such as 2026-11-21: 18th of November", { "Tracking Num": "TRK2" }),
  ],
  quarantine: [{ file: "orders_2026-11-18.csv", row_number: 7, raw_row: "a,b" }],
  recent_task_runs: taskRuns,
  rejected_files: [rejected],
  recent_files: [
    rejected,
    file("orders_2026-11-17.csv", "MERGED"),
    file("orders_2026-11-18.csv", "MERGED", { rows_quarantined: 4 }),
  ],
};

/** Replays that are only noted. */
export class NotedReplays extends Replays {
  readonly asked: ReplayRequest[] = [];

  override start(request: ReplayRequest): boolean {
    this.asked.push(request);
    return true;
  }
}

/** What a page shows of a home that has seen a few days, without Spark. */
export function samplePage(directory: string): PageProps & { readonly replays: NotedReplays } {
  const home = openHome(directory);
  const write = (name: string, content: string) => {
    mkdirSync(path.dirname(path.join(home.directory, name)), { recursive: true });
    writeFileSync(path.join(home.directory, name), content);
  };
  for (const [name, content] of synthesize(dev).files) write(path.join("synthesized", name), content);
  write(path.join("volume", REJECTED), "colour,size\nred,7\n<b>blue</b>,8\n");
  write("volume/file_arrival/orders_2026-11-19.csv", "");
  return { home, tables: fakeTables(answers), replays: new NotedReplays(home) };
}

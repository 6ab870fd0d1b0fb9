import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import type { Row } from "../../local/notebook-kernel.ts";
import { Replays } from "../../page/replays.ts";
import { whatCameIn } from "../../page/what-came-in.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { fakeTables } from "./fake-tables.ts";

const folder = temporaryFolder();
const home = openHome(path.join(folder, "home"));

async function part(name: string, answers: Readonly<Record<string, readonly Row[]>>): Promise<string> {
  const about = { home, tables: fakeTables(answers), replays: new Replays(home) };
  return (await whatCameIn.parts[name]?.({}, about))?.text ?? "";
}

const many = (rows: number, of: (index: number) => Row) => Array.from({ length: rows }, (_, index) => of(index));

it.each([
  [
    "rejected",
    "rejected_files",
    10,
    "newest",
    (index: number) => ({ path: `${index}.csv`, batch_id: "B", size_bytes: 1 }),
  ],
  [
    "quarantine",
    "quarantined_by_reason",
    50,
    "first",
    (index: number) => ({ rule: "type", column: `c${index}`, rows: 1 }),
  ],
  ["rows", "quarantined_rows", 20, "newest", (index: number) => ({ _row_number: index })],
  ["files", "recent_files", 50, "newest", (index: number) => ({ path: `${index}.csv`, state: "MERGED" })],
  ["runs", "recent_task_runs", 10, "newest", (index: number) => ({ run_id: `${index}`, started_ms: 0, ended_ms: 0 })],
])("%s says so where there are more than it shows", async (name, query, shown, which, of) => {
  expect(await part(name, { [query]: many(shown + 1, of) })).toContain(`The ${which} ${shown} of more.`);
  expect(await part(name, { [query]: many(shown, of) })).not.toContain("of more.");
});

describe("rejected files", () => {
  const rejected = (batch_id: string) => {
    const moved_to = `rejected/${batch_id}/orders.csv`;
    mkdirSync(path.join(home.volume, "rejected", batch_id), { recursive: true });
    writeFileSync(path.join(home.volume, moved_to), "colour\nred\n");
    return { path: "orders.csv", batch_id, size_bytes: 11, reason: "its header lacks status", moved_to };
  };

  it("are loaded again by their batch, since other batches may have files of their names", async () => {
    const shown = await part("rejected", { rejected_files: [rejected("B2"), rejected("B1")] });
    expect(
      [...shown.matchAll(/data-replay="([^"]*)"/g)].map(([, asked = ""]) => asked.replaceAll("&quot;", '"')),
    ).toEqual(['{"source":"rejected","file":"B2/orders.csv"}', '{"source":"rejected","file":"B1/orders.csv"}']);
  });

  it("are loaded again whatever characters are in their names", async () => {
    const shown = await part("rejected", { rejected_files: [{ ...rejected("B5"), path: "orders\u200e.csv" }] });
    const [, asked = ""] = /data-replay="([^"]*)"/.exec(shown) ?? [];
    expect(JSON.parse(asked.replaceAll("&quot;", '"'))).toEqual({ source: "rejected", file: "B5/orders\u200e.csv" });
  });

  it("that are not found are said to be gone, or where to look for a name that cannot be shown", async () => {
    const gone = { ...rejected("B6"), moved_to: "rejected/B6/gone.csv" };
    const unreadable = { ...rejected("B7"), moved_to: "rejected/B7/north/?ber?.csv" };
    const shown = await part("rejected", { rejected_files: [gone, unreadable] });
    expect(shown).toContain("The file is not in <code>rejected/B6/gone.csv</code> any more.");
    expect(shown).toMatch(/A name that is not UTF-8 cannot be shown.*\s+<code>rejected\/B7\/north<\/code>\./);
    expect(shown).not.toContain("?ber?.csv</code> any more");
  });

  it("are none of the last days where there is none", async () => {
    expect(await part("rejected", { rejected_files: [] })).toContain("None in the last 30 days.");
  });

  it("are shown although one of them cannot be read", async () => {
    const rows = [rejected("B3"), rejected("B4")];
    const unreadable = path.join(home.volume, "rejected", "B3", "orders.csv");
    // A folder in its place can be read by nobody, not even by root.
    rmSync(unreadable);
    mkdirSync(unreadable);
    const shown = await part("rejected", { rejected_files: rows });
    expect(shown).toContain("It cannot be read: EISDIR");
    expect(shown).toContain("colour\nred\n");
  });
});

it.each([
  ["MERGED", "loaded"],
  ["STAGED", "staged, not merged yet"],
  ["REJECTED", "rejected"],
  ["DROPPED", "dropped"],
  ["SUPERSEDED", "loaded again since"],
  ["WITHDRAWN", "withdrawn"],
])("says of a file that is %s that it is %s", async (state, words) => {
  expect(await part("files", { recent_files: [{ path: "a.csv", state }] })).toContain(`>${words}</td>`);
});

it("has what was counted with its thousands apart, and what only bears a number as it is", async () => {
  expect(await part("files", { recent_files: [{ path: "a.csv", state: "MERGED", rows_read: 1_234_567 }] })).toContain(
    ">1,234,567<",
  );
  expect(await part("rows", { quarantined_rows: [{ _row_number: 1_234_567 }] })).toContain(">1234567<");
});

it("a run has not failed where the last attempt of each of its tasks was a success", async () => {
  const attempt = (run_id: string, task: string, status: string, started_ms: number): Row => {
    return { run_id, task, status, started_ms, ended_ms: started_ms + 1000 };
  };
  const shown = await part("runs", {
    recent_task_runs: [
      attempt("2", "quality_gate", "FAILED", 9000),
      attempt("2", "source_to_stage", "SUCCESS", 8000),
      attempt("1", "quality_gate", "SUCCESS", 5000),
      attempt("1", "source_to_stage", "SUCCESS", 3000),
      attempt("1", "source_to_stage", "FAILED", 1000),
    ],
  });
  expect(shown).toContain("the last 2 runs, 1 of them failed; the newest began 01-01 00:00:08 failed");
  expect(shown).toContain("&quot;01-01 00:00:01&quot;");
});

it.each([
  ["a load without its last task", "source_to_stage", 5, "1 of them failed"],
  ["a load that may still be at work", "source_to_stage", 3, "0 of them failed"],
  ["a run of another job", "upkeep", 5, "0 of them failed"],
])("tells of %s whether it was killed", async (_, task, hoursAgo, words) => {
  const ended_ms = Date.now() - hoursAgo * 3_600_000;
  const run = { run_id: "1", task, status: "SUCCESS", started_ms: ended_ms - 1000, ended_ms };
  expect(await part("runs", { recent_task_runs: [run] })).toContain(words);
});

it("shows no run of which it knows the last tasks only", async () => {
  // Of nine runs with four attempts each, and a tenth one that goes on beyond the rows that are asked for.
  const shown = await part("runs", {
    recent_task_runs: many(45, (index) => {
      const run = Math.min(9, Math.floor(index / 4));
      return { run_id: `${run}`, task: "quality_gate", status: "SUCCESS", started_ms: -index, ended_ms: 0 };
    }),
  });
  expect(shown).toContain("the last 9 runs, ");
  expect(shown).toContain("The newest 9 of more.");
});

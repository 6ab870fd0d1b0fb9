/** What came in? What waits, what was not taken and why, the runs, and the files. */
import { existsSync } from "node:fs";
import path from "node:path";
import { type Home, ownerOf } from "../local/home.ts";
import { waitingFiles } from "../local/landing-directory.ts";
import type { Row } from "../local/notebook-kernel.ts";
import { chartFigure } from "./chart.ts";
import { html, type Html, json } from "./html.ts";
import { type Column, count, counted, ofMore, part, table, text } from "./pieces.ts";
import { beginningOf, rejectedFile } from "./rejected-file.ts";
import type { Replays } from "./replays.ts";
import { MAX_DOWNLOADED, type Tables } from "./tables.ts";
import type { View } from "./views.ts";

/** The newest of each that are shown. */
const MAX_RUNS = 10;
const MAX_TASK_RUNS = 40;
const MAX_FILES = 50;
const MAX_REJECTED = 10;
const MAX_REASONS = 50;
const MAX_ROWS = 20;
const MAX_WAITING = 5;

/** Longer than any run of the load job may take. */
const MAX_RUN_MS = 4 * 3_600_000;

const STATES: Readonly<Record<string, string>> = {
  MERGED: "loaded",
  STAGED: "staged, not merged yet",
  REJECTED: "rejected",
  DROPPED: "dropped",
  SUPERSEDED: "loaded again since",
  WITHDRAWN: "withdrawn",
};

export const whatCameIn: View = {
  path: "arrivals",
  title: "What came in?",
  page: () =>
    html` ${part("now", {}, "What happens now")}
      <h2>Rejected files</h2>
      ${part("rejected", {}, "Rejected files")}
      <h2>Quarantined rows by reason</h2>
      ${part("quarantine", {}, "Quarantined rows")}
      <h2>Runs</h2>
      ${part("runs", {}, "Runs")}
      <h2>Files</h2>
      ${part("files", {}, "Files")}`,
  parts: {
    now: (_, { home, replays }) => Promise.resolve(now(home, replays)),
    rejected: async (_, { tables, home }) => rejected(await tables.rows("rejected_files", MAX_REJECTED + 1), home),
    quarantine: async (_, { tables }) => quarantine(await tables.rows("quarantined_by_reason", MAX_REASONS + 1)),
    rows: async ({ rule = "", column = "" }, { tables }) =>
      quarantinedRows(await tables.rows("quarantined_rows", MAX_ROWS + 1, { rule, column })),
    runs: async (_, { tables }) => runs(tables),
    files: async (_, { tables }) => files(await tables.rows("recent_files", MAX_FILES + 1)),
  },
};

function now(home: Home, { last }: Replays): Html {
  const landing = path.join(home.volume, "file_arrival");
  const waiting = existsSync(landing) ? waitingFiles(landing) : [];
  const named = waiting.slice(0, MAX_WAITING).map((file, index) => html`${index > 0 ? ", " : ""}<code>${file}</code>`);
  const more = waiting.length > MAX_WAITING ? ` and ${count(waiting.length - MAX_WAITING)} more` : "";
  const owner = ownerOf(home);
  const whoLoads =
    owner === undefined
      ? html`No command loads files now; <code>npm run -s order-tracking -- watch</code> does, as they arrive.`
      : html`Process ${owner} runs the job here.`;
  const replay =
    last &&
    html`<p class="${last.succeeded === false ? "bad" : ""}" aria-live="polite">
      Load again (${last.source}${last.file && html`, <code>${last.file}</code>`}): ${last.sentence}
    </p>`;
  return html`<p>
      ${
        waiting.length === 0
          ? "No files wait."
          : html`${counted(waiting.length, "file")} in the landing directory: ${named}${more}.`
      }
      ${whoLoads}
    </p>
    ${replay}`;
}

function rejected(rows: readonly Row[], home: Home): Html {
  if (rows.length === 0) return html`<p>None in the last 30 days.</p>`;
  return html`${rows.slice(0, MAX_REJECTED).map((row, index) => {
    const movedTo = text(row.moved_to);
    const file = rejectedFile(home, movedTo);
    const beginning =
      file === undefined
        ? html`<p class="hint">${whereItIs(movedTo)}</p>`
        : html`<details id="rejected-${index}">
              <summary>How it begins</summary>
              <pre tabindex="0">${beginningOf(file)}</pre>
            </details>
            <p class="actions">
              <a href="rejected?file=${encodeURIComponent(movedTo)}" download>Download</a>
              ${replayButton("rejected", `${text(row.batch_id)}/${text(row.path)}`, `Load ${text(row.path)} again`)}
            </p>`;
    return html`<article>
      <h3><code>${text(row.path)}</code></h3>
      <p><strong>Rejected because ${text(row.reason)}</strong></p>
      <p class="hint">
        ${text(row.occurred_at)}, ${counted(Number(row.size_bytes), "byte")}, batch ${text(row.batch_id)}
      </p>
      ${beginning}
    </article>`;
  })}${ofMore(rows, MAX_REJECTED, "newest")}`;
}

/** What to say of a rejected file that is not found where the ledger has it. */
function whereItIs(movedTo: string): Html {
  const unknown = movedTo.indexOf("?");
  if (unknown === -1) return html`The file is not in <code>${movedTo}</code> any more.`;
  const folder = movedTo.slice(0, movedTo.lastIndexOf("/", unknown));
  return html`A name that is not UTF-8 cannot be shown: it has <code>?</code> for each such byte. Look for the file in
    <code>${folder}</code>.`;
}

function replayButton(source: string, file: string, label: string): Html {
  const id = `replay-${source}-${file.replaceAll(/\W/g, "-")}`;
  return html`<button type="button" class="outline" id="${id}" data-replay="${json({ source, ...(file && { file }) })}">
    ${label}
  </button>`;
}

function quarantine(reasons: readonly Row[]): Html {
  if (reasons.length === 0) return html`<p>None.</p>`;
  const each = reasons.slice(0, MAX_REASONS).map(({ rule, column, rows, example }) => {
    const of = { rule: text(rule), column: text(column) };
    return html`<details id="reason-${of.rule}-${of.column}">
      <summary><strong>${counted(Number(rows), "row")}</strong> ${of.column || of.rule}: ${text(example)}</summary>
      ${part("rows", of, `Rows with the reason ${of.rule} ${of.column}`)}
    </details>`;
  });
  return html`${each}${ofMore(reasons, MAX_REASONS)}
    <p class="actions">
      <a href="quarantine.csv" download>Download as CSV (the newest ${count(MAX_DOWNLOADED)} at most)</a>
      ${replayButton("quarantine", "", "Load all again")}
    </p>
    <p class="hint">
      To load rows again helps once the contract was changed; what is still bad comes back. A row that could not be
      split stays: its file has to be sent again.
    </p>`;
}

function quarantinedRows(rows: readonly Row[]): Html {
  const columns: Column[] = [
    { name: "file", of: (row) => html`<code>${text(row._source_file)}</code>` },
    { name: "row", of: (row) => text(row._row_number), isNumber: true },
    { name: "what is wrong", of: (row) => text(row.message) },
    { name: "as it was sent", of: (row) => html`<code>${text(row.raw_row)}</code>` },
  ];
  return html`${table("Quarantined rows", columns, rows.slice(0, MAX_ROWS))}${ofMore(rows, MAX_ROWS, "newest")}`;
}

/** A count that the job has kept; empty where it has none. */
function tally(value: unknown): string {
  return typeof value === "number" ? count(value) : text(value);
}

/** Whether a load left no word of its last task within the time that a run may take; as `run_durations` has it. */
function wasKilled(run: readonly Row[]): boolean {
  const has = (key: string) => run.some(({ task }) => task === key);
  const lastWord = Math.max(...run.map(({ ended_ms }) => Number(ended_ms)));
  return has("source_to_stage") && !has("quality_gate") && lastWord < Date.now() - MAX_RUN_MS;
}

async function runs(tables: Tables): Promise<Html> {
  const rows = await tables.rows("recent_task_runs", MAX_TASK_RUNS + 1);
  // The oldest run may have more tasks than were asked for: without its first ones it would seem to have begun later.
  const cut = rows.length > MAX_TASK_RUNS ? text(rows.at(-1)?.run_id) : undefined;
  const all = [...new Set(rows.map(({ run_id }) => text(run_id)))];
  const ids = all.filter((id) => id !== cut).slice(0, MAX_RUNS);
  const tasks = rows.filter(({ run_id }) => ids.includes(text(run_id)));
  const ofRuns = ids.map((id) => tasks.filter(({ run_id }) => text(run_id) === id));
  const begins = ofRuns.map((each) => Math.min(...each.map(({ started_ms }) => Number(started_ms))));
  const keys = [...new Set(tasks.map(({ task }) => text(task)))].reverse();
  // The newest come first: of a task that was tried again, the last attempt counts.
  const lastOf = (key: string, run: readonly Row[]) => run.find(({ task }) => text(task) === key);
  const labels = ofRuns.map((each, index) => {
    const failed = wasKilled(each) || keys.some((key) => (lastOf(key, each)?.status ?? "SUCCESS") !== "SUCCESS");
    return `${new Date(begins[index] ?? 0).toISOString().slice(5, 19).replace("T", " ")}${failed ? " failed" : ""}`;
  });
  const series = keys.map((key) => ({
    label: key,
    data: ofRuns.map((each, index) => {
      const run = lastOf(key, each);
      const since = (milliseconds: unknown) => (Number(milliseconds) - (begins[index] ?? 0)) / 1000;
      return run === undefined ? null : ([since(run.started_ms), since(run.ended_ms)] as const);
    }),
  }));
  const columns: Column[] = [
    { name: "began", of: (row) => text(row.started_at) },
    { name: "task", of: (row) => text(row.task) },
    { name: "seconds", of: (row) => count((Number(row.ended_ms) - Number(row.started_ms)) / 1000), isNumber: true },
    {
      name: "came to",
      of: (row) => (row.status === "SUCCESS" ? "success" : html`<strong>${text(row.status)}</strong>`),
    },
    { name: "rows read", of: (row) => tally(row.rows_read), isNumber: true },
    { name: "quarantined", of: (row) => tally(row.rows_quarantined), isNumber: true },
    { name: "error", of: (row) => text(row.error) },
  ];
  const chart = {
    type: "bar",
    labels,
    series,
    x: { title: "seconds since the run began" },
    y: { title: "" },
    isHorizontal: true,
    sharesLine: true,
  } as const;
  const failed = labels.filter((label) => label.endsWith("failed")).length;
  const words = `the last ${counted(ids.length, "run")}, ${count(failed)} of them failed; the newest began ${labels[0] ?? ""}`;
  return html`${chartFigure("runs", "Runs by their tasks", words, chart, columns, tasks)}
  ${ofMore(all, ids.length, "newest")}`;
}

function files(rows: readonly Row[]): Html {
  const columns: Column[] = [
    { name: "file", of: (row) => html`<code>${text(row.path)}</code>` },
    { name: "became", of: (row) => STATES[text(row.state)] ?? text(row.state) },
    { name: "rows read", of: (row) => tally(row.rows_read), isNumber: true },
    { name: "loaded", of: (row) => tally(row.rows_staged), isNumber: true },
    { name: "quarantined", of: (row) => tally(row.rows_quarantined), isNumber: true },
    { name: "when", of: (row) => text(row.occurred_at) },
    { name: "batch", of: (row) => text(row.batch_id) },
    { name: "why not", of: (row) => text(row.reason) },
  ];
  return html`${table("Files", columns, rows.slice(0, MAX_FILES))}${ofMore(rows, MAX_FILES, "newest")}`;
}

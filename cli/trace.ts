/** What `track --trace` adds: each row that was sent of an order, and what was made of it. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Home } from "../local/home.ts";
import type { NotebookKernel } from "../local/notebook-kernel.ts";
import { readSchema } from "../local/synthesized-job.ts";
import { textTable } from "./text-table.ts";

const NOTEBOOK = path.join(path.dirname(__dirname), "notebooks", "trace.py");

/** A row that was sent of the order. */
export interface TracedRow {
  readonly file: string;
  readonly line: number | null;
  readonly batch_id: string;
  readonly decision: string;
  readonly reasons: readonly string[];
  readonly is_current: boolean;
  readonly run_id: string | null;
  readonly commit: number | null;
  readonly decided_at: string | null;
  readonly values: Readonly<Record<string, string | null>>;
}

/** Asks the notebook of the checkout, which needs no job: nothing is changed. */
export async function traceOrder(
  kernel: NotebookKernel,
  home: Home,
  trackingNum: string,
): Promise<readonly TracedRow[]> {
  const parameters = {
    catalog: "spark_catalog",
    schema: readSchema(home.synthesized) ?? "",
    operations_schema: "operations",
    volume: home.volume,
    tracking_num: trackingNum,
  };
  mkdirSync(home.logs, { recursive: true });
  const log = path.join(home.logs, "trace.log");
  const output = await kernel.runNotebook(NOTEBOOK, parameters, log, new AbortController().signal);
  return (JSON.parse(output ?? "{}") as { rows: readonly TracedRow[] }).rows;
}

/** Lines of a trace, in the order of the decisions. */
export function traceTable(rows: readonly TracedRow[]): string[] {
  const columns = [
    "decided_at",
    "decision",
    "file",
    "line",
    "status",
    "last_update",
    "batch",
    "run",
    "commit",
    "reasons",
  ];
  return textTable(
    columns,
    rows.map((row) => [
      row.decided_at,
      row.is_current ? `${row.decision}, current` : row.decision,
      row.file,
      row.line,
      row.values.status,
      row.values.last_update_timestamp,
      row.batch_id,
      row.run_id,
      row.commit,
      row.reasons.join("; "),
    ]),
  );
}

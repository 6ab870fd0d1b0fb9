/** `order-tracking query "SQL"`: SQL on the local tables. */
import { findHome, withHomeLocked, type Home } from "../../local/home.ts";
import { NotebookKernel, type QueryResult, type Row } from "../../local/notebook-kernel.ts";
import { agreed } from "../agreed.ts";
import { csvLines } from "../csv.ts";
import { homeOption, parseArguments, shownPath, UsageError, userPath } from "../arguments.ts";
import { Progress } from "../progress.ts";
import { printable, showValue, textTable } from "../text-table.ts";

export const usage = `Usage: npm run -s order-tracking -- query "SQL" [--json | --csv] [--write [--yes]] [--home DIR]

Runs Spark SQL on the local tables and views: orders_table, orders_history, operations.quarantined_orders_table,
operations.loaded_files_table, operations.job_runs_table, operations.stage_orders_table, operations.job_log_table,
operations.folded_files_table (from the first upkeep on).
Names with three parts, as a workspace has them, mean the same tables here. What would change anything is refused.

  --json      print an array of row objects
  --csv       print CSV, a header line first; structures as JSON:
              query "SELECT * FROM operations.quarantined_orders_table" --csv > quarantine.csv
              Values are written as they were sent, which a spreadsheet may take for formulas; only on a terminal what
              that would obey is written out
  --write     allow a statement that changes something, after saying what it does and asking
  --yes       do not ask
  --home DIR  where the tables live (default: .local)
`;

const LINES_AT_ONCE = 5000;

/** Prints the rows of a query. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeOption,
      json: { type: "boolean", default: false },
      csv: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      yes: { type: "boolean", default: false },
    },
  });
  const [sql, ...rest] = positionals;
  if (sql === undefined || rest.length > 0) throw new UsageError("give one SQL statement, in quotes");
  if (values.json && values.csv) throw new UsageError("give --json or --csv, not both");
  if (values.yes && !values.write) throw new UsageError("--yes is for --write");
  const home = findHome(userPath(values.home));
  const progress = new Progress(values.json);
  const kernel = new NotebookKernel(home, (spark) => {
    progress.show(spark);
  });
  try {
    progress.step("Asking Spark");
    const change = await kernel.changeOf(sql);
    progress.end();
    if (change !== null && !values.write) {
      throw new UsageError(
        `${change}: this is not a question, and nothing was changed. To change something, add --write`,
      );
    }
    const question = `${change ?? ""}, in ${shownPath(home.directory)}: go ahead?`;
    if (!(await agreed(question, change !== null && !values.yes))) return 1;
    progress.step("Asking Spark");
    const { columns, rows } = change === null ? await kernel.query(sql) : await changed(home, kernel, sql);
    progress.end();
    const cells = rows.map((row) => columns.map((name) => row[name]));
    const count = `(${rows.length} ${rows.length === 1 ? "row" : "rows"})`;
    if (values.json) write(jsonLines(rows));
    else if (values.csv) write(csvLines(columns, cells, process.stdout.isTTY ? forTerminal : showValue));
    else if (columns.length === 0) console.log("Done.");
    else write([...textTable(columns, cells), count].map((line) => `${line}\n`));
    return 0;
  } finally {
    progress.end();
    await kernel.stop();
  }
}

function forTerminal(value: unknown): string {
  return printable(showValue(value));
}

/** What `JSON.stringify` has for all rows, in parts. */
export function* jsonLines(rows: readonly Row[]): Generator<string> {
  for (const [index, row] of rows.entries()) {
    yield `${index === 0 ? "[" : ","}\n  ${JSON.stringify(row, null, 2).replaceAll("\n", "\n  ")}`;
  }
  yield rows.length === 0 ? "[]\n" : "\n]\n";
}

/** Prints some lines at a time: those of a large answer are longer than one text can be. */
function write(lines: Iterable<string>): void {
  let part: string[] = [];
  const flush = () => {
    process.stdout.write(part.join(""));
    part = [];
  };
  for (const line of lines) {
    part.push(line);
    if (part.length === LINES_AT_ONCE) flush();
  }
  flush();
}

/** Changes something, while no job runs on the home. */
async function changed(home: Home, kernel: NotebookKernel, sql: string): Promise<QueryResult> {
  return withHomeLocked(home.directory, () => kernel.change(sql));
}

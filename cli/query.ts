/** `order-tracking query "SQL"`: SQL on the local tables. */
import { findHome } from "../local/home.ts";
import { NotebookKernel } from "../local/notebook-kernel.ts";
import { csv } from "./csv.ts";
import { homeOption, parseArguments, UsageError, userPath } from "./arguments.ts";
import { Progress } from "./progress.ts";
import { textTable } from "./text-table.ts";

export const usage = `Usage: npm run -s order-tracking -- query "SQL" [--json | --csv] [--home DIR]

Runs Spark SQL on the local tables and views: orders_table, orders_history, operations.quarantined_orders_table,
operations.loaded_files_table, operations.job_runs_table, operations.stage_orders_table, operations.job_log_table.

  --json      print an array of row objects
  --csv       print CSV, a header line first; structures as JSON:
              query "SELECT * FROM operations.quarantined_orders_table" --csv > quarantine.csv
  --home DIR  where the tables live (default: .local)
`;

/** Prints the rows of a query. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { ...homeOption, json: { type: "boolean", default: false }, csv: { type: "boolean", default: false } },
  });
  const [sql, ...rest] = positionals;
  if (sql === undefined || rest.length > 0) throw new UsageError("give one SQL statement, in quotes");
  if (values.json && values.csv) throw new UsageError("give --json or --csv, not both");
  const kernel = new NotebookKernel(findHome(userPath(values.home)));
  const progress = new Progress();
  try {
    progress.step("Asking Spark");
    const { columns, rows } = await kernel.query(sql);
    progress.end();
    const cells = rows.map((row) => columns.map((name) => row[name]));
    const count = `(${rows.length} ${rows.length === 1 ? "row" : "rows"})`;
    if (values.json) console.log(JSON.stringify(rows, null, 2));
    else if (values.csv) process.stdout.write(csv(columns, cells));
    else console.log([...textTable(columns, cells), count].join("\n"));
    return 0;
  } finally {
    progress.end();
    await kernel.stop();
  }
}

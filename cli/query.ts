/** `order-tracking query "SQL"`: SQL on the local tables. */
import { findHome } from "../local/home.ts";
import { NotebookKernel } from "../local/notebook-kernel.ts";
import { homeOption, parseArguments, UsageError, userPath } from "./arguments.ts";
import { Progress } from "./progress.ts";
import { textTable } from "./text-table.ts";

export const usage = `Usage: npm run -s order-tracking -- query "SQL" [--json] [--home DIR]

Runs Spark SQL on the local tables, by their bare names: stage_orders_table, orders_table,
quarantined_orders_table, loaded_files_table.

  --json      print an array of row objects
  --home DIR  where the tables live (default: .local)
`;

/** Prints the rows of a query. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { ...homeOption, json: { type: "boolean", default: false } },
  });
  const [sql, ...rest] = positionals;
  if (sql === undefined || rest.length > 0) throw new UsageError("give one SQL statement, in quotes");
  const kernel = new NotebookKernel(findHome(userPath(values.home)));
  const progress = new Progress();
  try {
    progress.step("Asking Spark");
    const { columns, rows } = await kernel.query(sql);
    progress.end();
    if (values.json) console.log(JSON.stringify(rows, null, 2));
    else {
      const lines = textTable(
        columns,
        rows.map((row) => columns.map((name) => row[name])),
      );
      console.log([...lines, `(${rows.length} ${rows.length === 1 ? "row" : "rows"})`].join("\n"));
    }
    return 0;
  } finally {
    progress.end();
    await kernel.stop();
  }
}

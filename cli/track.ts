/** `order-tracking track TRACKING_NUM`: where an order is. */
import { findHome } from "../local/home.ts";
import { NotebookKernel } from "../local/notebook-kernel.ts";
import { homeOption, parseArguments, shownPath, UsageError, userPath } from "./arguments.ts";
import { Progress } from "./progress.ts";
import { showValue } from "./text-table.ts";

export const usage = `Usage: npm run -s order-tracking -- track TRACKING_NUM [--json] [--home DIR]

Shows the current state of one order. Exit code 1 where there is no such order.

  --json      print one JSON object, or null
  --home DIR  where the tables live (default: .local)
`;

/** Prints one order. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { ...homeOption, json: { type: "boolean", default: false } },
  });
  const [trackingNum, ...rest] = positionals;
  if (trackingNum === undefined || rest.length > 0) throw new UsageError("give one tracking number");
  const home = findHome(userPath(values.home));
  const kernel = new NotebookKernel(home);
  const progress = new Progress();
  try {
    progress.step("Asking Spark");
    const sql = "SELECT * FROM orders_table WHERE tracking_num = :tracking_num";
    const { columns, rows } = await kernel.query(sql, { tracking_num: trackingNum });
    progress.end();
    const order = rows[0];
    const width = Math.max(...columns.map(({ length }) => length));
    if (values.json) console.log(JSON.stringify(order ?? null, null, 2));
    else if (order !== undefined) {
      for (const name of columns) console.log(`${name.padEnd(width)}  ${showValue(order[name])}`.trimEnd());
    } else console.error(`There is no order ${trackingNum} in ${shownPath(home.directory)}.`);
    return order === undefined ? 1 : 0;
  } finally {
    progress.end();
    await kernel.stop();
  }
}

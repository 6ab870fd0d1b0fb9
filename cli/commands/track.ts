/** `order-tracking track TRACKING_NUM`: where an order is, and how it came there. */
import { findHome } from "../../local/home.ts";
import { NotebookKernel, type Row } from "../../local/notebook-kernel.ts";
import { changes } from "../../page/way.ts";
import { homeOption, parseArguments, shownPath, UsageError, userPath } from "../arguments.ts";
import { Progress } from "../progress.ts";
import { printable, showValue, textTable } from "../text-table.ts";
import { traceOrder, traceTable } from "../trace.ts";

export const usage = `Usage: npm run -s order-tracking -- track TRACKING_NUM [--trace] [--json] [--home DIR]

Shows the current state of one order, and every state that it went through. Exit code 1 where there is no such order.

  --trace     also each row that was sent of it: the file and line, what was decided and why, in which run and commit
  --json      print one JSON object, the states in its field history, the rows in its field trace; or null. Values of
              columns that have these names are in the states
  --home DIR  where the tables live (default: .local)
`;

/** Prints one order. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeOption,
      json: { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
    },
  });
  const [trackingNum, ...rest] = positionals;
  if (trackingNum === undefined || rest.length > 0) throw new UsageError("give one tracking number");
  const home = findHome(userPath(values.home));
  const progress = new Progress(values.json);
  const kernel = new NotebookKernel(home, (spark) => {
    progress.show(spark);
  });
  try {
    progress.step("Asking Spark");
    const parameters = { tracking_num: trackingNum };
    const { columns, rows } = await kernel.query(
      "SELECT * FROM orders_table WHERE tracking_num = :tracking_num",
      parameters,
    );
    const [order] = rows;
    const history = order === undefined ? [] : await readHistory(kernel, parameters);
    // Also of an order that is in quarantine only.
    const trace = values.trace ? await traceOrder(kernel, home, trackingNum) : undefined;
    progress.end();
    const found = order !== undefined || (trace !== undefined && trace.length > 0);
    if (values.json)
      console.log(JSON.stringify(found ? { ...order, history, ...(trace && { trace }) } : null, null, 2));
    else if (order !== undefined) {
      const width = Math.max(...columns.map(({ length }) => length));
      for (const name of columns) {
        console.log(`${name.padEnd(width)}  ${printable(showValue(order[name]))}`.trimEnd());
      }
      console.log(["", ...historyTable(history)].join("\n"));
    } else if (!found) console.error(`There is no order ${trackingNum} in ${shownPath(home.directory)}.`);
    if (trace !== undefined && found && !values.json) console.log(["", ...traceTable(trace)].join("\n"));
    return found ? 0 : 1;
  } finally {
    progress.end();
    await kernel.stop();
  }
}

/** @throws Error with what to do where the tables are there without the view */
async function readHistory(
  kernel: NotebookKernel,
  parameters: Readonly<Record<string, string>>,
): Promise<readonly Row[]> {
  const sql = "SELECT * FROM orders_history WHERE tracking_num = :tracking_num ORDER BY valid_from";
  try {
    return (await kernel.query(sql, parameters)).rows;
  } catch (error) {
    if (!/TABLE_OR_VIEW_NOT_FOUND.*orders_history/.test((error as Error).message)) throw error;
    const upkeep = "npm run -s order-tracking -- upkeep";
    throw new Error(`the view orders_history is missing: run "${upkeep}" once, which makes it`, { cause: error });
  }
}

/** Lines of the states, the oldest first, each with what it changed. */
function historyTable(history: readonly Row[]): string[] {
  const rows = history.map((state, index) => [
    state.valid_from,
    state.valid_to,
    state.status,
    changes(history[index - 1], state),
  ]);
  return textTable(["valid_from", "valid_to", "status", "what else changed"], rows);
}

/** `order-tracking withdraw FILE...`: takes loaded files back. */
import { findHome } from "../../local/home.ts";
import {
  environmentOption,
  fileList,
  homeOption,
  parseArguments,
  shownPath,
  UsageError,
  userPath,
} from "../arguments.ts";
import { withJobSession } from "../job-session.ts";
import { Progress } from "../progress.ts";
import { runAndReport, summaryOf } from "../run-report.ts";
import { printable } from "../text-table.ts";

export const usage = `Usage: npm run -s order-tracking -- withdraw FILE... [--environment NAME] [--json] [--home DIR]

Takes loaded files back: orders, history and counts are as if they had never come. They go to rejected/, from where
"replay --from rejected FILE..." loads them again. A FILE is a path as operations.loaded_files_table has it, or
BATCH/PATH where several batches had a file of that path. Exit code 0 only if all of them were withdrawn; otherwise none was.

  --environment NAME  whose job (default: dev)
  --json              print one JSON document
  --home DIR          where the volume and the tables live (default: .local)
`;

/** Runs the withdraw job. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { ...homeOption, ...environmentOption, json: { type: "boolean", default: false } },
  });
  if (positionals.length === 0) throw new UsageError("name the files to withdraw");
  const given = { files: fileList(positionals) };
  const home = findHome(userPath(values.home));
  const progress = new Progress(values.json);
  return withJobSession(home.directory, values.environment, progress, async ({ otherJob, interrupted }) => {
    const job = otherJob("_withdraw");
    const print = values.json ? () => undefined : console.log;
    print(`${job.job.name} on this machine, in ${shownPath(home.directory)}`);
    const { status, tasks } = await runAndReport(job, interrupted, progress, print, given);
    const [summary] = tasks.map(summaryOf);
    if (values.json) {
      console.log(JSON.stringify({ status, error: tasks[0]?.message ?? null, ...summary }, null, 2));
    } else if (summary !== null && summary !== undefined) {
      const moved = summary.moved_to as readonly (string | null)[];
      (summary.files as readonly string[]).forEach((file, index) => {
        console.log(`  ${printable(file)} -> ${printable(moved[index] ?? "not in the archive any more")}`);
      });
    }
    return status === "SUCCESS" ? 0 : 1;
  });
}

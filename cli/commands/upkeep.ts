/** `order-tracking upkeep`: keeps the tables small. */
import { findHome } from "../../local/home.ts";
import { environmentOption, homeOption, parseArguments, shownPath, userPath } from "../arguments.ts";
import { withJobSession } from "../job-session.ts";
import { Progress } from "../progress.ts";
import { runAndReport, summaryOf } from "../run-report.ts";

export const usage = `Usage: npm run -s order-tracking -- upkeep [--environment NAME] [--home DIR]

Runs the nightly job once: compacts the tables, deletes old versions and old rows of the stage that only repeat others
(a file whose rows are gone cannot be withdrawn any more), and renews the views.
Exit code 0 only if the run succeeded.

  --environment NAME  whose job (default: dev)
  --home DIR          where the tables live (default: .local)
`;

/** Runs the upkeep job. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArguments({ args: [...args], options: { ...homeOption, ...environmentOption } });
  const home = findHome(userPath(values.home));
  const progress = new Progress();
  return withJobSession(home.directory, values.environment, progress, async ({ otherJob, interrupted }) => {
    const job = otherJob("_upkeep");
    console.log(`${job.job.name} on this machine, in ${shownPath(home.directory)}`);
    const { status, tasks } = await runAndReport(job, interrupted, progress, console.log);
    const tables = tasks.flatMap((task) => (summaryOf(task)?.tables as string[] | undefined) ?? []);
    if (tables.length > 0) console.log(`Tables: ${tables.join(", ")}`);
    return status === "SUCCESS" ? 0 : 1;
  });
}

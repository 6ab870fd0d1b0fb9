/** `order-tracking run`: the job once, on what is waiting. */
import { waitingFiles } from "../../local/landing-directory.ts";
import { environmentOption, homeOption, parseArguments, shownPath, userPath } from "../arguments.ts";
import { withJobSession } from "../job-session.ts";
import { reportLoads } from "../load-report.ts";
import { Progress } from "../progress.ts";
import { runAndReport } from "../run-report.ts";

export const usage = `Usage: npm run -s order-tracking -- run [--environment NAME] [--json] [--home DIR]

Runs the job once: it loads the files that wait in the landing directory, and finishes what an earlier run began.
Exit code 0 only if the run succeeded.

  --environment NAME  whose job (default: dev)
  --json              print one JSON document
  --home DIR          where the volume and the tables live (default: .local)
`;

/** Runs the load job, and shows what came of it. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArguments({
    args: [...args],
    options: { ...homeOption, ...environmentOption, json: { type: "boolean", default: false } },
  });
  const { environment, json } = values;
  const print = json ? () => undefined : console.log;
  const progress = new Progress(json);
  return withJobSession(userPath(values.home), environment, progress, async (session) => {
    const { job, interrupted } = session;
    const files = waitingFiles(job.landingDirectory);
    const waiting = `${files.length} ${files.length === 1 ? "file waits" : "files wait"}`;
    print(`${job.job.name} on this machine: ${waiting} in ${shownPath(job.landingDirectory)}`);
    const run = await runAndReport(job, interrupted, progress, print);
    interrupted.throwIfAborted();
    return reportLoads(session, environment, [{ files, run }], progress, json ? { environment } : undefined);
  });
}

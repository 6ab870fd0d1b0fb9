/** `order-tracking start`, which is `npm start`: files through the job, and what came of them. */
import { deliver } from "../../local/landing-directory.ts";
import {
  environmentArgument,
  environmentOption,
  homeArgument,
  homeOption,
  parseArguments,
  shellWord,
  shownPath,
  userPath,
} from "../arguments.ts";
import { arrivalsOf } from "../arrivals.ts";
import { withJobSession, type JobSession } from "../job-session.ts";
import { hasLanded, reportLoads, type Arrival } from "../load-report.ts";
import { Progress } from "../progress.ts";
import { runAndReport } from "../run-report.ts";
import { printable } from "../text-table.ts";

export const usage = `Usage: npm start [-- [FILE...] [--environment NAME] [--json] [--home DIR]]

Loads files through the job and shows what happened. Without FILEs: the samples, in two arrivals.
Exit code 0 only if every run succeeded. A run that fails in its quality gate alone has landed its good data.

  --environment NAME  whose job (default: dev)
  --json              print one JSON document
  --home DIR          where the volume and the tables live, kept from run to run (default: .local)
`;

/** Loads the files, then shows the tables. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { ...homeOption, ...environmentOption, json: { type: "boolean", default: false } },
  });
  const given = arrivalsOf(positionals);
  const print = values.json ? () => undefined : console.log;
  const progress = new Progress(values.json);
  return withJobSession(userPath(values.home), values.environment, progress, async (session) => {
    print(`${session.job.job.name} on this machine, in ${shownPath(session.home.directory)}`);
    const arrivals: Arrival[] = [];
    for (const files of given) {
      const delivered = files.map((file) => deliver(file, session.job.landingDirectory));
      print(`\nArrival ${arrivals.length + 1}: ${printable(delivered.join(", "))}`);
      const run = await runAndReport(session.job, session.interrupted, progress, print);
      session.interrupted.throwIfAborted();
      arrivals.push({ files: delivered, run });
      if (!hasLanded(run)) break;
    }
    const document = values.json ? { environment: values.environment } : undefined;
    const code = await reportLoads(session, values.environment, arrivals, progress, document);
    if (code === 0 && !values.json) print(await whatNext(session, values.environment, positionals.length === 0));
    return code;
  });
}

/** Commands about what is in the tables now, wherever they are. */
export async function whatNext(
  { home, job, kernel }: Pick<JobSession, "home" | "job" | "kernel">,
  environment: string,
  isOfSamples: boolean,
): Promise<string> {
  const newest = "SELECT max_by(tracking_num, last_update_timestamp) AS tracking_num FROM orders_table";
  // A contract that somebody tries may have another key.
  const trackingNum = (await kernel.query(newest).catch(() => undefined))?.rows[0]?.tracking_num;
  const at = homeArgument(home.directory);
  const jobAt = `${environmentArgument(environment)}${at}`;
  const command = "npm run -s order-tracking --";
  return [
    "",
    "What to try next",
    `  ${command} page${at}    to look at all of it in a browser`,
    ...(typeof trackingNum === "string" ? [`  ${command} track ${shellWord(printable(trackingNum))}${at}`] : []),
    `  ${command} query "SELECT * FROM operations.quarantined_orders_table"${at}`,
    ...(isOfSamples ? [`  npm start -- your-orders.csv${jobAt}`] : []),
    `  ${command} watch --speed 30${jobAt}    and copy files into ${shownPath(job.landingDirectory)}`,
    `Tables, files and logs are in ${shownPath(home.directory)}.`,
  ].join("\n");
}

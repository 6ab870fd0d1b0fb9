/** `order-tracking replay`: loads again what was quarantined or archived. */
import { findHome } from "../../local/home.ts";
import { waitingFiles } from "../../local/landing-directory.ts";
import {
  environmentOption,
  fileList,
  homeOption,
  parseArguments,
  shownPath,
  UsageError,
  userPath,
} from "../arguments.ts";
import { withJobSession, type JobSession } from "../job-session.ts";
import { reportLoads, runDocument, type Arrival } from "../load-report.ts";
import { Progress } from "../progress.ts";
import { runAndReport, summaryOf } from "../run-report.ts";
import { printable } from "../text-table.ts";

export const usage = `Usage: npm run -s order-tracking -- replay [FILE...] [--from SOURCE] [--since DAY] [--until DAY]
                                            [--environment NAME] [--json] [--home DIR]

Puts files back into the landing directory and loads what is there then, as after a change of the contract: those with
rows in quarantine (of one that is not in the archive any more, these rows alone), or archived or rejected ones. To load a
file again changes nothing but what is read differently now.
Without FILEs: all but those that were withdrawn; a FILE is a path as operations.loaded_files_table has it, or
BATCH/PATH for that of one batch.
Exit code 0 only if every FILE was put back and every run succeeded: files that are rejected again make it fail if they
are more than the environment's maxRejectedFiles; rows that come back to quarantine do not, unless a file has more of
them than before.

  --from SOURCE       quarantine, archive or rejected (default: quarantine)
  --since DAY         only what was loaded on this day or later, as YYYY-MM-DD in UTC
  --until DAY         only what was loaded on this day or earlier
  --environment NAME  whose jobs (default: dev)
  --json              print one JSON document
  --home DIR          where the volume and the tables live (default: .local)
`;

const SOURCES = ["quarantine", "archive", "rejected"];

/** Runs the replay job, and then the load job. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeOption,
      ...environmentOption,
      from: { type: "string", default: "quarantine" },
      since: { type: "string", default: "" },
      until: { type: "string", default: "" },
      json: { type: "boolean", default: false },
    },
  });
  const { from: source, since, until, environment, json } = values;
  if (!SOURCES.includes(source)) throw new UsageError(`--from ${source}: give ${SOURCES.join(", ")}`);
  checkDays(since, until);
  const chosen = { source, since, until, files: fileList(positionals) };

  const home = findHome(userPath(values.home));
  const progress = new Progress(json);
  const print = json ? () => undefined : console.log;
  return withJobSession(home.directory, environment, progress, (session) =>
    replay(session, environment, chosen, progress, print, json ? { environment } : undefined),
  );
}

/** @throws UsageError where one is no day, or they leave none between them */
function checkDays(since: string, until: string): void {
  for (const [option, day] of Object.entries({ since, until })) {
    if (day !== "" && !isDay(day)) throw new UsageError(`--${option} ${day}: give a day such as 2026-11-21`);
  }
  if (since !== "" && until !== "" && since > until) throw new UsageError(`--since ${since} is after --until ${until}`);
}

function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  // The second of these refuses the 30th of February, which would be read as a day of March.
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

async function replay(
  session: JobSession,
  environment: string,
  chosen: Readonly<Record<string, string>>,
  progress: Progress,
  print: (line: string) => void,
  document: object | undefined,
): Promise<number> {
  const { job, interrupted, home } = session;
  const replayJob = session.otherJob("_replay");
  print(`${replayJob.job.name} on this machine, in ${shownPath(home.directory)}`);
  const replayed = await runAndReport(replayJob, interrupted, progress, print, chosen);
  interrupted.throwIfAborted();
  const summaries = replayed.tasks.map(summaryOf);
  const files = summaries.flatMap((summary) => (summary?.files as string[] | undefined) ?? []);
  const left = summaries.flatMap((summary) =>
    Object.entries((summary?.left as Record<string, string> | undefined) ?? {}),
  );
  const withdrawn = summaries.flatMap((summary) => (summary?.withdrawn as string[] | undefined) ?? []);
  const succeeded = replayed.status === "SUCCESS";
  if (succeeded) print(files.length === 0 ? "\nNothing of that is there to be put back." : "\nPut back:");
  for (const file of files) print(`  ${printable(file)}`);
  if (left.length > 0) print("\nNot put back:");
  for (const [file, reason] of left) print(`  ${printable(`${file}: ${reason}`)}`);
  if (withdrawn.length > 0) print("\nStay withdrawn, until they are named:");
  for (const file of withdrawn) print(`  ${printable(file)}`);

  const arrivals: Arrival[] = [];
  const waiting = waitingFiles(job.landingDirectory);
  // Also what had arrived before: the load job takes all that is there. A replay that failed may have put back others.
  if (waiting.length > 0) {
    print(`\n${job.job.name}`);
    arrivals.push({ files: waiting, run: await runAndReport(job, interrupted, progress, print) });
    interrupted.throwIfAborted();
  }
  const isAllPutBack = succeeded && left.length === 0;
  if (document === undefined && arrivals.length === 0) return isAllPutBack ? 0 : 1;
  const told = document && { ...document, replay: { ...runDocument(replayed), files } };
  return reportLoads(session, environment, arrivals, progress, told, isAllPutBack);
}

/** `order-tracking watch`: the job whenever files arrive, until Ctrl-C. */
import { setTimeout as sleep } from "node:timers/promises";
import { FileArrivalTrigger } from "../../local/file-arrival-trigger.ts";
import { UNFINISHED_GRACE_MS, waitingFiles } from "../../local/landing-directory.ts";
import { environmentOption, homeOption, parseArguments, shownPath, UsageError, userPath } from "../arguments.ts";
import { hasLanded, leavesFiles, takenFiles, troublesOf } from "../load-report.ts";
import { INTERRUPTED, withJobSession, type JobSession } from "../job-session.ts";
import { Progress } from "../progress.ts";
import { runAndReport } from "../run-report.ts";

export const usage = `Usage: npm run -s order-tracking -- watch [--environment NAME] [--speed N] [--home DIR]

Runs the job when files arrive in the landing directory, as its file-arrival trigger says, at once where an earlier run
was cut short, and ten minutes after a run that failed or left something to a later one. Ctrl-C ends it.

  --environment NAME  whose job (default: dev)
  --speed N           let the trigger's clock run N times faster, for a demo (default: 1)
  --home DIR          where the volume and the tables live (default: .local)
`;

/** Watches until it is interrupted, which is its normal end. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArguments({
    args: [...args],
    options: { ...homeOption, ...environmentOption, speed: { type: "string", default: "1" } },
  });
  const speed = Number(values.speed);
  if (!(speed > 0 && speed < Infinity)) throw new UsageError(`--speed ${values.speed}: give a number above 0`);
  const progress = new Progress();
  const code = await withJobSession(userPath(values.home), values.environment, progress, (session) =>
    watch(session, speed, progress),
  );
  return code === INTERRUPTED ? 0 : code;
}

/**
 * Watches until the session is interrupted, or a run ends in an error that is not the job's.
 *
 * @param speed how many times faster the trigger's clock runs
 * @param againAfterMs how long after a run that has left something the next one comes; by default as long as the job waits
 *   for files that may still be on their way, by the time of day, which no speed changes
 */
export async function watch(
  { job, interrupted }: JobSession,
  speed: number,
  progress: Progress,
  againAfterMs = UNFINISHED_GRACE_MS,
): Promise<number> {
  const { trigger, queued } = job.job;
  const { waitAfterLastChangeSeconds, minTimeBetweenTriggersSeconds } = trigger;
  console.log(`${job.job.name} watches ${shownPath(job.landingDirectory)}`);
  console.log(
    `A run starts after ${waitAfterLastChangeSeconds} s without new files, and ${minTimeBetweenTriggersSeconds} s after the last one at the earliest.`,
  );
  if (speed !== 1) console.log(`The trigger's clock runs ${speed} times faster.`);
  if (trigger.paused) console.log("In the workspace this trigger is paused; here it is not.");

  const arrivals = new FileArrivalTrigger(trigger);
  let active: Promise<void> | undefined;
  // Files that a run had taken and not loaded make no trigger fire again.
  let due = job.isUnfinished ? 1 : 0;
  if (due > 0) console.log("An earlier run was cut short: the first one here finishes what it began.");
  // Nor does what a run here leaves: when one comes for it, by the time of day.
  let againAt = Infinity;
  const clock = () => (performance.now() / 1000) * speed;
  let failure: Error | undefined;
  let shown = "";
  while (!interrupted.aborted && failure === undefined) {
    if (arrivals.observe(clock(), waitingFiles(job.landingDirectory))) {
      // One run at a time: the machine has one Spark session.
      if (active === undefined || queued) due += 1;
      else console.log("Files arrived during a run, and the job has no queue: this run is skipped.");
    }
    if (active === undefined && due === 0 && Date.now() >= againAt) due = 1;
    if (active === undefined && due > 0) {
      due -= 1;
      againAt = Infinity;
      const since = clock();
      console.log(`\n${new Date().toLocaleTimeString()} A run starts`);
      active = runAndReport(job, interrupted, progress, console.log)
        .then(
          (run) => {
            for (const line of troublesOf(run)) console.log(`  ${line}`);
            arrivals.forget(takenFiles(run), since);
            if (interrupted.aborted || (hasLanded(run) && !leavesFiles(run) && !job.isUnfinished)) return;
            againAt = Date.now() + againAfterMs;
            console.log(`  For what is left, a run comes at ${new Date(againAt).toLocaleTimeString()}.`);
          },
          (error: unknown) => (failure = error as Error),
        )
        .then(() => (active = undefined));
    }
    const { length } = arrivals.pending;
    const state =
      length === 0 ? "Waiting for files" : `${length} new ${length === 1 ? "file" : "files"}; waiting for quiet`;
    if (active === undefined && state !== shown) progress.step(state);
    shown = active === undefined ? state : "";
    await sleep(Math.min(1000, 1000 / speed), undefined, { signal: interrupted }).catch(() => undefined);
  }
  await active;
  progress.end();
  if (failure !== undefined) throw failure;
  return 0;
}

/** What the commands that run jobs share: the synthesized jobs, warm and ready on one home, until Ctrl-C. */
import { withHomeLocked, type Home } from "../local/home.ts";
import { LocalJob, LocalLoadJob } from "../local/local-job.ts";
import { NotebookKernel } from "../local/notebook-kernel.ts";
import { readJob, readLoadJob } from "../local/synthesized-job.ts";
import { untilInterrupted } from "./interruption.ts";
import type { Progress } from "./progress.ts";
import { OF_NO_WORKSPACE, synthesize } from "./synthesize.ts";

/** The jobs of one environment, on one home. */
export interface JobSession {
  /** The load job. */
  readonly job: LocalLoadJob;
  /** Another job, by the end of its name. */
  readonly otherJob: (nameEnd: "_erase" | "_replay" | "_upkeep" | "_withdraw") => LocalJob;
  readonly home: Home;
  readonly kernel: NotebookKernel;
  /** Aborted by Ctrl-C, or when the process is asked to end. */
  readonly interrupted: AbortSignal;
}

/** The exit code of a process that Ctrl-C ended. */
export const INTERRUPTED = 130;

/** Settles as `work` does, or rejects as soon as the signal aborts. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener(
      "abort",
      () => {
        reject(signal.reason as Error);
      },
      { once: true },
    );
  });
  return Promise.race([work, aborted]);
}

/**
 * Starts everything, does the work, and ends everything; Ctrl-C aborts whatever is under way.
 *
 * @param checkout whose jobs; by default those of this one
 * @returns what `work` does, or {@link INTERRUPTED}
 */
export async function withJobSession(
  homeDirectory: string,
  environment: string,
  progress: Progress,
  work: (session: JobSession) => Promise<number>,
  checkout?: string,
): Promise<number> {
  return untilInterrupted((interrupted) =>
    withHomeLocked(homeDirectory, async (home) => {
      const kernel = new NotebookKernel(home, (spark) => {
        progress.show(spark);
      });
      interrupted.addEventListener("abort", () => void kernel.stop());
      try {
        progress.step("Synthesizing the stacks and starting Spark");
        const synthesized = synthesize(home.synthesized, environment, interrupted, OF_NO_WORKSPACE, checkout);
        await unlessAborted(Promise.all([synthesized, kernel.start()]), interrupted);
        const code = await work({
          job: new LocalLoadJob(readLoadJob(home.synthesized, environment), home, kernel),
          otherJob: (nameEnd) => new LocalJob(readJob(home.synthesized, environment, nameEnd), home, kernel),
          home,
          kernel,
          interrupted,
        });
        interrupted.throwIfAborted();
        return code;
      } catch (error) {
        if (!interrupted.aborted) throw error;
        progress.note("Interrupted. Nothing is lost: the next run finishes what this one began.");
        return INTERRUPTED;
      } finally {
        progress.end();
        await kernel.stop();
      }
    }),
  );
}

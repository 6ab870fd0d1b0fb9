import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { JobSession } from "../../cli/job-session.ts";
import { watch } from "../../cli/commands/watch.ts";
import { Progress } from "../../cli/progress.ts";
import { UNFINISHED_GRACE_MS } from "../../local/landing-directory.ts";
import type { JobRun } from "../../local/local-job.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

/** A run in which a task came to this, with a file of one name. */
const aRun = (status: "SUCCESS" | "FAILED", key: string, ...outcomes: readonly string[]): JobRun => ({
  runId: "1",
  status,
  seconds: 1,
  tasks: [
    {
      ...{ key, status, attempts: 1, seconds: 1, message: null, log: null },
      output:
        outcomes.length === 0
          ? null
          : JSON.stringify({ files: outcomes.map((outcome) => ({ path: "a.csv", outcome })) }),
    },
  ],
});

const [whole, deferred, both] = [["staged"], ["deferred"], ["staged", "deferred"]].map((outcomes) =>
  aRun("SUCCESS", "source_to_stage", ...outcomes),
) as [JobRun, JobRun, JobRun];

/** What a job does in one run: what it came to, and whether it leaves a batch unfinished. */
interface Turn {
  readonly run: JobRun;
  readonly leavesBatch?: boolean;
  /** Whether a file waits after it as before: the same one, or another one that has come for it between two looks. */
  readonly fileWaits?: boolean;
}

/** Twice as long as ten minutes take on the trigger's clock here. */
const AGAIN_AFTER_MS = 200;

/**
 * Watches a directory in which a file waits, with a trigger's clock that is 6000 times faster, until nothing has happened
 * for longer than that.
 *
 * @returns how many runs there were, what was said, and the shortest time from one run to the next
 */
async function runsOf(
  turns: readonly Turn[],
  againAfterMs?: number,
): Promise<{ runs: number; said: string; betweenMs: number }> {
  const landingDirectory = temporaryFolder();
  writeFileSync(path.join(landingDirectory, "a.csv"), "");
  const interrupt = new AbortController();
  let runs = 0;
  let [lastAt, betweenMs] = [-Infinity, Infinity];
  let ends: NodeJS.Timeout | undefined;
  const job = {
    job: {
      name: "a job",
      tasks: [{ key: "source_to_stage" }],
      queued: true,
      trigger: { paused: false, minTimeBetweenTriggersSeconds: 0, waitAfterLastChangeSeconds: 0 },
    },
    landingDirectory,
    isUnfinished: false,
    run: () => {
      const turn = turns[runs];
      runs += 1;
      betweenMs = Math.min(betweenMs, Date.now() - lastAt);
      lastAt = Date.now();
      job.isUnfinished = turn?.leavesBatch ?? false;
      if (!turn?.fileWaits) rmSync(path.join(landingDirectory, "a.csv"), { force: true });
      clearTimeout(ends);
      ends = setTimeout(() => {
        interrupt.abort();
      }, 500);
      return Promise.resolve(turn?.run ?? whole);
    },
  };
  const print = jest.spyOn(console, "log").mockImplementation();
  try {
    const session = { job, interrupted: interrupt.signal } as unknown as JobSession;
    await watch(session, 6000, new Progress(true), againAfterMs);
    return { runs, said: print.mock.calls.flat().join("\n"), betweenMs };
  } finally {
    print.mockRestore();
  }
}

test.each<[string, Turn]>([
  ["has deferred a file", { run: deferred, fileWaits: true }],
  ["has left a batch", { run: whole, leavesBatch: true }],
  ["has failed before it took anything", { run: aRun("FAILED", "source_to_stage") }],
])("a run comes again after one that %s, until nothing is left", async (_, turn) => {
  const { runs, said, betweenMs } = await runsOf([turn, turn], AGAIN_AFTER_MS);
  expect(runs).toBe(3);
  expect(said).toContain("For what is left, a run comes at ");
  expect(betweenMs).toBeGreaterThanOrEqual(AGAIN_AFTER_MS);
});

test("a run comes again as long after the last one as the job waits for a file, however fast the trigger's clock is", async () => {
  const inTenMinutes = () => new Date(Date.now() + UNFINISHED_GRACE_MS).toLocaleTimeString();
  const begun = inTenMinutes();
  const { runs, said } = await runsOf([{ run: deferred }]);
  expect(runs).toBe(1);
  const told = [begun, inTenMinutes()].map((time) => `For what is left, a run comes at ${time}.`);
  expect(told.filter((line) => said.includes(line))).not.toEqual([]);
});

test.each<[string, Turn]>([
  ["has loaded all", { run: whole }],
  ["failed in its quality gate alone", { run: aRun("FAILED", "quality_gate") }],
])("no run comes again after one that %s", async (_, turn) => {
  const { runs, said } = await runsOf([turn], AGAIN_AFTER_MS);
  expect(runs).toBe(1);
  expect(said).not.toContain("For what is left");
});

test.each<[string, JobRun, number]>([
  ["a run comes for a file in place of one that was loaded", whole, 2],
  ["a run comes for a file in place of one that was rejected", aRun("SUCCESS", "source_to_stage", "rejected"), 2],
  ["no run comes at once for a file in place of one that no run took", deferred, 1],
  ["no run comes at once for a file that waits under the name of one that was loaded", both, 1],
])("%s", async (_, run, expected) => {
  expect((await runsOf([{ run, fileWaits: true }])).runs).toBe(expected);
});

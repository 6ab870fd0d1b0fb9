import { reportLoads } from "../../cli/load-report.ts";
import type { JobSession } from "../../cli/job-session.ts";
import { Progress } from "../../cli/progress.ts";
import type { JobRun } from "../../local/local-job.ts";

const session = {
  home: { directory: "/homes/mine" },
  kernel: { query: () => Promise.resolve({ columns: [], rows: [] }) },
} as unknown as JobSession;

/** What is told of a run in which a file came to this. */
async function told(outcome: string): Promise<string> {
  const output = JSON.stringify({ files: [{ path: "mine.csv", outcome, reason: "its last line has no end" }] });
  const task = { key: "source_to_stage", status: "SUCCESS", attempts: 1, seconds: 1, message: null, log: null, output };
  const run = { runId: "1", status: "SUCCESS", seconds: 1, tasks: [task] } as JobRun;
  const print = jest.spyOn(console, "log").mockImplementation();
  try {
    await reportLoads(session, [{ files: ["mine.csv"], run }], new Progress(true), undefined);
    return print.mock.calls.flat().join("\n");
  } finally {
    print.mockRestore();
  }
}

test("a file that was left to a later run is told of with when to run which command, and no other is", async () => {
  expect(await told("deferred")).toMatch(
    /mine\.csv +deferred[^]*In ten minutes, load it: npm run -s order-tracking -- run --home \S+mine$/m,
  );
  expect(await told("staged")).not.toContain("In ten minutes");
});

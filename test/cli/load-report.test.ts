import { readFileSync } from "node:fs";
import path from "node:path";
import { whatNext } from "../../cli/commands/start.ts";
import { reportLoads } from "../../cli/load-report.ts";
import type { JobSession } from "../../cli/job-session.ts";
import { Progress } from "../../cli/progress.ts";
import type { JobRun } from "../../local/local-job.ts";

const session = {
  home: { directory: "/homes/mine" },
  job: { landingDirectory: "/homes/mine/volume/file_arrival" },
  kernel: { query: () => Promise.resolve({ columns: [], rows: [] }) },
} as unknown as JobSession;

/** Why the job has dropped a file that it finds in the landing directory as another one than it was. */
const [, writtenAgain = ""] =
  /^_CHANGED = "(.*)"$/m.exec(
    readFileSync(path.join(__dirname, "../../notebooks/order_tracking/files/claimed_files.py"), "utf8"),
  ) ?? [];

/** What is told of a run in which a file came to this. */
async function told(outcome: string, reason = "its last line has no end", environment = "dev"): Promise<string> {
  const output = JSON.stringify({ files: [{ path: "mine.csv", outcome, reason }] });
  const task = { key: "source_to_stage", status: "SUCCESS", attempts: 1, seconds: 1, message: null, log: null, output };
  const run = { runId: "1", status: "SUCCESS", seconds: 1, tasks: [task] } as JobRun;
  const print = jest.spyOn(console, "log").mockImplementation();
  try {
    await reportLoads(session, environment, [{ files: ["mine.csv"], run }], new Progress(true), undefined);
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

test("a dropped file that waits as what it is now is told of so as well, and one that nobody can take is not", async () => {
  expect(await told("dropped", writtenAgain)).toContain("In ten minutes, load it: npm run -s order-tracking -- run ");
  expect(await told("dropped", "it could not be loaded in 3 attempts; it stays where it is")).not.toContain(
    "In ten min",
  );
});

test("the commands that run a job run that of the environment that ran", async () => {
  expect(await told("deferred", "", "prod")).toMatch(/ -- run --environment prod --home \S+mine$/m);
  const next = await whatNext(session, "prod", true);
  expect(next).toMatch(/^ {2}npm start -- your-orders\.csv --environment prod --home \S+mine$/m);
  expect(next).toMatch(/ -- watch --speed 30 --environment prod --home \S+mine /);
  expect(await whatNext(session, "dev", true)).not.toContain("--environment");
});

test("what to try next is told where the contract has another key, by which this order cannot be asked for", async () => {
  const kernel = { query: () => Promise.reject(new Error("[UNRESOLVED_COLUMN.WITH_SUGGESTION] tracking_num")) };
  const next = await whatNext({ ...session, kernel } as unknown as typeof session, "dev", true);
  expect(next).toContain("npm start -- your-orders.csv");
  expect(next).not.toContain(" track ");
});

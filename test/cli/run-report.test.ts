import { Progress } from "../../cli/progress.ts";
import { runAndReport } from "../../cli/run-report.ts";
import type { LocalJob } from "../../local/local-job.ts";
import type { TaskResult } from "../../local/task-graph.ts";

/** What is printed of a job whose only task ends like this. */
async function printed(result: Partial<TaskResult>): Promise<string[]> {
  const task = { key: "load", status: "SUCCESS", attempts: 1, seconds: 2, output: null, message: null, ...result };
  const job = {
    job: { tasks: [task] },
    run: (_canceled: AbortSignal, onTask: (of: object, ended?: object) => void) => {
      onTask(task);
      onTask(task, task);
      return Promise.resolve({ tasks: [{ ...task, log: "load.log" }] });
    },
  } as unknown as LocalJob;
  const lines: string[] = [];
  jest.spyOn(process.stderr, "write").mockReturnValue(true);
  await runAndReport(job, new AbortController().signal, new Progress(), (line) => lines.push(line));
  jest.restoreAllMocks();
  return lines;
}

test("a task's line has the counts of its summary, and its warnings stand below", async () => {
  const output = JSON.stringify({
    batch_id: "b",
    files: [],
    rows_read: 5,
    warnings: ["new columns were added: colour"],
  });
  expect(await printed({ output })).toEqual([
    "  load  SUCCESS   2.0 s  5 rows read",
    "    warning: new columns were added: colour",
  ]);
});

test("a failed task says why and where its log is", async () => {
  expect(await printed({ status: "FAILED", attempts: 3, message: "no disk" })).toEqual([
    "  load  FAILED   2.0 s  3 attempts; no disk",
    "  The whole log of load: load.log",
  ]);
});

import fc from "fast-check";
import type { Task } from "../../local/synthesized-job.ts";
import { inOrder, runTaskGraph, type Execute, type TaskResult } from "../../local/task-graph.ts";

function task(key: string, settings: Partial<Task> = {}): Task {
  return {
    key,
    dependsOn: [],
    runIf: "ALL_SUCCESS",
    maxRetries: 0,
    retryIntervalSeconds: 0,
    retryOnTimeout: false,
    timeoutSeconds: 0,
    notebookPath: `/${key}`,
    parameters: {},
    ...settings,
  };
}

const never = new AbortController().signal;
const succeed: Execute = () => Promise.resolve({ succeeded: true, output: null });
const failAlways: Execute = () => Promise.resolve({ succeeded: false, message: "broken" });
/** Hangs until it is aborted, as a notebook in a long Spark job does. */
const hang: Execute = (_task, _attempt, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });
/** Fails the tasks named. */
const failing =
  (...keys: string[]): Execute =>
  (given, ...rest) =>
    (keys.includes(given.key) ? failAlways : succeed)(given, ...rest);

const run = (tasks: Task[], execute: Execute, timeoutSeconds = 0, canceled = never) =>
  runTaskGraph(tasks, execute, timeoutSeconds, canceled, () => undefined);
const statuses = (tasks: readonly TaskResult[]) => Object.fromEntries(tasks.map(({ key, status }) => [key, status]));

describe("the order of tasks", () => {
  test("has every task after those it depends on, for any acyclic job", () => {
    const jobs = fc.array(fc.array(fc.nat(20), { maxLength: 3 }), { minLength: 1, maxLength: 8 }).map((edges) =>
      // A task may depend on lower numbers only, which rules cycles out; listed in reverse to be hard.
      edges
        .map((on, index) => task(`t${index}`, { dependsOn: on.filter((n) => n < index).map((n) => `t${n}`) }))
        .reverse(),
    );
    fc.assert(
      fc.property(jobs, (tasks) => {
        const keys = inOrder(tasks).map(({ key }) => key);
        expect(keys).toHaveLength(tasks.length);
        for (const { key, dependsOn } of tasks) {
          for (const other of dependsOn) expect(keys.indexOf(other)).toBeLessThan(keys.indexOf(key));
        }
      }),
    );
  });

  test.each([
    ["an unknown dependency", [task("a", { dependsOn: ["b"] })], /a depends on b, which the job does not have/],
    ["a cycle", [task("a", { dependsOn: ["b"] }), task("b", { dependsOn: ["a"] })], /wait for each other: a, b/],
    ["an unknown run_if", [task("a", { runIf: "SOMETIMES" })], /unknown run_if SOMETIMES/],
  ])("fails for %s", (_what, tasks, message) => {
    expect(() => inOrder(tasks)).toThrow(message);
  });
});

describe("running tasks", () => {
  const chain = [task("a"), task("b", { dependsOn: ["a"] })];

  test("hands a task's output on and succeeds where all do", async () => {
    const result = await run(chain, (given) => Promise.resolve({ succeeded: true, output: `from ${given.key}` }));
    expect(result.status).toBe("SUCCESS");
    expect(result.tasks.map(({ output }) => output)).toEqual(["from a", "from b"]);
  });

  test("does not run a task whose dependency failed", async () => {
    const result = await run(chain, failing("a"));
    expect(result.status).toBe("FAILED");
    expect(result.tasks).toEqual([
      expect.objectContaining({ key: "a", status: "FAILED", attempts: 1, message: "broken" }),
      expect.objectContaining({ key: "b", status: "UPSTREAM_FAILED", attempts: 0 }),
    ]);
  });

  test.each([
    ["ALL_SUCCESS", ["SUCCESS", "SUCCESS"], "SUCCESS"],
    ["ALL_SUCCESS", ["SUCCESS", "FAILED"], "UPSTREAM_FAILED"],
    ["ALL_DONE", ["FAILED", "FAILED"], "SUCCESS"],
    ["NONE_FAILED", ["SUCCESS", "FAILED"], "UPSTREAM_FAILED"],
    ["AT_LEAST_ONE_SUCCESS", ["SUCCESS", "FAILED"], "SUCCESS"],
    ["AT_LEAST_ONE_SUCCESS", ["FAILED", "FAILED"], "UPSTREAM_FAILED"],
    ["AT_LEAST_ONE_FAILED", ["SUCCESS", "FAILED"], "SUCCESS"],
    ["AT_LEAST_ONE_FAILED", ["SUCCESS", "SUCCESS"], "EXCLUDED"],
    ["ALL_FAILED", ["FAILED", "FAILED"], "SUCCESS"],
    ["ALL_FAILED", ["SUCCESS", "SUCCESS"], "EXCLUDED"],
  ])("run_if %s after %j gives %s", async (runIf, [first, second], expected) => {
    const tasks = [task("one"), task("two"), task("last", { dependsOn: ["one", "two"], runIf })];
    const failed = [first === "FAILED" ? "one" : "", second === "FAILED" ? "two" : ""];
    expect(statuses((await run(tasks, failing(...failed))).tasks)).toMatchObject({
      one: first,
      two: second,
      last: expected,
    });
  });

  test("a run whose leaves succeed after a failure succeeds with failures", async () => {
    const tasks = [task("a"), task("gate", { dependsOn: ["a"], runIf: "ALL_DONE" })];
    expect((await run(tasks, failing("a"))).status).toBe("SUCCESS_WITH_FAILURES");
  });

  test("retries a failing task as often as it may, and tells the attempt's number", async () => {
    const attempts: number[] = [];
    const result = await run([task("a", { maxRetries: 2 })], (_task, attempt) => {
      attempts.push(attempt);
      return Promise.resolve(
        attempt === 3 ? { succeeded: true, output: null } : { succeeded: false, message: "not yet" },
      );
    });
    expect(attempts).toEqual([1, 2, 3]);
    expect(result.tasks[0]).toMatchObject({ status: "SUCCESS", attempts: 3 });
  });

  test.each([
    [false, 1],
    [true, 2],
  ])("a task over its time limit is ended; retried where it says so (%s)", async (retryOnTimeout, attempts) => {
    const limits = { timeoutSeconds: 0.02, maxRetries: 1, retryOnTimeout };
    const result = await run([task("a", limits)], hang);
    expect(result.tasks[0]).toMatchObject({
      status: "TIMEDOUT",
      attempts,
      message: "the task's time limit of 0.02 s was reached",
    });
    expect(result.status).toBe("TIMEDOUT");
  });

  test("the job's time limit ends the task under way and starts no other", async () => {
    const result = await run([task("a", { maxRetries: 5, retryOnTimeout: true }), task("b")], hang, 0.02);
    expect(statuses(result.tasks)).toEqual({ a: "TIMEDOUT", b: "TIMEDOUT" });
    expect(result.tasks[0]?.attempts).toBe(1);
  });

  test("cancelling ends the task under way, does not retry it, and starts no other", async () => {
    const cancel = new AbortController();
    setTimeout(() => {
      cancel.abort();
    }, 20);
    const result = await run([task("a", { maxRetries: 5 }), task("b", { runIf: "ALL_DONE" })], hang, 0, cancel.signal);
    expect(statuses(result.tasks)).toEqual({ a: "CANCELED", b: "CANCELED" });
    expect(result).toMatchObject({ status: "CANCELED" });
    expect(result.tasks[0]?.attempts).toBe(1);
  });

  test("cancelling during the pause before a retry ends the run at once", async () => {
    const cancel = new AbortController();
    setTimeout(() => {
      cancel.abort();
    }, 20);
    const slow = task("a", { maxRetries: 1, retryIntervalSeconds: 3600 });
    const execute: Execute = (given, attempt, signal) =>
      signal.aborted ? hangRejected(signal) : failAlways(given, attempt, signal);
    expect((await run([slow], execute, 0, cancel.signal)).status).toBe("CANCELED");
  });

  test("a bug in the runner is not taken for a failing task", async () => {
    await expect(run([task("a")], () => Promise.reject(new Error("a bug")))).rejects.toThrow("a bug");
  });
});

function hangRejected(signal: AbortSignal): Promise<never> {
  return Promise.reject(signal.reason as Error);
}

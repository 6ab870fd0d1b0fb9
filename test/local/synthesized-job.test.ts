import { cpSync, readFileSync, utimesSync } from "node:fs";
import path from "node:path";
import { lastEnvironment, readJob, readLoadJob } from "../../local/synthesized-job.ts";
import { aJob, notebook, stackOnDisk } from "./stack-on-disk.ts";

describe("reading the jobs of a synthesized pipeline stack", () => {
  test("gives the load job's tasks, parameters, trigger and the files behind the notebooks", () => {
    const task = {
      task_key: "first",
      max_retries: 2,
      min_retry_interval_millis: 1500,
      timeout_seconds: 60,
      notebook_task: { notebook_path: "${databricks_notebook.first.path}", base_parameters: { extra: "1" } },
    };
    const second = {
      task_key: "second",
      depends_on: [{ task_key: "first" }],
      notebook_task: [{ notebook_path: "/x" }],
    };
    const output = stackOnDisk({ ...aJob, task: [task, second] }, { first: notebook("1") }, { "pkg/a.py": "A = 1" });

    const job = readLoadJob(output, "test");

    expect(job.tasks).toEqual([
      expect.objectContaining({
        key: "first",
        dependsOn: [],
        runIf: "ALL_SUCCESS",
        maxRetries: 2,
        retryIntervalSeconds: 1.5,
        timeoutSeconds: 60,
        notebookPath: "/Shared/order-tracking/test/first",
        parameters: { extra: "1" },
      }),
      expect.objectContaining({ key: "second", dependsOn: ["first"], notebookPath: "/x", maxRetries: 0 }),
    ]);
    expect(job.parameters).toEqual({
      catalog: "orders_test",
      schema: "order_tracking",
      volume: "/Volumes/orders_test/order_tracking/order_files",
      checkpoint: "/Volumes/orders_test/operations/checkpoint",
      run_id: "{{job.run_id}}",
    });
    expect(job.trigger).toEqual({
      url: "/Volumes/orders_test/order_tracking/order_files/file_arrival/",
      paused: false,
      minTimeBetweenTriggersSeconds: 90,
      waitAfterLastChangeSeconds: 60,
    });
    expect(job.queued).toBe(true);
    const files = job.workspaceFiles.map(({ path, isNotebook, source }) => [
      path,
      isNotebook,
      readFileSync(source, "utf8"),
    ]);
    expect(files).toEqual([
      ["/Shared/order-tracking/test/first", true, notebook("1")],
      ["/Shared/order-tracking/test/pkg/a.py", false, "A = 1"],
    ]);
  });

  test("tells which environment was synthesized last", () => {
    const output = stackOnDisk(aJob, { first: notebook("1") }, {}, "dev");
    cpSync(stackOnDisk(aJob, { first: notebook("1") }, {}, "prod"), output, { recursive: true });
    const writeAt = (environment: string, seconds: number) => {
      utimesSync(path.join(output, "stacks", `${environment}-pipeline`, "cdk.tf.json"), seconds, seconds);
    };
    writeAt("dev", 1);
    writeAt("prod", 2);
    expect(lastEnvironment(output)).toBe("prod");
    writeAt("dev", 3);
    expect(lastEnvironment(output)).toBe("dev");
    expect(lastEnvironment(path.join(output, "nothing"))).toBeUndefined();
  });

  test("fails with what to do where nothing was synthesized", () => {
    const output = stackOnDisk(aJob, { first: notebook("1") });
    expect(() => readLoadJob(output, "other")).toThrow(/no synthesized stack at .*other-pipeline.*cdktf synth/);
  });

  test("fails with the field where a task is no notebook task", () => {
    const output = stackOnDisk({ ...aJob, task: [{ task_key: "wheel", python_wheel_task: {} }] }, {});
    expect(() => readLoadJob(output, "test")).toThrow(/cannot run on this machine[\s\S]*task\[0\]\.notebook_task/);
  });

  test("fails where no job has a trigger", () => {
    const output = stackOnDisk({ name: "untriggered" }, {});
    expect(() => readLoadJob(output, "test")).toThrow(/0 jobs with a file-arrival trigger instead of one/);
  });

  test("gives another job by the end of its name", () => {
    const replay = {
      ...aJob,
      trigger: undefined,
      name: "[test] orders_replay",
      task: [{ ...aJob.task[0], task_key: "r" }],
    };
    const output = stackOnDisk(aJob, { first: notebook("1") }, {}, "test", { replay });
    const job = readJob(output, "test", "_replay");
    expect(job).toMatchObject({
      name: "[test] orders_replay",
      tasks: [{ key: "r" }],
      parameters: { schema: "order_tracking" },
    });
    expect(job.workspaceFiles).toHaveLength(1);
    expect(() => readJob(output, "test", "_upkeep")).toThrow(/0 jobs whose name ends in _upkeep instead of one/);
    expect(() => readJob(output, "test", "a scheduled job")).toThrow(
      /a scheduled job in .* cannot run on this machine/,
    );
  });
});

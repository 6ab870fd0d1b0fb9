import { readFileSync } from "node:fs";
import { readSynthesizedJob } from "../../local/synthesized-job.ts";
import { aJob, notebook, stackOnDisk } from "./stack-on-disk.ts";

describe("reading the job of a synthesized pipeline stack", () => {
  test("gives tasks, parameters, trigger and the files behind the notebooks", () => {
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

    const job = readSynthesizedJob(output, "test");

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

  test("fails with what to do where nothing was synthesized", () => {
    const output = stackOnDisk(aJob, { first: notebook("1") });
    expect(() => readSynthesizedJob(output, "other")).toThrow(/no synthesized stack at .*other-pipeline.*cdktf synth/);
  });

  test("fails with the field where a task is no notebook task", () => {
    const output = stackOnDisk({ ...aJob, task: [{ task_key: "wheel", python_wheel_task: {} }] }, {});
    expect(() => readSynthesizedJob(output, "test")).toThrow(
      /cannot run on this machine[\s\S]*task\[0\]\.notebook_task/,
    );
  });

  test("fails where no job has a trigger", () => {
    const output = stackOnDisk({ name: "untriggered" }, {});
    expect(() => readSynthesizedJob(output, "test")).toThrow(/0 jobs with a trigger/);
  });
});

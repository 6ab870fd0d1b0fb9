import { all, MINIMAL, synthesize, type StackJson, workspacePath } from "../../synthesized.ts";
import { jobOf } from "../jobs.ts";

const EXISTING = "99999999-8888-7777-6666-555555555555";

const pipelineOf = (settings: object): StackJson =>
  synthesize({ ...MINIMAL, warehouse: "0123456789abcdef", ...settings }).pipeline;
const alertsIn = (pipeline: StackJson) => all(pipeline, "databricks_alert_v2");

it("tells of too many bad rows, as the environment counts them, and of runs that do not even start", () => {
  const [backlog, quarantine] = alertsIn(pipelineOf({ maxQuarantinedPercent: 12.5 }));

  expect(backlog).toMatchObject({
    display_name: "[tiny] hours_without_success",
    query_text: expect.stringContaining("FROM orders_tiny.operations.job_log_table") as string,
    evaluation: {
      source: { name: "hours_without_success" },
      comparison_operator: "GREATER_THAN",
      threshold: { value: { double_value: 6.5 } },
    },
  });
  expect(quarantine).toMatchObject({
    display_name: "[tiny] quarantined_percent",
    query_text: expect.stringContaining("FROM orders_tiny.operations.loaded_files_table") as string,
    evaluation: {
      source: { name: "quarantined_percent" },
      comparison_operator: "GREATER_THAN",
      threshold: { value: { double_value: 12.5 } },
    },
  });
});

/** Hours since midnight at which a schedule such as `0 30 1/6 * * ?` is due, for three days. */
function timesOf(cron: string): number[] {
  const [, minute, hours = ""] = cron.split(" ");
  const [first = 0, every = 24] = hours.split("/").map(Number);
  const times = Array.from({ length: Math.ceil((72 - first) / every) }, (_, n) => first + n * every);
  return times.map((hour) => hour + Number(minute) / 60);
}

it("tells of two sweeps in a row that came to nothing at the first look after them, and never of one", () => {
  const pipeline = pipelineOf({});
  const sweep = jobOf(pipeline, "orders_tracking_sweep").schedule as { quartz_cron_expression: string };
  const [{ evaluation, schedule } = {}] = alertsIn(pipeline);
  const { value } = (evaluation as { threshold: { value: { double_value: number } } }).threshold;
  const [succeeded = 0, failed = 0, failedToo = 0] = timesOf(sweep.quartz_cron_expression);
  const looks = timesOf((schedule as { quartz_cron_schedule: string }).quartz_cron_schedule);
  const first = looks.find((look) => look > failedToo) ?? 0;

  // The last run that ended well: the sweep's own, or one of a file that arrived until the next sweep.
  for (let last = succeeded + 0.05; last < failed; last += 0.05) {
    const tells = looks.filter((look) => look > last && look - last > value.double_value);

    expect(tells[0]).toBe(first);
  }
});

it("is in the folder of the reports, spelt as the service answers", () => {
  const pipeline = pipelineOf({});

  for (const { parent_path } of alertsIn(pipeline)) {
    expect(parent_path).toMatch(/^\/Workspace\$\{databricks_directory\.[\w-]+\.path\}$/);
    expect(workspacePath(pipeline, parent_path)).toBe("/Workspace/order-tracking/tiny/reports");
  }
});

it("looks at a column that the query returns", () => {
  for (const { query_text, evaluation } of alertsIn(pipelineOf({}))) {
    const { source } = evaluation as { source: { name: string } };

    expect(query_text).toMatch(new RegExp(` AS ${source.name}$`, "m"));
  }
});

it("tells the destinations, and addresses by a destination of their own", () => {
  const pipeline = pipelineOf({ notifications: { emails: ["team@example.com"], existing: [EXISTING] } });
  const [[emails, destination] = []] = Object.entries(pipeline.resource.databricks_notification_destination ?? {});

  expect(destination?.config).toEqual({ email: { addresses: ["team@example.com"] } });
  for (const alert of alertsIn(pipeline)) {
    expect(alert).toHaveProperty("evaluation.notification.subscriptions", [
      { destination_id: `\${element(sort(["${EXISTING}"]), 0)}` },
      { destination_id: `\${databricks_notification_destination.${emails}.id}` },
    ]);
  }
});

it("is evaluated as the service principal of the jobs, half an hour after each sweep, unless paused", () => {
  for (const alert of alertsIn(pipelineOf({ runAs: EXISTING }))) {
    expect(alert).toMatchObject({
      run_as: { service_principal_name: EXISTING },
      schedule: { quartz_cron_schedule: "0 30 1/6 * * ?", timezone_id: "UTC", pause_status: "UNPAUSED" },
    });
  }
  for (const alert of alertsIn(pipelineOf({ triggerPaused: true }))) {
    expect(alert).toHaveProperty("schedule.pause_status", "PAUSED");
    expect(alert).not.toHaveProperty("run_as");
  }
});

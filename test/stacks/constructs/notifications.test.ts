import { all, MINIMAL, only, synthesize, type StackJson } from "../../synthesized.ts";
import { jobOf } from "../jobs.ts";

const EXISTING = "99999999-8888-7777-6666-555555555555";

const pipelineOf = (notifications: object): StackJson => synthesize({ ...MINIMAL, notifications }).pipeline;
const loadJobIn = (pipeline: StackJson) => jobOf(pipeline, "orders_tracking_incremental_load");

it("tells nobody where the environment names nobody", () => {
  const pipeline = pipelineOf({});

  expect(loadJobIn(pipeline)).not.toHaveProperty("email_notifications");
  expect(loadJobIn(pipeline)).not.toHaveProperty("webhook_notifications");
  expect(pipeline).not.toHaveProperty("variable");
});

it("tells addresses and destinations of runs that fail or take long", () => {
  const job = loadJobIn(pipelineOf({ emails: ["team@example.com"], existing: [EXISTING] }));
  const destinations = [{ id: `\${element(sort(["${EXISTING}"]), 0)}` }];

  expect(job.email_notifications).toEqual({
    on_failure: ["team@example.com"],
    on_duration_warning_threshold_exceeded: ["team@example.com"],
  });
  expect(job.webhook_notifications).toEqual({
    on_failure: destinations,
    on_duration_warning_threshold_exceeded: destinations,
  });
});

it("names destinations in the order of their ids, or plans would never be empty", () => {
  const pipeline = pipelineOf({ create: ["slack", "teams"], existing: [EXISTING] });
  const [slack, teams] = Object.keys(pipeline.resource.databricks_notification_destination ?? {});
  const sorted = `sort(["${EXISTING}", databricks_notification_destination.${slack}.id, databricks_notification_destination.${teams}.id])`;

  expect(loadJobIn(pipeline)).toHaveProperty(
    "webhook_notifications.on_failure",
    [0, 1, 2].map((i) => ({ id: `\${element(${sorted}, ${i})}` })),
  );
});

it.each([
  ["slack", "slack"],
  ["teams", "microsoft_teams"],
  ["webhook", "generic_webhook"],
])("takes the URL of %s from a sensitive variable that need not be known", (kind, block) => {
  const pipeline = pipelineOf({ create: [kind] });

  expect(pipeline.variable).toEqual({
    [`${kind}_url`]: expect.objectContaining({ type: "string", sensitive: true, default: "" }) as object,
  });
  expect(all(pipeline, "databricks_notification_destination")).toEqual([
    expect.objectContaining({
      display_name: `[tiny] order tracking, ${kind}`,
      config: { [block]: { url: `\${var.${kind}_url}` } },
    }),
  ]);
});

it("creates no destination before its URL is known", () => {
  const pipeline = pipelineOf({ create: ["slack"] });
  const [gate = ""] = Object.keys(pipeline.resource.terraform_data ?? {});
  const { input, lifecycle } = only(pipeline, "terraform_data");

  expect(input).toEqual({ known: '${nonsensitive(var.slack_url != "") ? true : timestamp() == ""}' });
  expect(lifecycle).toMatchObject({
    postcondition: [
      { condition: "${self.output.known}", error_message: expect.stringContaining("TF_VAR_slack_url") as string },
    ],
  });
  expect(all(pipeline, "databricks_notification_destination")).toEqual([
    expect.objectContaining({ depends_on: [`terraform_data.${gate}`] }),
  ]);
});

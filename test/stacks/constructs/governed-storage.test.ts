import { resolveEnvironment } from "../../../environments/environment.ts";
import * as names from "../../../environments/names.ts";
import { all, MINIMAL, only, SUBSCRIPTION_ID, synthesize, type StackJson } from "../../synthesized.ts";

let catalog: StackJson;

beforeAll(() => {
  catalog = synthesize(MINIMAL).catalog;
});

it("reaches the lake as the platform's access connector", () => {
  const environment = resolveEnvironment(MINIMAL, { TINY_SUBSCRIPTION_ID: SUBSCRIPTION_ID });

  expect(only(catalog, "databricks_storage_credential")).toMatchObject({
    name: "order_tracking_tiny",
    azure_managed_identity: { access_connector_id: names.accessConnectorId(environment) },
  });
});

it("has a location for each container", () => {
  expect(all(catalog, "databricks_external_location").map(({ name, url }) => [name, url])).toEqual([
    ["order_tracking_tiny_eventsource", "abfss://eventsource@ordertrackingtiny.dfs.core.windows.net/"],
    ["order_tracking_tiny_managed", "abfss://managed@ordertrackingtiny.dfs.core.windows.net/"],
  ]);
});

it("says that there are no file events, which the service would turn on", () => {
  expect(all(catalog, "databricks_external_location").map((location) => location.enable_file_events)).toEqual([
    false,
    false,
  ]);
});

it("has a queue for events of arriving files where the environment wants them, and for no other files", () => {
  const [eventSource, managed] = all(
    synthesize({ ...MINIMAL, fileEvents: true }).catalog,
    "databricks_external_location",
  );

  expect(eventSource).toMatchObject({
    enable_file_events: true,
    file_event_queue: {
      managed_aqs: { subscription_id: SUBSCRIPTION_ID, resource_group: "rg-order-tracking-tiny" },
    },
  });
  expect(managed?.enable_file_events).toBe(false);
  expect(managed).not.toHaveProperty("file_event_queue");
});

it("is for the environment's workspace only", () => {
  const resources = [...all(catalog, "databricks_external_location"), only(catalog, "databricks_storage_credential")];

  expect(new Set(resources.map(({ isolation_mode }) => isolation_mode))).toEqual(new Set(["ISOLATION_MODE_ISOLATED"]));
});

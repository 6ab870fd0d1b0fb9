import { all, MINIMAL, only, synthesize, type StackJson } from "../../synthesized.ts";

let catalog: StackJson;

const location = (part: string) =>
  Object.keys(catalog.resource.databricks_external_location ?? {})
    .filter((id) => id.includes(part))
    .map((id) => `databricks_external_location.${id}`);

beforeAll(() => {
  catalog = synthesize(MINIMAL).catalog;
});

it("keeps tables in the managed container, for the environment's workspace only", () => {
  expect(only(catalog, "databricks_catalog")).toMatchObject({
    name: "orders_tiny",
    storage_root: "abfss://managed@ordertrackingtiny.dfs.core.windows.net/orders",
    isolation_mode: "ISOLATED",
    depends_on: location("managed"),
  });
});

it("lets nobody but the upkeep job maintain its tables, since all else would be billed also where nothing is to start", () => {
  expect(only(catalog, "databricks_catalog").enable_predictive_optimization).toBe("DISABLE");
  for (const schema of all(catalog, "databricks_schema")) {
    expect(schema).not.toHaveProperty("enable_predictive_optimization");
  }
});

it("keeps what only operators may read in a schema of its own", () => {
  expect(all(catalog, "databricks_schema").map(({ name }) => name)).toEqual(["operations", "order_tracking"]);
});

it("keeps files in a directory of the event source", () => {
  const [files] = all(catalog, "databricks_volume").filter(({ volume_type }) => volume_type === "EXTERNAL");

  expect(files).toMatchObject({
    name: "order_files",
    storage_location: "abfss://eventsource@ordertrackingtiny.dfs.core.windows.net/orders",
    depends_on: location("event-source"),
  });
});

it("keeps the checkpoint in a volume of its own, where no client may write", () => {
  const [checkpoint] = all(catalog, "databricks_volume").filter(({ volume_type }) => volume_type === "MANAGED");

  expect(checkpoint).toMatchObject({
    name: "checkpoint",
    schema_name: expect.stringMatching(/operations/) as string,
  });
  expect(checkpoint).not.toHaveProperty("storage_location");
});

it("makes the landing directory, by a hidden file that the job skips", () => {
  const volume = Object.keys(catalog.resource.databricks_volume ?? {}).find((id) => !id.includes("checkpoint"));

  expect(only(catalog, "databricks_file")).toMatchObject({
    path: "/Volumes/orders_tiny/order_tracking/order_files/file_arrival/.keep",
    content_base64: expect.stringMatching(/^[\w+/]+=*$/) as string,
    depends_on: [`databricks_volume.${volume}`],
  });
});

it("belongs to the group that the environment names, with the storage below it, or else to whoever deploys", () => {
  const owned = [
    "databricks_storage_credential",
    "databricks_external_location",
    "databricks_catalog",
    "databricks_schema",
    "databricks_volume",
  ];
  const ownersIn = (stack: StackJson) => owned.flatMap((type) => all(stack, type).map(({ owner }) => owner));

  expect(new Set(ownersIn(synthesize({ ...MINIMAL, ownerGroup: "lake owners" }).catalog))).toEqual(
    new Set(["lake owners"]),
  );
  expect(new Set(ownersIn(catalog))).toEqual(new Set([undefined]));
});

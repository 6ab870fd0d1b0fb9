import { addressOf, all, MINIMAL, only, type StackJson, synthesize } from "../../synthesized.ts";

const PEOPLE = {
  loaders: ["shippers"],
  analysts: ["analysts"],
  operators: ["operators"],
  runAs: "99999999-8888-7777-6666-555555555555",
};

let created: StackJson;
let named: StackJson;

beforeAll(() => {
  created = synthesize({ ...MINIMAL, ...PEOPLE, warehouse: "create" }).pipeline;
  named = synthesize({ ...MINIMAL, ...PEOPLE, warehouse: "0123456789abcdef" }).pipeline;
});

const warehousesOf = (stack: StackJson) =>
  ["databricks_query", "databricks_dashboard", "databricks_alert_v2"].flatMap((type) =>
    all(stack, type).map(({ warehouse_id }) => warehouse_id),
  );
const permissionsOn = (stack: StackJson) =>
  all(stack, "databricks_permissions").filter(({ sql_endpoint_id }) => sql_endpoint_id !== undefined);

it("is the smallest one, stops by itself, and says who pays", () => {
  expect(only(created, "databricks_sql_endpoint")).toMatchObject({
    name: "[tiny] order tracking",
    cluster_size: "2X-Small",
    max_num_clusters: 1,
    enable_serverless_compute: true,
    auto_stop_mins: 10,
    tags: { custom_tags: expect.arrayContaining([{ key: "cost-centre", value: "logistics" }]) as unknown },
  });
});

it("runs queries, dashboard and alerts, for those who may use these", () => {
  const id = `\${${addressOf(created, "databricks_sql_endpoint")}.id}`;

  expect(new Set(warehousesOf(created))).toEqual(new Set([id]));
  expect(permissionsOn(created)).toMatchObject([
    {
      sql_endpoint_id: id,
      access_control: [
        { group_name: "analysts", permission_level: "CAN_USE" },
        { group_name: "operators", permission_level: "CAN_USE" },
        { service_principal_name: PEOPLE.runAs, permission_level: "CAN_USE" },
      ],
    },
  ]);
});

it("leaves one that the environment names to whoever owns it", () => {
  expect(all(named, "databricks_sql_endpoint")).toEqual([]);
  expect(new Set(warehousesOf(named))).toEqual(new Set(["0123456789abcdef"]));
  expect(permissionsOn(named)).toEqual([]);
});

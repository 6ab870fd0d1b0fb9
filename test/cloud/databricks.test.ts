import {
  azure,
  CONNECTOR_ID,
  CREDENTIAL,
  databricks,
  LAKE,
  makeCatalog as makeCatalogAt,
  makePlatform,
  urlIn as url,
} from "./client.ts";
import { type Cloud, DEPLOYER, startCloud } from "./cloud.ts";

let cloud: Cloud;
let host: string;

beforeEach(async () => {
  cloud = await startCloud();
  host = await makePlatform(cloud);
});
afterEach(async () => {
  await cloud.close();
});

const UC = "/api/2.1/unity-catalog";
const ask = (method: string, path: string, body?: object) => databricks(cloud, host, method, path, body);
const post = (path: string, body: object) => ask("POST", path, body);

const location = (name: string, container: string) =>
  post(`${UC}/external-locations`, { name, url: url(container), credential_name: "cred" });
const volume = (storage_location: string, name = "files") =>
  post(`${UC}/volumes`, { name, catalog_name: "cat", schema_name: "sch", volume_type: "EXTERNAL", storage_location });

const makeCatalog = () => makeCatalogAt(cloud, host);

describe("who may call", () => {
  it("are those that the workspace knows; who may change it in Azure is its administrator", async () => {
    const stranger = cloud.account.add("service-principal", "5f5f5f5f-0000-4000-8000-000000000001");
    const me = "/api/2.0/preview/scim/v2/Me";

    expect((await databricks(cloud, host, "GET", me, undefined, stranger)).status).toBe(403);
    expect((await ask("GET", me)).body).toMatchObject({ userName: DEPLOYER });
    expect((await databricks(cloud, "adb-1.1.azuredatabricks.net", "GET", me)).status).toBe(404);
  });

  it("refuses fields that the service does not know", async () => {
    const { status, text } = await post("/api/2.0/workspace/mkdirs", { path: "/a", colour: "blue" });

    expect([status, text]).toEqual([400, expect.stringContaining('Unrecognized key: \\"colour\\"')]);
  });
});

describe("files of a workspace", () => {
  const file = (path: string) =>
    post("/api/2.0/workspace/import", { path, content: btoa("x = 1"), format: "RAW", overwrite: true });

  it("need a folder, which may be made with those above it", async () => {
    expect((await file("/a/b/one.py")).body).toMatchObject({
      error_code: "RESOURCE_DOES_NOT_EXIST",
      message: "The parent folder (/a/b) does not exist.",
    });
    await post("/api/2.0/workspace/mkdirs", { path: "/a/b" });
    expect((await file("/a/b/one.py")).status).toBe(200);
  });

  it("keep their folder from being deleted, unless all of it is", async () => {
    await post("/api/2.0/workspace/mkdirs", { path: "/a" });
    await file("/a/one.py");
    const remove = (recursive: boolean) => post("/api/2.0/workspace/delete", { path: "/a", recursive });

    expect((await remove(false)).body).toMatchObject({ error_code: "DIRECTORY_NOT_EMPTY" });
    expect((await remove(true)).status).toBe(200);
    expect((await ask("GET", "/api/2.0/workspace/get-status?path=/a/one.py")).status).toBe(404);
  });

  it("are notebooks only with a notebook's first line", async () => {
    const notebook = (source: string) =>
      post("/api/2.0/workspace/import", { path: "/n", content: btoa(source), format: "SOURCE", language: "PYTHON" });

    expect((await notebook("x = 1")).status).toBe(400);
    expect((await notebook("# Databricks notebook source\nx = 1")).status).toBe(200);
  });
});

describe("storage in the catalog", () => {
  it("is refused until the identity's role has taken effect", async () => {
    const slow = await startCloud({ latestRole: 600_000 });
    try {
      const there = await makePlatform(slow);
      const make = (path: string, body: object) => databricks(slow, there, "POST", `${UC}/${path}`, body);
      await make("storage-credentials", CREDENTIAL);
      const events = { name: "events", url: url("events"), credential_name: "cred" };

      const early = await make("external-locations", events);
      for (const { id } of slow.arm.ofType("Microsoft.Authorization/roleAssignments")) {
        slow.arm.patch(id, { inEffectAt: Date.now() });
      }

      expect(early.text).toContain("does not have the role Storage Blob Data Contributor");
      expect((await make("external-locations", events)).status).toBe(200);
    } finally {
      await slow.close();
    }
  });

  it("needs the connector, the credential, the container and a way through the firewall", async () => {
    const elsewhere = CONNECTOR_ID.replace("dbac-a", "dbac-b");
    expect((await location("events", "events")).status).toBe(404);
    expect(
      (
        await post(`${UC}/storage-credentials`, {
          name: "c",
          azure_managed_identity: { access_connector_id: elsewhere },
        })
      ).status,
    ).toBe(400);
    await post(`${UC}/storage-credentials`, CREDENTIAL);
    expect((await location("events", "nothing")).text).toContain("there is no container nothing");
    await azure(cloud, "PATCH", LAKE, { properties: { networkAcls: { defaultAction: "Deny" } } });
    expect((await location("events", "events")).text).toContain("the firewall of lake does not let");
  });

  it("has credentials that a service principal makes and changes only with its token for Azure beside the one for Databricks", async () => {
    const deployer = cloud.account.add("service-principal", DEPLOYER);
    const person = cloud.account.add("user", "an@example.com");
    await ask("GET", "/api/2.0/preview/scim/v2/Me");
    cloud.workspaces.at(host).members.set(String(person.id), "ADMIN");
    const path = `${UC}/storage-credentials`;
    // With the token for Databricks alone.
    const askAs = (caller: typeof deployer, method: string, of: string, body: object) =>
      databricks(cloud, host, method, `${path}${of}`, body, caller);

    const { status, text } = await askAs(deployer, "POST", "", CREDENTIAL);
    expect([status, text]).toEqual([403, expect.stringContaining("X-Databricks-Azure-SP-Management-Token")]);
    expect((await askAs(person, "POST", "", { ...CREDENTIAL, name: "of-a-person" })).status).toBe(200);
    expect((await post(path, CREDENTIAL)).status).toBe(200);
    expect((await askAs(deployer, "PATCH", "/cred", CREDENTIAL)).status).toBe(403);
    expect((await askAs(deployer, "PATCH", "/cred", { owner: DEPLOYER })).status).toBe(200);
    expect((await ask("PATCH", `${path}/cred`, CREDENTIAL)).status).toBe(200);
  });

  it("overlaps nowhere", async () => {
    await makeCatalog();
    expect((await volume(url("events", "orders"))).status).toBe(200);

    expect(
      (await post(`${UC}/external-locations`, { name: "in", url: url("events", "in"), credential_name: "cred" })).body,
    ).toMatchObject({ error_code: "LOCATION_OVERLAP" });
    expect((await volume(url("events"), "root")).text).toContain("at the root of the location");
    expect((await volume(url("events", "orders/part"), "part")).body).toMatchObject({ error_code: "LOCATION_OVERLAP" });
    expect((await volume(url("managed", "tables/files"), "inside")).body).toMatchObject({
      error_code: "LOCATION_OVERLAP",
    });
  });

  it("is told with what the service adds, and without the slash at the end of a volume", async () => {
    await makeCatalog();
    await volume(url("events", "orders/"));

    expect((await ask("GET", `${UC}/volumes/cat.sch.files`)).body.storage_location).toBe(url("events", "orders"));
    expect((await ask("GET", `${UC}/external-locations/events`)).body.enable_file_events).toBe(true);
    expect((await ask("GET", `${UC}/schemas/cat.default`)).status).toBe(200);
  });

  it("goes only when it is empty, or with all that is in it", async () => {
    await makeCatalog();
    await volume(url("events", "orders"));
    const remove = (path: string) => ask("DELETE", `${UC}/${path}`);

    expect((await remove("catalogs/cat")).status).toBe(400);
    expect((await remove("schemas/cat.sch")).status).toBe(400);
    expect((await remove("external-locations/events")).status).toBe(400);
    expect((await remove("storage-credentials/cred")).status).toBe(400);
    expect((await remove("catalogs/cat?force=true")).status).toBe(200);
    expect((await remove("external-locations/events")).status).toBe(200);
    expect(cloud.store.inventory().filter((line) => /volume|schema|catalog catalog/.test(line))).toEqual([]);
  });

  it("that is isolated is seen only from workspaces that are bound to it", async () => {
    await makeCatalog();
    const workspaceId = (await ask("GET", `${UC}/current-metastore-assignment`)).body.workspace_id;
    await ask("PATCH", `${UC}/catalogs/cat`, { isolation_mode: "ISOLATED" });
    expect((await ask("GET", `${UC}/catalogs/cat`)).status).toBe(200);

    await ask("PATCH", `${UC}/bindings/catalog/cat`, { remove: [{ workspace_id: workspaceId }] });

    expect((await ask("GET", `${UC}/catalogs/cat`)).status).toBe(403);
  });
});

test("what is in the catalog is seen by its owners and by whom it was granted to, not by administrators of a workspace", async () => {
  await makeCatalog();
  await volume(url("events", "orders"));
  cloud.account.add("group", "owners");
  const [owner, administrator] = [["owners"], []].map((groups, index) => {
    const principal = cloud.account.add("service-principal", `6a6a6a6a-0000-4000-8000-00000000000${index}`, groups);
    cloud.workspaces.at(host).members.set(String(principal.id), "ADMIN");
    return principal;
  });
  const all = ["volumes/cat.sch.files", "schemas/cat.sch", "catalogs/cat", "external-locations/events"];
  for (const path of [...all, "storage-credentials/cred"]) {
    await ask("PATCH", `${UC}/${path}`, { owner: "owners" });
    const statusFor = async (caller: typeof owner) =>
      (await databricks(cloud, host, "GET", `${UC}/${path}`, undefined, caller)).status;

    expect([path, await statusFor(owner), await statusFor(administrator)]).toEqual([path, 200, 403]);
  }
  const { body } = await databricks(cloud, host, "GET", `${UC}/catalogs`, undefined, administrator);
  expect(body).toEqual({ catalogs: [] });
});

describe("grants", () => {
  const grant = (change: object, object = "schema/cat.sch") =>
    ask("PATCH", `${UC}/permissions/${object}`, { changes: [change] });

  it("are for principals of the account, and of kinds that the object knows", async () => {
    await makeCatalog();
    cloud.account.add("group", "people");

    expect((await grant({ principal: "nobody", add: ["USE_SCHEMA"] })).body).toMatchObject({
      error_code: "PRINCIPAL_DOES_NOT_EXIST",
    });
    expect((await grant({ principal: "people", add: ["READ_FILES"] })).text).toContain("is not applicable to a schema");
    expect((await grant({ principal: "people", add: ["SELECT"], remove: ["SELECT"] })).status).toBe(400);
    expect((await grant({ principal: "people", add: ["USE_SCHEMA", "SELECT"] })).body).toEqual({
      privilege_assignments: [{ principal: "people", privileges: ["USE_SCHEMA", "SELECT"] }],
    });
    expect((await grant({ principal: "people", remove: ["USE_SCHEMA", "SELECT"] })).body).toEqual({
      privilege_assignments: [],
    });
  });

  it("are given by owners only: who hands an object over has to be in the group", async () => {
    await makeCatalog();
    cloud.account.add("group", "owners");
    await ask("PATCH", `${UC}/schemas/cat.sch`, { owner: "owners" });

    expect((await grant({ principal: "owners", add: ["SELECT"] })).status).toBe(403);
  });
});

describe("files of a volume", () => {
  const path = "/api/2.0/fs/files/Volumes/cat/sch/files/in/a.csv";

  it("are written and read by whom the catalog lets, and by no others", async () => {
    await makeCatalog();
    await volume(url("events", "orders"));
    const analyst = cloud.account.add("user", "an@example.com", ["analysts"]);
    cloud.account.add("group", "analysts");
    await ask("POST", "/api/2.0/preview/permissionassignments", {
      permission_assignments: [{ user_name: "an@example.com", permissions: ["USER"] }],
    });
    const as = (method: string) => databricks(cloud, host, method, path, { a: 1 }, analyst);
    for (const [object, privilege] of [
      ["catalog/cat", "USE_CATALOG"],
      ["schema/cat.sch", "USE_SCHEMA"],
      ["volume/cat.sch.files", "READ_VOLUME"],
    ]) {
      await ask("PATCH", `${UC}/permissions/${object}`, { changes: [{ principal: "analysts", add: [privilege] }] });
    }

    expect((await ask("PUT", path, { a: 1 })).status).toBe(204);
    expect((await ask("PUT", `${path}?overwrite=false`, { a: 1 })).status).toBe(409);
    expect((await as("GET")).body).toEqual({ a: 1 });
    expect((await as("PUT")).text).toContain("lacks WRITE_VOLUME");
    expect(cloud.lake.below("lake/")).toEqual(["lake/events/orders/in/a.csv"]);
  });
});

describe("jobs and clusters", () => {
  const spec = {
    spark_version: "17.3.x-scala2.13",
    node_type_id: "Standard_D4ds_v5",
    kind: "CLASSIC_PREVIEW",
    is_single_node: true,
  };
  const job = (more: object) =>
    post("/api/2.2/jobs/create", {
      name: "j",
      tasks: [{ task_key: "t", notebook_task: { notebook_path: "/n" } }],
      ...more,
    });

  it("obey the policy that they name", async () => {
    const definition = JSON.stringify({
      cluster_type: { type: "fixed", value: "all-purpose" },
      autotermination_minutes: { type: "range", maxValue: 60 },
    });
    const { body } = await post("/api/2.0/policies/clusters/create", { name: "p", definition });
    const policy_id = body.policy_id;
    const cluster = (autotermination_minutes: number) =>
      post("/api/2.1/clusters/create", { ...spec, cluster_name: "c", policy_id, autotermination_minutes });

    expect((await cluster(90)).text).toContain("Validation failed for autotermination_minutes");
    expect(
      (await job({ job_clusters: [{ job_cluster_key: "k", new_cluster: { ...spec, policy_id } }] })).text,
    ).toContain("Validation failed for cluster_type");
    expect((await cluster(20)).status).toBe(200);
    expect((await post("/api/2.0/policies/clusters/delete", { policy_id })).status).toBe(400);
  });

  it("that are single nodes say how, once made and once changed", async () => {
    const mine = { ...spec, cluster_name: "c", custom_tags: { owner: "us" } };
    const { cluster_id } = (await post("/api/2.1/clusters/create", mine)).body;
    const told = async () => (await ask("GET", `/api/2.1/clusters/get?cluster_id=${String(cluster_id)}`)).body;
    const added = {
      custom_tags: { owner: "us", ResourceClass: "SingleNode" },
      spark_conf: { "spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*, 4]" },
    };

    expect(await told()).toMatchObject(added);
    await post("/api/2.1/clusters/edit", { ...mine, cluster_id });
    expect(await told()).toMatchObject(added);
  });

  it("are listed as pinned while they are, and not deleted before they are unpinned", async () => {
    const { body } = await post("/api/2.1/clusters/create", { ...spec, cluster_name: "c" });
    const cluster = { cluster_id: body.cluster_id };
    const pinned = async () => (await ask("GET", "/api/2.1/clusters/list?filter_by.is_pinned=true")).body.clusters;
    expect(await pinned()).toEqual([]);

    await post("/api/2.1/clusters/pin", cluster);

    expect(await pinned()).toMatchObject([cluster]);
    expect((await post("/api/2.1/clusters/permanent-delete", cluster)).text).toContain("unpin the cluster first");
    await post("/api/2.1/clusters/unpin", cluster);
    expect(await pinned()).toEqual([]);
    expect((await post("/api/2.1/clusters/permanent-delete", cluster)).status).toBe(200);
  });

  it.each([
    ["a principal that is not in the workspace", { run_as: { service_principal_name: "nobody" } }],
    ["a trigger without a slash", { trigger: { file_arrival: { url: "/Volumes/a/b/c" } } }],
    ["a trigger on a volume that is not there", { trigger: { file_arrival: { url: "/Volumes/a/b/c/" } } }],
    [
      "a cluster that is not there",
      { tasks: [{ task_key: "t", existing_cluster_id: "x", notebook_task: { notebook_path: "/n" } }] },
    ],
    ["a job that is not there", { tasks: [{ task_key: "t", run_job_task: { job_id: 1 } }] }],
    [
      "a task that waits for no task",
      { tasks: [{ task_key: "t", depends_on: [{ task_key: "u" }], notebook_task: { notebook_path: "/n" } }] },
    ],
    ["a destination that is not there", { webhook_notifications: { on_failure: [{ id: "x" }] } }],
  ])("refuse %s", async (_, more) => {
    expect((await job(more)).status).toBeGreaterThanOrEqual(400);
  });

  it("tell their tasks in the order of the keys", async () => {
    const task = (task_key: string) => ({ task_key, notebook_task: { notebook_path: "/n" } });
    const { body } = await job({ tasks: [task("b"), task("a")] });

    const { settings } = (await ask("GET", `/api/2.2/jobs/get?job_id=${String(body.job_id)}`)).body as {
      settings: { tasks: { task_key: string }[] };
    };

    expect(settings.tasks.map(({ task_key }) => task_key)).toEqual(["a", "b"]);
  });

  it("have exactly one owner, and permissions only for who is in the workspace", async () => {
    const { body } = await job({});
    cloud.account.add("group", "people");
    const permissions = (access_control_list: object[]) =>
      ask("PUT", `/api/2.0/permissions/jobs/${String(body.job_id)}`, { access_control_list });
    const owner = { service_principal_name: DEPLOYER, permission_level: "IS_OWNER" };
    const people = { group_name: "people", permission_level: "CAN_VIEW" };

    expect((await permissions([])).text).toContain("exactly one owner");
    expect((await permissions([owner, people])).status).toBe(404);
    await ask("POST", "/api/2.0/preview/permissionassignments", {
      permission_assignments: [{ group_name: "people", permissions: ["USER"] }],
    });
    expect((await permissions([owner, people])).status).toBe(200);
  });
});

describe("reports", () => {
  it("need a warehouse and a folder, and go to the trash", async () => {
    const { body: warehouse } = await post("/api/2.0/sql/warehouses", { name: "w", cluster_size: "2X-Small" });
    const query = (parent_path: string, warehouse_id: unknown) =>
      post("/api/2.0/sql/queries", { query: { display_name: "q", query_text: "SELECT 1", parent_path, warehouse_id } });
    await post("/api/2.0/workspace/mkdirs", { path: "/reports" });

    expect((await query("/reports", "0000000000000000")).status).toBe(404);
    expect((await query("/elsewhere", warehouse.id)).status).toBe(404);
    const { body } = await query("/reports", warehouse.id);
    await ask("DELETE", `/api/2.0/sql/queries/${String(body.id)}`);
    expect(cloud.store.inventory().filter((line) => line.includes("trash"))).toHaveLength(1);
  });

  it("tell an alert's folder in its longer spelling", async () => {
    const { body: warehouse } = await post("/api/2.0/sql/warehouses", { name: "w", cluster_size: "2X-Small" });
    await post("/api/2.0/workspace/mkdirs", { path: "/reports" });
    const { body } = await post("/api/2.0/alerts", {
      ...{ display_name: "a", query_text: "SELECT 1 AS n", warehouse_id: warehouse.id, parent_path: "/reports" },
      evaluation: { source: { name: "n" }, comparison_operator: "GREATER_THAN" },
      schedule: { quartz_cron_schedule: "0 30 1/6 * * ?", timezone_id: "UTC" },
    });

    expect(body.parent_path).toBe("/Workspace/reports");
    expect((await ask("GET", `/api/2.0/alerts/${String(body.id)}`)).body.parent_path).toBe("/Workspace/reports");
  });

  it("never tell a secret of a notification's destination", async () => {
    const { body } = await post("/api/2.0/notification-destinations", {
      display_name: "slack",
      config: { slack: { url: "https://hooks.example.com/secret" } },
    });

    const told = await ask("GET", `/api/2.0/notification-destinations/${String(body.id)}`);

    expect(told.body).toMatchObject({ destination_type: "SLACK", config: { slack: { url_set: true } } });
    expect(told.text).not.toContain("secret");
  });
});

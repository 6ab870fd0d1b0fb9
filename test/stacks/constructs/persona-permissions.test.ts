import { all, MINIMAL, synthesize, workspacePath } from "../../synthesized.ts";

const RUNNER = "99999999-8888-7777-6666-555555555555";
const DEPLOYER = "88888888-7777-6666-5555-444444444444";
const PERSONAS = { loaders: ["shippers"], analysts: ["analysts"], operators: ["operators"], runAs: RUNNER };

/** Who may do what on each kind of object, by the attribute that names the object. */
function permissionsOf(settings: object): Map<string, unknown[]> {
  const { pipeline } = synthesize({ ...MINIMAL, warehouse: "0123456789abcdef", ...settings });
  const permissions = new Map<string, unknown[]>();
  for (const permission of all(pipeline, "databricks_permissions")) {
    const [attribute = "none"] = Object.keys(permission).filter((each) => /_(id|path)$/.test(each));
    const key = attribute === "directory_path" ? workspacePath(pipeline, permission[attribute]) : attribute;
    permissions.set(key, [...(permissions.get(key) ?? []), permission.access_control]);
  }
  return permissions;
}

const group = (group_name: string, permission_level: string) => ({ group_name, permission_level });
const runner = (permission_level: string) => ({ service_principal_name: RUNNER, permission_level });

it("lets operators start and watch every job, as the service principal that the sweep runs as", () => {
  const onJobs = permissionsOf(PERSONAS).get("job_id");

  expect(onJobs).toHaveLength(6);
  for (const access of onJobs ?? []) {
    expect(access).toEqual([group("operators", "CAN_MANAGE_RUN"), runner("CAN_MANAGE_RUN")]);
  }
});

it("lets runs make or start their clusters, and operators run notebooks on one that stays", () => {
  const allPurpose = permissionsOf({ ...PERSONAS, compute: "all-purpose" });

  expect(allPurpose.get("cluster_id")).toEqual([[group("operators", "CAN_ATTACH_TO"), runner("CAN_RESTART")]]);
  expect(permissionsOf(PERSONAS).get("cluster_policy_id")).toEqual([[runner("CAN_USE")]]);
});

it("lets runs read the notebooks, operators run them, and analysts only use the reports", () => {
  const permissions = permissionsOf(PERSONAS);

  expect(permissions.get("/order-tracking/tiny")).toEqual([[group("operators", "CAN_RUN"), runner("CAN_READ")]]);
  expect([...permissions].filter(([, access]) => JSON.stringify(access).includes("analysts"))).toEqual([
    ["/order-tracking/tiny/reports", [[group("analysts", "CAN_RUN"), group("operators", "CAN_RUN")]]],
  ]);
});

it("names a group of two personas once", () => {
  const permissions = permissionsOf({ analysts: ["everyone"], operators: ["everyone"] });

  expect(permissions.get("/order-tracking/tiny/reports")).toEqual([[group("everyone", "CAN_RUN")]]);
});

it("lets jobs and a warehouse of our own belong to who deploys, who also manages a cluster that stays", () => {
  const permissions = permissionsOf({ deployer: DEPLOYER, warehouse: "create", compute: "all-purpose" });
  const deployer = (permission_level: string) => [{ service_principal_name: DEPLOYER, permission_level }];

  expect([...permissions.keys()].sort()).toEqual(["cluster_id", "job_id", "sql_endpoint_id"]);
  expect(permissions.get("job_id")).toEqual(Array.from({ length: 6 }, () => deployer("IS_OWNER")));
  expect(permissions.get("sql_endpoint_id")).toEqual([deployer("IS_OWNER")]);
  expect(permissions.get("cluster_id")).toEqual([deployer("CAN_MANAGE")]);
});

it("names no owner by default, and leaves an object alone on which nobody is permitted anything", () => {
  expect(JSON.stringify([...permissionsOf(PERSONAS)])).not.toContain("IS_OWNER");
  expect(permissionsOf({ loaders: ["shippers"] }).size).toBe(0);
});

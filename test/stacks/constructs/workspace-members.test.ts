import { all, MINIMAL, synthesize } from "../../synthesized.ts";

const RUNNER = "99999999-8888-7777-6666-555555555555";
const DEPLOYER = "88888888-7777-6666-5555-444444444444";
const PERSONAS = { loaders: ["shippers"], analysts: ["our team"], operators: ["our team"], runAs: RUNNER };

it("lets each group and the service principal into a workspace of our own, once and as users", () => {
  expect(all(synthesize({ ...MINIMAL, ...PERSONAS }).catalog, "databricks_permission_assignment")).toMatchObject([
    { group_name: "our team", permissions: ["USER"] },
    { service_principal_name: RUNNER, permissions: ["USER"] },
    { group_name: "shippers", permissions: ["USER"] },
  ]);
});

it("makes who deploys an administrator of a workspace of our own, and nobody else", () => {
  expect(all(synthesize({ ...MINIMAL, deployer: DEPLOYER }).catalog, "databricks_permission_assignment")).toMatchObject(
    [{ service_principal_name: DEPLOYER, permissions: ["ADMIN"] }],
  );
});

it("leaves a workspace of somebody else to its administrators", () => {
  const existingWorkspace = { name: "shared", resourceGroup: "rg-shared" };
  const { catalog } = synthesize({ ...MINIMAL, ...PERSONAS, deployer: DEPLOYER, existingWorkspace });

  expect(all(catalog, "databricks_permission_assignment")).toEqual([]);
});

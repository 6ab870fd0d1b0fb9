import { addressOf, all, MINIMAL, only, type StackJson, synthesize } from "../synthesized.ts";

const folders = ({ catalog }: { readonly catalog: StackJson }) =>
  all(catalog, "databricks_directory").map(({ path }) => path);

it("shows whoever has the workspace that there is a catalog of a guest, before there is one and until it is gone", () => {
  const guest = synthesize({ ...MINIMAL, existingWorkspace: { name: "shared", resourceGroup: "rg-shared" } });

  expect(folders(guest)).toEqual(["/order-tracking/guests/tiny-catalog"]);
  expect(only(guest.catalog, "databricks_storage_credential").depends_on).toEqual(["databricks_directory.guest"]);
});

it("keeps whoever deploys an administrator of a workspace of its own until all else is gone", () => {
  const deployer = "00000000-0000-4000-8000-000000000009";
  const { catalog } = synthesize({ ...MINIMAL, deployer });

  const first = addressOf(catalog, "databricks_permission_assignment");
  expect(only(catalog, "databricks_storage_credential").depends_on).toEqual([first]);
});

it("shows nothing in a workspace of its own", () => {
  expect(folders(synthesize(MINIMAL))).toEqual([]);
});

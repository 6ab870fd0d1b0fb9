import { all, MINIMAL, only, type StackJson, synthesize } from "../synthesized.ts";

const folders = ({ catalog }: { readonly catalog: StackJson }) =>
  all(catalog, "databricks_directory").map(({ path }) => path);

it("shows whoever has the workspace that there is a catalog of a guest, before there is one and until it is gone", () => {
  const guest = synthesize({ ...MINIMAL, existingWorkspace: { name: "shared", resourceGroup: "rg-shared" } });

  expect(folders(guest)).toEqual(["/order-tracking/guests/tiny-catalog"]);
  expect(only(guest.catalog, "databricks_storage_credential").depends_on).toEqual(["databricks_directory.guest"]);
});

it("shows nothing in a workspace of its own", () => {
  expect(folders(synthesize(MINIMAL))).toEqual([]);
});

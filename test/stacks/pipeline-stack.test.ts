import { addresses, all, MINIMAL, type StackJson, synthesize } from "../synthesized.ts";

const GUESTS = "/order-tracking/guests";
const EXISTING = { name: "shared", resourceGroup: "rg-shared" };

const directories = (stack: StackJson) => all(stack, "databricks_directory");
const guestsFolder = (stack: StackJson) => directories(stack).find((directory) => directory.path === GUESTS);

it("cannot be destroyed while other environments are in its workspace, and is whole until then", () => {
  const { pipeline } = synthesize({ ...MINIMAL, disposable: true });
  const others = addresses(pipeline).filter((address) => address !== "databricks_directory.guests");

  // Deleted before all that it depends on, unless the workspace refuses to, since it is not empty.
  expect(guestsFolder(pipeline)).toMatchObject({ delete_recursive: false });
  expect([...(guestsFolder(pipeline)?.depends_on as string[])].sort()).toEqual(others);
});

it("has its folder where the one whose workspace it is can see it", () => {
  const { pipeline } = synthesize({ ...MINIMAL, existingWorkspace: EXISTING });

  expect(guestsFolder(pipeline)).toBeUndefined();
  expect(directories(pipeline).map((directory) => directory.path)).toContain(`${GUESTS}/tiny`);
});

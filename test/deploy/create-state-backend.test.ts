import { missingSteps, perform } from "../../deploy/create-state-backend.ts";
import { type Azure, madeUpAz } from "./made-up-az.ts";

jest.setTimeout(30_000); // A program is started for each of many calls.
const BACKEND = {
  subscriptionId: "11111111-2222-3333-4444-555555555555",
  location: "westeurope",
  tags: { owner: "Jo and Ann" },
  resourceGroup: "rg-state",
  storageAccount: "ordertrackstate",
  container: "tfstate",
};
const CONTAINER =
  "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-state/providers/Microsoft.Storage" +
  "/storageAccounts/ordertrackstate/blobServices/default/containers/tfstate";
const KEPT = { enabled: true };
/** All that the command creates. */
const COMPLETE = {
  groups: ["rg-state"],
  account: {
    allowSharedKeyAccess: false,
    allowBlobPublicAccess: false,
    enableHttpsTrafficOnly: true,
    minimumTlsVersion: "TLS1_2",
  },
  blobs: { isVersioningEnabled: true, deleteRetentionPolicy: KEPT, containerDeleteRetentionPolicy: KEPT },
  containers: ["tfstate"],
  roles: [`a-person ${CONTAINER}`],
  locks: [{ level: "CanNotDelete" }],
} satisfies Partial<Azure>;

const given = process.env.PATH;
afterEach(() => {
  process.env.PATH = given;
});

function useAz(there: Partial<Azure>) {
  const made = madeUpAz(there);
  process.env.PATH = made.folder;
  return made;
}

const missingCommands = async () => (await missingSteps(BACKEND)).map(({ call }) => call.command);

it("creates all of it where there is nothing, and then finds nothing to do", async () => {
  const made = useAz({});

  for (const step of await missingSteps(BACKEND)) await perform(step);

  expect(made.azure()).toMatchObject(COMPLETE);
  expect(await missingSteps(BACKEND)).toEqual([]);
});

it("changes nothing by looking", async () => {
  const made = useAz({});
  const before = made.azure();

  await missingSteps(BACKEND);

  expect(made.azure()).toEqual(before);
  expect(made.calls()).not.toContainEqual(expect.stringMatching(/create|update/));
});

it.each([
  [
    "an account that takes keys",
    { account: { ...COMPLETE.account, allowSharedKeyAccess: null } },
    "storage account update",
  ],
  [
    "an account with old TLS",
    { account: { ...COMPLETE.account, minimumTlsVersion: "TLS1_0" } },
    "storage account update",
  ],
  [
    "an account that forgets what is deleted",
    { blobs: { ...COMPLETE.blobs, deleteRetentionPolicy: { enabled: false } } },
    "storage account blob-service-properties update",
  ],
  ["somebody who may not read the state", { roles: [] }, "role assignment create"],
  ["an account that can be deleted", { locks: [] }, "lock create"],
] as [string, Partial<Azure>, string][])("mends %s, and leaves the rest alone", async (_, there, command) => {
  useAz({ ...COMPLETE, ...there });

  expect(await missingCommands()).toEqual([command]);
});

it("goes on where an earlier run ended", async () => {
  useAz({ groups: COMPLETE.groups, account: COMPLETE.account });

  expect(await missingCommands()).toEqual([
    "storage account blob-service-properties update",
    "storage container-rm create",
    "role assignment create",
    "lock create",
  ]);
});

it("gives the person the container only, and says what kind of principal they are", async () => {
  useAz({ ...COMPLETE, roles: [] });

  expect((await missingSteps(BACKEND)).map(({ call }) => call.options)).toEqual([
    {
      "assignee-object-id": "a-person",
      "assignee-principal-type": "User",
      role: "Storage Blob Data Contributor",
      scope: CONTAINER,
      subscription: BACKEND.subscriptionId,
    },
  ]);
});

it.each([
  ["nobody is signed in", { "account show": "Please run 'az login' to setup account." }, /: run az login$/],
  [
    "the subscription is somebody else's",
    { "account show": "The subscription of '1111' doesn't exist in cloud 'AzureCloud'." },
    /'1111' .* does not see it: run az login --tenant/,
  ],
  [
    "a service principal is signed in",
    { "ad signed-in-user show": "/me request is only valid with delegated authentication flow." },
    /^a service principal is signed in/,
  ],
  [
    "a right is missing",
    { "group exists": "(AuthorizationFailed) No." },
    /^it takes Owner[^]*may not do "az group exists". Azure says/,
  ],
  ["Azure does not answer", { "group exists": "timed out" }, /^"az group exists" failed: timed out$/],
])("fails where %s", async (_, failures, message) => {
  useAz({ failures });

  await expect(missingSteps(BACKEND)).rejects.toThrow(message);
});

it("fails where what it changes has just gone", async () => {
  useAz({ ...COMPLETE, locks: [], failures: { "lock create": "(ResourceNotFound) The account was not found." } });
  const [lock] = await missingSteps(BACKEND);

  await expect(lock && perform(lock)).rejects.toThrow('"az lock create" failed: (ResourceNotFound)');
});

it("fails where the account's name is taken", async () => {
  useAz({ taken: ["ordertrackstate"] });

  await expect(missingSteps(BACKEND)).rejects.toThrow(
    "the storage account ordertrackstate is somebody else's, or in another resource group: choose another name",
  );
});

it("fails without an Azure CLI, with how to get it", async () => {
  process.env.PATH = "/no-such-folder";

  await expect(missingSteps(BACKEND)).rejects.toThrow("az) was not found: install it from https://aka.ms");
});

/** Sandboxes that share a resource group, which somebody made for them. */
import { missingSteps, perform } from "../../deploy/create-state-backend.ts";
import { findLeftovers } from "../../deploy/leftovers.ts";
import type { SandboxHome } from "../../deploy/sandbox-home.ts";
import { listSandboxes } from "../../deploy/sandboxes.ts";
import { resolveEnvironment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { sandbox } from "../../environments/sandbox.ts";
import { tags } from "../../stacks/tags.ts";
import { BUILT_IN } from "../cloud/azure/roles.ts";
import { type Cloud, startCloud, SUBSCRIPTION_ID } from "../cloud/cloud.ts";
import { reply } from "../cloud/http.ts";
import { MINIMAL, synthesize } from "../synthesized.ts";

jest.setTimeout(60_000); // A program is started for each of many calls.
const SHARED = "rg-sandboxes";
const GROUP = `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/${SHARED}`;
const HOME: SandboxHome = {
  backend: {
    ...{ subscriptionId: SUBSCRIPTION_ID, location: "westeurope", tags: { owner: "somebody" } },
    ...{ resourceGroup: "rg-state", storageAccount: "ordertrackstatedev", container: "tfstate" },
  },
  workspaceId: `${GROUP}/providers/Microsoft.Databricks/workspaces/none`,
  resourceGroup: SHARED,
  emptyConfiguration: {},
};
const ANNAS = resolveEnvironment(sandbox({ owner: "anna", branch: "late-files", expiresOn: "2026-12-24" }), {});
const BENS = resolveEnvironment(sandbox({ owner: "ben", branch: "main", expiresOn: "2026-12-01" }), {});
const before = process.env;
let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud();
  process.env = { ...before, ...cloud.variables() };
  for (const step of await missingSteps(HOME.backend)) await perform(step);
  cloud.arm.set({
    id: GROUP,
    name: SHARED,
    type: "Microsoft.Resources/resourceGroups",
    location: "westeurope",
    properties: {},
  });
  const account = (name: string, given: Readonly<Record<string, string>>) =>
    cloud.arm.set({
      ...{ id: `${GROUP}/providers/Microsoft.Storage/storageAccounts/${name}`, name, location: "westeurope" },
      ...{ type: "Microsoft.Storage/storageAccounts", tags: given, properties: {} },
    });
  account(names.storageAccount(ANNAS), tags(ANNAS));
  account(names.accessConnector(ANNAS), tags(ANNAS));
  account(names.storageAccount(BENS), tags(BENS));
  account(`by-hand-${BENS.name}`, {});
  account("of-others", { environment: "prod" });
});
afterAll(async () => {
  process.env = before;
  await cloud.close();
});

it("are told apart by the tags of what is theirs", async () => {
  const found = await listSandboxes(HOME);
  expect(found.map(({ name, taggedIds, tags: { owner } = {} }) => [name, owner, taggedIds.length]).sort()).toEqual(
    [
      [ANNAS.name, "anna", 2],
      [BENS.name, "ben", 1],
    ].sort(),
  );
});

it("leave what has their tag or their name behind, never the group itself", async () => {
  const { left } = await findLeftovers(HOME, BENS.name);
  expect(left.map(({ what }) => what)).toEqual([
    `resource ${names.storageAccount(BENS)}`,
    `resource by-hand-${BENS.name}`,
  ]);
});

it("leave roles behind, which are found without asking who has them, where each has a group of its own", async () => {
  const account = `${GROUP}/providers/Microsoft.Storage/storageAccounts/${names.storageAccount(BENS)}`;
  const [type, role] = ["Microsoft.Authorization/roleAssignments", BUILT_IN["Storage Blob Data Contributor"]];
  const roleDefinitionId = `/subscriptions/${SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  const id = `${account}/providers/${type}/of-ben`;
  cloud.arm.set({ id, name: "of-ben", type, properties: { scope: account, principalId: "gone", roleDefinitionId } });

  const { left, notSearched } = await findLeftovers({ ...HOME, resourceGroup: undefined }, BENS.name);

  cloud.arm.remove(id);
  expect(notSearched.filter((each) => each.startsWith("role assignments"))).toEqual([]);
  expect(left[0]).toMatchObject({
    what: `role assignment Storage Blob Data Contributor on ${account}`,
    call: { command: "role assignment delete", options: { ids: id } },
  });
});

it("are looked for elsewhere where nobody may look up the workspace", async () => {
  cloud.fault = ({ path }) =>
    path === HOME.workspaceId ? reply(403, { error: { code: "AuthorizationFailed", message: "not you" } }) : undefined;
  const { left, notSearched } = await findLeftovers(HOME, BENS.name);
  cloud.fault = undefined;
  expect(left).toHaveLength(2);
  expect(notSearched).toContainEqual(expect.stringMatching(/^catalog in the workspace: .*not you/));
});

it("are told of with both reasons why Databricks shows nothing of them, and with who can take them away", async () => {
  const url = "adb-1.1.azuredatabricks.net";
  cloud.arm.set({
    ...{ id: HOME.workspaceId, name: "none", type: "Microsoft.Databricks/workspaces" },
    properties: { workspaceUrl: url, workspaceId: "1" },
  });
  const catalog = `/api/2.1/unity-catalog/catalogs/${names.catalog(BENS)}`;
  cloud.fault = ({ host, path }) => {
    if (host !== url) return undefined;
    if (path === catalog) return reply(403, { error_code: "PERMISSION_DENIED", message: "not yours" });
    return path.includes(BENS.name)
      ? reply(404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "" })
      : reply(200, {});
  };
  const { left, notSearched } = await findLeftovers(HOME, BENS.name);
  cloud.fault = undefined;
  expect(notSearched).toEqual([]);
  expect(left.filter(({ what }) => what.startsWith("catalog"))).toMatchObject([
    {
      what:
        `catalog ${names.catalog(BENS)}, which is not shown: it is not bound to the workspace any more, or whoever is ` +
        "signed in does not own it. Its owner, or an administrator of the metastore, binds it, and then deletes it",
      call: { options: { method: "patch" } },
    },
    { what: `catalog ${names.catalog(BENS)}`, call: { options: { method: "delete" } } },
  ]);
});

it("are made in it, with a lake of their own, and no resource group", () => {
  const { platform } = synthesize({ ...MINIMAL, existingResourceGroup: SHARED });
  expect(Object.keys(platform.resource)).not.toContain("azurerm_resource_group");
  for (const [type, resources] of Object.entries(platform.resource)) {
    for (const { resource_group_name: group } of Object.values(resources) as { resource_group_name?: string }[])
      expect([type, group ?? SHARED]).toEqual([type, SHARED]);
  }
});

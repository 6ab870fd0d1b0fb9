import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { AUDIENCES } from "./account.ts";
import { azure, LAKE, makePlatform, roleId, send, signIn } from "./client.ts";
import { type Cloud, DEPLOYER, startCloud, SUBSCRIPTION_ID } from "./cloud.ts";

let cloud: Cloud;

beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(async () => {
  await cloud.close();
});

const GROUP = "/resourceGroups/rg-a";
const NETWORK = `${GROUP}/providers/Microsoft.Network`;
const put = (path: string, body: object) => azure(cloud, "PUT", path, body);
const idOf = (path: string) => `/subscriptions/${SUBSCRIPTION_ID}${path}`;
const account = (properties: object = {}) => ({
  location: "westeurope",
  kind: "StorageV2",
  sku: { name: "Standard_LRS" },
  properties,
});

describe("the network", () => {
  it("lets nobody through to other hosts, and remembers who asked", async () => {
    await expect(send(cloud, "GET", "https://example.com/")).rejects.toThrow("403");
    expect(cloud.unknown).toEqual(["CONNECT example.com"]);
  });

  it("refuses and remembers what no service answers", async () => {
    const { status } = await azure(cloud, "GET", "/providers/Microsoft.Compute/disks");

    expect(status).toBe(501);
    expect(cloud.unknown).toEqual([`GET management.azure.com${idOf("/providers/Microsoft.Compute/disks")}`]);
  });

  it("answers nobody without a token for the service", async () => {
    const token = await signIn(cloud, AUDIENCES.storage);
    const url = `https://management.azure.com${idOf(GROUP)}`;

    expect((await send(cloud, "GET", url)).status).toBe(401);
    expect((await send(cloud, "GET", url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
  });
});

describe("the command line of Azure", () => {
  it("tells a token for a service, and in local time until when it holds", async () => {
    const env = cloud.variables();
    const { stdout } = await promisify(execFile)(
      join(env.HOME ?? "", "bin", "az"),
      ["account", "get-access-token", "--resource", `${AUDIENCES.serviceManagement}/`, "--output", "json"],
      { env },
    );
    const { accessToken, expiresOn } = JSON.parse(stdout) as { accessToken: string; expiresOn: string };

    expect(cloud.account.holderOf(accessToken, [AUDIENCES.serviceManagement]).name).toBe(DEPLOYER);
    expect(expiresOn).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
    const minutes = (new Date(expiresOn.replace(" ", "T")).getTime() - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(58);
    expect(minutes).toBeLessThan(61);
  });
});

describe("resources of Azure", () => {
  it("need a group, a region of Azure, and fields that the service knows", async () => {
    expect((await put(LAKE, account())).body).toMatchObject({ error: { code: "ParentResourceNotFound" } });
    expect((await put(GROUP, { location: "atlantis" })).status).toBe(400);
    expect((await put(GROUP, { location: "westeurope", colour: "blue" })).text).toContain(
      'Unrecognized key: \\"colour\\"',
    );
  });

  it("are found whatever the case of their ids, and are told as they were made", async () => {
    await put(GROUP, { location: "West Europe", tags: { owner: "us" } });

    const { body } = await azure(cloud, "GET", GROUP.toUpperCase());

    expect(body).toMatchObject({ id: idOf(GROUP), location: "westeurope", tags: { owner: "us" } });
  });

  it("stay where they are", async () => {
    await put(GROUP, { location: "westeurope" });

    expect((await put(GROUP, { location: "northeurope" })).status).toBe(409);
  });

  it("cannot go while others use them, and take with them what is in them", async () => {
    await put(GROUP, { location: "westeurope" });
    const guard = `${NETWORK}/networkSecurityGroups/guard`;
    await put(guard, { location: "westeurope", properties: {} });
    await put(`${NETWORK}/virtualNetworks/net`, {
      location: "westeurope",
      properties: { addressSpace: { addressPrefixes: ["10.0.0.0/24"] } },
    });
    const subnet = `${NETWORK}/virtualNetworks/net/subnets/one`;
    await put(subnet, { properties: { addressPrefix: "10.0.0.0/26", networkSecurityGroup: { id: idOf(guard) } } });

    expect((await azure(cloud, "DELETE", guard)).body).toMatchObject({ error: { code: "InUse" } });
    expect((await azure(cloud, "DELETE", `${NETWORK}/virtualNetworks/net`)).status).toBe(200);
    expect((await azure(cloud, "GET", subnet)).status).toBe(404);
    expect((await azure(cloud, "DELETE", guard)).status).toBe(200);
  });

  it("cannot go while they are locked", async () => {
    await put(GROUP, { location: "westeurope" });
    await put(LAKE, account());
    await put(`${LAKE}/providers/Microsoft.Authorization/locks/keep`, { properties: { level: "CanNotDelete" } });

    expect((await azure(cloud, "DELETE", LAKE)).body).toMatchObject({ error: { code: "ScopeLocked" } });
    expect((await azure(cloud, "DELETE", GROUP)).body).toMatchObject({ error: { code: "ScopeLocked" } });
  });
});

describe("networks", () => {
  const net = `${NETWORK}/virtualNetworks/net`;
  beforeEach(async () => {
    await put(GROUP, { location: "westeurope" });
    await put(net, { location: "westeurope", properties: { addressSpace: { addressPrefixes: ["10.0.0.0/24"] } } });
  });

  it("hold subnets within their addresses that do not overlap", async () => {
    const subnet = (name: string, addressPrefix: string) =>
      put(`${net}/subnets/${name}`, { properties: { addressPrefix } });

    expect((await subnet("one", "10.0.0.0/26")).status).toBe(201);
    expect((await subnet("two", "10.0.0.32/27")).body).toMatchObject({ error: { code: "NetcfgSubnetRangesOverlap" } });
    expect((await subnet("two", "10.0.1.0/26")).body).toMatchObject({ error: { code: "NetcfgInvalidSubnet" } });
  });

  it("take a workspace only into subnets that are delegated, guarded and have a way out", async () => {
    const workspace = () =>
      put(`${GROUP}/providers/Microsoft.Databricks/workspaces/dbw`, {
        location: "westeurope",
        sku: { name: "premium" },
        properties: {
          managedResourceGroupId: idOf("/resourceGroups/managed"),
          parameters: {
            customVirtualNetworkId: { value: idOf(net) },
            customPublicSubnetName: { value: "one" },
            customPrivateSubnetName: { value: "one" },
          },
        },
      });
    const one = (more: object) =>
      put(`${net}/subnets/one`, {
        properties: { addressPrefix: "10.0.0.0/26", defaultOutboundAccess: false, ...more },
      });
    const delegations = [{ name: "db", properties: { serviceName: "Microsoft.Databricks/workspaces" } }];
    await put(`${NETWORK}/networkSecurityGroups/guard`, { location: "westeurope", properties: {} });
    const networkSecurityGroup = { id: idOf(`${NETWORK}/networkSecurityGroups/guard`) };
    await put(`${NETWORK}/natGateways/way`, { location: "westeurope", sku: { name: "Standard" }, properties: {} });

    const refusals: string[] = [];
    for (const more of [{}, { delegations }, { delegations, networkSecurityGroup }]) {
      await one(more);
      refusals.push((await workspace()).text);
    }
    await one({ delegations, networkSecurityGroup, natGateway: { id: idOf(`${NETWORK}/natGateways/way`) } });

    expect(refusals[0]).toContain("is not delegated");
    expect(refusals[1]).toContain("has no network security group");
    expect(refusals[2]).toContain("has no way to the internet");
    expect((await workspace()).status).toBe(201);
  });
});

describe("storage accounts", () => {
  beforeEach(async () => {
    await put(GROUP, { location: "westeurope" });
  });

  it("have names that are unique in the world", async () => {
    await put(LAKE, account());
    await put("/resourceGroups/rg-b", { location: "westeurope" });

    expect((await put(LAKE.replace("rg-a", "rg-b"), account())).body).toMatchObject({
      error: { code: "StorageAccountAlreadyTaken" },
    });
  });

  it.each(["10.0.0.0/8", "0.0.0.0/1", "127.0.0.1", "169.254.1.1", "20.1.2.3/24", "20.1.2.0/31"])(
    "take no rule for %s",
    async (value) => {
      const networkAcls = { defaultAction: "Deny", ipRules: [{ value }] };

      expect((await put(LAKE, account({ networkAcls }))).text).toContain("no public address");
    },
  );

  it("tell explicit settings as they are, and the rules of the firewall in an order of their own", async () => {
    const rules = ["20.1.2.3", "20.1.2.4"].map((value) => ({ value }));
    await put(LAKE, account({ allowSharedKeyAccess: false, networkAcls: { defaultAction: "Deny", ipRules: rules } }));

    const { body } = await azure(cloud, "GET", LAKE);

    expect(body).toMatchObject({
      properties: {
        allowSharedKeyAccess: false,
        networkAcls: { bypass: "AzureServices", ipRules: [{ value: "20.1.2.4" }, { value: "20.1.2.3" }] },
      },
    });
  });

  it("cannot get or lose a hierarchy, and have no versions with one", async () => {
    await put(LAKE, account({ isHnsEnabled: true }));

    expect((await put(LAKE, account({ isHnsEnabled: false }))).status).toBe(409);
    expect((await put(`${LAKE}/blobServices/default`, { properties: { isVersioningEnabled: true } })).status).toBe(409);
  });

  it("let no container be public where the account forbids it", async () => {
    await put(LAKE, account({ allowBlobPublicAccess: false }));

    const { body } = await put(`${LAKE}/blobServices/default/containers/open`, {
      properties: { publicAccess: "Blob" },
    });

    expect(body).toMatchObject({ error: { code: "PublicAccessNotPermitted" } });
  });
});

describe("roles", () => {
  const assignment = (guid: number, principalId: string) =>
    put(`${GROUP}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000000${guid}`, {
      properties: { roleDefinitionId: roleId("ba92f5b4-2d11-453d-a403-e96b0029c9fe"), principalId },
    });

  it("are for principals that exist, once for each of them", async () => {
    await put(GROUP, { location: "westeurope" });
    const { objectId } = cloud.account.add("group", "people");

    expect((await assignment(1, "00000000-0000-4000-8000-999999999999")).body).toMatchObject({
      error: { code: "PrincipalNotFound" },
    });
    expect((await assignment(1, objectId)).status).toBe(201);
    expect((await assignment(2, objectId)).body).toMatchObject({ error: { code: "RoleAssignmentExists" } });
  });

  it("go with what they are on", async () => {
    await put(GROUP, { location: "westeurope" });
    await assignment(1, cloud.account.add("group", "people").objectId);
    await azure(cloud, "DELETE", GROUP);

    expect(cloud.store.inventory().filter((line) => line.startsWith("azure:"))).toEqual([]);
  });
});

describe("workspaces", () => {
  it.each([
    ["true", 404],
    ["false", 200],
  ])("deleted with forceDeletion=%s, their managed group answers %i", async (isForced, status) => {
    await makePlatform(cloud);
    const path = `${GROUP}/providers/Microsoft.Databricks/workspaces/dbw-a?forceDeletion=${isForced}`;

    await azure(cloud, "DELETE", path);

    expect((await azure(cloud, "GET", "/resourceGroups/rg-a-managed")).status).toBe(status);
  });
});

describe("blobs", () => {
  const STATE = "https://lake.blob.core.windows.net/events/a.tfstate";
  const ask = async (method: string, url: string, headers: Record<string, string> = {}, body = "") => {
    const authorization = `Bearer ${await signIn(cloud, AUDIENCES.storage)}`;
    return send(cloud, method, url, { body, headers: { ...headers, authorization } });
  };
  beforeEach(async () => {
    await makePlatform(cloud);
  });

  it("go with the group that their account is in", async () => {
    cloud.lake.write("lake/events/a.tfstate", Buffer.from("one"));
    await azure(cloud, "DELETE", GROUP);

    expect(cloud.lake.below("lake/")).toEqual([]);
  });

  it("are refused to whoever has no role on the data", async () => {
    expect((await ask("PUT", STATE)).headers["x-ms-error-code"]).toBe("AuthorizationPermissionMismatch");
  });

  const giveRole = (role: string) =>
    put(`${LAKE}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000009`, {
      properties: {
        roleDefinitionId: roleId(role),
        principalId: cloud.account.add("service-principal", "d0d0d0d0-0000-4000-8000-000000000001").objectId,
      },
    });

  it("are read, and neither written nor locked, by whoever has a reader's role", async () => {
    cloud.lake.write("lake/events/a.tfstate", Buffer.from("one"));
    await giveRole("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1");

    expect((await ask("GET", STATE)).text).toBe("one");
    expect((await ask("PUT", STATE, {}, "two")).status).toBe(403);
    expect((await ask("PUT", `${STATE}?comp=lease`, { "x-ms-lease-action": "acquire" })).status).toBe(403);
  });

  it("are written only by whoever holds the lease", async () => {
    await giveRole("ba92f5b4-2d11-453d-a403-e96b0029c9fe");
    await ask("PUT", STATE, {}, "one");
    const lease = String(
      (await ask("PUT", `${STATE}?comp=lease`, { "x-ms-lease-action": "acquire" })).headers["x-ms-lease-id"],
    );

    expect((await ask("PUT", `${STATE}?comp=lease`, { "x-ms-lease-action": "acquire" })).status).toBe(409);
    expect((await ask("PUT", STATE, {}, "two")).status).toBe(412);
    expect((await ask("PUT", STATE, { "x-ms-lease-id": lease }, "three")).status).toBe(201);
    expect((await ask("GET", STATE)).text).toBe("three");
    await ask("PUT", `${STATE}?comp=lease`, { "x-ms-lease-action": "release", "x-ms-lease-id": lease });
    expect((await ask("DELETE", STATE)).status).toBe(202);
  });
});

/** What is there before an environment is deployed: people, and what environments name of others. */
import { AUDIENCES } from "../account.ts";
import { guidOf } from "../azure/databricks.ts";
import { BUILT_IN } from "../azure/roles.ts";
import { roleId } from "../client.ts";
import { type Cloud, type CloudOptions, DEPLOYER, startCloud, SUBSCRIPTION_ID } from "../cloud.ts";
import { warehousesOf } from "../databricks/reports.ts";
import { destinationsOf } from "../databricks/notifications.ts";
import { dev } from "../../../environments/dev.ts";
import { resolveEnvironment } from "../../../environments/environment.ts";
import * as names from "../../../environments/names.ts";
import { OF_OTHERS } from "./choices.ts";

/** The longest that a role takes here: less than a deployment waits for it. */
const LATEST_ROLE = 1000;
/** Long enough that requests of one apply come in between those of another. */
const MOST_DELAY = 60;

/** Somebody who is in one group. */
export const personIn = (group: string): string => `one-of-${group}@example.com`;

/** A cloud with the people that environments name, as `seed` has it. */
export async function startPeopledCloud(options: CloudOptions): Promise<Cloud> {
  const cloud = await startCloud({
    mostDelay: MOST_DELAY,
    latestRole: LATEST_ROLE,
    deployerIsIn: OF_OTHERS.owners,
    ...options,
  });
  for (const name of OF_OTHERS.groups) {
    cloud.account.add("group", name);
    cloud.account.add("user", personIn(name), [name]);
  }
  for (const name of OF_OTHERS.servicePrincipals) cloud.account.add("service-principal", name);
  for (const name of [...OF_OTHERS.deployers, OF_OTHERS.planner]) {
    cloud.account.add("service-principal", name, OF_OTHERS.owners);
  }
  return cloud;
}

/** Gives the service principals of workflows their roles on the states: to write them, or to read them. */
export function addStateRoles(cloud: Cloud): void {
  const roles = [
    ...OF_OTHERS.deployers.map((name) => ({ name, role: "Storage Blob Data Contributor" })),
    { name: OF_OTHERS.planner, role: "Storage Blob Data Reader" },
  ];
  for (const { name, role } of roles) {
    const principalId = cloud.account.find("service-principal", name)?.objectId;
    put(cloud, `/providers/Microsoft.Authorization/roleAssignments/${guidOf(name)}`, {
      properties: { roleDefinitionId: roleId(BUILT_IN[role] ?? ""), principalId },
    });
  }
}

/** Adds what environments name of others: a workspace in a network, zones, a key, a place for logs. */
export function addNeighbours(cloud: Cloud): void {
  const group = "/resourceGroups/rg-shared";
  const location = "westeurope";
  const network = `${group}/providers/Microsoft.Network`;
  put(cloud, group, { location });
  put(cloud, `${network}/networkSecurityGroups/shared`, { location, properties: {} });
  put(cloud, `${network}/natGateways/shared`, { location, sku: { name: "Standard" }, properties: {} });
  put(cloud, `${network}/virtualNetworks/shared`, {
    location,
    properties: { addressSpace: { addressPrefixes: ["10.30.0.0/24"] } },
  });
  const idOf = (resource: string) => ({ id: `/subscriptions/${SUBSCRIPTION_ID}${network}/${resource}` });
  for (const [i, name] of ["hosts", "containers", "endpoints"].entries()) {
    put(cloud, `${network}/virtualNetworks/shared/subnets/${name}`, {
      properties: {
        addressPrefix: `10.30.0.${i * 64}/26`,
        ...(name !== "endpoints" && {
          delegations: [{ name: "databricks", properties: { serviceName: "Microsoft.Databricks/workspaces" } }],
          networkSecurityGroup: idOf("networkSecurityGroups/shared"),
          natGateway: idOf("natGateways/shared"),
          serviceEndpoints: [{ service: "Microsoft.Storage" }],
        }),
      },
    });
  }
  for (const service of ["blob", "dfs"]) {
    put(cloud, `${network}/privateDnsZones/privatelink.${service}.core.windows.net`, { location: "global" });
  }
  put(cloud, `${group}/providers/Microsoft.KeyVault/vaults/${OF_OTHERS.key.vault}`, {
    location,
    properties: { enableSoftDelete: true, enablePurgeProtection: true },
  });
  put(cloud, `${group}/providers/Microsoft.KeyVault/vaults/${OF_OTHERS.key.vault}/keys/${OF_OTHERS.key.key}`, {});
  put(cloud, `${group}/providers/Microsoft.OperationalInsights/workspaces/logs`, { location });
  addWorkspace(cloud, OF_OTHERS.workspace.resourceGroup, OF_OTHERS.workspace.name, idOf("virtualNetworks/shared").id);
}

/** Adds the workspace of `dev`, in which sandboxes are. */
export function addWorkspaceOfDev(cloud: Cloud): void {
  const environment = resolveEnvironment(dev, { [dev.subscriptionIdVariable]: SUBSCRIPTION_ID });
  put(cloud, `/resourceGroups/${names.resourceGroup(environment)}`, { location: dev.location });
  addWorkspace(cloud, names.resourceGroup(environment), names.workspace(environment));
}

/** Adds a workspace that everybody is in, with a warehouse and a notification destination. */
function addWorkspace(cloud: Cloud, group: string, name: string, network?: string): void {
  const { workspaceId } = put(cloud, `/resourceGroups/${group}/providers/Microsoft.Databricks/workspaces/${name}`, {
    location: "westeurope",
    sku: { name: "premium" },
    properties: {
      managedResourceGroupId: `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/${group}-databricks`,
      ...(network !== undefined && {
        parameters: {
          customVirtualNetworkId: { value: network },
          customPublicSubnetName: { value: "hosts" },
          customPrivateSubnetName: { value: "containers" },
        },
      }),
    },
  });
  const workspace = cloud.workspaces.withId(String(workspaceId));
  for (const name of [DEPLOYER, ...OF_OTHERS.deployers, OF_OTHERS.planner]) {
    workspace.members.set(String(cloud.account.add("service-principal", name).id), "ADMIN");
  }
  for (const each of [...OF_OTHERS.groups, ...OF_OTHERS.servicePrincipals]) {
    workspace.members.set(String(cloud.account.named(each)?.id), "USER");
  }
  warehousesOf(workspace).set(OF_OTHERS.warehouse, { id: OF_OTHERS.warehouse, name: "shared" });
  destinationsOf(workspace).set(OF_OTHERS.destination, {
    id: OF_OTHERS.destination,
    display_name: "shared",
    destination_type: "SLACK",
    config: { slack: { url: "https://hooks.example.com/shared" } },
  });
}

/** @throws Error where Azure refuses */
function put(cloud: Cloud, path: string, body: object): Readonly<Record<string, unknown>> {
  const deployer = cloud.account.add("service-principal", DEPLOYER);
  const headers = { authorization: `Bearer ${cloud.account.token(deployer, AUDIENCES.resourceManager)}` };
  const url = `https://management.azure.com/subscriptions/${SUBSCRIPTION_ID}${path}`;
  const { status, body: answer } = cloud.answer("PUT", url, body, headers);
  if (status >= 300) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return (answer as { properties: Readonly<Record<string, unknown>> }).properties;
}

/**
 * Every physical name, path, id and url, as pure functions of the environment.
 *
 * The stacks compute what they need to know of each other here instead of reading it from state, so each stack of a
 * new environment can be planned before anything exists. Tests hold the names to their services' limits.
 */
import type { Environment } from "./environment.ts";

/** The two faces of the lake: one for blobs, one for files and directories. Each has endpoints and a zone of its own. */
export type StorageService = "blob" | "dfs";
type CustomerManagedKey = NonNullable<Environment["customerManagedKey"]>;
/** Most names need no more of an environment, so that who knows only what it is called can compute them as well. */
type Named = Pick<Environment, "name">;

/** The stacks of an environment, in the order of a deployment: each needs what those before it make. */
export const STACK_KINDS = ["platform", "catalog", "pipeline"] as const;
export type StackKind = (typeof STACK_KINDS)[number];

/** Schema of the orders, their history and the volume, and the root of workspace folders and Azure names. */
export const SCHEMA = "order_tracking";
/** Schema of what the pipeline needs and tells of itself: stage, quarantine, runs and files. */
export const OPERATIONS_SCHEMA = "operations";
export const VOLUME = "order_files";
/** Volume of what the pipeline keeps for itself, in the operations schema: no client reads or writes it. */
export const CHECKPOINT_VOLUME = "checkpoint";
export const EVENT_SOURCE_CONTAINER = "eventsource";
export const MANAGED_CONTAINER = "managed";

/** Directory within the event source's container that the external volume shows. */
const VOLUME_DIRECTORY = "orders";
/** Where the archive lies in the lake: the start of the paths of its files, container first. The job makes it. */
export const ARCHIVE_PREFIX = `${EVENT_SOURCE_CONTAINER}/${VOLUME_DIRECTORY}/archive/`;
/** Directory within the managed container that holds the catalog's tables. */
const CATALOG_DIRECTORY = "orders";

// Azure

const RESOURCE_GROUP = "rg-order-tracking-";

export const resourceGroup = ({ name, existingResourceGroup }: Environment): string =>
  existingResourceGroup ?? RESOURCE_GROUP + name;

/** The environment that made a group for itself, by the group's name; the name of any other group as it is. */
export const environmentOfGroup = (group: string): string => group.replace(new RegExp(`^${RESOURCE_GROUP}`), "");

export const storageAccount = ({ name, storageAccount }: Pick<Environment, "name" | "storageAccount">): string =>
  storageAccount ?? `ordertracking${name}`;

export const accessConnector = ({ name }: Named): string => `dbac-order-tracking-${name}`;

export const workspace = ({ name, existingWorkspace }: Environment): string =>
  existingWorkspace?.name ?? `dbw-order-tracking-${name}`;

/** Group that the workspace is in. */
export const workspaceResourceGroup = (environment: Environment): string =>
  environment.existingWorkspace?.resourceGroup ?? resourceGroup(environment);

/** Resource id of the environment's group. */
export const resourceGroupId = (environment: Environment): string => groupId(environment, resourceGroup(environment));

/** Databricks fills this group with what a workspace needs; nobody else may change it. */
export const workspaceManagedResourceGroup = ({ name }: Named): string => `rg-order-tracking-${name}-databricks`;

/** Identity with which the lake reaches the key that encrypts it. */
export const keyIdentity = ({ name }: Named): string => `id-order-tracking-${name}-key`;

export const virtualNetwork = ({ name }: Named): string => `vnet-order-tracking-${name}`;

/** Resource id of the network that a subnet's resource id tells of. */
export const virtualNetworkOf = (subnetId: string): string => subnetId.replace(/\/subnets\/[^/]+$/, "");

export const networkSecurityGroup = ({ name }: Named): string => `nsg-order-tracking-${name}`;

export const natGateway = ({ name }: Named): string => `ng-order-tracking-${name}`;

/** Address from which clusters without public addresses of their own reach the internet. */
export const natAddress = ({ name }: Named): string => `pip-order-tracking-${name}-nat`;

export const privateEndpoint = ({ name }: Named, service: StorageService): string =>
  `pep-order-tracking-${name}-${service}`;

/** Fixed by Azure: https://learn.microsoft.com/azure/private-link/private-endpoint-dns */
export const privateDnsZone = (service: StorageService): string => `privatelink.${service}.core.windows.net`;

/** Resource id of the identity with which Unity Catalog reaches the lake. */
export const accessConnectorId = (environment: Environment): string =>
  databricksResourceId(environment, resourceGroup(environment), `accessConnectors/${accessConnector(environment)}`);

/** Resource id from which the Databricks provider finds the workspace's host name. */
export const workspaceId = (environment: Environment): string =>
  databricksResourceId(environment, workspaceResourceGroup(environment), `workspaces/${workspace(environment)}`);

function databricksResourceId(environment: Environment, group: string, resource: string): string {
  return `${groupId(environment, group)}/providers/Microsoft.Databricks/${resource}`;
}

const groupId = (environment: Environment, group: string): string =>
  `/subscriptions/${subscription(environment)}/resourceGroups/${group}`;

/** While the subscription is unknown, a text that no service mistakes for one. */
export const subscription = ({ subscriptionId, subscriptionIdVariable }: Environment): string =>
  subscriptionId ?? `${subscriptionIdVariable}-is-not-set`;

/** Resource id of the key alone, so that a role on it says nothing of the vault's other keys. */
export const customerManagedKeyId = (environment: Environment, { resourceGroup, vault, key }: CustomerManagedKey) =>
  `${groupId(environment, resourceGroup)}/providers/Microsoft.KeyVault/vaults/${vault}/keys/${key}`;

/** Url of the key. Without a version, so that the lake follows when the key is rotated. */
export const customerManagedKeyUrl = ({ vault, key }: CustomerManagedKey): string =>
  `https://${vault}.vault.azure.net/keys/${key}`;

const containerUrl = (environment: Environment, container: string): string =>
  `abfss://${container}@${storageAccount(environment)}.dfs.core.windows.net/`;

export const eventSourceUrl = (environment: Environment): string => containerUrl(environment, EVENT_SOURCE_CONTAINER);

export const managedUrl = (environment: Environment): string => containerUrl(environment, MANAGED_CONTAINER);

// Unity Catalog: these names are shared by all workspaces of a metastore.

export const storageCredential = ({ name }: Named): string => `order_tracking_${name}`;

export const eventSourceLocation = ({ name }: Named): string => `order_tracking_${name}_eventsource`;

export const managedLocation = ({ name }: Named): string => `order_tracking_${name}_managed`;

export const catalog = ({ name }: Named): string => `orders_${name}`;

export const catalogStorageRoot = (environment: Environment): string => managedUrl(environment) + CATALOG_DIRECTORY;

/** A directory below the location's root: a volume at the root would leave no room for a second one. */
export const volumeStorageLocation = (environment: Environment): string =>
  eventSourceUrl(environment) + VOLUME_DIRECTORY;

/** The volume's directory as clusters and clients see it; no slash at the end. */
export const volumePath = (environment: Named): string => `/Volumes/${catalog(environment)}/${SCHEMA}/${VOLUME}`;

/** The checkpoint's directory as clusters see it. */
export const checkpointPath = (environment: Named): string =>
  `/Volumes/${catalog(environment)}/${OPERATIONS_SCHEMA}/${CHECKPOINT_VOLUME}`;

/** Where clients put files. The slash at the end is required by the file-arrival trigger. */
export const landingDirectory = (environment: Named): string => `${volumePath(environment)}/file_arrival/`;

// Workspace: environments may share one, so each name tells which environment it is of.

export const loadJob = ({ name }: Named): string => `[${name}] orders_tracking_incremental_load`;

export const sweepJob = ({ name }: Named): string => `[${name}] orders_tracking_sweep`;

export const upkeepJob = ({ name }: Named): string => `[${name}] orders_tracking_upkeep`;

export const replayJob = ({ name }: Named): string => `[${name}] orders_tracking_replay`;

export const withdrawJob = ({ name }: Named): string => `[${name}] orders_tracking_withdraw`;

export const eraseJob = ({ name }: Named): string => `[${name}] orders_tracking_erase`;

export const cluster = ({ name }: Named): string => `[${name}] order tracking`;

export const clusterPolicy = ({ name }: Named): string => `[${name}] order tracking`;

export const notificationDestination = ({ name }: Named, kind: string): string => `[${name}] order tracking, ${kind}`;

export const warehouse = ({ name }: Named): string => `[${name}] order tracking`;

export const dashboard = ({ name }: Named): string => `[${name}] order tracking`;

/** Of a saved query or an alert, by the name of its file. */
export const query = ({ name }: Named, file: string): string => `[${name}] ${file}`;

/** Of the folders of environments in a workspace that is another's: whoever has the workspace can see that they are there. */
export const GUESTS_FOLDER = "/order-tracking/guests";

/** An empty folder that tells that a guest's catalog is there, which cannot be destroyed without the workspace either. */
export const guestCatalogFolder = ({ name }: Named): string => `${GUESTS_FOLDER}/${name}-catalog`;

/** A folder at the root, not in `/Shared`, which every user of the workspace may change. */
export const workspaceFolder = ({ name, existingWorkspace }: Environment): string =>
  `${existingWorkspace ? GUESTS_FOLDER : "/order-tracking"}/${name}`;

/** Folder within the workspace folder for one version of notebooks and package. */
export const codeFolder = (version: string): string => `code-${version.slice(0, 12)}`;

/** A group's name as the id of the construct that lets it into the workspace, and so as a part of its address in the state. */
export const memberId = (group: string): string => group.replaceAll(/\s/g, "-").replaceAll("/", "--");

// State

/** Blob of a stack's state in the environment's state container. */
export const stateKey = ({ name }: Named, stack: string): string => `${name}/${stack}.tfstate`;

/**
 * State file of an environment without a state container, seen from the stack's folder in `cdktf.out/stacks`.
 * It lies outside `cdktf.out`, which is wiped, and is relative, so that the synthesized stack fits any checkout.
 */
export const stateFile = (stack: string): string => `../../../.terraform-state/${stack}.tfstate`;

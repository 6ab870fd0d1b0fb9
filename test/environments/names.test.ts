import fc from "fast-check";
import { type Environment, type EnvironmentSettings, resolveEnvironment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { MINIMAL, resourceId, SUBSCRIPTION_ID } from "../synthesized.ts";

const environment = (settings: Partial<EnvironmentSettings> = {}): Environment =>
  resolveEnvironment({ ...MINIMAL, ...settings }, { [MINIMAL.subscriptionIdVariable]: SUBSCRIPTION_ID });

const anyEnvironment = fc.stringMatching(/^[a-z][a-z0-9]{1,10}$/).map((name) => environment({ name }));

/** Every name that a service limits, and the limit: Azure's resource name rules and Unity Catalog's. */
const LIMITS = {
  resourceGroup: /^[\w.()-]{0,89}[\w()-]$/,
  storageAccount: /^[a-z0-9]{3,24}$/,
  accessConnector: /^[\w-]{3,64}$/,
  workspace: /^[\w-]{3,64}$/,
  keyIdentity: /^[a-zA-Z0-9][\w-]{2,127}$/,
  virtualNetwork: /^[a-zA-Z0-9][\w.-]{0,62}\w$/,
  networkSecurityGroup: /^[a-zA-Z0-9][\w.-]{0,78}\w$/,
  natGateway: /^[a-zA-Z0-9][\w.-]{0,78}\w$/,
  natAddress: /^[a-zA-Z0-9][\w.-]{0,78}\w$/,
  workspaceManagedResourceGroup: /^[\w.()-]{0,89}[\w()-]$/,
  storageCredential: /^\w{1,255}$/,
  eventSourceLocation: /^\w{1,255}$/,
  managedLocation: /^\w{1,255}$/,
  catalog: /^[a-z]\w{0,254}$/,
  loadJob: /^.{1,4096}$/,
  sweepJob: /^.{1,4096}$/,
  upkeepJob: /^.{1,4096}$/,
  replayJob: /^.{1,4096}$/,
  withdrawJob: /^.{1,4096}$/,
  eraseJob: /^.{1,4096}$/,
  cluster: /^.{1,100}$/,
  clusterPolicy: /^.{1,100}$/,
  warehouse: /^.{1,99}$/,
  dashboard: /^.{1,255}$/,
  workspaceFolder: /^\/[\w/-]{1,254}$/,
} as const;

it.each(Object.entries(LIMITS))("keeps the %s within its limit for any environment", (name, limit) => {
  fc.assert(
    fc.property(anyEnvironment, (any) => {
      expect(names[name as keyof typeof LIMITS](any)).toMatch(limit);
    }),
  );
});

it.each(Object.keys(LIMITS))("gives two environments of one subscription and metastore a %s each", (name) => {
  const nameOf = names[name as keyof typeof LIMITS];

  expect(nameOf(environment({ name: "dev" }))).not.toBe(nameOf(environment({ name: "dev2" })));
});

it.each([names.EVENT_SOURCE_CONTAINER, names.MANAGED_CONTAINER])("names the container %s as Azure allows", (name) => {
  expect(name).toMatch(/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/);
});

it("uses the storage account and the workspace that the environment names", () => {
  const existingWorkspace = { name: "shared", resourceGroup: "rg-shared" };
  const named = environment({ storageAccount: "acme", existingWorkspace });

  expect(names.eventSourceUrl(named)).toBe("abfss://eventsource@acme.dfs.core.windows.net/");
  expect(names.workspaceId(named)).toBe(
    `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-shared/providers/Microsoft.Databricks/workspaces/shared`,
  );
});

it("computes the ids that Azure gives to what the platform stack creates", () => {
  const group = `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-order-tracking-tiny/providers/Microsoft.Databricks`;

  expect(names.accessConnectorId(environment())).toBe(`${group}/accessConnectors/dbac-order-tracking-tiny`);
  expect(names.workspaceId(environment())).toBe(`${group}/workspaces/dbw-order-tracking-tiny`);
});

it("keeps the private endpoint's name within its limit", () => {
  fc.assert(
    fc.property(anyEnvironment, (any) => {
      expect(names.privateEndpoint(any, "blob")).toMatch(/^[a-zA-Z0-9][\w.-]{0,62}\w$/);
    }),
  );
});

it("finds the environment that made a group for itself", () => {
  fc.assert(
    fc.property(anyEnvironment, (any) => {
      expect(names.environmentOfGroup(names.resourceGroup(any))).toBe(any.name);
    }),
  );
  expect(names.environmentOfGroup("rg-shared")).toBe("rg-shared");
});

it("finds the network of a subnet", () => {
  const network = resourceId("Microsoft.Network/virtualNetworks/shared");

  expect(names.virtualNetworkOf(`${network}/subnets/endpoints`)).toBe(network);
});

it("names the missing variable in ids while the subscription is unknown", () => {
  expect(names.accessConnectorId(resolveEnvironment(MINIMAL, {}))).toContain(
    "/subscriptions/TINY_SUBSCRIPTION_ID-is-not-set/",
  );
});

it("puts volume and tables into different containers, so that they cannot overlap", () => {
  expect(names.volumeStorageLocation(environment())).toBe(
    "abfss://eventsource@ordertrackingtiny.dfs.core.windows.net/orders",
  );
  expect(names.catalogStorageRoot(environment())).toBe("abfss://managed@ordertrackingtiny.dfs.core.windows.net/orders");
});

it("finds the archive of the volume within the lake", () => {
  const { pathname, username } = new URL(names.volumeStorageLocation(environment()));

  expect(names.ARCHIVE_PREFIX).toBe(`${username}${pathname}/archive/`);
});

it("ends the landing directory in a slash, and the volume in none", () => {
  expect(names.landingDirectory(environment())).toBe("/Volumes/orders_tiny/order_tracking/order_files/file_arrival/");
  expect(names.volumePath(environment())).toBe("/Volumes/orders_tiny/order_tracking/order_files");
});

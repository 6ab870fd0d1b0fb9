/** Environments that choose, between them, each value of each field that has values to choose from. */
import { dev } from "../../../environments/dev.ts";
import type { EnvironmentSettings } from "../../../environments/environment.ts";
import { prod } from "../../../environments/prod.ts";
import { sandbox } from "../../../environments/sandbox.ts";
import { staging } from "../../../environments/staging.ts";
import { MINIMAL, resourceId } from "../../synthesized.ts";

/** Groups that own what is in Unity Catalog, one for each environment that names one. */
const OWNERS = ["order-tracking-owners-staging", "order-tracking-owners-prod"] as const;

/** What others have, and environments name. */
export const OF_OTHERS = {
  workspace: { name: "shared", resourceGroup: "rg-shared" },
  clusterSubnets: ["hosts", "containers"].map((name) =>
    resourceId(`Microsoft.Network/virtualNetworks/shared/subnets/${name}`),
  ),
  endpointSubnet: resourceId("Microsoft.Network/virtualNetworks/shared/subnets/endpoints"),
  zones: {
    blob: resourceId("Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"),
    dfs: resourceId("Microsoft.Network/privateDnsZones/privatelink.dfs.core.windows.net"),
  },
  key: { vault: "kv-orders", resourceGroup: "rg-shared", key: "lake" },
  logs: resourceId("Microsoft.OperationalInsights/workspaces/logs"),
  destination: "00000000-0000-4000-8000-0000000000d1",
  warehouse: "0123456789abcdef",
  owners: OWNERS,
  groups: [...OWNERS, ...["loaders", "analysts", "operators"].map((name) => `order-tracking-${name}`)],
  servicePrincipals: ["00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"],
  /** Those that deploy. */
  deployers: ["00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000003"],
  /** One that may plan, and nothing else in Azure. */
  planner: "00000000-0000-4000-8000-000000000004",
} as const;

const SANDBOX_DAYS = 30;
const MILLISECONDS_OF_A_DAY = 24 * 60 * 60 * 1000;

export const SANDBOX_REQUEST = {
  owner: "anna",
  branch: "late-files",
  expiresOn: new Date(Date.now() + SANDBOX_DAYS * MILLISECONDS_OF_A_DAY).toISOString().slice(0, "YYYY-MM-DD".length),
};

/** The environments of this repository. */
export const SHIPPED: readonly EnvironmentSettings[] = [dev, staging, prod, sandbox(SANDBOX_REQUEST)];

const people = {
  ownerGroup: OWNERS[0],
  loaders: ["order-tracking-loaders"],
  analysts: ["order-tracking-analysts"],
  operators: ["order-tracking-operators"],
  runAs: OF_OTHERS.servicePrincipals[1],
  deployer: OF_OTHERS.deployers[1],
};
const disposable = { ...MINIMAL, disposable: true };

export const CHOOSERS: readonly EnvironmentSettings[] = [
  {
    ...disposable,
    ...people,
    name: "full",
    location: "northeurope",
    storageReplication: "ZRS",
    network: { posture: "selected-networks", addressSpace: "10.20.0.0/24", ipRanges: ["20.1.2.0/24", "20.1.3.4"] },
    customerManagedKey: OF_OTHERS.key,
    logAnalyticsWorkspaceId: OF_OTHERS.logs,
    fileEvents: true,
    compute: "serverless",
    newColumns: "add",
    archiveDeleteAfterDays: 400,
    notifications: { emails: ["team@example.com"], create: ["slack", "teams", "webhook"] },
    warehouse: "create",
  },
  {
    ...disposable,
    ...people,
    name: "guest",
    storageAccount: "orderlakeofaguest",
    storageReplication: "GZRS",
    network: { posture: "selected-networks", subnetIds: [...OF_OTHERS.clusterSubnets] },
    existingWorkspace: OF_OTHERS.workspace,
    compute: "job-cluster",
    newColumns: "reject",
    notifications: { existing: [OF_OTHERS.destination] },
    warehouse: OF_OTHERS.warehouse,
  },
  {
    ...disposable,
    name: "resolved",
    existingResourceGroup: OF_OTHERS.workspace.resourceGroup,
    network: {
      posture: "private",
      endpointSubnetId: OF_OTHERS.endpointSubnet,
      privateDnsZoneIds: OF_OTHERS.zones,
    },
    existingWorkspace: OF_OTHERS.workspace,
    logAnalyticsWorkspaceId: OF_OTHERS.logs,
    compute: "all-purpose",
    triggerPaused: true,
  },
  {
    ...disposable,
    name: "apart",
    network: { posture: "private", endpointSubnetId: OF_OTHERS.endpointSubnet },
    existingWorkspace: OF_OTHERS.workspace,
    compute: "serverless",
  },
];

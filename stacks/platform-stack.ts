import { DatabricksWorkspace } from "@cdktf/provider-azurerm/lib/databricks-workspace/index.js";
import { ResourceGroup } from "@cdktf/provider-azurerm/lib/resource-group/index.js";
import { Annotations } from "cdktf";
import type { Construct } from "constructs";
import type { Environment } from "../environments/environment.ts";
import * as names from "../environments/names.ts";
import { AuditLogs } from "./constructs/audit-logs.ts";
import { LakeEndpoints } from "./constructs/lake-endpoints.ts";
import { LakeIdentity } from "./constructs/lake-identity.ts";
import { LakeKey } from "./constructs/lake-key.ts";
import { OrderLake } from "./constructs/order-lake.ts";
import { WorkspaceNetwork } from "./constructs/workspace-network.ts";
import { EnvironmentStack } from "./environment-stack.ts";
import { useAzurerm } from "./providers.ts";
import { tags } from "./tags.ts";

/** Azure's part of an environment: the lake, the identity that reaches it, and the workspace if none is named. */
export class PlatformStack extends EnvironmentStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, "platform", environment);
    useAzurerm(this, environment);
    warn(this, environment);

    const resourceGroup = environment.existingResourceGroup
      ? { name: environment.existingResourceGroup, id: names.resourceGroupId(environment) }
      : new ResourceGroup(this, "resource-group", {
          name: names.resourceGroup(environment),
          location: environment.location,
          tags: tags(environment),
        });
    const shared = { environment, resourceGroupName: resourceGroup.name };
    const { network, customerManagedKey: key, logAnalyticsWorkspaceId } = environment;
    // Where the lake is closed, a workspace of our own needs a network that the lake can let in.
    const workspaceNetwork =
      network.posture !== "open" && network.addressSpace
        ? new WorkspaceNetwork(this, "workspace-network", { ...shared, addressSpace: network.addressSpace })
        : undefined;

    const identity = new LakeIdentity(this, "identity", { environment, resourceGroup });
    const lake = new OrderLake(this, "lake", {
      ...shared,
      identity,
      clusterSubnetIds: workspaceNetwork?.clusterSubnetIds,
      key: key && new LakeKey(this, "key", { ...shared, key }),
    });
    identity.addRoles(lake);
    if (network.posture === "private") {
      const subnetId = workspaceNetwork?.addEndpointSubnet() ?? network.endpointSubnetId;
      if (subnetId) {
        const virtualNetworkId = workspaceNetwork?.virtualNetworkId ?? names.virtualNetworkOf(subnetId);
        const { privateDnsZoneIds } = network;
        new LakeEndpoints(this, "lake-endpoints", { ...shared, lake, subnetId, virtualNetworkId, privateDnsZoneIds });
      }
    }

    const workspace = environment.existingWorkspace
      ? undefined
      : new DatabricksWorkspace(this, "workspace", {
          name: names.workspace(environment),
          resourceGroupName: resourceGroup.name,
          managedResourceGroupName: names.workspaceManagedResourceGroup(environment),
          location: environment.location,
          // Unity Catalog, and grants on anything in a workspace, come with premium.
          sku: "premium",
          customParameters: { noPublicIp: true, ...workspaceNetwork?.ofWorkspace },
          tags: tags(environment),
          lifecycle: { preventDestroy: !environment.disposable },
          dependsOn: workspaceNetwork && [...workspaceNetwork.egress],
        });
    if (logAnalyticsWorkspaceId) new AuditLogs(this, "audit-logs", { logAnalyticsWorkspaceId, lake, workspace });
  }
}

/** Tells at synth what a deployment will need from elsewhere. */
function warn(stack: PlatformStack, environment: Environment): void {
  if (!environment.subscriptionId) {
    Annotations.of(stack).addWarning(
      `${environment.name} can be planned, not deployed: set ${environment.subscriptionIdVariable} to its subscription's id`,
    );
  }
  const outside = [
    ...(environment.compute === "serverless" ? ["jobs"] : []),
    // Also one of somebody else: most are serverless.
    ...(environment.warehouse === undefined ? [] : ["queries and alerts"]),
  ];
  if (environment.network.posture !== "open" && outside.length > 0) {
    Annotations.of(stack).addWarning(
      `the ${outside.join(", ")} of ${environment.name} reach its lake only with a network connectivity configuration: ask an account administrator to attach one to the workspace`,
    );
  }
}

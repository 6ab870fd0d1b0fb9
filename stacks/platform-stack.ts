import { DatabricksWorkspace } from "@cdktf/provider-azurerm/lib/databricks-workspace/index.js";
import { ResourceGroup } from "@cdktf/provider-azurerm/lib/resource-group/index.js";
import { Annotations } from "cdktf";
import type { Construct } from "constructs";
import type { Environment } from "../environments/environment.ts";
import { LakeIdentity } from "./constructs/lake-identity.ts";
import { OrderLake } from "./constructs/order-lake.ts";
import { EnvironmentStack } from "./environment-stack.ts";
import * as names from "./names.ts";
import { useAzurerm } from "./providers.ts";
import { tags } from "./tags.ts";

/** Azure's part of an environment: the lake, the identity that reaches it, and the workspace if none is named. */
export class PlatformStack extends EnvironmentStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, "platform", environment);
    useAzurerm(this, environment);
    if (!environment.subscriptionId) {
      Annotations.of(this).addWarning(
        `${environment.name} can be planned, not deployed: set ${environment.subscriptionIdVariable} to its subscription's id`,
      );
    }

    const resourceGroup = new ResourceGroup(this, "resource-group", {
      name: names.resourceGroup(environment),
      location: environment.location,
      tags: tags(environment),
    });
    const lake = new OrderLake(this, "lake", { environment, resourceGroupName: resourceGroup.name });
    const identity = new LakeIdentity(this, "identity", { environment, resourceGroupName: resourceGroup.name, lake });

    if (environment.existingWorkspace) return;
    new DatabricksWorkspace(this, "workspace", {
      name: names.workspace(environment),
      resourceGroupName: resourceGroup.name,
      managedResourceGroupName: names.workspaceManagedResourceGroup(environment),
      location: environment.location,
      // Unity Catalog, and grants on anything in a workspace, come with premium.
      sku: "premium",
      customParameters: { noPublicIp: true },
      tags: tags(environment),
      lifecycle: { preventDestroy: !environment.disposable },
      // Needs nothing of the role, but takes minutes to create: by then the role has taken effect on the lake, which
      // Azure does not wait for, and which the catalog stack is the first to need.
      dependsOn: [identity.dataRole],
    });
  }
}

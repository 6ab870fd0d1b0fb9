/** The Terraform providers as every stack uses them. */
import { AzurermProvider } from "@cdktf/provider-azurerm/lib/provider/index.js";
import { DatabricksProvider } from "@cdktf/provider-databricks/lib/provider/index.js";
import type { TerraformStack } from "cdktf";
import type { Environment } from "../environments/environment.ts";
import * as names from "../environments/names.ts";

/**
 * The only place that says which provider versions run; newer than those that the bindings were generated from.
 * See docs/decisions/provider-versions.md before changing one.
 */
const PROVIDER_VERSIONS = { azurerm: "4.81.0", databricks: "1.128.0" } as const;

/** Lets a stack create Azure resources in the environment's subscription. */
export function useAzurerm(stack: TerraformStack, environment: Environment): void {
  const provider = new AzurermProvider(stack, "azurerm", {
    subscriptionId: environment.subscriptionId,
    // The lake has no keys. Its data plane is left alone as well: a deployer need not be in the lake's network.
    storageUseAzuread: true,
    features: [
      {
        storage: [{ dataPlaneAvailable: false }],
        // A workspace leaves its managed resource group behind, with what users stored there, unless forced.
        databricksWorkspace: [{ forceDelete: environment.disposable }],
        // What others put into our group stays, unless everything may go.
        resourceGroup: [{ preventDeletionIfContainsResources: !environment.disposable }],
      },
    ],
  });
  if (environment.expiresOn !== undefined) registerNothing(provider);
  pinProvider(stack, "azurerm");
}

/**
 * By default the provider lists the services that the subscription may use, and registers dozens that it does not use yet:
 * who may not, cannot even plan. A sandbox uses none that the environment does not whose workspace it is in, and those who
 * make sandboxes may have rights in their resource group alone.
 */
function registerNothing(provider: AzurermProvider): void {
  provider.resourceProviderRegistrations = "none";
  // The bindings are older than this block.
  provider.addOverride("features.0.enhanced_validation", [{ resource_providers: false }]);
}

/**
 * Lets a stack create resources in the environment's workspace.
 *
 * The provider finds the workspace by its resource id, and signs in as the Azure CLI or the ARM_* variables say. With
 * GitHub's word for a job (`github-oidc-azure`) it does not look for the workspace, and needs DATABRICKS_HOST as well;
 * otherwise that variable would lead it past the id, and `environments/requested.ts` refuses it.
 * While the subscription is unknown it takes DATABRICKS_HOST and DATABRICKS_TOKEN, good for a plan.
 */
export function useDatabricks(stack: TerraformStack, environment: Environment): void {
  new DatabricksProvider(stack, "databricks", {
    azureWorkspaceResourceId: environment.subscriptionId && names.workspaceId(environment),
  });
  pinProvider(stack, "databricks");
}

function pinProvider(stack: TerraformStack, provider: keyof typeof PROVIDER_VERSIONS): void {
  stack.addOverride(`terraform.required_providers.${provider}.version`, PROVIDER_VERSIONS[provider]);
}

/** Where Terraform keeps an environment's state, read from its synthesized platform stack. */
import { existsSync } from "node:fs";
import { z } from "zod";
import { folderOf, synthesizedStack } from "./plan-stacks.ts";

/** The container of an environment's state, and what has to be known to create it. */
export interface StateBackend {
  readonly subscriptionId: string;
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly resourceGroup: string;
  readonly storageAccount: string;
  readonly container: string;
}

/** The name of the lock that keeps the state's account from being deleted. */
export const LOCK = "terraform-state";

/** The state's account, as the commands for locks take it. */
export function lockedResource({ resourceGroup, storageAccount }: StateBackend) {
  const type = "Microsoft.Storage/storageAccounts";
  return { "resource-group": resourceGroup, resource: storageAccount, "resource-type": type };
}

/** Resource id of the storage account. */
export function accountId({ subscriptionId, resourceGroup, storageAccount }: StateBackend): string {
  const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
  return `${group}/providers/Microsoft.Storage/storageAccounts/${storageAccount}`;
}

/** Resource id of the container, on which roles are given. */
export function containerId(backend: StateBackend): string {
  return `${accountId(backend)}/blobServices/default/containers/${backend.container}`;
}

const stackType = z.object({
  terraform: z.object({
    backend: z.object({
      azurerm: z
        .object({ resource_group_name: z.string(), storage_account_name: z.string(), container_name: z.string() })
        .optional(),
    }),
  }),
  provider: z.object({ azurerm: z.tuple([z.object({ subscription_id: z.string().optional() })]) }),
  resource: z.object({
    azurerm_databricks_access_connector: z.record(
      z.string(),
      z.object({ location: z.string(), tags: z.record(z.string(), z.string()) }),
    ),
    terraform_data: z
      .record(
        z.string(),
        z.object({
          lifecycle: z.object({ postcondition: z.array(z.object({ error_message: z.string() })) }).optional(),
        }),
      )
      .default({}),
  }),
});

/**
 * Reads the backend of an environment; region and tags are those of its access connector, which each one has.
 *
 * @throws Error where the environment keeps no state in Azure, or its subscription is not known, with what to do
 */
export function readStateBackend(outputDirectory: string, environment: string): StateBackend {
  const stack = `${environment}-platform`;
  if (!existsSync(folderOf(outputDirectory, stack))) throw new Error(`there is no environment ${environment}`);
  const { terraform, provider, resource } = stackType.parse(synthesizedStack(outputDirectory, stack));
  const { azurerm } = terraform.backend;
  if (!azurerm) throw new Error(`${environment} keeps its state in files. ${proposal(environment)}`);
  const [{ subscription_id: subscriptionId }] = provider.azurerm;
  if (subscriptionId === undefined) {
    // The stack refuses to be deployed then, and says which variable to set.
    const refusals = Object.values(resource.terraform_data).flatMap(({ lifecycle }) => lifecycle?.postcondition ?? []);
    throw new Error(refusals.map(({ error_message }) => error_message).join(" "));
  }
  const [connector] = Object.values(resource.azurerm_databricks_access_connector);
  if (!connector) throw new Error(`${stack} holds no access connector`);
  return {
    subscriptionId,
    location: connector.location,
    tags: connector.tags,
    resourceGroup: azurerm.resource_group_name,
    storageAccount: azurerm.storage_account_name,
    container: azurerm.container_name,
  };
}

function proposal(environment: string): string {
  return [
    `To keep it in Azure, say where in environments/${environment}.ts, and run this again:`,
    "  stateContainer: {",
    `    resourceGroup: "rg-order-tracking-${environment}-state",`,
    `    storageAccount: "${`ordertrackstate${environment}`.slice(0, 24)}",`,
    '    container: "tfstate",',
    "  },",
  ].join("\n");
}

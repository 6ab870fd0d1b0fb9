/** The workspace of an environment: as its synthesized stacks name it, and where it is once it is deployed. */
import { z } from "zod";
import { azIfThere } from "./azure-cli.ts";
import { synthesizedStack } from "./plan-stacks.ts";

/** A workspace, as far as it is asked. */
export interface Workspace {
  readonly url: string;
  readonly id: number;
}

const stackType = z.object({
  provider: z.object({ databricks: z.tuple([z.object({ azure_workspace_resource_id: z.string() })]) }),
});

/** The resource id of the workspace that an environment's stacks are for, where its subscription is known. */
export function readWorkspaceId(outputDirectory: string, environment: string): string {
  const { provider } = stackType.parse(synthesizedStack(outputDirectory, `${environment}-pipeline`));
  return provider.databricks[0].azure_workspace_resource_id;
}

const workspaceType = z.object({ properties: z.object({ workspaceUrl: z.string(), workspaceId: z.coerce.number() }) });

/** A workspace by its resource id; nothing where it is not there. */
export async function findWorkspace(resourceId: string, subscriptionId: string): Promise<Workspace | undefined> {
  const options = { ids: resourceId, subscription: subscriptionId };
  const workspace = await azIfThere({ command: "resource show", options });
  if (workspace === undefined) return undefined;
  const { properties } = workspaceType.parse(workspace);
  return { url: `https://${properties.workspaceUrl}`, id: properties.workspaceId };
}

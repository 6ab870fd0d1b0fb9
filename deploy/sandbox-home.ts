/** Where sandboxes are, read from the synthesized stacks of the environment that they are in. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { StackKind } from "../environments/names.ts";
import { folderOf, LOCK_FILE, synthesizedStack } from "./plan-stacks.ts";
import { readStateBackend, type StateBackend } from "./state-backend.ts";
import { readWorkspaceId } from "./workspace.ts";

/** What sandboxes share: a container for their states, a workspace, and how Terraform reaches both. */
export interface SandboxHome {
  readonly backend: StateBackend;
  readonly workspaceId: string;
  /** Resource group that all of them are in; none where each has one of its own. */
  readonly resourceGroup?: string | undefined;
  /** A configuration that creates nothing: its providers can destroy whatever is in a sandbox's state. */
  readonly emptyConfiguration: object;
  /** Terraform's lock file with hashes of these providers, where one was committed. */
  readonly providerHashes?: string | undefined;
}

const stackType = z.object({
  terraform: z.object({
    backend: z.object({ azurerm: z.record(z.string(), z.unknown()) }),
    required_providers: z.record(z.string(), z.unknown()),
  }),
  provider: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))),
});

/**
 * Reads where the sandboxes of an environment are. The sandboxes' own code is not needed for it.
 *
 * @param resourceGroup that all of them are in, if there is one
 * @throws Error where the environment keeps no state in Azure, or its subscription is not known, with what to do
 */
export function readSandboxHome(
  outputDirectory: string,
  environment: string,
  resourceGroup: string | undefined,
): SandboxHome {
  const backend = readStateBackend(outputDirectory, environment);
  const stackOf = (kind: StackKind) => stackType.parse(synthesizedStack(outputDirectory, `${environment}-${kind}`));
  const [platform, pipeline] = [stackOf("platform"), stackOf("pipeline")];
  const lockFile = path.join(folderOf(outputDirectory, `${environment}-platform`), LOCK_FILE);
  const { azurerm = [], ...others } = { ...platform.provider, ...pipeline.provider };
  return {
    backend,
    workspaceId: readWorkspaceId(outputDirectory, environment),
    resourceGroup,
    emptyConfiguration: {
      terraform: {
        // The key is one stack's: whoever uses this says which.
        backend: { azurerm: { ...platform.terraform.backend.azurerm, key: undefined } },
        required_providers: { ...platform.terraform.required_providers, ...pipeline.terraform.required_providers },
      },
      provider: { ...others, azurerm: azurerm.map(registeringNothing) },
    },
    providerHashes: existsSync(lockFile) ? readFileSync(lockFile, "utf8") : undefined,
  };
}

/** As the stacks of sandboxes have the provider: whoever destroys one may have no right to register services. */
function registeringNothing(azurerm: Readonly<Record<string, unknown>>): object {
  const features = z.array(z.record(z.string(), z.unknown())).parse(azurerm.features);
  return {
    ...azurerm,
    resource_provider_registrations: "none",
    features: features.map((each) => ({ ...each, enhanced_validation: [{ resource_providers: false }] })),
  };
}

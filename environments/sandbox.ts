import { createHash } from "node:crypto";
import { dev } from "./dev.ts";
import { type EnvironmentSettings, resolveEnvironment, SANDBOX_PREFIX } from "./environment.ts";
import * as names from "./names.ts";

/** The environment in whose subscription and workspace sandboxes are, and whose state container they use. */
export const SANDBOX_HOME = dev.name;

/** The resource group that all of them share; none where each has one of its own. */
export const SANDBOX_RESOURCE_GROUP = (dev as EnvironmentSettings).sandboxResourceGroup;

/** Whose sandbox, of which branch, and until when (a date as YYYY-MM-DD). */
export interface SandboxRequest {
  readonly owner: string;
  readonly branch: string;
  readonly expiresOn: string;
}

/**
 * A short-lived environment in the subscription and the workspace of `dev`, with a lake and a catalog of its own.
 *
 * Its name follows from repository, owner and branch alone, so that whoever asks again reaches the same sandbox.
 */
export function sandbox({ owner, branch, expiresOn }: SandboxRequest): EnvironmentSettings {
  const home = resolveEnvironment(dev, {});
  return {
    name: sandboxName(owner, branch),
    location: dev.location,
    subscriptionIdVariable: dev.subscriptionIdVariable,
    ...sandboxTags(owner, branch),
    costCentre: dev.costCentre,
    sourceRepository: dev.sourceRepository,
    expiresOn,
    disposable: true,
    // Once dev is closed, this has to name its network's subnets instead: its address space is refused here.
    network: dev.network,
    ...(SANDBOX_RESOURCE_GROUP !== undefined && { existingResourceGroup: SANDBOX_RESOURCE_GROUP }),
    existingWorkspace: { name: names.workspace(home), resourceGroup: names.workspaceResourceGroup(home) },
    stateContainer: dev.stateContainer,
    // Whoever takes it down has to own it, and is often somebody else than who made it.
    ownerGroup: home.ownerGroup,
    triggerPaused: true,
  };
}

/**
 * `sbx` and 8 characters of a hash: any owner and branch fit the limits of every name, and no two of them meet in
 * practice (2.8e12 values). The prefix keeps a glob such as `dev-*` from ever selecting a sandbox.
 *
 * The repository is in it, since a storage account's name is unique in the world, and a workflow's owner is
 * `pull-request-1` in every repository.
 */
export function sandboxName(owner: string, branch: string): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([dev.sourceRepository, owner, branch]))
    .digest("hex");
  return `${SANDBOX_PREFIX}${BigInt(`0x${hash}`).toString(36).slice(-8)}`;
}

/** Whose sandbox it is, of which branch, as its tags tell. */
export function sandboxTags(owner: string, branch: string): { readonly owner: string; readonly branch: string } {
  return { owner: toTagValue(owner), branch: toTagValue(branch) };
}

/** Branches may hold what tags may not. */
function toTagValue(text: string): string {
  return text.replace(/[^\w +=.:/@-]/gu, "-").slice(0, 256);
}

/** Which sandboxes there are, by what Azure and the states' container say. */
import { z } from "zod";
import { environmentOfGroup } from "../environments/names.ts";
import { az, type AzCall } from "./azure-cli.ts";
import type { SandboxHome } from "./sandbox-home.ts";
import { stateBlobs } from "./sandbox-states.ts";

/** A sandbox, as far as it is still there. */
export interface Sandbox {
  readonly name: string;
  /** Of its resource group, or of what it has in a shared one; none where that is gone. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Resource ids of what has these tags: its resource group, or what it has in a shared one. */
  readonly taggedIds: readonly string[];
  /** Whether something is written down of it that Terraform can destroy. */
  readonly hasState: boolean;
}

/** Whether a name is that of a sandbox: `sbx` and a hash. No environment that lasts is called so. */
export const isSandboxName = (name: string): boolean => /^sbx[0-9a-z]{8}$/.test(name);

/** @throws Error where a name is not that of a sandbox, such as that of an environment that lasts */
export function checkSandboxName(name: string): void {
  if (!isSandboxName(name)) throw new Error(`${name} is no sandbox: their names are sbx and eight letters or digits`);
}

/**
 * What keeps a thing with these tags from being a sandbox of this name; nothing where it is one.
 *
 * Only what says of itself that it is a sandbox, and until when, is ever taken down.
 */
export function whyNoSandbox(name: string, tags: Readonly<Record<string, string>>): string | undefined {
  if (tags.project !== "order-tracking") return "it does not have the tag project=order-tracking";
  if (tags.environment !== name) return `its tag environment is ${tags.environment ?? "missing"}, not ${name}`;
  if (!tags.branch) return "it does not have a sandbox's tag branch";
  if (!z.iso.date().safeParse(tags["expires-on"]).success) {
    return `its tag expires-on is ${tags["expires-on"] ?? "missing"}, not a day`;
  }
  return undefined;
}

/** Whether a sandbox's last day has passed; both days as YYYY-MM-DD. */
export function hasExpired({ "expires-on": lastDay }: Readonly<Record<string, string>>, today: string): boolean {
  return lastDay !== undefined && lastDay < today;
}

const taggedType = z.array(
  z.object({ id: z.string(), name: z.string(), tags: z.record(z.string(), z.string()).nullish() }),
);

/** Every sandbox of which there is something in Azure or a state, sorted by name. */
export async function listSandboxes(home: SandboxHome): Promise<readonly Sandbox[]> {
  const { resourceGroup } = home;
  const [tagged, blobs] = await Promise.all([
    resourceGroup === undefined
      ? listTagged(home, "group list")
      : listTagged(home, "resource list", { "resource-group": resourceGroup }),
    stateBlobs(home, "sbx"),
  ]);
  const withState = new Set(blobs.map(({ name }) => name.split("/")[0] ?? ""));
  const inAzure = new Map<string, Pick<Sandbox, "tags" | "taggedIds">>();
  for (const { id, name, tags } of tagged) {
    // By its tag, or by its name, should somebody have taken the tag away.
    const environment = tags?.environment ?? environmentOfGroup(name);
    const known = inAzure.get(environment);
    inAzure.set(environment, { tags: tags ?? {}, ...known, taggedIds: [...(known?.taggedIds ?? []), id] });
  }
  return [...new Set([...withState, ...inAzure.keys()])]
    .filter(isSandboxName)
    .sort()
    .map((name) => ({ name, taggedIds: [], ...inAzure.get(name), hasState: withState.has(name) }));
}

/** Resource groups, or resources, of the subscription that sandboxes are in. */
export async function listTagged(
  { backend: { subscriptionId: subscription } }: SandboxHome,
  command: "group list" | "resource list",
  options: AzCall["options"] = {},
): Promise<z.output<typeof taggedType>> {
  return taggedType.parse(await az({ command, options: { ...options, subscription } }));
}

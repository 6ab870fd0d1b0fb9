/** The recorded states of sandboxes: blobs beside each other in one container, and who has locked them. */
import { z } from "zod";
import { az, type AzCall } from "./azure-cli.ts";
import type { SandboxHome } from "./sandbox-home.ts";

/** Who has locked a state, as Terraform wrote it down. */
export interface StateLock {
  readonly who: string;
  readonly operation: string;
  /** As ISO 8601. */
  readonly since: string;
}

export interface StateBlob {
  /** Such as `sbxabcdefgh/sbxabcdefgh-platform.tfstate`. */
  readonly name: string;
  readonly lock?: StateLock;
}

/**
 * Longer than anything takes that this project runs, and than a job of GitHub Actions may take: whoever locked a state
 * before that was killed.
 */
const STALE_LOCK_HOURS = 6;

const blobsType = z.array(
  z.object({
    name: z.string(),
    metadata: z.record(z.string(), z.string()).nullish(),
    properties: z.object({ lease: z.object({ status: z.string().nullish() }).nullish() }),
  }),
);

/** The state blobs whose names start so. */
export async function stateBlobs(home: SandboxHome, prefix: string): Promise<readonly StateBlob[]> {
  const call = blobCall(home, "storage blob list", { prefix, include: "m", "num-results": "*" });
  return blobsType.parse(await az(call)).map(({ name, metadata, properties }) => ({
    name,
    ...(properties.lease?.status === "locked" && { lock: lockOf(metadata ?? {}) }),
  }));
}

const lockInfo = z.object({ Who: z.string(), Operation: z.string(), Created: z.string() });

/** Terraform keeps who it is in the blob's metadata. */
function lockOf(metadata: Readonly<Record<string, string>>): StateLock {
  const encoded = Object.entries(metadata).find(([name]) => name.toLowerCase() === "terraformlockid")?.[1];
  try {
    const { Who, Operation, Created } = lockInfo.parse(
      JSON.parse(Buffer.from(encoded ?? "", "base64").toString("utf8")),
    );
    return { who: Who, operation: Operation, since: Created };
  } catch {
    return { who: "somebody who did not say so", operation: "an unknown operation", since: "an unknown time" };
  }
}

/** Whether whoever locked a state can be at work no more. */
export function isStale({ since }: StateLock, now: Date): boolean {
  return now.getTime() - Date.parse(since) > STALE_LOCK_HOURS * 60 * 60 * 1000;
}

export interface UnlockOptions {
  /** Whether locks of others are broken, however young. */
  readonly breakLocks: boolean;
  /** What breaks them, for whoever knows that nobody is at work any more. */
  readonly remedy: string;
  /** Told of each lock that is broken. */
  readonly say: (line: string) => void;
}

/**
 * Takes locks away from whoever was killed.
 *
 * @throws Error where somebody may still be at work, with who that is, since when
 */
export async function unlock(
  home: SandboxHome,
  blobs: readonly StateBlob[],
  { breakLocks, remedy, say }: UnlockOptions,
): Promise<void> {
  for (const { name: blob, lock } of blobs) {
    if (lock === undefined) continue;
    const holder = `${blob} is locked by ${lock.who} since ${lock.since} (${lock.operation})`;
    if (!breakLocks && !isStale(lock, new Date())) {
      throw new Error(`${holder}. If nobody is at work on it any more, as after a kill: ${remedy}`);
    }
    await az(blobCall(home, "storage blob lease break", { "blob-name": blob }));
    say(`${holder}: the lock was broken.`);
  }
}

/** The call that deletes a state. */
export const deletionOf = (home: SandboxHome, blob: string): AzCall =>
  blobCall(home, "storage blob delete", { name: blob });

function blobCall({ backend }: SandboxHome, command: string, options: AzCall["options"]): AzCall {
  const { storageAccount, container, subscriptionId } = backend;
  return {
    command,
    options: {
      "account-name": storageAccount,
      "container-name": container,
      ...options,
      "auth-mode": "login",
      subscription: subscriptionId,
    },
  };
}

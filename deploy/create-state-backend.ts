/** Creates in Azure what keeps Terraform's state, which Terraform cannot do itself; only what is missing. */
import { z } from "zod";
import { az, type AzCall, azIfThere, NotAllowed } from "./azure-cli.ts";
import { containerId, LOCK, lockedResource, type StateBackend } from "./state-backend.ts";

/** Something that is missing, and the call that brings it about. */
export interface Step {
  readonly what: string;
  readonly call: AzCall;
}

/** What there is already. Whatever lies in something that is not there is not there either. */
interface Found {
  readonly person: string;
  readonly group: boolean;
  readonly account: "none" | "open" | "closed";
  readonly recovery: boolean;
  readonly container: boolean;
  readonly role: boolean;
  readonly lock: boolean;
}

/** Reading and writing blobs, and nothing else: https://developer.hashicorp.com/terraform/language/backend/azurerm */
const ROLE = "Storage Blob Data Contributor";
/** How long a state that was deleted can be brought back. */
const RECOVERY_DAYS = 30;
/** The state holds whatever Terraform knows: only identities reach it, over TLS, and nothing of it is public. */
const CLOSED = {
  "allow-shared-key-access": false,
  "allow-blob-public-access": false,
  "allow-cross-tenant-replication": false,
  "https-only": true,
  "min-tls-version": "TLS1_2",
};

/** Looks at what there is, and changes nothing; returns what is missing. */
export async function missingSteps(backend: StateBackend): Promise<readonly Step[]> {
  return steps(backend, await withRights(() => look(backend)));
}

/** Brings about what is missing. */
export async function perform({ call }: Step): Promise<void> {
  await withRights(() => az(call));
}

/** @throws Error with the rights that it takes, where these are not there */
async function withRights<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof NotAllowed)) throw error;
    throw new Error(
      "it takes Owner, or Contributor and User Access Administrator, on the resource group of the state, " +
        `or on the subscription to create that group: ${error.message}`,
      { cause: error },
    );
  }
}

const accountType = z.object({
  allowSharedKeyAccess: z.boolean().nullish(),
  allowBlobPublicAccess: z.boolean().nullish(),
  enableHttpsTrafficOnly: z.boolean().nullish(),
  minimumTlsVersion: z.string().nullish(),
});
const retention = z.object({ enabled: z.boolean().nullish() }).nullish();
const blobServiceType = z.object({
  isVersioningEnabled: z.boolean().nullish(),
  deleteRetentionPolicy: retention,
  containerDeleteRetentionPolicy: retention,
});

async function look(backend: StateBackend): Promise<Found> {
  const { subscriptionId: subscription, resourceGroup, storageAccount, container } = backend;
  const ask = (command: string, options: AzCall["options"] = {}) =>
    az({ command, options: { ...options, subscription } });
  await ask("account show");
  const { id: person } = z.object({ id: z.string() }).parse(await ask("ad signed-in-user show"));
  const nothing = {
    group: false,
    account: "none",
    recovery: false,
    container: false,
    role: false,
    lock: false,
  } as const;

  const within = { "resource-group": resourceGroup };
  if (!(await ask("group exists", { name: resourceGroup }))) {
    await checkThatNameIsFree(backend);
    return { ...nothing, person };
  }
  const account = await azIfThere({
    command: "storage account show",
    options: { name: storageAccount, ...within, subscription },
  });
  if (account === undefined) {
    await checkThatNameIsFree(backend);
    return { ...nothing, person, group: true };
  }
  const ofAccount = { "account-name": storageAccount, ...within };
  const blobs = blobServiceType.parse(await ask("storage account blob-service-properties show", ofAccount));
  const named = { "storage-account": storageAccount, name: container, ...within };
  const { exists } = z.object({ exists: z.boolean() }).parse(await ask("storage container-rm exists", named));
  return {
    person,
    group: true,
    account: isClosed(accountType.parse(account)) ? "closed" : "open",
    recovery:
      blobs.isVersioningEnabled === true &&
      blobs.deleteRetentionPolicy?.enabled === true &&
      blobs.containerDeleteRetentionPolicy?.enabled === true,
    container: exists,
    // What a group of theirs or a wider scope gives is enough.
    role:
      exists &&
      isFilled(
        await ask("role assignment list", {
          assignee: person,
          role: ROLE,
          scope: containerId(backend),
          "include-inherited": [],
          "include-groups": [],
        }),
      ),
    lock: isFilled(await ask("lock list", lockedResource(backend))),
  };
}

function isClosed(account: z.output<typeof accountType>): boolean {
  return (
    account.allowSharedKeyAccess === false &&
    account.allowBlobPublicAccess === false &&
    account.enableHttpsTrafficOnly === true &&
    ["TLS1_2", "TLS1_3"].includes(account.minimumTlsVersion ?? "")
  );
}

const isFilled = (list: unknown) => z.array(z.unknown()).parse(list).length > 0;

async function checkThatNameIsFree({ storageAccount, subscriptionId }: StateBackend): Promise<void> {
  const options = { name: storageAccount, subscription: subscriptionId };
  const answer = await az({ command: "storage account check-name", options });
  if (z.object({ nameAvailable: z.boolean() }).parse(answer).nameAvailable) return;
  throw new Error(
    `the storage account ${storageAccount} is somebody else's, or in another resource group: ` +
      "choose another name in the environment's stateContainer",
  );
}

/** What is missing, in the order in which it can be created. */
function steps(backend: StateBackend, found: Found): readonly Step[] {
  const { subscriptionId, location, resourceGroup, storageAccount, container } = backend;
  const within = { "resource-group": resourceGroup };
  const tags = Object.entries(backend.tags).map(([key, value]) => `${key}=${value}`);
  const missing: Step[] = [];
  const need = (what: string, command: string, options: AzCall["options"]) =>
    missing.push({ what, call: { command, options: { ...options, subscription: subscriptionId } } });

  if (!found.group) {
    need(`create the resource group ${resourceGroup} in ${location}`, "group create", {
      name: resourceGroup,
      location,
      tags,
    });
  }
  if (found.account === "none") {
    need(`create the storage account ${storageAccount}, without keys or public access`, "storage account create", {
      name: storageAccount,
      ...within,
      location,
      kind: "StorageV2",
      // A second region, as a lost state costs more than its copies.
      sku: "Standard_GRS",
      "require-infrastructure-encryption": true,
      ...CLOSED,
      tags,
    });
  }
  if (found.account === "open") {
    need(`close the storage account ${storageAccount} to keys and public access`, "storage account update", {
      name: storageAccount,
      ...within,
      ...CLOSED,
    });
  }
  if (!found.recovery) {
    need(
      `keep old versions, and what is deleted for ${RECOVERY_DAYS} days`,
      "storage account blob-service-properties update",
      {
        "account-name": storageAccount,
        ...within,
        "enable-versioning": true,
        "enable-delete-retention": true,
        "delete-retention-days": RECOVERY_DAYS,
        "enable-container-delete-retention": true,
        "container-delete-retention-days": RECOVERY_DAYS,
      },
    );
  }
  if (!found.container) {
    // Through the management plane, for which Contributor is enough: the data plane would need the role below first.
    need(`create the container ${container}`, "storage container-rm create", {
      "storage-account": storageAccount,
      name: container,
      ...within,
      "public-access": "off",
    });
  }
  if (!found.role) {
    need(`let you read and write the state in it (${ROLE})`, "role assignment create", {
      "assignee-object-id": found.person,
      "assignee-principal-type": "User",
      role: ROLE,
      scope: containerId(backend),
    });
  }
  if (!found.lock) {
    need(`lock the storage account ${storageAccount} against deletion`, "lock create", {
      name: LOCK,
      "lock-type": "CanNotDelete",
      ...lockedResource(backend),
    });
  }
  return missing;
}

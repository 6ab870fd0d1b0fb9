/** What the Azure CLI asks Azure for, by the words of its command line: those commands that this project calls. */
import { randomUUID } from "node:crypto";
import type { Principal } from "../account.ts";
import type { Reply } from "../http.ts";

/** What the CLI leaves behind. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Sends a request to Azure Resource Manager as whoever is signed in. */
export type Ask = (method: string, path: string, body?: object) => Reply;

type Options = Readonly<Record<string, string | true>>;

/** Runs one command line, `az` left out. */
export function runAz(args: readonly string[], signedIn: Principal, ask: Ask): Finished {
  const end = args.findIndex((word) => word.startsWith("--"));
  const words = args.slice(0, end).join(" ");
  const command = COMMANDS[words];
  if (!command) return { code: 2, stdout: "", stderr: `ERROR: '${words}' is not a command that the stand-in knows` };
  try {
    const result = command(
      optionsOf(args.slice(end)),
      (method, path, body) => content(ask(method, path, body)),
      signedIn,
    );
    return { code: 0, stdout: result === undefined ? "" : JSON.stringify(result), stderr: "" };
  } catch (error) {
    if (!(error instanceof AzError)) throw error;
    return { code: error.status === 404 ? 3 : 1, stdout: "", stderr: `ERROR: ${error.message}` };
  }
}

class AzError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Resource = Readonly<Record<string, unknown>> & {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly value: readonly Resource[];
};

function content({ status, body }: Reply): Resource {
  if (status < 400) return body as Resource;
  const { error } = body as { error: { code: string; message: string } };
  throw new AzError(status, `(${error.code}) ${error.message}`);
}

function optionsOf(args: readonly string[]): Options {
  const options: Record<string, string | true> = {};
  let name = "";
  for (const word of args) {
    if (word.startsWith("--")) options[(name = word.slice(2))] = true;
    else options[name] = options[name] === true ? word : `${String(options[name])} ${word}`;
  }
  return options;
}

const text = (options: Options, name: string) => String(options[name]);
const flag = (options: Options, name: string) => options[name] === "true";
const subscriptionId = (options: Options) => `/subscriptions/${text(options, "subscription")}`;
const groupId = (options: Options, name = "resource-group") =>
  `${subscriptionId(options)}/resourceGroups/${text(options, name)}`;
const accountId = (options: Options, name: string) =>
  `${groupId(options)}/providers/Microsoft.Storage/storageAccounts/${text(options, name)}`;

/** Tags hold spaces: a new one starts where a word has an equals sign. */
function tagsOf(options: Options): Readonly<Record<string, string>> {
  const pairs = text(options, "tags").split(/ (?=[\w-]+=)/);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

const closed = (options: Options) => ({
  allowSharedKeyAccess: flag(options, "allow-shared-key-access"),
  allowBlobPublicAccess: flag(options, "allow-blob-public-access"),
  allowCrossTenantReplication: flag(options, "allow-cross-tenant-replication"),
  supportsHttpsTrafficOnly: flag(options, "https-only"),
  minimumTlsVersion: text(options, "min-tls-version"),
});

function isThere(ask: (method: string, path: string) => Resource, path: string): boolean {
  try {
    ask("GET", path);
    return true;
  } catch (error) {
    if (error instanceof AzError && error.status === 404) return false;
    throw error;
  }
}

const STATE_ROLE = "Storage Blob Data Contributor";

const COMMANDS: Readonly<
  Record<
    string,
    (options: Options, ask: (method: string, path: string, body?: object) => Resource, signedIn: Principal) => unknown
  >
> = {
  "account show": (options) => ({ id: options.subscription }),
  "ad signed-in-user show": (_, _ask, { objectId }) => ({ id: objectId }),
  "group exists": (options, ask) => isThere(ask, groupId(options, "name")),
  "group create": (options, ask) =>
    ask("PUT", groupId(options, "name"), { location: text(options, "location"), tags: tagsOf(options) }),
  "storage account check-name": (options, ask) =>
    ask("POST", `${subscriptionId(options)}/providers/Microsoft.Storage/checkNameAvailability`, {
      name: text(options, "name"),
      type: "Microsoft.Storage/storageAccounts",
    }),
  "storage account show": (options, ask) => {
    const { properties } = ask("GET", accountId(options, "name"));
    return { ...properties, enableHttpsTrafficOnly: properties.supportsHttpsTrafficOnly };
  },
  "storage account create": (options, ask) =>
    ask("PUT", accountId(options, "name"), {
      location: text(options, "location"),
      kind: text(options, "kind"),
      sku: { name: text(options, "sku") },
      tags: tagsOf(options),
      properties: {
        ...closed(options),
        encryption: { requireInfrastructureEncryption: flag(options, "require-infrastructure-encryption") },
      },
    }),
  "storage account update": (options, ask) => ask("PATCH", accountId(options, "name"), { properties: closed(options) }),
  "storage account blob-service-properties show": (options, ask) =>
    ask("GET", `${accountId(options, "account-name")}/blobServices/default`).properties,
  "storage account blob-service-properties update": (options, ask) =>
    ask("PUT", `${accountId(options, "account-name")}/blobServices/default`, {
      properties: {
        isVersioningEnabled: flag(options, "enable-versioning"),
        deleteRetentionPolicy: {
          enabled: flag(options, "enable-delete-retention"),
          days: Number(options["delete-retention-days"]),
        },
        containerDeleteRetentionPolicy: {
          enabled: flag(options, "enable-container-delete-retention"),
          days: Number(options["container-delete-retention-days"]),
        },
      },
    }),
  "storage container-rm exists": (options, ask) => ({
    exists: isThere(
      ask,
      `${accountId(options, "storage-account")}/blobServices/default/containers/${text(options, "name")}`,
    ),
  }),
  "storage container-rm create": (options, ask) =>
    ask("PUT", `${accountId(options, "storage-account")}/blobServices/default/containers/${text(options, "name")}`, {
      properties: { publicAccess: "None" },
    }),
  "role assignment list": (options, ask) => {
    const { value } = ask("GET", `${text(options, "scope")}/providers/Microsoft.Authorization/roleAssignments`);
    return value.filter(({ properties }) => properties.principalId === options.assignee);
  },
  "role assignment create": (options, ask) => {
    const roles = `${text(options, "scope")}/providers/Microsoft.Authorization`;
    const [role] = ask("GET", `${roles}/roleDefinitions?$filter=roleName eq '${STATE_ROLE}'`).value;
    return ask("PUT", `${roles}/roleAssignments/${randomUUID()}`, {
      properties: {
        roleDefinitionId: role?.id,
        principalId: text(options, "assignee-object-id"),
        principalType: text(options, "assignee-principal-type"),
      },
    });
  },
  "lock list": (options, ask) =>
    ask("GET", `${lockedId(options)}/providers/Microsoft.Authorization/locks`).value.map(
      ({ properties }) => properties,
    ),
  "lock create": (options, ask) =>
    ask("PUT", `${lockedId(options)}/providers/Microsoft.Authorization/locks/${text(options, "name")}`, {
      properties: { level: text(options, "lock-type") },
    }),
};

const lockedId = (options: Options) =>
  `${groupId(options)}/providers/${text(options, "resource-type")}/${text(options, "resource")}`;

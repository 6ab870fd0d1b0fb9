/** What the Azure CLI asks Azure for, by the words of its command line: those commands that this project calls. */
import { randomUUID } from "node:crypto";
import { type Principal, TENANT_ID } from "../account.ts";
import type { Reply } from "../http.ts";
import { CLIENT_SECRET } from "./login.ts";

/** What the CLI leaves behind. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Sends a request as whoever is signed in: to Azure Resource Manager, or to the host of a whole url. */
export type Ask = (method: string, url: string, body?: object, headers?: Readonly<Record<string, string>>) => Reply;

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
      (method, url, body, headers) => content(ask(method, url, body, headers)),
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
  // The workspace's errors are told as they are, the others as code and message.
  const { error } = (typeof body === "object" ? body : {}) as { error?: { code: string; message: string } };
  throw new AzError(status, error ? `(${error.code}) ${error.message}` : `${status}(${textOf(body)})`);
}

const textOf = (body: Reply["body"]) => (typeof body === "string" ? body : JSON.stringify(body));

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

const COMMANDS: Readonly<
  Record<
    string,
    (
      options: Options,
      ask: (method: string, url: string, body?: object, headers?: Readonly<Record<string, string>>) => Resource,
      signedIn: Principal,
    ) => unknown
  >
> = {
  "account show": (options, _, { kind, name }) => ({
    id: options.subscription,
    user: { name, type: kind === "user" ? "user" : "servicePrincipal" },
  }),
  "account get-access-token": (options, ask, { name }) => {
    const told = ask("POST", `https://login.microsoftonline.com/${TENANT_ID}/oauth2/token`, {
      client_id: name,
      client_secret: CLIENT_SECRET,
      resource: text(options, "resource"),
    });
    return {
      accessToken: told.access_token,
      expiresOn: inLocalTime(Number(told.expires_on)),
      tenant: TENANT_ID,
      tokenType: told.token_type,
    };
  },
  "ad signed-in-user show": (_, _ask, { objectId }) => ({ id: objectId }),
  "group exists": (options, ask) => isThere(ask, groupId(options, "name")),
  "group create": (options, ask) =>
    ask("PUT", groupId(options, "name"), { location: text(options, "location"), tags: tagsOf(options) }),
  "group list": (options, ask) => ask("GET", `${subscriptionId(options)}/resourceGroups`).value,
  "group delete": (options, ask) => ask("DELETE", groupId(options, "name")),
  "resource list": (options, ask) => {
    if (options["resource-group"] !== undefined) return ask("GET", `${groupId(options)}/resources`).value;
    const [tag = "", value = ""] = text(options, "tag").split("=");
    return ask("GET", `${subscriptionId(options)}/resources?$filter=tagName eq '${tag}' and tagValue eq '${value}'`)
      .value;
  },
  "resource show": (options, ask) => ask("GET", text(options, "ids")),
  "resource delete": (options, ask) => ask("DELETE", text(options, "ids")),
  "tag update": (options, ask) => {
    if (options.operation !== "Merge") throw new AzError(400, "the stand-in only merges tags");
    const id = text(options, "resource-id");
    return ask("PATCH", id, { tags: { ...(ask("GET", id).tags as object), ...tagsOf(options) } });
  },
  rest: (options, ask) =>
    ask(
      text(options, "method").toUpperCase(),
      text(options, "url"),
      options.body === undefined ? undefined : (JSON.parse(text(options, "body")) as object),
    ),
  "storage blob list": (options, ask) =>
    blobsOf(ask("GET", `${containerUrl(options)}?restype=container&comp=list&prefix=${text(options, "prefix")}`)),
  "storage blob delete": (options, ask) => void ask("DELETE", `${containerUrl(options)}/${text(options, "name")}`),
  "storage blob lease break": (options, ask) =>
    void ask("PUT", `${containerUrl(options)}/${text(options, "blob-name")}?comp=lease`, undefined, {
      "x-ms-lease-action": "break",
    }),
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
    if (options.all === true) {
      if (options["fill-principal-name"] !== "false") {
        throw new AzError(401, "the names of principals are in Microsoft Graph, for which nobody has a token here");
      }
      const all = ask("GET", `${subscriptionId(options)}/providers/Microsoft.Authorization/roleAssignments`).value;
      const wanted = options.assignee;
      return all
        .filter(({ properties }) => wanted === undefined || properties.principalId === wanted)
        .map(({ id, properties: { scope, principalId, roleDefinitionId, condition } }) => {
          const role = ask("GET", String(roleDefinitionId)).properties.roleName;
          return { id, scope, principalId, roleDefinitionName: role ?? null, condition: condition ?? null };
        });
    }
    const { value } = ask("GET", `${text(options, "scope")}/providers/Microsoft.Authorization/roleAssignments`);
    return value.filter(({ properties }) => properties.principalId === options.assignee);
  },
  "role assignment delete": (options, ask) => ask("DELETE", text(options, "ids")),
  "role assignment create": (options, ask) => {
    const roles = `${text(options, "scope")}/providers/Microsoft.Authorization`;
    const [role] = ask("GET", `${roles}/roleDefinitions?$filter=roleName eq '${text(options, "role")}'`).value;
    return ask("PUT", `${roles}/roleAssignments/${randomUUID()}`, {
      properties: {
        roleDefinitionId: role?.id,
        principalId: text(options, "assignee-object-id"),
        principalType: text(options, "assignee-principal-type"),
        ...(options.condition !== undefined && {
          condition: text(options, "condition"),
          conditionVersion: text(options, "condition-version"),
        }),
      },
    });
  },
  "identity show": (options, ask) => ask("GET", identityId(options, "name")).properties,
  "identity create": (options, ask) =>
    ask("PUT", identityId(options, "name"), { location: text(options, "location"), tags: tagsOf(options) }),
  "identity federated-credential list": (options, ask) =>
    ask("GET", `${identityId(options, "identity-name")}/federatedIdentityCredentials`).value.map(
      ({ properties }) => properties,
    ),
  "identity federated-credential create": (options, ask) =>
    ask("PUT", `${identityId(options, "identity-name")}/federatedIdentityCredentials/${text(options, "name")}`, {
      properties: {
        issuer: text(options, "issuer"),
        subject: text(options, "subject"),
        audiences: [text(options, "audiences")],
      },
    }),
  "lock list": (options, ask) =>
    ask("GET", `${lockedId(options)}/providers/Microsoft.Authorization/locks`).value.map(
      ({ properties }) => properties,
    ),
  "lock create": (options, ask) =>
    ask("PUT", `${lockedId(options)}/providers/Microsoft.Authorization/locks/${text(options, "name")}`, {
      properties: { level: text(options, "lock-type") },
    }),
};

/** A time as the CLI tells when a token ends: without a zone. */
function inLocalTime(epochSeconds: number): string {
  const minutesBehind = new Date(epochSeconds * 1000).getTimezoneOffset();
  const local = new Date((epochSeconds - minutesBehind * 60) * 1000);
  return `${local.toISOString().slice(0, 19).replace("T", " ")}.000000`;
}

const identityId = (options: Options, name: string) =>
  `${groupId(options)}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${text(options, name)}`;

const lockedId = (options: Options) =>
  `${groupId(options)}/providers/${text(options, "resource-type")}/${text(options, "resource")}`;

const containerUrl = (options: Options) =>
  `https://${text(options, "account-name")}.blob.core.windows.net/${text(options, "container-name")}`;

/** The command line tells in JSON what the service lists in XML. */
function blobsOf(xml: unknown): readonly object[] {
  const blobs = [...String(xml).matchAll(/<Blob><Name>(.*?)<\/Name>(.*?)<\/Blob>/g)];
  return blobs.map(([, name, rest = ""]) => {
    const told = /<Metadata>(.*)<\/Metadata>/.exec(rest)?.[1] ?? "";
    const metadata = [...told.matchAll(/<(\w+)>(.*?)<\/\1>/g)].map(([, key = "", value = ""]) => [key, value] as const);
    return {
      name,
      metadata: Object.fromEntries(metadata),
      properties: { lease: { status: /<LeaseStatus>(.*?)</.exec(rest)?.[1] } },
    };
  });
}

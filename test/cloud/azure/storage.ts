/** Storage accounts as the management plane sees them: accounts, their services, containers, and ages of blobs. */
import { z } from "zod";
import { fields, bodyOf, type Call, Refusal, reply, type Route, routesOf } from "../http.ts";
import type { Lake } from "../lake.ts";
import { type Arm, type ArmBody, armRoutes, type ArmType, existing, region, tags, withSignIn } from "./arm.ts";
import type { Roles } from "./roles.ts";

const identity = z.strictObject({
  type: z.enum(["None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned"]),
  userAssignedIdentities: z.record(z.string(), z.unknown()).nullish(),
  principalId: z.string().nullish(),
  tenantId: z.string().nullish(),
});

/** Public addresses only, and ranges that start where their size says, none smaller than four addresses. */
function isPublicRange(range: string): boolean {
  const [address = "", size = "32"] = range.split("/");
  const bytes = address.split(".").map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) return false;
  const [first = 0, second = 0] = bytes;
  const isPrivate =
    first === 0 ||
    first === 10 ||
    first === 127 ||
    first >= 224 ||
    (first === 169 && second === 254) ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 192 && second === 168);
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const isAligned = number % 2 ** (32 - Number(size)) === 0;
  return !isPrivate && isAligned && (!range.includes("/") || Number(size) <= 30);
}

const ipRule = z.strictObject({
  action: z.literal("Allow").optional(),
  value: z.string().refine(isPublicRange, { error: "no public address or range of them" }),
});
const networkAcls = z.strictObject({
  bypass: z
    .string()
    .regex(/^(None|(AzureServices|Logging|Metrics)(, ?(AzureServices|Logging|Metrics))*)$/)
    .optional(),
  defaultAction: z.enum(["Allow", "Deny"]),
  ipRules: z.array(ipRule).nullish(),
  ipv6Rules: z.array(ipRule).nullish(),
  virtualNetworkRules: z
    .array(z.strictObject({ id: z.string(), action: z.literal("Allow").optional(), state: z.string().optional() }))
    .nullish(),
  resourceAccessRules: z.array(z.strictObject({ resourceId: z.string(), tenantId: z.string() })).nullish(),
});
const encryption = z.strictObject({
  identity: z.strictObject({ userAssignedIdentity: z.string().optional() }).optional(),
  keySource: z.enum(["Microsoft.Storage", "Microsoft.Keyvault"]).optional(),
  keyvaultproperties: fields("keyname keyvaulturi keyversion").optional(),
  requireInfrastructureEncryption: z.boolean().optional(),
  services: fields("blob file queue table").optional(),
});
const accountProperties = z.strictObject({
  accessTier: z.enum(["Hot", "Cool", "Cold", "Premium"]).optional(),
  allowBlobPublicAccess: z.boolean().optional(),
  allowCrossTenantReplication: z.boolean().optional(),
  allowSharedKeyAccess: z.boolean().optional(),
  defaultToOAuthAuthentication: z.boolean().optional(),
  dnsEndpointType: z.literal("Standard").optional(),
  encryption: encryption.optional(),
  isHnsEnabled: z.boolean().optional(),
  isLocalUserEnabled: z.boolean().optional(),
  isNfsV3Enabled: z.literal(false).optional(),
  isSftpEnabled: z.boolean().optional(),
  minimumTlsVersion: z.enum(["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"]).optional(),
  networkAcls: networkAcls.optional(),
  publicNetworkAccess: z.enum(["Enabled", "Disabled", "SecuredByPerimeter"]).optional(),
  supportsHttpsTrafficOnly: z.boolean().optional(),
});
const account = z.strictObject({
  location: region,
  tags,
  kind: z.literal("StorageV2"),
  sku: z.strictObject({
    name: z.enum([
      "Standard_LRS",
      "Standard_ZRS",
      "Standard_GRS",
      "Standard_GZRS",
      "Standard_RAGRS",
      "Standard_RAGZRS",
    ]),
    tier: z.literal("Standard").optional(),
  }),
  identity: identity.optional(),
  properties: accountProperties,
});

const SERVICES = ["blob", "dfs", "file", "queue", "table", "web"];

/** What only a new account can be given. */
const FIXED = ["isHnsEnabled"] as const;

/** Where a copy of the zone is kept in a second region. */
const isGeoRedundant = (sku: string) => /G(Z?)RS$/.test(sku);

function accountType(roles: Roles): ArmType {
  return {
    type: "Microsoft.Storage/storageAccounts",
    name: /^[a-z0-9]{3,24}$/,
    body: account,
    created: 200,
    uses: ({ properties, identity: given }) => {
      const { networkAcls: acls } = properties as z.output<typeof accountProperties>;
      const users = (given as z.output<typeof identity> | undefined)?.userAssignedIdentities ?? {};
      return [...(acls?.virtualNetworkRules ?? []).map(({ id }) => id), ...Object.keys(users)];
    },
    check: (given, { arm, name, id, previous }) => {
      const twin = arm.ofType("Microsoft.Storage/storageAccounts").find((each) => each.name === name && each.id !== id);
      if (twin) throw new Refusal(409, "StorageAccountAlreadyTaken", `The storage account named ${name} is taken.`);
      const properties = given.properties as z.output<typeof accountProperties>;
      for (const field of FIXED) {
        if (previous && (previous.properties[field] ?? false) !== (properties[field] ?? false)) {
          throw new Refusal(409, "PropertyCannotBeUpdated", `${field} of ${name} cannot change`);
        }
      }
      const wasDoubled = requiresInfrastructureEncryption(previous?.properties);
      if (previous && wasDoubled !== requiresInfrastructureEncryption(properties)) {
        throw new Refusal(409, "PropertyCannotBeUpdated", `infrastructure encryption of ${name} cannot change`);
      }
      checkNetwork(properties, arm);
      checkKey(properties, given, arm, roles);
    },
    fields: ({ sku, identity: given }) => ({
      sku: { ...(sku as object), tier: "Standard" },
      ...(given !== undefined && { identity: filledIdentity(given as z.output<typeof identity>) }),
    }),
    properties: (given, { name, previous }) => ({
      creationTime: previous?.properties.creationTime ?? new Date().toISOString(),
      primaryLocation: given.location,
      statusOfPrimary: "available",
      primaryEndpoints: Object.fromEntries(
        SERVICES.map((service) => [service, `https://${name}.${service}.core.windows.net/`]),
      ),
      ...(isGeoRedundant((given.sku as { name: string }).name) && { secondaryLocation: "northeurope" }),
      ...withRules(given.properties),
    }),
  };
}

function requiresInfrastructureEncryption(properties?: Readonly<Record<string, unknown>>): boolean {
  return (
    (properties?.encryption as { requireInfrastructureEncryption?: boolean } | undefined)
      ?.requireInfrastructureEncryption === true
  );
}

function filledIdentity(given: z.output<typeof identity>) {
  const users = Object.keys(given.userAssignedIdentities ?? {});
  return { ...given, userAssignedIdentities: Object.fromEntries(users.map((id) => [id, { principalId: null }])) };
}

/** The service tells the rules in its own order, and the state of each. */
function withRules(properties: ArmBody["properties"]): object {
  const acls = (properties as z.output<typeof accountProperties>).networkAcls;
  return {
    networkAcls: {
      bypass: acls?.bypass ?? "AzureServices",
      defaultAction: acls?.defaultAction ?? "Allow",
      ipRules: (acls?.ipRules ?? []).map(({ value }) => ({ value, action: "Allow" })).reverse(),
      virtualNetworkRules: (acls?.virtualNetworkRules ?? [])
        .map(({ id }) => ({ id, action: "Allow", state: "Succeeded" }))
        .reverse(),
      resourceAccessRules: acls?.resourceAccessRules ?? [],
    },
  };
}

function checkNetwork({ networkAcls: acls }: z.output<typeof accountProperties>, arm: Arm): void {
  for (const { id } of acls?.virtualNetworkRules ?? []) {
    const endpoints = (arm.get(id)?.properties.serviceEndpoints ?? []) as readonly { service: string }[];
    if (!endpoints.some(({ service }) => service.startsWith("Microsoft.Storage"))) {
      throw new Refusal(400, "NetworkAclsValidationFailure", `${id} has no service endpoint for Microsoft.Storage`);
    }
  }
  for (const { resourceId } of acls?.resourceAccessRules ?? []) {
    // A rule may name every resource of a type in a group with a star.
    if (!resourceId.includes("*")) arm.need(resourceId, "a resource access rule");
  }
}

function checkKey(properties: z.output<typeof accountProperties>, given: ArmBody, arm: Arm, roles: Roles): void {
  if (properties.encryption?.keySource !== "Microsoft.Keyvault") return;
  const { keyname, keyvaulturi } = properties.encryption.keyvaultproperties ?? {};
  const vault = /^https:\/\/([^.]+)\./.exec(String(keyvaulturi))?.[1];
  const key = arm
    .ofType("Microsoft.KeyVault/vaults/keys")
    .find(({ id }) => id.endsWith(`/vaults/${String(vault)}/keys/${String(keyname)}`));
  if (!key) throw new Refusal(400, "KeyNotFound", `there is no key ${String(keyname)} in ${String(keyvaulturi)}`);
  const user = arm.get(properties.encryption.identity?.userAssignedIdentity ?? "");
  const principalId = String(user?.properties.principalId);
  const attached = Object.keys((given.identity as z.output<typeof identity> | undefined)?.userAssignedIdentities ?? {});
  if (!user || !attached.some((id) => id.toLowerCase() === user.id.toLowerCase())) {
    throw new Refusal(
      400,
      "UserAssignedIdentityNotFound",
      "the account does not have the identity that reaches the key",
    );
  }
  if (!roles.areInEffect(principalId, ["Key Vault Crypto Service Encryption User"], key.id)) {
    throw new Refusal(403, "KeyVaultAuthenticationFailure", `${user.name} may not use the key ${key.id}`);
  }
}

const container: ArmType = {
  type: "Microsoft.Storage/storageAccounts/blobServices/containers",
  name: /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/,
  body: z.strictObject({
    properties: z.strictObject({
      publicAccess: z.enum(["None", "Blob", "Container"]).optional(),
      metadata: z.record(z.string(), z.string()).nullish(),
      defaultEncryptionScope: z.string().optional(),
      denyEncryptionScopeOverride: z.boolean().optional(),
    }),
  }),
  check: ({ properties }, { arm, id }) => {
    const owner = arm.get(id.split("/").slice(0, 9).join("/"));
    if (properties?.publicAccess !== "None" && owner?.properties.allowBlobPublicAccess === false) {
      throw new Refusal(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.");
    }
  },
  properties: () => ({
    defaultEncryptionScope: "$account-encryption-key",
    denyEncryptionScopeOverride: false,
    hasImmutabilityPolicy: false,
    hasLegalHold: false,
    leaseState: "Available",
    leaseStatus: "Unlocked",
  }),
};

const daysAfter = z.strictObject(
  Object.fromEntries(
    ["Modification", "Creation", "LastAccessTime", "LastTierChange"].map((event) => [
      `daysAfter${event}GreaterThan`,
      z.number().min(0).optional(),
    ]),
  ),
);
const managementPolicy: ArmType = {
  type: "Microsoft.Storage/storageAccounts/managementPolicies",
  name: /^default$/,
  created: 200,
  body: z.strictObject({
    properties: z.strictObject({
      policy: z.strictObject({
        rules: z.array(
          z.strictObject({
            name: z.string(),
            enabled: z.boolean().optional(),
            type: z.literal("Lifecycle"),
            definition: z.strictObject({
              filters: z.strictObject({
                blobTypes: z.array(z.enum(["blockBlob", "appendBlob"])),
                // The container comes first, so a prefix holds at least its name.
                prefixMatch: z.array(z.string().regex(/^[a-z0-9]/)).nullish(),
                blobIndexMatch: z.array(z.unknown()).nullish(),
              }),
              actions: z.strictObject({
                baseBlob: z
                  .strictObject({
                    tierToCool: daysAfter.optional(),
                    tierToCold: daysAfter.optional(),
                    tierToArchive: daysAfter.optional(),
                    delete: daysAfter.optional(),
                    enableAutoTierToHotFromCool: z.boolean().optional(),
                  })
                  .optional(),
                snapshot: z.unknown().optional(),
                version: z.unknown().optional(),
              }),
            }),
          }),
        ),
      }),
    }),
  }),
  properties: () => ({ lastModifiedTime: new Date().toISOString() }),
};

const retention = z.strictObject({
  enabled: z.boolean().optional(),
  days: z.number().min(1).max(365).optional(),
  allowPermanentDelete: z.boolean().optional(),
});
const blobService = z.strictObject({
  properties: z.strictObject({
    changeFeed: fields("enabled retentionInDays").optional(),
    containerDeleteRetentionPolicy: retention.optional(),
    cors: fields("corsRules").optional(),
    defaultServiceVersion: z.string().optional(),
    deleteRetentionPolicy: retention.optional(),
    isVersioningEnabled: z.boolean().optional(),
    lastAccessTimeTrackingPolicy: fields("enable name blobType trackingGranularityInDays").optional(),
    restorePolicy: fields("enabled days").optional(),
  }),
});

/** The routes of storage accounts; containers keep their files in the lake. */
export function storageRoutes(arm: Arm, roles: Roles, lake: Lake): readonly Route[] {
  const path =
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{account}";
  const accountOf = ({ params }: Call) =>
    existing(
      arm,
      `/subscriptions/${params.subscription}/resourceGroups/${params.group}/providers/Microsoft.Storage/storageAccounts/${params.account}`,
    );
  const service = (call: Call, name: string) => {
    const id = `${accountOf(call).id}/${name}/default`;
    return arm.get(id) ?? { id, name: "default", type: `Microsoft.Storage/storageAccounts/${name}`, properties: {} };
  };
  const ownRoutes = routesOf("resource-manager", {
    "GET /subscriptions/{subscription}/providers/Microsoft.Storage/storageAccounts": ({ params }) =>
      reply(200, { value: arm.below(`/subscriptions/${params.subscription}`, "Microsoft.Storage/storageAccounts") }),
    "POST /subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability": ({ body }) => {
      const { name } = z.object({ name: z.string() }).parse(body);
      const isTaken = arm.ofType("Microsoft.Storage/storageAccounts").some((each) => each.name === name);
      return reply(200, { nameAvailable: !isTaken, ...(isTaken && { reason: "AlreadyExists" }) });
    },
    [`POST ${path}/listKeys`]: (call) => {
      accountOf(call);
      return reply(200, {
        keys: ["key1", "key2"].map((keyName) => ({ keyName, permissions: "FULL", value: btoa(keyName.repeat(16)) })),
      });
    },
    [`GET ${path}/blobServices/default`]: (call) => reply(200, service(call, "blobServices")),
    [`GET ${path}/fileServices/default`]: (call) => reply(200, service(call, "fileServices")),
    [`PUT ${path}/blobServices/default`]: (call) => {
      const { properties } = bodyOf(call, blobService);
      const isHierarchical = accountOf(call).properties.isHnsEnabled === true;
      if (isHierarchical && (properties.isVersioningEnabled || properties.changeFeed?.enabled === true)) {
        throw new Refusal(409, "FeatureNotSupportedForHnsAccount", "versions need an account without a hierarchy");
      }
      return reply(200, arm.set({ ...service(call, "blobServices"), properties }));
    },
  }).map((route) => withSignIn(arm, route));
  return [
    ...ownRoutes,
    ...armRoutes(arm, {
      ...accountType(roles),
      beforeDelete: ({ name }) => {
        lake.deleteBelow(`${name}/`);
      },
    }),
    ...armRoutes(arm, {
      ...container,
      beforeDelete: ({ id, name }) => {
        lake.deleteBelow(`${id.split("/")[8]}/${name}/`);
      },
    }),
    ...armRoutes(arm, managementPolicy),
  ];
}

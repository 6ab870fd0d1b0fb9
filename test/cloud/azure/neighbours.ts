/** Resources of others that environments name: identities, key vaults, and where logs are kept. */
import { z } from "zod";
import { TENANT_ID } from "../account.ts";
import { fields, Refusal, type Route, reply, routesOf } from "../http.ts";
import { type Arm, type ArmBody, armRoutes, type ArmType, existing, region, tags, withSignIn } from "./arm.ts";
import { guidOf } from "./databricks.ts";

const anything = z.strictObject({
  location: region.optional(),
  tags,
  properties: z.record(z.string(), z.unknown()).optional(),
}) as unknown as z.ZodType<ArmBody>;

const userIdentity: ArmType = {
  type: "Microsoft.ManagedIdentity/userAssignedIdentities",
  name: /^[a-zA-Z0-9][\w-]{2,127}$/,
  body: z.strictObject({
    location: region,
    tags,
    properties: fields("clientId principalId tenantId isolationScope provisioningState").optional(),
  }),
  properties: (_, { id, previous }) => ({
    principalId: previous?.properties.principalId ?? guidOf(`${id} principal`),
    clientId: previous?.properties.clientId ?? guidOf(`${id} client`),
    tenantId: TENANT_ID,
  }),
};

/** Whose tokens the identity is given out for: one subject of one issuer each, and none twice. */
const federatedCredential: ArmType = {
  type: `${userIdentity.type}/federatedIdentityCredentials`,
  name: /^[a-zA-Z0-9][\w-]{2,119}$/,
  body: z.strictObject({
    properties: z.strictObject({
      issuer: z.url({ protocol: /^https$/ }),
      subject: z.string().min(1).max(600),
      audiences: z.array(z.string()).length(1),
    }),
  }),
  check: ({ properties }, { arm, id }) => {
    const siblings = arm.below(id.split("/").slice(0, -2).join("/")).filter((each) => each.id !== id);
    if (siblings.some((each) => each.properties.subject === properties?.subject)) {
      throw new Refusal(409, "Conflict", "Issuer and subject combination already exists for this Managed Identity.");
    }
    if (siblings.length >= 20) throw new Refusal(400, "BadRequest", "Too many Federated Identity Credentials.");
  },
};

const vault: ArmType = {
  type: "Microsoft.KeyVault/vaults",
  name: /^[a-zA-Z][a-zA-Z0-9-]{2,23}$/,
  body: anything,
  properties: (_, { name }) => ({ vaultUri: `https://${name}.vault.azure.net/`, tenantId: TENANT_ID }),
};
const key: ArmType = { type: "Microsoft.KeyVault/vaults/keys", name: /^[a-zA-Z0-9-]{1,127}$/, body: anything };
const logs: ArmType = { type: "Microsoft.OperationalInsights/workspaces", name: /^[\w-]{4,63}$/, body: anything };

const diagnostics = z.strictObject({
  properties: fields(
    "eventHubAuthorizationRuleId eventHubName logAnalyticsDestinationType marketplacePartnerId serviceBusRuleId",
  ).extend({
    workspaceId: z.string(),
    storageAccountId: z.string().nullish(),
    logs: z
      .array(
        z.strictObject({
          category: z.string().nullish(),
          categoryGroup: z.string().nullish(),
          enabled: z.boolean(),
          retentionPolicy: z.unknown().optional(),
        }),
      )
      .nullish(),
    metrics: z.array(fields("category enabled retentionPolicy timeGrain")).nullish(),
  }),
});

export function neighbourRoutes(arm: Arm): readonly Route[] {
  const path = "{target*}/providers/Microsoft.Insights/diagnosticSettings/{name}";
  const idOf = ({ params }: { params: Readonly<Record<string, string>> }) =>
    `${params.target}/providers/Microsoft.Insights/diagnosticSettings/${params.name}`;
  const settings = routesOf("resource-manager", {
    "GET /subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults": ({ params }) =>
      reply(200, { value: arm.below(`/subscriptions/${params.subscription}`, vault.type) }),
    [`GET ${path}`]: (call) => reply(200, existing(arm, idOf(call))),
    [`PUT ${path}`]: (call) => {
      const parsed = diagnostics.safeParse(call.body);
      if (!parsed.success) throw new Refusal(400, "BadRequest", z.prettifyError(parsed.error));
      const { properties } = parsed.data;
      const target = call.params.target ?? "";
      // Each service of an account is there without having been made.
      arm.need(target.replace(/\/blobServices\/default$/, ""), "a diagnostic setting");
      arm.need(properties.workspaceId, "a diagnostic setting");
      if (/\/storageAccounts\/[^/]+$/.test(target) && (properties.logs ?? []).length > 0) {
        throw new Refusal(400, "BadRequest", "Category 'StorageRead' is not supported: the account itself has no logs");
      }
      const resource = {
        id: idOf(call),
        name: call.params.name ?? "",
        type: "Microsoft.Insights/diagnosticSettings",
        properties,
      };
      return reply(200, arm.set(resource, [properties.workspaceId]));
    },
    [`DELETE ${path}`]: (call) => {
      const isThere = arm.get(idOf(call)) !== undefined;
      arm.remove(idOf(call));
      return reply(isThere ? 200 : 204);
    },
  }).map((route) => withSignIn(arm, route));
  return [
    ...settings,
    ...[userIdentity, federatedCredential, vault, key, logs].flatMap((type) => armRoutes(arm, type)),
  ];
}

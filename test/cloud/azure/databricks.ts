/** Databricks as Azure sees it: workspaces, and the identities with which they reach storage. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { TENANT_ID } from "../account.ts";
import { fields, Refusal, type Route } from "../http.ts";
import type { Store } from "../store.ts";
import { type Arm, armRoutes, type ArmType, region, tags } from "./arm.ts";
import { putGroup } from "./groups.ts";

/** Numbers and ids that follow from a name, so that a resource made again is another one only where it should be. */
export const guidOf = (name: string) =>
  createHash("sha256")
    .update(name)
    .digest("hex")
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5");

let made = 0;

const connector: ArmType = {
  type: "Microsoft.Databricks/accessConnectors",
  name: /^[\w-]{3,64}$/,
  body: z.strictObject({
    location: region,
    tags,
    identity: z
      .strictObject({
        type: z.enum(["SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned"]),
        userAssignedIdentities: z.record(z.string(), z.unknown()).nullish(),
        principalId: z.string().nullish(),
        tenantId: z.string().nullish(),
      })
      .optional(),
    properties: fields("provisioningState referedBy").optional(),
  }),
  // An identity is made once; a connector that is made anew has another one.
  fields: ({ identity }, { id, previous }) => ({
    identity: {
      ...(identity as object),
      principalId:
        (previous?.identity as { principalId?: string } | undefined)?.principalId ?? guidOf(`${id} ${(made += 1)}`),
      tenantId: TENANT_ID,
    },
  }),
};

const parameter = <Value extends z.ZodType>(value: Value) => z.strictObject({ value, type: z.string().optional() });
const text = parameter(z.string());
const flag = parameter(z.boolean());
const parameters = z.strictObject({
  amlWorkspaceId: text.optional(),
  customPrivateSubnetName: text.optional(),
  customPublicSubnetName: text.optional(),
  customVirtualNetworkId: text.optional(),
  enableNoPublicIp: flag.optional(),
  natGatewayName: text.optional(),
  prepareEncryption: flag.optional(),
  publicIpName: text.optional(),
  requireInfrastructureEncryption: flag.optional(),
  resourceTags: z.unknown().optional(),
  storageAccountName: parameter(z.string().regex(/^[a-z0-9]{3,24}$/)).optional(),
  storageAccountSkuName: text.optional(),
  vnetAddressPrefix: text.optional(),
});
const properties = fields(
  "createdBy createdDateTime updatedBy workspaceId workspaceUrl provisioningState isUcEnabled managedDiskIdentity storageAccountIdentity authorizations uiDefinitionUri privateEndpointConnections",
).extend({
  managedResourceGroupId: z.string(),
  parameters: parameters.optional(),
  publicNetworkAccess: z.enum(["Enabled", "Disabled"]).optional(),
  requiredNsgRules: z.enum(["AllRules", "NoAzureDatabricksRules", "NoAzureServiceRules"]).optional(),
  defaultStorageFirewall: z.enum(["Enabled", "Disabled"]).optional(),
  computeMode: z.enum(["Hybrid", "Serverless"]).optional(),
  encryption: z.unknown().optional(),
  enhancedSecurityCompliance: z.unknown().optional(),
  accessConnector: z.unknown().optional(),
  defaultCatalog: z.unknown().optional(),
});
type Properties = z.output<typeof properties>;

const SKUS = ["standard", "premium", "trial"] as const;

const workspace: ArmType = {
  type: "Microsoft.Databricks/workspaces",
  name: /^[\w-]{3,64}$/,
  body: z.strictObject({
    location: region,
    tags,
    sku: fields("tier").extend({ name: z.enum(SKUS) }),
    properties,
  }),
  uses: (given) => {
    const network = (given.properties as Properties).parameters;
    const id = network?.customVirtualNetworkId?.value;
    if (id === undefined) return [];
    return [network?.customPublicSubnetName, network?.customPrivateSubnetName].map(
      (subnet) => `${id}/subnets/${String(subnet?.value)}`,
    );
  },
  check: (given, { arm, id, previous }) => {
    const { managedResourceGroupId, parameters: own } = given.properties as Properties;
    const before = previous?.properties as Properties | undefined;
    if (previous === undefined && arm.get(managedResourceGroupId)) {
      throw new Refusal(
        400,
        "ManagedResourceGroupExists",
        `the managed resource group ${managedResourceGroupId} exists`,
      );
    }
    if (before && before.managedResourceGroupId !== managedResourceGroupId) {
      throw new Refusal(400, "PropertyChangeNotAllowed", `the managed resource group of ${id} cannot change`);
    }
    if (before && before.parameters?.customVirtualNetworkId?.value !== own?.customVirtualNetworkId?.value) {
      throw new Refusal(400, "PropertyChangeNotAllowed", `the network of ${id} cannot change`);
    }
    for (const subnet of workspace.uses?.(given) ?? []) checkSubnet(arm, subnet);
  },
  properties: (given, { id, previous }) => {
    const number = BigInt(`0x${createHash("sha256").update(id).digest("hex").slice(0, 12)}`);
    const workspaceId = String(1_000_000_000_000_000n + number);
    const own = (given.properties as Properties).parameters ?? {};
    return {
      workspaceId,
      // Workspaces are spread over twenty domains by their number.
      workspaceUrl: `adb-${workspaceId}.${BigInt(workspaceId) % 20n}.azuredatabricks.net`,
      createdDateTime: previous?.properties.createdDateTime ?? new Date().toISOString(),
      isUcEnabled: true,
      publicNetworkAccess: (given.properties as Properties).publicNetworkAccess ?? "Enabled",
      authorizations: [],
      parameters: {
        ...withTypes(own),
        natGatewayName: { type: "String", value: "nat-gateway" },
        publicIpName: { type: "String", value: "nat-gw-public-ip" },
        storageAccountName: {
          type: "String",
          value: own.storageAccountName?.value ?? `dbstorage${guidOf(id).replaceAll("-", "").slice(0, 13)}`,
        },
        storageAccountSkuName: { type: "String", value: own.storageAccountSkuName?.value ?? "Standard_GRS" },
        vnetAddressPrefix: { type: "String", value: own.vnetAddressPrefix?.value ?? "10.139" },
        prepareEncryption: { type: "Bool", value: own.prepareEncryption?.value ?? false },
        requireInfrastructureEncryption: { type: "Bool", value: own.requireInfrastructureEncryption?.value ?? false },
      },
    };
  },
  afterPut: ({ id, location, properties: given }, { arm }) => {
    const group = String(given.managedResourceGroupId);
    if (!arm.get(group)) putGroup(arm, group, { location: location ?? "", managedBy: id });
  },
};

function withTypes(own: z.output<typeof parameters>): object {
  return Object.fromEntries(
    Object.entries(own as Readonly<Record<string, { value: unknown } | undefined>>)
      .filter(([, given]) => given !== undefined)
      .map(([name, given]) => [
        name,
        { type: typeof given?.value === "boolean" ? "Bool" : "String", value: given?.value },
      ]),
  );
}

/** What Databricks asks of the subnets that it is to put clusters into. */
function checkSubnet(arm: Arm, id: string): void {
  const { properties: subnet } = arm.need(id, "the workspace");
  const delegations = subnet.delegations as readonly { properties: { serviceName: string } }[];
  const refuse = (reason: string) => new Refusal(400, "InvalidSubnet", `${id} ${reason}`);
  if (!delegations.some(({ properties: { serviceName } }) => serviceName === "Microsoft.Databricks/workspaces")) {
    throw refuse("is not delegated to Microsoft.Databricks/workspaces");
  }
  if (!subnet.networkSecurityGroup) throw refuse("has no network security group");
  const size = Number((subnet.addressPrefixes as readonly string[])[0]?.split("/")[1]);
  if (size > 26) throw refuse("is smaller than /26");
  if (subnet.defaultOutboundAccess === false && !subnet.natGateway) throw refuse("has no way to the internet");
}

export function databricksRoutes(arm: Arm, store: Store): readonly Route[] {
  return [
    ...armRoutes(arm, connector),
    ...armRoutes(arm, {
      ...workspace,
      beforeDelete: ({ properties: { managedResourceGroupId, workspaceId } }, { query }) => {
        // Otherwise the managed group stays, with what users stored in it.
        if (query.get("forceDeletion") === "true") arm.remove(String(managedResourceGroupId));
        store.dropTables(`workspace ${String(workspaceId)} `);
      },
    }),
  ];
}

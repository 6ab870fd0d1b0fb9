/** Virtual networks and what makes them reach, or not reach, other things. */
import { BlockList } from "node:net";
import { z } from "zod";
import { type Call, fields, Refusal, reply, type Route, routesOf } from "../http.ts";
import {
  type Arm,
  type ArmBody,
  armRoutes,
  type ArmType,
  existing,
  reference,
  region,
  tags,
  withSignIn,
} from "./arm.ts";

const NAME = /^[a-zA-Z0-9]([\w.-]{0,78}\w)?$/;
/** Fields that are read and sent back as they were; the service ignores them. */
const READ_ONLY = "provisioningState resourceGuid";

const body = <Type extends z.ZodRawShape>(properties: z.ZodObject<Type>, more: z.ZodRawShape = {}) =>
  z.strictObject({
    location: region.optional(),
    tags,
    ...more,
    properties,
  }) as unknown as z.ZodType<ArmBody>;

const range = z.string().regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/);
const idOf = (given: unknown): readonly string[] => {
  const id = (given as { id?: string } | undefined)?.id;
  return id === undefined ? [] : [id];
};

const virtualNetwork: ArmType = {
  type: "Microsoft.Network/virtualNetworks",
  name: NAME,
  body: body(
    fields(
      `${READ_ONLY} subnets dhcpOptions virtualNetworkPeerings enableDdosProtection privateEndpointVNetPolicies`,
    ).extend({
      addressSpace: z.strictObject({ addressPrefixes: z.array(range).min(1) }),
      flowTimeoutInMinutes: z.int().min(4).max(30).optional(),
    }),
  ),
  properties: (_, { arm, id }) => ({
    subnets: arm.below(id, "Microsoft.Network/virtualNetworks/subnets"),
    virtualNetworkPeerings: [],
    enableDdosProtection: false,
    resourceGuid: "6f1c3f0e-0000-4000-8000-000000000001",
  }),
};

const delegation = fields("id etag type").extend({
  name: z.string(),
  properties: fields("serviceName actions provisioningState"),
});
const subnetProperties = fields(
  `${READ_ONLY} ipConfigurations privateEndpoints purpose resourceNavigationLinks serviceAssociationLinks serviceEndpointPolicies routeTable sharingScope`,
).extend({
  addressPrefix: range.optional(),
  addressPrefixes: z.array(range).length(1).optional(),
  defaultOutboundAccess: z.boolean().optional(),
  delegations: z.array(delegation).nullish(),
  natGateway: reference.nullish(),
  networkSecurityGroup: fields("id location properties tags name type etag").nullish(),
  privateEndpointNetworkPolicies: z
    .enum(["Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"])
    .optional(),
  privateLinkServiceNetworkPolicies: z.enum(["Disabled", "Enabled"]).optional(),
  serviceEndpoints: z
    .array(
      fields("locations provisioningState").extend({ service: z.string(), networkIdentifier: reference.optional() }),
    )
    .nullish(),
});
type SubnetProperties = z.output<typeof subnetProperties>;

/** One range goes by two names. */
const rangeOf = ({ addressPrefix, addressPrefixes }: SubnetProperties) => addressPrefix ?? addressPrefixes?.[0] ?? "";

const subnet: ArmType = {
  type: "Microsoft.Network/virtualNetworks/subnets",
  name: NAME,
  body: body(subnetProperties),
  uses: ({ properties }) => {
    const { natGateway, networkSecurityGroup } = properties as SubnetProperties;
    return [...idOf(natGateway), ...idOf(networkSecurityGroup)];
  },
  check: ({ properties }, { arm, id, previous }) => {
    const prefix = rangeOf(properties as SubnetProperties);
    const network = existing(arm, id.split("/").slice(0, 9).join("/"));
    const { addressPrefixes } = network.properties.addressSpace as { addressPrefixes: readonly string[] };
    if (!addressPrefixes.some((space) => lies(prefix, space))) {
      throw new Refusal(400, "NetcfgInvalidSubnet", `Subnet ${id} is not within the network's address space`);
    }
    const others = arm.below(network.id, subnet.type).filter((each) => each.id.toLowerCase() !== id.toLowerCase());
    const overlapping = others.find(({ properties: other }) => {
      const theirs = rangeOf(other);
      return lies(prefix, theirs) || lies(theirs, prefix);
    });
    if (overlapping) throw new Refusal(400, "NetcfgSubnetRangesOverlap", `${id} overlaps ${overlapping.id}`);
    const wasDelegated = ((previous?.properties.delegations ?? []) as readonly unknown[]).length > 0;
    const isDelegated = ((properties as SubnetProperties).delegations ?? []).length > 0;
    if (wasDelegated && !isDelegated) arm.refuseIfUsed(id);
  },
  properties: ({ properties }) => {
    const given = properties as SubnetProperties;
    return {
      addressPrefix: rangeOf(given),
      addressPrefixes: [rangeOf(given)],
      delegations: (given.delegations ?? []).map(({ name, properties: service }) => ({
        name,
        properties: { ...service, provisioningState: "Succeeded" },
      })),
      serviceEndpoints: (given.serviceEndpoints ?? []).map(({ service }) => ({
        service,
        locations: ["westeurope", "northeurope"],
        provisioningState: "Succeeded",
      })),
      privateEndpointNetworkPolicies: given.privateEndpointNetworkPolicies ?? "Disabled",
      privateLinkServiceNetworkPolicies: given.privateLinkServiceNetworkPolicies ?? "Enabled",
      ...(given.networkSecurityGroup && { networkSecurityGroup: { id: given.networkSecurityGroup.id } }),
    };
  },
};

/** Whether a range lies in another. */
function lies(range: string, space: string): boolean {
  const [address = "", size = "0"] = range.split("/");
  const [start = "", width = "0"] = space.split("/");
  const list = new BlockList();
  list.addSubnet(start, Number(width));
  return Number(size) >= Number(width) && list.check(address);
}

const rule = fields(
  "id name type etag properties direction access priority protocol sourceAddressPrefix destinationAddressPrefix",
);
const securityGroup: ArmType = {
  type: "Microsoft.Network/networkSecurityGroups",
  name: NAME,
  body: body(
    fields(`${READ_ONLY} defaultSecurityRules flowLogs flushConnection networkInterfaces subnets`).extend({
      securityRules: z.array(rule).nullish(),
    }),
  ),
  properties: ({ properties }) => ({ securityRules: properties?.securityRules ?? [] }),
};

const publicIp: ArmType = {
  type: "Microsoft.Network/publicIPAddresses",
  name: NAME,
  body: body(
    fields(`${READ_ONLY} ddosSettings ipTags dnsSettings ipAddress natGateway ipConfiguration publicIPPrefix`).extend({
      publicIPAllocationMethod: z.enum(["Static", "Dynamic"]),
      publicIPAddressVersion: z.enum(["IPv4", "IPv6"]).optional(),
      idleTimeoutInMinutes: z.int().min(4).max(30).optional(),
    }),
    { sku: fields("name tier"), zones: z.array(z.string()).nullish() },
  ),
  check: ({ sku, properties }) => {
    if ((sku as { name: string }).name === "Standard" && properties?.publicIPAllocationMethod !== "Static") {
      throw new Refusal(400, "PublicIPAddressAllocationMethod", "a Standard address is static");
    }
  },
  properties: () => ({ ipAddress: "20.31.0.7", ipTags: [] }),
};

const natGateway: ArmType = {
  type: "Microsoft.Network/natGateways",
  name: NAME,
  body: body(
    fields(`${READ_ONLY} subnets publicIpPrefixes publicIpPrefixesV6 publicIpAddressesV6`).extend({
      idleTimeoutInMinutes: z.int().min(4).max(120).optional(),
      publicIpAddresses: z.array(reference).nullish(),
    }),
    { sku: fields("name tier"), zones: z.array(z.string()).nullish() },
  ),
  uses: ({ properties }) => ((properties?.publicIpAddresses ?? []) as { id: string }[]).map(({ id }) => id),
  properties: ({ properties }) => ({ idleTimeoutInMinutes: properties?.idleTimeoutInMinutes ?? 4 }),
};

const connection = fields("id type etag").extend({
  name: z.string(),
  properties: fields("privateLinkServiceConnectionState provisioningState requestMessage").extend({
    privateLinkServiceId: z.string(),
    groupIds: z.array(z.enum(["blob", "dfs", "file", "queue", "table", "web"])).length(1),
  }),
});
const endpointProperties = fields(`${READ_ONLY} customDnsConfigs networkInterfaces applicationSecurityGroups`).extend({
  subnet: fields("id name properties"),
  privateLinkServiceConnections: z.array(connection).nullish(),
  manualPrivateLinkServiceConnections: z.array(connection).nullish(),
  ipConfigurations: z.array(z.unknown()).nullish(),
  customNetworkInterfaceName: z.string().optional(),
  ipVersionType: z.string().optional(),
});
const connectionsOf = (given: ArmBody) =>
  (given.properties as z.output<typeof endpointProperties>).privateLinkServiceConnections ?? [];
const interfaceId = (id: string) => `${id.replace("/privateEndpoints/", "/networkInterfaces/")}.nic`;

const privateEndpoint: ArmType = {
  type: "Microsoft.Network/privateEndpoints",
  name: NAME,
  body: body(endpointProperties, { extendedLocation: z.unknown().optional() }),
  uses: (given) => [
    ...idOf(given.properties?.subnet),
    ...connectionsOf(given).map(({ properties }) => properties.privateLinkServiceId),
  ],
  properties: (given, { id }) => ({
    networkInterfaces: [{ id: interfaceId(id) }],
    customDnsConfigs: [],
    manualPrivateLinkServiceConnections: [],
    privateLinkServiceConnections: connectionsOf(given).map((each) => ({
      ...each,
      properties: {
        ...each.properties,
        provisioningState: "Succeeded",
        privateLinkServiceConnectionState: {
          status: "Approved",
          description: "Auto-Approved",
          actionsRequired: "None",
        },
      },
    })),
  }),
  afterPut: ({ id, location }, { arm }) => {
    arm.set({
      id: interfaceId(id),
      name: interfaceId(id).split("/").at(-1) ?? "",
      type: "Microsoft.Network/networkInterfaces",
      location: location ?? "",
      properties: {
        provisioningState: "Succeeded",
        ipConfigurations: [{ name: "private", properties: { privateIPAddress: "10.0.0.4" } }],
      },
    });
  },
};

const zoneGroup: ArmType = {
  type: "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
  name: NAME,
  body: body(
    fields(READ_ONLY).extend({
      privateDnsZoneConfigs: z.array(
        z.strictObject({
          name: z.string(),
          properties: fields("recordSets").extend({ privateDnsZoneId: z.string() }),
        }),
      ),
    }),
  ),
  uses: ({ properties }) =>
    (properties?.privateDnsZoneConfigs as { properties: { privateDnsZoneId: string } }[]).map(
      (config) => config.properties.privateDnsZoneId,
    ),
  properties: ({ properties }) => ({
    privateDnsZoneConfigs: (
      properties?.privateDnsZoneConfigs as { name: string; properties: { privateDnsZoneId: string } }[]
    ).map(({ name, properties: config }) => ({ name, properties: { ...config, recordSets: [] } })),
  }),
};

const global = z.literal("global");
const privateZone: ArmType = {
  type: "Microsoft.Network/privateDnsZones",
  name: /^[a-z0-9.-]+\.[a-z]+$/,
  body: z.strictObject({
    location: global,
    tags,
    properties: z.unknown().optional(),
  }) as unknown as z.ZodType<ArmBody>,
  properties: (_, { arm, id }) => ({
    numberOfRecordSets: 1,
    maxNumberOfRecordSets: 25_000,
    numberOfVirtualNetworkLinks: arm.below(id, zoneLink.type).length,
    maxNumberOfVirtualNetworkLinks: 1000,
  }),
};

const zoneLink: ArmType = {
  type: "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
  name: /^[a-zA-Z0-9]([\w.-]{0,78}\w)?$/,
  body: z.strictObject({
    location: global,
    tags,
    properties: fields("provisioningState virtualNetworkLinkState").extend({
      virtualNetwork: reference,
      registrationEnabled: z.boolean().optional(),
      resolutionPolicy: z.enum(["Default", "NxDomainRedirect"]).optional(),
    }),
  }),
  uses: ({ properties }) => idOf(properties?.virtualNetwork),
  check: ({ properties }, { arm, id }) => {
    const zone = id.split("/")[8];
    const [network] = idOf(properties?.virtualNetwork);
    const twin = arm
      .ofType(zoneLink.type)
      .find(
        (each) =>
          each.id.toLowerCase() !== id.toLowerCase() &&
          each.id.split("/")[8] === zone &&
          idOf(each.properties.virtualNetwork)[0] === network,
      );
    if (twin)
      throw new Refusal(409, "Conflict", `${String(network)} is linked to another zone ${String(zone)}: ${twin.id}`);
  },
  properties: () => ({ virtualNetworkLinkState: "Completed" }),
};

export function networkRoutes(arm: Arm): readonly Route[] {
  const inGroup = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network";
  const groupOf = ({ subscription, group }: Call["params"]) =>
    `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Network`;
  const own = routesOf("resource-manager", {
    [`GET ${inGroup}/networkInterfaces/{name}`]: ({ params }) =>
      reply(200, existing(arm, `${groupOf(params)}/networkInterfaces/${params.name}`)),
    [`GET ${inGroup}/privateDnsZones/{zone}/SOA/@`]: ({ params }) =>
      reply(200, startOfAuthority(existing(arm, `${groupOf(params)}/privateDnsZones/${params.zone}`).id)),
    // Tags of a zone are also those of its first record, which nobody else changes.
    [`PUT ${inGroup}/privateDnsZones/{zone}/SOA/@`]: ({ params }) =>
      reply(200, startOfAuthority(existing(arm, `${groupOf(params)}/privateDnsZones/${params.zone}`).id)),
    [`GET ${inGroup}/networkSecurityGroups/{name}/securityRules`]: () => reply(200, { value: [] }),
  }).map((route) => withSignIn(arm, route));
  const types = [
    virtualNetwork,
    subnet,
    securityGroup,
    publicIp,
    natGateway,
    zoneGroup,
    privateZone,
    zoneLink,
    {
      ...privateEndpoint,
      beforeDelete: ({ id }: { id: string }) => {
        arm.remove(interfaceId(id));
      },
    },
  ];
  return [...own, ...types.flatMap((type) => armRoutes(arm, refuseDeleteWithChildren(arm, type)))];
}

/** A zone or a network that still has parts is not deleted. */
function refuseDeleteWithChildren(arm: Arm, type: ArmType): ArmType {
  if (type !== privateZone) return type;
  return {
    ...type,
    beforeDelete: ({ id }) => {
      const [link] = arm.below(id, zoneLink.type);
      if (link) throw new Refusal(409, "CannotDeleteResource", `${id} still has the link ${link.name}`);
    },
  };
}

function startOfAuthority(zone: string) {
  return {
    id: `${zone}/SOA/@`,
    name: "@",
    type: "Microsoft.Network/privateDnsZones/SOA",
    properties: {
      ttl: 3600,
      fqdn: `${zone.split("/").at(-1)}.`,
      soaRecord: {
        email: "azureprivatedns-host.microsoft.com",
        expireTime: 2_419_200,
        host: "azureprivatedns.net",
        minimumTtl: 10,
        refreshTime: 3600,
        retryTime: 300,
        serialNumber: 1,
      },
    },
  };
}

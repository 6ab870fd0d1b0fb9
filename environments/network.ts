/** From where the lake can be reached, and what each answer needs to know of the network. */
import { z } from "zod";
import { resourceIdOf, text } from "./text.ts";

// Azure Storage takes neither private addresses nor ranges of one or two:
// https://learn.microsoft.com/azure/storage/common/storage-network-security
const publicAddresses = () => {
  const error = "a public IPv4 address, or a range of them up to /30";
  const isPublic = /^(?!10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/;
  const isWide = /\/([1-9]|[12]\d|30)$/;
  return z.union([z.ipv4().regex(isPublic), z.cidrv4().regex(isPublic).regex(isWide)], { error });
};
// Databricks takes a network of /16 to /24. A quarter of it, /26, is the smallest subnet for clusters:
// https://learn.microsoft.com/azure/databricks/security/network/classic/vnet-inject
const addressSpace = () => {
  const error = "an IPv4 range of /16 to /24 for the new workspace's virtual network, such as 10.20.0.0/24";
  return z.cidrv4({ error }).regex(/\/(1[6-9]|2[0-4])$/, { error });
};
const subnetId = () => text("the resource id of a subnet", resourceIdOf("Microsoft.Network/virtualNetworks/subnets"));
const privateDnsZoneId = (service: "blob" | "dfs") => {
  const zone = `privatelink.${service}.core.windows.net`;
  const rule = `the resource id of a private DNS zone ${zone}`;
  return text(rule, resourceIdOf("Microsoft.Network/privateDnsZones")).endsWith(`/${zone}`, { error: rule });
};

/**
 * Who may open a connection to the lake; whoever does also needs a role. Serverless compute reaches a closed lake only
 * once an account administrator has attached a network connectivity configuration to the workspace.
 */
export const networkField = z.discriminatedUnion(
  "posture",
  [
    /** Anybody on the internet. Needs nothing. */
    z.strictObject({ posture: z.literal("open") }),
    /** The workspace's clusters and Unity Catalog, and whom the environment names. */
    z.strictObject({
      posture: z.literal("selected-networks"),
      /** For a workspace of our own: addresses of a virtual network for it. */
      addressSpace: addressSpace().optional(),
      /** Subnets with a service endpoint for storage; among them those of an existing workspace's clusters. */
      subnetIds: z.array(subnetId(), { error: "a list of subnets" }).default([]),
      ipRanges: z.array(publicAddresses(), { error: "a list of public IPv4 addresses" }).default([]),
    }),
    /** Unity Catalog, and who reaches the lake's private endpoints. */
    z.strictObject({
      posture: z.literal("private"),
      /** For a workspace of our own: addresses of a virtual network for it and for the endpoints. */
      addressSpace: addressSpace().optional(),
      /** For an existing workspace: a subnet for the endpoints that its clusters reach. */
      endpointSubnetId: subnetId().optional(),
      /** Zones that the network already resolves names with. By default new ones are made for it. */
      privateDnsZoneIds: z
        .strictObject(
          { blob: privateDnsZoneId("blob"), dfs: privateDnsZoneId("dfs") },
          { error: "the private DNS zones of blob and dfs" },
        )
        .optional(),
    }),
  ],
  { error: "a network with one of the postures open, selected-networks and private" },
);

interface Wiring {
  readonly network: z.output<typeof networkField>;
  readonly existingWorkspace?: object;
  readonly compute: string;
}

interface Problem {
  readonly path: string[];
  readonly input: unknown;
  /** Completes the sentence "it must be ...". */
  readonly message: string;
}

/** What a closed lake misses to be reached by the clusters of its workspace, and what it has no use for. */
export function networkProblems({ network, existingWorkspace, compute }: Wiring): readonly Problem[] {
  if (network.posture === "open") return [];
  const { posture, addressSpace } = network;
  const rules = [
    {
      field: "addressSpace",
      broken: !existingWorkspace && !addressSpace,
      message: "an IPv4 range for the new workspace's virtual network, such as 10.20.0.0/24",
    },
    {
      field: "addressSpace",
      broken: existingWorkspace && addressSpace,
      message: "left out, since the existing workspace has a network already",
    },
    {
      field: "endpointSubnetId",
      broken: posture === "private" && existingWorkspace && !network.endpointSubnetId,
      message: "the resource id of a subnet that the existing workspace's clusters reach",
    },
    {
      field: "endpointSubnetId",
      broken: posture === "private" && !existingWorkspace && network.endpointSubnetId,
      message: "left out, since the new workspace's network gets a subnet for endpoints",
    },
    {
      field: "subnetIds",
      broken:
        posture === "selected-networks" && existingWorkspace && !network.subnetIds.length && compute !== "serverless",
      message: "a list with the two subnets of the existing workspace's clusters",
    },
  ];
  const given: Readonly<Record<string, unknown>> = network;
  return rules
    .filter(({ broken }) => broken)
    .map(({ field, message }) => ({ path: ["network", field], input: given[field], message }));
}

/** From where the lake can be reached, and what each answer needs to know of the network. */
import { z } from "zod";
import { isAligned, isPrivate, isPublic, prefixLength } from "./ip-ranges.ts";
import { resourceId } from "./text.ts";

/** The widest range that lets in an organisation rather than a part of the internet. */
export const WIDEST_PREFIX = 16;
// Azure Storage takes no ranges of one or two:
// https://learn.microsoft.com/azure/storage/common/storage-network-security
const NARROWEST_PREFIX = 30;
const publicAddresses = () => {
  const error = `a public IPv4 address, or a range of them of /${WIDEST_PREFIX} to /${NARROWEST_PREFIX} from its first one on`;
  const isRange = (range: string) =>
    isAligned(range) && prefixLength(range) >= WIDEST_PREFIX && prefixLength(range) <= NARROWEST_PREFIX;
  return z.union([z.ipv4().refine(isPublic), z.cidrv4().refine(isRange).refine(isPublic)], { error });
};
// Databricks takes a network of /16 to /24. A quarter of it, /26, is the smallest subnet for clusters:
// https://learn.microsoft.com/azure/databricks/security/network/classic/vnet-inject
const addressSpace = () => {
  const error = "a private IPv4 range of /16 to /24 for the new workspace's virtual network, such as 10.20.0.0/24";
  const isFitting = (range: string) => isAligned(range) && prefixLength(range) >= 16 && prefixLength(range) <= 24;
  return z.cidrv4({ error }).refine(isFitting, { error }).refine(isPrivate, { error });
};
const subnetId = () => resourceId("the resource id of a subnet", "Microsoft.Network/virtualNetworks/subnets");
const privateDnsZoneId = (service: "blob" | "dfs") => {
  const zone = `privatelink.${service}.core.windows.net`;
  const rule = `the resource id of a private DNS zone ${zone}`;
  return resourceId(rule, "Microsoft.Network/privateDnsZones").refine((id) => id.endsWith(`/${zone}`), { error: rule });
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
      subnetIds: z
        .array(subnetId(), { error: "a list of subnets" })
        .refine((ids) => new Set(ids.map((id) => id.toLowerCase())).size === ids.length, {
          error: "a list that names each subnet once",
        })
        .default([]),
      ipRanges: z.array(publicAddresses(), { error: "a list of public IPv4 addresses" }).default([]),
    }),
    /** Unity Catalog, and who reaches the lake's private endpoints. */
    z.strictObject({
      posture: z.literal("private"),
      /** For a workspace of our own: addresses of a virtual network for it and for the endpoints. */
      addressSpace: addressSpace().optional(),
      /** For an existing workspace: a subnet for the endpoints that its clusters reach. */
      endpointSubnetId: subnetId().optional(),
      /** For an existing workspace: zones that its network already resolves names with. By default new ones are made. */
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

/** A value of an environment that does not fit its other values. */
export interface Problem {
  readonly path: (string | number)[];
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
      // Nothing would link the zones to it: its clusters would ask the internet where the lake is.
      field: "privateDnsZoneIds",
      broken: posture === "private" && !existingWorkspace && network.privateDnsZoneIds,
      message: "left out, since the new workspace's network gets zones of its own",
    },
    {
      field: "subnetIds",
      broken:
        posture === "selected-networks" &&
        existingWorkspace &&
        network.subnetIds.length < 2 &&
        compute !== "serverless",
      message: "a list with the two subnets of the existing workspace's clusters",
    },
  ];
  const given: Readonly<Record<string, unknown>> = network;
  return rules
    .filter(({ broken }) => broken)
    .map(({ field, message }) => ({ path: ["network", field], input: given[field], message }));
}

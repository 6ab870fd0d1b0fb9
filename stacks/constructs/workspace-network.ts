import type { DatabricksWorkspaceCustomParameters } from "@cdktf/provider-azurerm/lib/databricks-workspace/index.js";
import { NatGateway } from "@cdktf/provider-azurerm/lib/nat-gateway/index.js";
import { NatGatewayPublicIpAssociation } from "@cdktf/provider-azurerm/lib/nat-gateway-public-ip-association/index.js";
import { NetworkSecurityGroup } from "@cdktf/provider-azurerm/lib/network-security-group/index.js";
import { PublicIp } from "@cdktf/provider-azurerm/lib/public-ip/index.js";
import { Subnet, type SubnetConfig } from "@cdktf/provider-azurerm/lib/subnet/index.js";
import { SubnetNatGatewayAssociation } from "@cdktf/provider-azurerm/lib/subnet-nat-gateway-association/index.js";
import { SubnetNetworkSecurityGroupAssociation } from "@cdktf/provider-azurerm/lib/subnet-network-security-group-association/index.js";
import { VirtualNetwork } from "@cdktf/provider-azurerm/lib/virtual-network/index.js";
import { Fn } from "cdktf";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { tags } from "../tags.ts";

/** Databricks puts its clusters into subnets that are delegated to it, and keeps the rules of their security group. */
const DELEGATION: SubnetConfig["delegation"] = [
  {
    name: "databricks",
    serviceDelegation: {
      name: "Microsoft.Databricks/workspaces",
      actions: [
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.Network/virtualNetworks/subnets/prepareNetworkPolicies/action",
        "Microsoft.Network/virtualNetworks/subnets/unprepareNetworkPolicies/action",
      ],
    },
  },
];

/** Properties for {@link WorkspaceNetwork}. */
export interface WorkspaceNetworkProps {
  readonly environment: Environment;
  readonly resourceGroupName: string;
  readonly addressSpace: string;
}

/**
 * A virtual network for the clusters of a workspace of our own, so that a closed lake can tell them from the internet.
 *
 * Each node has an address in both cluster subnets. None is public: what leaves the network leaves through one gateway.
 */
export class WorkspaceNetwork extends Construct {
  /** What the workspace has to know of it. */
  readonly ofWorkspace: DatabricksWorkspaceCustomParameters;
  readonly clusterSubnetIds: readonly string[];
  /** What clusters need before they can start. */
  readonly egress: readonly SubnetNatGatewayAssociation[];
  readonly virtualNetworkId: string;
  readonly #props: WorkspaceNetworkProps;
  readonly #virtualNetworkName: string;
  readonly #securityGroupId: string;

  constructor(scope: Construct, id: string, props: WorkspaceNetworkProps) {
    super(scope, id);
    const { environment, resourceGroupName, addressSpace } = props;
    const common = { resourceGroupName, location: environment.location, tags: tags(environment) };
    this.#props = props;

    const network = new VirtualNetwork(this, "network", {
      ...common,
      name: names.virtualNetwork(environment),
      addressSpace: [addressSpace],
    });
    this.virtualNetworkId = network.id;
    this.#virtualNetworkName = network.name;
    this.#securityGroupId = new NetworkSecurityGroup(this, "security-group", {
      ...common,
      name: names.networkSecurityGroup(environment),
    }).id;

    // Traffic to storage takes a way of its own, which the lake's firewall recognizes and the gateway does not charge for.
    const ofClusters = { delegation: DELEGATION, serviceEndpoints: ["Microsoft.Storage"] };
    const hosts = this.#subnet("hosts", 0, ofClusters);
    const containers = this.#subnet("containers", 1, ofClusters);
    this.clusterSubnetIds = [hosts.subnet.id, containers.subnet.id];

    const gateway = new NatGateway(this, "gateway", {
      ...common,
      name: names.natGateway(environment),
      skuName: "Standard",
    });
    const address = new PublicIp(this, "gateway-address", {
      ...common,
      name: names.natAddress(environment),
      sku: "Standard",
      allocationMethod: "Static",
    });
    const addressed = new NatGatewayPublicIpAssociation(this, "gateway-has-address", {
      natGatewayId: gateway.id,
      publicIpAddressId: address.id,
    });
    this.egress = [hosts, containers].map(
      ({ name, subnet }) =>
        new SubnetNatGatewayAssociation(this, `${name}-egress`, {
          subnetId: subnet.id,
          natGatewayId: gateway.id,
          dependsOn: [addressed],
        }),
    );

    this.ofWorkspace = {
      virtualNetworkId: network.id,
      // Databricks still calls the subnet of the hosts public: they had public addresses once.
      publicSubnetName: hosts.subnet.name,
      publicSubnetNetworkSecurityGroupAssociationId: hosts.guarded.id,
      privateSubnetName: containers.subnet.name,
      privateSubnetNetworkSecurityGroupAssociationId: containers.guarded.id,
    };
  }

  /** Adds a subnet for private endpoints, and returns its id. */
  addEndpointSubnet(): string {
    // Unless told so, a private endpoint is no business of its subnet's security group.
    return this.#subnet("endpoints", 2, { privateEndpointNetworkPolicies: "NetworkSecurityGroupEnabled" }).subnet.id;
  }

  /** A quarter of the network behind the security group. */
  #subnet(
    name: string,
    quarter: number,
    config: Pick<SubnetConfig, "delegation" | "serviceEndpoints" | "privateEndpointNetworkPolicies">,
  ) {
    const subnet = new Subnet(this, name, {
      ...config,
      name,
      resourceGroupName: this.#props.resourceGroupName,
      virtualNetworkName: this.#virtualNetworkName,
      addressPrefixes: [Fn.cidrsubnet(this.#props.addressSpace, 2, quarter)],
      defaultOutboundAccessEnabled: false,
    });
    const guarded = new SubnetNetworkSecurityGroupAssociation(this, `${name}-guard`, {
      subnetId: subnet.id,
      networkSecurityGroupId: this.#securityGroupId,
    });
    return { name, subnet, guarded };
  }
}

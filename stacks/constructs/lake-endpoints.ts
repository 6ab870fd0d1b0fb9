import { PrivateDnsZone } from "@cdktf/provider-azurerm/lib/private-dns-zone/index.js";
import { PrivateDnsZoneVirtualNetworkLink } from "@cdktf/provider-azurerm/lib/private-dns-zone-virtual-network-link/index.js";
import { PrivateEndpoint } from "@cdktf/provider-azurerm/lib/private-endpoint/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { tags } from "../tags.ts";
import type { OrderLake } from "./order-lake.ts";

/** Properties for {@link LakeEndpoints}. */
export interface LakeEndpointsProps {
  readonly environment: Environment;
  readonly resourceGroupName: string;
  readonly lake: OrderLake;
  readonly subnetId: string;
  /** Network in which the lake's name shall lead to the endpoints. */
  readonly virtualNetworkId: string;
  /** Zones that do so already. By default new ones do. */
  readonly privateDnsZoneIds?: Readonly<Record<names.StorageService, string>>;
}

/** Private addresses of the lake in a network, and its name resolved to them there. */
export class LakeEndpoints extends Construct {
  constructor(scope: Construct, id: string, props: LakeEndpointsProps) {
    super(scope, id);
    const { environment, resourceGroupName, lake, subnetId, privateDnsZoneIds } = props;

    // Spark reads and writes through dfs; what lists and deletes through blob needs that as well.
    for (const service of ["blob", "dfs"] as const) {
      const name = names.privateEndpoint(environment, service);
      new PrivateEndpoint(this, service, {
        name,
        resourceGroupName,
        location: environment.location,
        subnetId,
        privateServiceConnection: {
          name,
          privateConnectionResourceId: lake.account.id,
          subresourceNames: [service],
          isManualConnection: false,
        },
        privateDnsZoneGroup: {
          name: "default",
          privateDnsZoneIds: [privateDnsZoneIds?.[service] ?? this.#newZoneId(service, props)],
        },
        tags: tags(environment),
      });
    }
  }

  #newZoneId(service: names.StorageService, props: LakeEndpointsProps): string {
    const { environment, resourceGroupName, virtualNetworkId } = props;
    const zone = new PrivateDnsZone(this, `${service}-zone`, {
      name: names.privateDnsZone(service),
      resourceGroupName,
      tags: tags(environment),
    });
    new PrivateDnsZoneVirtualNetworkLink(this, `${service}-zone-link`, {
      name: names.virtualNetwork(environment),
      resourceGroupName,
      privateDnsZoneName: zone.name,
      virtualNetworkId,
      // Accounts of others, those of Databricks among them, may have private endpoints elsewhere: what the zone does not
      // know is then asked of the internet. https://learn.microsoft.com/azure/dns/private-dns-fallback
      resolutionPolicy: "NxDomainRedirect",
      tags: tags(environment),
    });
    return zone.id;
  }
}

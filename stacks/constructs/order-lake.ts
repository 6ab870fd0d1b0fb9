import { StorageAccount, type StorageAccountConfig } from "@cdktf/provider-azurerm/lib/storage-account/index.js";
import { StorageContainer } from "@cdktf/provider-azurerm/lib/storage-container/index.js";
import { StorageManagementPolicy } from "@cdktf/provider-azurerm/lib/storage-management-policy/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { tags } from "../tags.ts";
import type { LakeIdentity } from "./lake-identity.ts";
import type { LakeKey } from "./lake-key.ts";

/** How long a deleted file or container can be brought back. */
const SOFT_DELETE_DAYS = 7;

/** Properties for {@link OrderLake}. */
export interface OrderLakeProps {
  readonly environment: Environment;
  /** Name of the resource group that the lake goes into. */
  readonly resourceGroupName: string;
  /** Who reaches the lake through its firewall, from wherever Databricks works. */
  readonly identity: LakeIdentity;
  /** Subnets from which the clusters of a workspace of our own reach the lake. */
  readonly clusterSubnetIds?: readonly string[];
  /** Encrypts the lake. By default a key of Azure does. */
  readonly key?: LakeKey;
}

/**
 * The ADLS Gen2 account with a container for clients' files and one for the tables.
 *
 * Two containers, since Unity Catalog lets no external volume overlap the storage of managed tables.
 */
export class OrderLake extends Construct {
  readonly account: StorageAccount;

  constructor(scope: Construct, id: string, props: OrderLakeProps) {
    super(scope, id);
    const { environment, resourceGroupName, key } = props;
    const lifecycle = { preventDestroy: !environment.disposable };

    this.account = new StorageAccount(this, "account", {
      name: names.storageAccount(environment),
      resourceGroupName,
      location: environment.location,
      accountKind: "StorageV2",
      accountTier: "Standard",
      accountReplicationType: environment.storageReplication,
      isHnsEnabled: true,
      // Only identities reach the data: no keys, no local users, nothing public, nothing from another tenant.
      sharedAccessKeyEnabled: false,
      defaultToOauthAuthentication: true,
      localUserEnabled: false,
      allowNestedItemsToBePublic: false,
      crossTenantReplicationEnabled: false,
      httpsTrafficOnlyEnabled: true,
      minTlsVersion: "TLS1_2",
      ...networkAccess(props),
      // A second layer of encryption costs nothing, and an account without it can never get it.
      infrastructureEncryptionEnabled: true,
      ...(key && encryptionWith(key)),
      // An account with a hierarchical namespace has no versions: these bring deleted files back, not overwritten ones.
      blobProperties: {
        deleteRetentionPolicy: { days: SOFT_DELETE_DAYS },
        containerDeleteRetentionPolicy: { days: SOFT_DELETE_DAYS },
      },
      tags: tags(environment),
      lifecycle,
    });

    for (const name of [names.EVENT_SOURCE_CONTAINER, names.MANAGED_CONTAINER]) {
      new StorageContainer(this, name, {
        name,
        // By id, not by name: then Terraform uses the management plane, which needs no key and no way into the lake.
        storageAccountId: this.account.id,
        containerAccessType: "private",
        lifecycle,
      });
    }

    // Archived files are read again only to be replayed. The other directories empty themselves, or wait for a person.
    // A rename leaves a file the time of its last modification: its age counts from when it was sent, not archived.
    new StorageManagementPolicy(this, "archive-ages", {
      storageAccountId: this.account.id,
      rule: [
        {
          name: "archive",
          enabled: true,
          filters: { blobTypes: ["blockBlob"], prefixMatch: [names.ARCHIVE_PREFIX] },
          actions: {
            baseBlob: {
              tierToCoolAfterDaysSinceModificationGreaterThan: environment.archiveCoolAfterDays,
              deleteAfterDaysSinceModificationGreaterThan: environment.archiveDeleteAfterDays,
            },
          },
        },
      ],
    });
  }
}

/** Who may open a connection to the lake. Said in full: an account that loses its rules' block keeps its old rules. */
function networkAccess({
  environment,
  identity,
  clusterSubnetIds = [],
}: OrderLakeProps): Partial<StorageAccountConfig> {
  const { network } = environment;
  if (network.posture === "open") {
    // Whom an open door lets through need not be excepted. Named all the same, services would be a change in every plan:
    // azurerm reads rules that allow everybody and bypass AzureServices as no rules at all.
    return { publicNetworkAccessEnabled: true, networkRules: { defaultAction: "Allow", bypass: ["None"] } };
  }
  return {
    publicNetworkAccessEnabled: network.posture === "selected-networks",
    networkRules: {
      defaultAction: "Deny",
      // Among the services that Azure trusts is Event Grid, which puts file events into a queue. They need roles as well.
      bypass: ["AzureServices"],
      // Unity Catalog checks locations and looks for new files from outside of any network of ours. This lets it in
      // without public access, too: https://learn.microsoft.com/azure/storage/common/storage-network-security
      privateLinkAccess: [{ endpointResourceId: identity.connector.id }],
      ...(network.posture === "selected-networks" && {
        virtualNetworkSubnetIds: [...clusterSubnetIds, ...network.subnetIds],
        ipRules: network.ipRanges,
      }),
    },
  };
}

function encryptionWith({ url, identity, inEffect }: LakeKey): Partial<StorageAccountConfig> {
  return {
    identity: { type: "UserAssigned", identityIds: [identity.id] },
    customerManagedKey: { keyVaultKeyId: url, userAssignedIdentityId: identity.id },
    dependsOn: [inEffect],
  };
}

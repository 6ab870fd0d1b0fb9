import { StorageAccount } from "@cdktf/provider-azurerm/lib/storage-account/index.js";
import { StorageContainer } from "@cdktf/provider-azurerm/lib/storage-container/index.js";
import { StorageManagementPolicy } from "@cdktf/provider-azurerm/lib/storage-management-policy/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../names.ts";
import { tags } from "../tags.ts";

/** How long a deleted file or container can be brought back. */
const SOFT_DELETE_DAYS = 7;

/** Properties for {@link OrderLake}. */
export interface OrderLakeProps {
  readonly environment: Environment;
  /** Name of the resource group that the lake goes into. */
  readonly resourceGroupName: string;
}

/**
 * The ADLS Gen2 account with a container for clients' files and one for the tables.
 *
 * Two containers, since Unity Catalog lets no external volume overlap the storage of managed tables.
 */
export class OrderLake extends Construct {
  readonly account: StorageAccount;

  constructor(scope: Construct, id: string, { environment, resourceGroupName }: OrderLakeProps) {
    super(scope, id);
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

import { ExternalLocation } from "@cdktf/provider-databricks/lib/external-location/index.js";
import { StorageCredential } from "@cdktf/provider-databricks/lib/storage-credential/index.js";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";

/** Properties for {@link GovernedStorage}. */
export interface GovernedStorageProps {
  readonly environment: Environment;
  /** What has to be there first, and goes last: all of the stack waits for the credential. */
  readonly first: ITerraformDependable | undefined;
}

/** The lake as Unity Catalog sees it: the credential for it and an external location for each of its containers. */
export class GovernedStorage extends Construct {
  readonly eventSource: ExternalLocation;
  readonly managed: ExternalLocation;

  constructor(scope: Construct, id: string, { environment, first }: GovernedStorageProps) {
    super(scope, id);

    const credential = new StorageCredential(this, "credential", {
      name: names.storageCredential(environment),
      owner: environment.ownerGroup,
      azureManagedIdentity: { accessConnectorId: names.accessConnectorId(environment) },
      // The environment's workspace only: others may share the metastore, and this is not their lake.
      isolationMode: "ISOLATION_MODE_ISOLATED",
      forceDestroy: environment.disposable,
      comment: "Identity that reaches the lake of order tracking",
      dependsOn: first && [first],
    });

    const location = (locationId: string, name: string, url: string, fileEvents: boolean): ExternalLocation =>
      new ExternalLocation(this, locationId, {
        name,
        owner: environment.ownerGroup,
        url,
        credentialName: credential.name,
        isolationMode: "ISOLATION_MODE_ISOLATED",
        // Also where they are off, since the service turns them on unless it is told. See docs/decisions/file-events.md.
        enableFileEvents: fileEvents,
        ...(fileEvents && { fileEventQueue: managedQueue(environment) }),
        forceDestroy: environment.disposable,
      });
    this.eventSource = location(
      "event-source",
      names.eventSourceLocation(environment),
      names.eventSourceUrl(environment),
      environment.fileEvents,
    );
    this.managed = location("managed", names.managedLocation(environment), names.managedUrl(environment), false);
  }
}

/** A queue in the lake that Databricks creates, reads and removes. */
function managedQueue(environment: Environment) {
  return {
    managedAqs: {
      subscriptionId: names.subscription(environment),
      resourceGroup: names.resourceGroup(environment),
    },
  };
}

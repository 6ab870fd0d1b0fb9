import type { JobConfig } from "@cdktf/provider-databricks/lib/job/index.js";
import {
  NotificationDestination,
  type NotificationDestinationConfigA,
} from "@cdktf/provider-databricks/lib/notification-destination/index.js";
import { Fn, TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import type { DestinationKind, Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { FALSE_WHEN_APPLIED, TerraformData } from "../terraform-data.ts";

/** Properties for {@link Notifications}. */
export interface NotificationsProps {
  readonly environment: Environment;
}

/**
 * Who hears of what goes wrong: e-mail addresses, and notification destinations that exist or are created here.
 *
 * See docs/decisions/notification-secrets.md for where the URLs of the latter come from and end up.
 */
export class Notifications extends Construct {
  readonly destinationIds: readonly string[];
  /** The settings of a job that tells them. */
  readonly jobSettings: Pick<JobConfig, "emailNotifications" | "webhookNotifications">;

  constructor(scope: Construct, id: string, { environment }: NotificationsProps) {
    super(scope, id);
    const { emails, create, existing } = environment.notifications;
    const ids = [...existing, ...create.map((kind) => this.#create(kind, environment))];
    // In the order that the provider gives to what it reads, or plans would never be empty.
    this.destinationIds = ids.map((_, i) => Fn.element(Fn.sort(ids), i) as string);
    const destinations = this.destinationIds.map((destination) => ({ id: destination }));
    this.jobSettings = {
      ...(emails.length > 0 && {
        emailNotifications: { onFailure: emails, onDurationWarningThresholdExceeded: emails },
      }),
      ...(destinations.length > 0 && {
        webhookNotifications: { onFailure: destinations, onDurationWarningThresholdExceeded: destinations },
      }),
    };
  }

  /** Creates a destination whose URL is a variable that need not be known for a plan; returns its id. */
  #create(kind: DestinationKind, environment: Environment): string {
    const name = `${kind}_url`;
    const url = new TerraformVariable(this, name, {
      type: "string",
      sensitive: true,
      default: "",
      description: `URL of the ${kind} destination. Set TF_VAR_${name}; a plan that is only read does not need it.`,
    });
    url.overrideLogicalId(name);
    const isKnown = new TerraformData(this, `${kind}-url-is-known`, {
      input: { known: `\${nonsensitive(var.${name} != "") ? true : ${FALSE_WHEN_APPLIED}}` },
      lifecycle: {
        postcondition: [
          {
            // While the URL is missing no plan knows the output: a precondition would refuse the plan as well.
            condition: "${self.output.known}",
            errorMessage: `Nobody said where ${kind} notifications go. Set TF_VAR_${name} and plan again.`,
          },
        ],
      },
    });
    return new NotificationDestination(this, kind, {
      displayName: names.notificationDestination(environment, kind),
      config: configOf(kind, url.stringValue),
      dependsOn: [isKnown],
    }).id;
  }
}

function configOf(kind: DestinationKind, url: string): NotificationDestinationConfigA {
  switch (kind) {
    case "slack":
      return { slack: { url } };
    case "teams":
      return { microsoftTeams: { url } };
    case "webhook":
      return { genericWebhook: { url } };
  }
}

import { AlertV2 } from "@cdktf/provider-databricks/lib/alert-v2/index.js";
import { NotificationDestination } from "@cdktf/provider-databricks/lib/notification-destination/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { readQuery, withFullNames } from "../queries.ts";
import type { Notifications } from "./notifications.ts";
import { pauseStatus } from "./order-job.ts";
import type { OrderReports } from "./order-reports.ts";

/** Half an hour after each sweep: an alert that looks more often finds nothing new, and its warehouse costs money. */
const SCHEDULE = "0 30 1/6 * * ?";
/** From a sweep to the look after the next one: with no success for longer, two in a row have come to nothing. */
const MAX_HOURS_WITHOUT_SUCCESS = 6.5;
/** Who did not react to a notification gets another one. */
const RETRIGGER_SECONDS = 24 * 60 * 60;

/** Properties for {@link OrderAlerts}. */
export interface OrderAlertsProps {
  readonly environment: Environment;
  readonly warehouseId: string;
  readonly notifications: Notifications;
  readonly reports: OrderReports;
}

/**
 * Tells of what no single run can tell: bad rows that are too many over a day, and runs that do not even start.
 *
 * The tables come with the first run; until then the alerts cannot be evaluated. See docs/decisions/backlog-alert.md.
 */
export class OrderAlerts extends Construct {
  constructor(scope: Construct, id: string, { environment, warehouseId, notifications, reports }: OrderAlertsProps) {
    super(scope, id);
    const subscriptions = [...notifications.destinationIds, ...this.#emailDestination(environment)].map(
      (destinationId) => ({ destinationId }),
    );
    const alert = (query: string, threshold: number): void => {
      new AlertV2(this, query, {
        displayName: names.query(environment, query),
        queryText: withFullNames(readQuery(query), environment),
        warehouseId,
        // As the service answers: the provider takes a shorter spelling of the same folder for another one.
        parentPath: `/Workspace${reports.folder.path}`,
        ...(environment.runAs !== undefined && { runAs: { servicePrincipalName: environment.runAs } }),
        evaluation: {
          // The queries return one row; the column has the name of the query.
          source: { name: query },
          comparisonOperator: "GREATER_THAN",
          threshold: { value: { doubleValue: threshold } },
          emptyResultState: "OK",
          notification: { notifyOnOk: true, retriggerSeconds: RETRIGGER_SECONDS, subscriptions },
        },
        schedule: { quartzCronSchedule: SCHEDULE, timezoneId: "UTC", pauseStatus: pauseStatus(environment) },
      });
    };
    alert("hours_without_success", MAX_HOURS_WITHOUT_SUCCESS);
    alert("quarantined_percent", environment.maxQuarantinedPercent);
  }

  /** Jobs write to any address, alerts only to users of the workspace and to destinations. */
  #emailDestination(environment: Environment): readonly string[] {
    const { emails } = environment.notifications;
    if (emails.length === 0) return [];
    const destination = new NotificationDestination(this, "emails", {
      displayName: names.notificationDestination(environment, "e-mail"),
      config: { email: { addresses: emails } },
    });
    return [destination.id];
  }
}

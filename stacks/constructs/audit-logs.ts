import type { DatabricksWorkspace } from "@cdktf/provider-azurerm/lib/databricks-workspace/index.js";
import { MonitorDiagnosticSetting } from "@cdktf/provider-azurerm/lib/monitor-diagnostic-setting/index.js";
import { Construct } from "constructs";
import type { OrderLake } from "./order-lake.ts";

/** Properties for {@link AuditLogs}. */
export interface AuditLogsProps {
  /** Log Analytics workspace that keeps them. */
  readonly logAnalyticsWorkspaceId: string;
  readonly lake: OrderLake;
  /** Only a workspace of our own: that of somebody else has logs of its own. */
  readonly workspace?: DatabricksWorkspace;
}

/** Who read, wrote and deleted what in the lake, and who did what in the workspace. */
export class AuditLogs extends Construct {
  constructor(scope: Construct, id: string, { logAnalyticsWorkspaceId, lake, workspace }: AuditLogsProps) {
    super(scope, id);
    const shared = { name: "audit", logAnalyticsWorkspaceId };

    new MonitorDiagnosticSetting(this, "lake", {
      ...shared,
      // The account itself has metrics only; each of its services has logs.
      targetResourceId: `${lake.account.id}/blobServices/default`,
      enabledLog: ["StorageRead", "StorageWrite", "StorageDelete"].map((category) => ({ category })),
    });
    if (!workspace) return;
    new MonitorDiagnosticSetting(this, "workspace", {
      ...shared,
      targetResourceId: workspace.id,
      // Each category of a workspace is an audit log, and new ones come with new services.
      enabledLog: [{ categoryGroup: "allLogs" }],
    });
  }
}

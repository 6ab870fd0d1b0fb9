import { Dashboard } from "@cdktf/provider-databricks/lib/dashboard/index.js";
import { Directory } from "@cdktf/provider-databricks/lib/directory/index.js";
import { Query } from "@cdktf/provider-databricks/lib/query/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { dashboardDefinition } from "../dashboard.ts";
import { allQueries } from "../queries.ts";

/** Properties for {@link OrderReports}. */
export interface OrderReportsProps {
  readonly environment: Environment;
  readonly warehouseId: string;
  /** The environment's folder of the workspace. */
  readonly workspaceFolder: Directory;
}

/** What people look at: each query of the repository as a saved query, and a dashboard of them, in a folder of their own. */
export class OrderReports extends Construct {
  readonly folder: Directory;

  constructor(scope: Construct, id: string, { environment, warehouseId, workspaceFolder }: OrderReportsProps) {
    super(scope, id);
    this.folder = new Directory(this, "folder", {
      // Apart from the notebooks: more people may look at reports.
      path: `${workspaceFolder.path}/reports`,
      deleteRecursive: environment.disposable,
    });
    for (const { name, description, text } of allQueries()) {
      new Query(this, name, {
        displayName: names.query(environment, name),
        description,
        queryText: text,
        catalog: names.catalog(environment),
        schema: names.SCHEMA,
        warehouseId,
        parentPath: this.folder.path,
        // With the rights of whoever runs it, not with those of whoever deployed it.
        runAsMode: "VIEWER",
      });
    }
    const dashboard = new Dashboard(this, "dashboard", {
      displayName: names.dashboard(environment),
      serializedDashboard: dashboardDefinition(),
      warehouseId,
      parentPath: this.folder.path,
      // With the rights of whoever looks at it.
      embedCredentials: false,
    });
    // Newer than the binding.
    dashboard.addOverride("dataset_catalog", names.catalog(environment));
    dashboard.addOverride("dataset_schema", names.SCHEMA);
  }
}

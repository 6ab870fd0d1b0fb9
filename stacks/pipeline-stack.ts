import { Directory } from "@cdktf/provider-databricks/lib/directory/index.js";
import { TerraformResource } from "cdktf";
import type { Construct } from "constructs";
import type { Environment } from "../environments/environment.ts";
import * as names from "../environments/names.ts";
import { JobCompute } from "./constructs/job-compute.ts";
import { NotebookPackage } from "./constructs/notebook-package.ts";
import { Notifications } from "./constructs/notifications.ts";
import { OrderAlerts } from "./constructs/order-alerts.ts";
import { OrderEraseJob } from "./constructs/order-erase-job.ts";
import { OrderLoadJob } from "./constructs/order-load-job.ts";
import { OrderReplayJob } from "./constructs/order-replay-job.ts";
import { OrderReports } from "./constructs/order-reports.ts";
import { OrderSweepJob } from "./constructs/order-sweep-job.ts";
import { OrderUpkeepJob } from "./constructs/order-upkeep-job.ts";
import { OrderWarehouse } from "./constructs/order-warehouse.ts";
import { OrderWithdrawJob } from "./constructs/order-withdraw-job.ts";
import { PersonaPermissions } from "./constructs/persona-permissions.ts";
import { EnvironmentStack } from "./environment-stack.ts";
import { useDatabricks } from "./providers.ts";

/** The workspace's part of an environment: the jobs and what they need, reports, and who hears of and may do what. */
export class PipelineStack extends EnvironmentStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, "pipeline", environment);
    useDatabricks(this, environment);

    const workspaceFolder = new Directory(this, "folder", {
      path: names.workspaceFolder(environment),
      // What others put into our folder stays, unless everything may go.
      deleteRecursive: environment.disposable,
    });
    const compute = new JobCompute(this, "compute", { environment });
    const notebooks = new NotebookPackage(this, "notebooks", workspaceFolder);
    // Of no job: a person runs the first once in a workspace, on each kind of compute, and the other with an order.
    for (const name of ["smoke", "trace"]) notebooks.addNotebook(name);
    const notifications = new Notifications(this, "notifications", { environment });

    const shared = { environment, compute, notebooks, notifications };
    const load = new OrderLoadJob(this, "order-load", shared);
    const jobs = {
      erase: new OrderEraseJob(this, "order-erase", shared),
      load,
      replay: new OrderReplayJob(this, "order-replay", shared),
      sweep: new OrderSweepJob(this, "order-sweep", { environment, load }),
      upkeep: new OrderUpkeepJob(this, "order-upkeep", shared),
      withdraw: new OrderWithdrawJob(this, "order-withdraw", shared),
    };

    const warehouse =
      environment.warehouse === undefined
        ? undefined
        : new OrderWarehouse(this, "warehouse", { environment, warehouse: environment.warehouse });
    const reports = warehouse && this.#addReports(environment, workspaceFolder, warehouse, notifications);
    new PersonaPermissions(this, "permissions", { environment, jobs, compute, workspaceFolder, warehouse, reports });
    if (!environment.existingWorkspace) this.#addGuestsFolder();
  }

  /**
   * Adds the folder in which other environments in our workspace have theirs, sandboxes above all.
   *
   * It is the first thing that a destroy wants to delete, since it waits for all others. The workspace refuses while there
   * is anything in it, and so nothing is destroyed that a guest needs to be destroyed itself.
   */
  #addGuestsFolder(): void {
    const others = this.node.findAll().filter((construct) => construct instanceof TerraformResource);
    new Directory(this, "guests", { path: names.GUESTS_FOLDER, deleteRecursive: false, dependsOn: others });
  }

  /** Adds what people ask with a warehouse, and what asks by itself. */
  #addReports(
    environment: Environment,
    workspaceFolder: Directory,
    { warehouseId }: OrderWarehouse,
    notifications: Notifications,
  ): OrderReports {
    const reports = new OrderReports(this, "reports", { environment, warehouseId, workspaceFolder });
    new OrderAlerts(this, "alerts", { environment, warehouseId, notifications, reports });
    return reports;
  }
}

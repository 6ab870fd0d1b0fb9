import { SqlEndpoint } from "@cdktf/provider-databricks/lib/sql-endpoint/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { tags } from "../tags.ts";

/** The least that the service takes, of whatever kind the warehouse is; this kind starts in seconds. */
const AUTO_STOP_MINUTES = 10;

/** Properties for {@link OrderWarehouse}. */
export interface OrderWarehouseProps {
  readonly environment: Environment;
  readonly warehouse: NonNullable<Environment["warehouse"]>;
}

/** The SQL warehouse that the environment names, or the smallest there is, which starts with a query and stops by itself. */
export class OrderWarehouse extends Construct {
  readonly warehouseId: string;
  /** Where it is ours. */
  readonly created?: SqlEndpoint;

  constructor(scope: Construct, id: string, { environment, warehouse }: OrderWarehouseProps) {
    super(scope, id);
    if (warehouse !== "create") {
      this.warehouseId = warehouse;
      return;
    }
    this.created = new SqlEndpoint(this, "warehouse", {
      name: names.warehouse(environment),
      clusterSize: "2X-Small",
      maxNumClusters: 1,
      warehouseType: "PRO",
      enableServerlessCompute: true,
      autoStopMins: AUTO_STOP_MINUTES,
      tags: { customTags: Object.entries(tags(environment)).map(([key, value]) => ({ key, value })) },
    });
    this.warehouseId = this.created.id;
  }
}

/** What the cost of a resource follows, by its type. No prices: those are Azure's to tell. What is not here is free. */

/** What a resource costs. */
export interface ResourceCost {
  /** What its cost follows. */
  readonly follows: string;
  /** What it costs while nothing happens; nothing where that is free. */
  readonly whileIdle?: string;
}

/** Jobs are not here: they cost what they run on, and whether they start by themselves is in their fields. */
export const RESOURCE_COSTS: Readonly<Record<string, ResourceCost>> = {
  azurerm_storage_account: { follows: "stored data, by its copies, and reads and writes", whileIdle: "what is stored" },
  azurerm_databricks_workspace: {
    follows:
      "a small storage account that comes with it, and where Databricks manages its network a NAT gateway with an address",
    whileIdle: "what comes with it",
  },
  azurerm_nat_gateway: { follows: "hours, and data through it", whileIdle: "hours" },
  azurerm_public_ip: { follows: "hours", whileIdle: "hours" },
  azurerm_private_endpoint: { follows: "hours, and data through it", whileIdle: "hours" },
  azurerm_private_dns_zone: { follows: "months, and queries", whileIdle: "months" },
  azurerm_monitor_diagnostic_setting: { follows: "the volume of logs: each read of a file is a line" },
  databricks_cluster: { follows: "minutes that it runs: the machine, and Databricks units; it ends itself" },
  databricks_sql_endpoint: { follows: "minutes that it runs; it ends itself" },
  databricks_alert_v2: { follows: "minutes of the warehouse", whileIdle: "its schedule, which starts the warehouse" },
};

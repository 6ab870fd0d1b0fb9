/** Terraform's types, actions and reasons, as people say them. */
import type { Action, Change } from "./plan.ts";
import { code } from "./text.ts";

const TYPES: Readonly<Record<string, string>> = {
  azurerm_databricks_access_connector: "access connector",
  azurerm_databricks_workspace: "workspace",
  azurerm_databricks_workspace_root_dbfs_customer_managed_key: "workspace's key",
  azurerm_management_lock: "lock",
  azurerm_monitor_diagnostic_setting: "audit log",
  azurerm_nat_gateway: "NAT gateway",
  azurerm_nat_gateway_public_ip_association: "link of a NAT gateway to its address",
  azurerm_network_security_group: "network security group",
  azurerm_private_dns_zone: "private DNS zone",
  azurerm_private_dns_zone_virtual_network_link: "link of a network to a private DNS zone",
  azurerm_private_endpoint: "private endpoint",
  azurerm_public_ip: "public address",
  azurerm_resource_group: "resource group",
  azurerm_role_assignment: "role",
  azurerm_storage_account: "storage account",
  azurerm_storage_account_network_rules: "storage firewall",
  azurerm_storage_container: "container",
  azurerm_storage_management_policy: "ages of archived files",
  azurerm_subnet: "subnet",
  azurerm_subnet_nat_gateway_association: "link of a subnet to a NAT gateway",
  azurerm_subnet_network_security_group_association: "link of a subnet to a network security group",
  azurerm_user_assigned_identity: "identity",
  azurerm_virtual_network: "virtual network",
  databricks_alert_v2: "alert",
  databricks_catalog: "catalog",
  databricks_cluster: "cluster",
  databricks_cluster_policy: "cluster policy",
  databricks_dashboard: "dashboard",
  databricks_directory: "workspace folder",
  databricks_external_location: "external location",
  databricks_file: "file",
  databricks_grants: "grants",
  databricks_job: "job",
  databricks_notebook: "notebook",
  databricks_notification_destination: "notification destination",
  databricks_permission_assignment: "workspace membership",
  databricks_permissions: "permissions",
  databricks_query: "query",
  databricks_schema: "schema",
  databricks_sql_endpoint: "SQL warehouse",
  databricks_storage_credential: "storage credential",
  databricks_volume: "volume",
  databricks_workspace_file: "workspace file",
  terraform_data: "check before deploying",
};

export const typeInWords = (type: string): string => TYPES[type] ?? code(type);

const VERBS: Readonly<Record<Action, string>> = {
  create: "is created",
  read: "is read",
  update: "is changed",
  replace: "is deleted and created anew",
  destroy: "is deleted",
  forget: "is forgotten: it stays, but Terraform knows of it no more",
  none: "stays as it is",
  unknown: "meets something that this review does not know",
};

const VERBS_OF_MANY: Readonly<Partial<Record<Action, string>>> = {
  replace: "are deleted and created anew",
  destroy: "are deleted",
  forget: "are forgotten: they stay, but Terraform knows of them no more",
};

/** @param number of the things that meet it; many only of what goes */
export const actionInWords = (action: Action, number = 1): string =>
  (number === 1 ? undefined : VERBS_OF_MANY[action]) ?? VERBS[action];

const REASONS: Readonly<Record<string, string>> = {
  replace_because_cannot_update: "it cannot be changed in place",
  replace_because_tainted: "an earlier deployment left it half made (tainted)",
  replace_by_request: "somebody asked for it (-replace)",
  replace_by_triggers: "something that it follows changes (replace_triggered_by)",
  delete_because_no_resource_config: "it is no longer in the configuration",
  delete_because_no_module: "its module is no longer in the configuration",
  delete_because_each_key: "its key is no longer in for_each",
  delete_because_count_index: "its index is beyond count",
  delete_because_wrong_repetition: "it has gained or lost for_each or count",
  delete_because_no_move_target: "what it was moved to is not in the configuration",
  read_because_config_unknown: "what is asked is known only after it is applied",
  read_because_dependency_pending: "it waits for what changes",
  read_because_check_nested: "a check reads it",
};

/** Terraform's reason for what it does, as the middle of a sentence; one that is new is quoted. */
export function reasonInWords({ reason }: Change): string | undefined {
  return reason === undefined ? undefined : (REASONS[reason] ?? code(reason));
}

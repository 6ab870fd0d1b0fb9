/** Resources that hold data, or what data cannot be read without: whoever loses one of them loses data. */
export const STATEFUL_TYPES: readonly string[] = [
  "azurerm_databricks_workspace",
  "azurerm_storage_account",
  "azurerm_storage_container",
  "databricks_catalog",
  "databricks_schema",
  "databricks_volume",
];

/** Variables that tell the Databricks provider a workspace, directly or through a profile in a file. */
export const WORKSPACE_VARIABLES = ["DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE"] as const;

# Databricks notebook source
# MAGIC %md
# MAGIC # Upkeep
# MAGIC
# MAGIC Keeps the tables quick and small: compacts and clusters their files, and deletes old versions,
# MAGIC and old rows of the stage that only repeat others.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import read_parameters, retention_days
from order_tracking.tables.tables import Tables
from order_tracking.tasks.upkeep import upkeep

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("volume", "")
dbutils.widgets.text("checkpoint", "")
dbutils.widgets.text("retention_days", "30")

# COMMAND ----------

# DBTITLE 1,Keep the tables in shape
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
summary = upkeep(spark, tables, retention_days=retention_days(dbutils.widgets.get("retention_days")))
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for the job
dbutils.notebook.exit(summary.to_json())

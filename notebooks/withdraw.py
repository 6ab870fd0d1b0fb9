# Databricks notebook source
# MAGIC %md
# MAGIC # Withdraw
# MAGIC
# MAGIC Takes files back that should never have come: orders, history and counts are as if they had not.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import read_parameters
from order_tracking.tables.tables import Tables
from order_tracking.tasks.withdraw import withdraw

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("volume", "")
dbutils.widgets.text("checkpoint", "")
dbutils.widgets.text("run_id", "")
dbutils.widgets.text("files", "")

# COMMAND ----------

# DBTITLE 1,Take back what was chosen
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
summary = withdraw(spark, tables, **read_parameters(dbutils.widgets.get, "volume", "checkpoint", "run_id", "files"))
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for the job
dbutils.notebook.exit(summary.to_json())

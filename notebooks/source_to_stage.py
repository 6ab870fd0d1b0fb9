# Databricks notebook source
# MAGIC %md
# MAGIC # Source to stage
# MAGIC
# MAGIC Loads every file of the landing directory into `stage_orders_table`, and archives it.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import read_parameters
from order_tracking.source_to_stage import source_to_stage

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("volume", "")
dbutils.widgets.text("run_id", "")

# COMMAND ----------

# DBTITLE 1,Load what has arrived
parameters = read_parameters(dbutils.widgets.get, "catalog", "schema", "volume", "run_id")
summary = source_to_stage(spark, **parameters)
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for the job
dbutils.notebook.exit(summary.to_json())

# Databricks notebook source
# MAGIC %md
# MAGIC # Stage to final
# MAGIC
# MAGIC Merges every staged batch into `orders_table`, in one commit.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import read_parameters
from order_tracking.tables.tables import Tables
from order_tracking.tasks.stage_to_final import stage_to_final

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("checkpoint", "")
dbutils.widgets.text("run_id", "")

# COMMAND ----------

# DBTITLE 1,Merge what is staged
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
parameters = read_parameters(dbutils.widgets.get, "checkpoint", "run_id")
summary = stage_to_final(spark, tables, **parameters)
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for the job
dbutils.notebook.exit(summary.to_json())

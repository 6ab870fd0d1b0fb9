# Databricks notebook source
# MAGIC %md
# MAGIC # Trace
# MAGIC
# MAGIC Says of each row that was sent of an order in which line of which file it was, and what was made of it.
# MAGIC Old rows that others repeat are not kept: the last one is listed, without its line where its file had several.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import read_parameters
from order_tracking.tables.tables import Tables
from order_tracking.tasks.trace import trace

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("volume", "")
dbutils.widgets.text("tracking_num", "")

# COMMAND ----------

# DBTITLE 1,Trace the order
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
summary = trace(spark, tables, **read_parameters(dbutils.widgets.get, "volume", "tracking_num"))
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for machines
dbutils.notebook.exit(summary.to_json())

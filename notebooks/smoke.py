# Databricks notebook source
# MAGIC %md
# MAGIC # Smoke
# MAGIC
# MAGIC Run this once in a workspace, by hand, on each kind of compute that the jobs may use. It checks what no laptop
# MAGIC can show: what volumes, tables, views and Spark do here that the pipeline builds on. It leaves nothing behind.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters: those of the job
from order_tracking.parameters import read_parameters
from order_tracking.tables.tables import Tables
from order_tracking.tasks.smoke import smoke

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("volume", "")
dbutils.widgets.text("checkpoint", "")

# COMMAND ----------

# DBTITLE 1,Check what the pipeline builds on
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
parameters = read_parameters(dbutils.widgets.get, "volume", "checkpoint")
summary = smoke(spark, tables, **parameters)
print(summary)
summary.raise_failures()

# COMMAND ----------

# DBTITLE 1,Result for people
dbutils.notebook.exit(summary.to_json())

# Databricks notebook source
# MAGIC %md
# MAGIC # Erase
# MAGIC
# MAGIC Removes one order from all tables, from what runs tell, and from the archived and rejected files. Says where it
# MAGIC was, and until when old versions could show it. Nothing can bring it back.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import read_parameters, retention_days
from order_tracking.tables.tables import Tables
from order_tracking.tasks.erase import erase

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("volume", "")
dbutils.widgets.text("checkpoint", "")
dbutils.widgets.text("run_id", "")
dbutils.widgets.text("tracking_num", "")
dbutils.widgets.text("retention_days", "30")

# COMMAND ----------

# DBTITLE 1,Erase the order
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
parameters = read_parameters(dbutils.widgets.get, "volume", "checkpoint", "run_id", "tracking_num")
days = retention_days(dbutils.widgets.get("retention_days"))
summary = erase(spark, tables, **parameters, retention_days=days)
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for the job
dbutils.notebook.exit(summary.to_json())

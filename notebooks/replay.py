# Databricks notebook source
# MAGIC %md
# MAGIC # Replay
# MAGIC
# MAGIC Puts archived or rejected files, or the rows in quarantine, back into the landing directory, where their arrival
# MAGIC starts the job.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import read_parameters
from order_tracking.tables.tables import Tables
from order_tracking.tasks.replay import replay

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("volume", "")
dbutils.widgets.text("checkpoint", "")
dbutils.widgets.dropdown("source", "quarantine", ["quarantine", "archive", "rejected"])
dbutils.widgets.text("since", "")
dbutils.widgets.text("until", "")
dbutils.widgets.text("files", "")

# COMMAND ----------

# DBTITLE 1,Put back what was chosen
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
parameters = read_parameters(
    dbutils.widgets.get, "volume", "checkpoint", "source", optional=("since", "until", "files")
)
summary = replay(spark, tables, **parameters)
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for the job
dbutils.notebook.exit(summary.to_json())

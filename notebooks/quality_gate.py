# Databricks notebook source
# MAGIC %md
# MAGIC # Quality gate
# MAGIC
# MAGIC Writes what the tasks did to the job log, which the run tracker and the file ledger show.
# MAGIC Fails the run if its data is too bad.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import number, read_parameters
from order_tracking.tables.tables import Tables
from order_tracking.tasks.quality_gate import quality_gate

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("checkpoint", "")
dbutils.widgets.text("run_id", "")
dbutils.widgets.text("max_quarantined_percent", "20")
dbutils.widgets.text("max_rejected_files", "0")

# COMMAND ----------

# DBTITLE 1,Judge the run
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
parameters = read_parameters(dbutils.widgets.get, "checkpoint", "run_id")
limits = {name: number(name, dbutils.widgets.get(name)) for name in ("max_quarantined_percent", "max_rejected_files")}
summary = quality_gate(spark, tables, **parameters, **limits)
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for the job
dbutils.notebook.exit(summary.to_json())

# Databricks notebook source
# MAGIC %md
# MAGIC # Source to stage
# MAGIC
# MAGIC Loads every file of the landing directory into `stage_orders_table`, and archives it.
# MAGIC The work is done, and explained, in the `order_tracking` package beside this notebook.

# COMMAND ----------

# DBTITLE 1,Parameters
from order_tracking.parameters import CutRows, NewColumns, choice, number, read_parameters
from order_tracking.tables.tables import Tables
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.source_to_stage import source_to_stage

dbutils.widgets.text("catalog", "")
dbutils.widgets.text("schema", "")
dbutils.widgets.text("operations_schema", "")
dbutils.widgets.text("volume", "")
dbutils.widgets.text("checkpoint", "")
dbutils.widgets.text("run_id", "")
dbutils.widgets.text("new_columns", "ignore")
dbutils.widgets.text("max_bad_rows_percent", "50")
dbutils.widgets.text("cut_rows", "load")

# COMMAND ----------

# DBTITLE 1,Load what has arrived
tables = Tables(**read_parameters(dbutils.widgets.get, "catalog", "schema", "operations_schema"))
parameters = read_parameters(dbutils.widgets.get, "volume", "checkpoint", "run_id")
policy = Policy(
    choice(NewColumns, "new_columns", dbutils.widgets.get("new_columns")),
    number("max_bad_rows_percent", dbutils.widgets.get("max_bad_rows_percent")),
    choice(CutRows, "cut_rows", dbutils.widgets.get("cut_rows")),
)
summary = source_to_stage(spark, tables, **parameters, policy=policy)
print(summary)

# COMMAND ----------

# DBTITLE 1,Result for the job
dbutils.notebook.exit(summary.to_json())

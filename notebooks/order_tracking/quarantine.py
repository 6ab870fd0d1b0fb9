"""The quarantine: rows that broke a rule, as they were, with the reasons."""

from datetime import datetime

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from order_tracking.contract import COLUMNS


def quarantine_rows(rows: DataFrame, quarantine: str, batch_id: str, now: datetime) -> None:
    """Append a batch's bad rows, once: Delta skips the second write of the same transaction."""
    in_file = Window.partitionBy("_source_file")
    bad_rows = (
        rows.withColumn("_first_row_id", F.min("_row_id").over(in_file))
        .where(F.size("reasons") > 0)
        .select(
            *(column.name for column in COLUMNS),
            "raw_row",
            "reasons",
            "_source_file",
            (F.col("_row_id") - F.col("_first_row_id") + 1).alias("_row_number"),
            F.lit(batch_id).alias("_batch_id"),
            F.lit(now).alias("_quarantined_at"),
        )
    )
    bad_rows.writeTo(quarantine).option("txnAppId", f"quarantine-{batch_id}").option("txnVersion", 1).append()


def count_quarantined_by_file(spark: SparkSession, quarantine: str, batch_id: str) -> dict[str, int]:
    """Count a batch's rows by the file they came from."""
    rows = spark.table(quarantine).where(F.col("_batch_id") == batch_id)
    return {row._source_file: row["count"] for row in rows.groupBy("_source_file").count().collect()}

"""The stage: rows that were read and not yet merged."""

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from order_tracking.contract import COLUMNS, KEY
from order_tracking.rules import parse


@dataclass(frozen=True)
class RowCounts:
    """What became of the rows that were read, and between which keys the staged ones lie."""

    staged: int = 0
    quarantined: int = 0
    first_key: str | None = None
    last_key: str | None = None


def write_stage(rows: DataFrame, stage: str, batch_id: str, oldest_open_id: str, now: datetime) -> RowCounts:
    """Write a batch's good rows, in the one commit that also drops every batch before the oldest that is not merged.

    Writing a batch again replaces it. Claims are numbered in their order, so a batch that another run claims meanwhile
    is never among those dropped.
    """
    counts = Observation()
    staged = (
        rows.observe(
            counts,
            F.expr("count_if(size(reasons) = 0) AS staged"),
            F.expr("count_if(size(reasons) > 0) AS quarantined"),
            F.expr(f"min(CASE WHEN size(reasons) = 0 THEN {KEY} END) AS first_key"),
            F.expr(f"max(CASE WHEN size(reasons) = 0 THEN {KEY} END) AS last_key"),
        )
        .where("size(reasons) = 0")
        .selectExpr(*(f"{parse(column)} AS {column.name}" for column in COLUMNS), "_source_file")
        .withColumns({"_ingested_at": F.lit(now), "_batch_id": F.lit(batch_id)})
    )
    staged.writeTo(stage).overwrite(F.expr(f"_batch_id = '{batch_id}' OR _batch_id < '{oldest_open_id}'"))
    return RowCounts(**counts.get)


def count_staged_by_file(spark: SparkSession, stage: str, batch_id: str) -> dict[str, RowCounts]:
    """Count a batch's rows by the file they came from."""
    rows = spark.table(stage).where(F.col("_batch_id") == batch_id).groupBy("_source_file")
    by_file = rows.agg(F.count(F.lit(1)).alias("staged"), F.min(KEY).alias("first_key"), F.max(KEY).alias("last_key"))
    return {
        row._source_file: RowCounts(staged=row.staged, first_key=row.first_key, last_key=row.last_key)
        for row in by_file.collect()
    }

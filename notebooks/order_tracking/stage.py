"""The stage: every row that was loaded. The merge takes the batches that wait for it, the history takes them all."""

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from order_tracking.contract import COLUMNS, KEY
from order_tracking.rules import WARNINGS, breaks, parse


@dataclass(frozen=True)
class RowCounts:
    """What became of the rows that were read, and between which keys the staged ones lie."""

    staged: int = 0
    quarantined: int = 0
    first_key: str | None = None
    last_key: str | None = None
    warnings: tuple[str, ...] = ()


def write_stage(
    rows: DataFrame, stage: str, batch_id: str, attempt: int, added_columns: tuple[str, ...], now: datetime
) -> RowCounts:
    """Write a batch's good rows in one commit; a later attempt replaces what an earlier one may have left."""
    counts = Observation()
    staged = (
        rows.observe(
            counts,
            F.expr("count_if(size(reasons) = 0) AS staged"),
            F.expr("count_if(size(reasons) > 0) AS quarantined"),
            F.expr(f"min(CASE WHEN size(reasons) = 0 THEN {KEY} END) AS first_key"),
            F.expr(f"max(CASE WHEN size(reasons) = 0 THEN {KEY} END) AS last_key"),
            *(
                F.expr(f"count_if(size(reasons) = 0 AND {breaks(rule)}) AS warning_{i}")
                for i, rule in enumerate(WARNINGS)
            ),
        )
        .where("size(reasons) = 0")
        .selectExpr(
            *(f"{parse(column)} AS {column.name}" for column in COLUMNS),
            *(f"`{name}`" for name in added_columns),
            "_source_file",
        )
        .withColumns({"_ingested_at": F.lit(now), "_batch_id": F.lit(batch_id)})
    )
    if attempt == 1:
        staged.writeTo(stage).append()
    else:
        staged.writeTo(stage).overwrite(F.col("_batch_id") == batch_id)
    seen = counts.get
    warned = ((seen[f"warning_{i}"], rule.message) for i, rule in enumerate(WARNINGS))
    return RowCounts(
        staged=seen["staged"],
        quarantined=seen["quarantined"],
        first_key=seen["first_key"],
        last_key=seen["last_key"],
        warnings=tuple(f"{rows} rows: {message}" for rows, message in warned if rows),
    )


def count_by_file(spark: SparkSession, table: str, batch_id: str) -> dict[str, int]:
    """Count a batch's rows in the stage or in the quarantine by the file they came from."""
    rows = spark.table(table).where(F.col("_batch_id") == batch_id)
    return {row._source_file: row["count"] for row in rows.groupBy("_source_file").count().collect()}


def discard_file(spark: SparkSession, table: str, batch_id: str, path: str, condition: str = "true") -> None:
    """Delete a file's rows, or those that meet a condition, from the stage or from the quarantine."""
    spark.sql(
        f"DELETE FROM {table} WHERE _batch_id = :batch_id AND _source_file = :path AND {condition}",
        args={"batch_id": batch_id, "path": path},
    ).collect()

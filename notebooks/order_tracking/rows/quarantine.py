"""The quarantine: rows that broke a rule, as they were, with the reasons."""

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from order_tracking.contract.contract import Contract
from order_tracking.sql import identifier, time_of_run


@dataclass(frozen=True)
class BadRow:
    """A row of a file, and what is wrong with it.

    Attributes:
        number: Its number in the file, from 1, without the header.
    """

    number: int
    reason: str


def quarantine_rows(
    rows: DataFrame, contract: Contract, quarantine: str, batch_id: str, attempt: int, now: datetime
) -> None:
    """Write the bad ones of a batch's numbered rows, once.

    A later attempt replaces what an earlier one may have left. Delta skips an earlier attempt that comes too late,
    from a run that was thought dead.
    """
    bad_rows = rows.where(F.size("reasons") > 0).select(
        *map(identifier, contract.names),
        "raw_row",
        "reasons",
        "_source_file",
        "_row_number",
        F.lit(batch_id).alias("_batch_id"),
        F.expr(time_of_run(now, "_row_id >= 0")).alias("_quarantined_at"),
    )
    writer = bad_rows.writeTo(quarantine).option("txnAppId", batch_id).option("txnVersion", attempt)
    if attempt == 1:
        writer.append()
    else:
        writer.overwrite(F.col("_batch_id") == batch_id)


def first_bad_rows(spark: SparkSession, quarantine: str, batch_id: str, path: str, limit: int) -> list[BadRow]:
    """Read a file's first rows in quarantine."""
    of_file = spark.table(quarantine).where((F.col("_batch_id") == batch_id) & (F.col("_source_file") == path))
    columns = of_file.selectExpr("_row_number AS number", "array_join(reasons.message, ', ') AS reason")
    return [BadRow(row.number, row.reason) for row in columns.sort("number").limit(limit).collect()]

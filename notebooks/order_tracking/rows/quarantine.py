"""The quarantine: rows that broke a rule, as they were, with the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from order_tracking.contract.contract import Contract
from order_tracking.rows.stage import are_of
from order_tracking.sql import identifier, time_of_run
from order_tracking.tables.conflicts import run_again_on_conflict


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
        run_again_on_conflict(writer.append)
    else:
        run_again_on_conflict(lambda: writer.overwrite(F.col("_batch_id") == batch_id))


def first_bad_rows(
    spark: SparkSession, quarantine: str, files: Sequence[tuple[str, str]], limit: int
) -> dict[str, list[BadRow]]:
    """Read the first rows in quarantine of each of the files, which batch and path name, by path."""
    rows = spark.sql(f"""
        SELECT _source_file, _row_number, reason FROM (
            SELECT *, array_join(reasons.message, ', ') AS reason,
                   row_number() OVER (PARTITION BY _batch_id, _source_file ORDER BY _row_number) AS _place
            FROM {quarantine} WHERE {are_of(files)}
        )
        WHERE _place <= {limit}
        ORDER BY _source_file, _row_number""").collect()
    found: dict[str, list[BadRow]] = {path: [] for _, path in files}
    for row in rows:
        found[row._source_file].append(BadRow(row._row_number, row.reason))
    return found

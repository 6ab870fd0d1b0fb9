"""Keep the tables quick and small: compact and cluster their files, and delete versions that are too old."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.rows.fold_stage import fold_stage
from order_tracking.sql import literal
from order_tracking.tables.folded_files import fold_files
from order_tracking.tables.tables import BY_TIME, Tables, create_missing, replace_views

#: From here on, a merge that marks rows as deleted is cheaper than one that writes the files of those rows anew: on two
#: cores, of 10,000 rows, 1.3 times as long into 1.4 MiB, the same into 6 MiB, 0.6 times as long into 23 MiB.
_LARGE_TABLE_BYTES = 8 * 2**20

#: What a run without a gate told waits for the next run, which may be after a weekend.
_FOLDED_AFTER = timedelta(days=3)


@dataclass(frozen=True)
class UpkeepSummary:
    """What `upkeep` did.

    Attributes:
        tables: The tables that were compacted and cleaned.
        files_added: Files that the compaction wrote.
        files_removed: Files whose rows it took over.
        rows_folded: Old rows of the stage that it deleted since others say the same.
        warnings: What it could not do.
    """

    tables: tuple[str, ...]
    files_added: int
    files_removed: int
    rows_folded: int
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the summary for machines."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        """Return the summary for people."""
        done = (
            f"{self.files_removed} files of {len(self.tables)} tables were written anew as {self.files_added}. "
            f"{self.rows_folded} old rows of the stage that others repeat were deleted."
        )
        return "\n".join([done, *(f"Warning: {warning}." for warning in self.warnings)])


def upkeep(
    spark: SparkSession, tables: Tables, retention_days: float, contract: Contract = ORDERS, now: Clock = utc_now
) -> UpkeepSummary:
    """Fold the file ledger and what of the stage is older than `retention_days`, compact and cluster the tables,
    delete what only versions older than that need.

    The views are renewed: that of the ledger by what is folded now.

    Every step is safe at any time, also beside a run of the job: of two commits that touch the same files, Delta lets
    one fail, and both are safe to try again.
    """
    use_utc(spark)
    warnings = list(create_missing(spark, contract, tables))
    fold_files(spark, tables.job_log, tables.folded_files, until=now() - _FOLDED_AFTER)
    warnings += replace_views(spark, contract, tables)  # To fold the stage takes the ledger's view.
    rows_folded = fold_stage(spark, contract, tables, until=now() - timedelta(days=retention_days))
    added = removed = 0
    for name in tables.stored:
        keep_versions(spark, name, retention_days)
        [compaction] = spark.sql(f"OPTIMIZE {name}").select("metrics.*").collect()
        added += compaction.numFilesAdded
        removed += compaction.numFilesRemoved
        spark.sql(f"VACUUM {name} RETAIN {retention_days * 24:g} HOURS").collect()
        _drop_old_log(spark, name, retention_days)
    for name in (tables.orders, tables.stage):
        _mark_deleted_rows_if_large(spark, name)
    warnings += _cluster_by_time(spark, tables.job_log)
    return UpkeepSummary(
        tables=tuple(name.rsplit(".", 1)[1] for name in tables.stored),
        files_added=added,
        files_removed=removed,
        rows_folded=rows_folded,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def keep_versions(spark: SparkSession, table: str, days: float) -> None:
    """Say it to the table as well: whoever else vacuums it, as a workspace does by itself, keeps a week otherwise.

    The log as long as the files: it has the least and the greatest key of each, also of those that are gone.
    """
    wanted = f"interval {days * 24:g} hours"
    kept = ("delta.deletedFileRetentionDuration", "delta.logRetentionDuration")
    _set_properties(spark, table, dict.fromkeys(kept, wanted))


def _drop_old_log(spark: SparkSession, table: str, days: float) -> None:
    """Have Delta delete what is too old of a table's log: it does so with a checkpoint, each tenth commit.

    A table that seldom changes would keep it for years. What is kept begins with a checkpoint that is old enough.
    """
    [[oldest]] = spark.sql(f"DESCRIBE HISTORY {table}").selectExpr("min(timestamp)").collect()
    # Delta counts in whole days.
    if oldest < datetime.now() - timedelta(days=days + 2):
        write_checkpoint(spark, table)


def write_checkpoint(spark: SparkSession, table: str) -> None:
    """Have Delta write a checkpoint of a table's log; no statement does so by itself."""
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.checkpointInterval' = '1')")
    spark.sql(f"ALTER TABLE {table} UNSET TBLPROPERTIES ('delta.checkpointInterval')")


def _cluster_by_time(spark: SparkSession, job_log: str) -> tuple[str, ...]:
    """Cluster a job log that an earlier version of this code made; in Unity Catalog only its owner may.

    Returns:
        What could not be done.
    """
    [detail] = spark.sql(f"DESCRIBE DETAIL {job_log}").select("clusteringColumns").collect()
    if detail.clusteringColumns != [BY_TIME]:
        try:
            spark.sql(f"ALTER TABLE {job_log} CLUSTER BY ({BY_TIME})")
        except PySparkException as error:
            reason = " ".join(str(error).split())[:200]
            return (f"{job_log} could not be clustered by time, so questions about runs take longer: {reason}",)
    return ()


def _mark_deleted_rows_if_large(spark: SparkSession, table: str) -> None:
    [detail] = spark.sql(f"DESCRIBE DETAIL {table}").select("sizeInBytes").collect()
    if detail.sizeInBytes >= _LARGE_TABLE_BYTES:
        _set_properties(spark, table, {"delta.enableDeletionVectors": "true"})


def _set_properties(spark: SparkSession, table: str, wanted: Mapping[str, str]) -> None:
    """Set properties of a table, unless it has all of them: each time would be a commit."""
    [detail] = spark.sql(f"DESCRIBE DETAIL {table}").select("properties").collect()
    if not wanted.items() <= detail.properties.items():
        properties = ", ".join(f"{literal(name)} = {literal(value)}" for name, value in wanted.items())
        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({properties})")

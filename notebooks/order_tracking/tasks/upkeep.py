"""Keep the tables quick and small: compact and cluster their files, delete versions and repeated rows if too old."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import ContractError, UpkeepError
from order_tracking.rows.fold_stage import fold_stage
from order_tracking.tables.conflicts import alter, run_again_on_conflict, why_refused
from order_tracking.tables.folded_files import fold_files
from order_tracking.tables.tables import (
    BY_TIME,
    STATISTICS,
    Tables,
    create_missing,
    create_tables,
    replace_views,
    rows_found_by,
)
from order_tracking.tables.versions import (
    MARKS_ROWS,
    ensure_properties,
    stop_checkpoints,
    versions_kept,
    write_checkpoint,
)
from order_tracking.tasks.summary import Summary

#: From here on, a merge that marks rows as deleted is cheaper than one that writes the files of those rows anew: on two
#: cores, of 10,000 rows, 1.3 times as long into 1.4 MiB, the same into 6 MiB, 0.6 times as long into 23 MiB.
_LARGE_TABLE_BYTES = 8 * 2**20

#: What a run without a gate told waits for the next run, which may be after a weekend.
_FOLDED_AFTER = timedelta(days=3)


@dataclass(frozen=True)
class UpkeepSummary(Summary):
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
    """Fold the file ledger, delete what only versions older than `retention_days` need, fold what of the stage is that
    old, compact and cluster the tables.

    The views are renewed: that of the ledger by what is folded now.

    What may take all the time of the task, each night anew, comes last, the large tables after the small ones: what an
    erasure removed would stay readable in old versions, and the storage would grow without end.

    Every step can be taken at any time, also beside a run of the job: of two commits that touch the same files, Delta
    lets one fail, which is run again. A step that fails all the same keeps no other one from being taken.

    Raises:
        ContractError: If the tables cannot follow the contract; then no other step is taken.
        UpkeepError: If a step failed, when all others are taken.
    """
    use_utc(spark)
    warnings: list[str] = []
    failures: dict[str, Exception] = {}
    sizes: dict[str, int] = {}
    with _apart(failures, tables.history):
        create_tables(spark, contract, tables)
        warnings += create_missing(spark, contract, tables)
    with _apart(failures, tables.folded_files):
        fold_files(spark, tables.job_log, tables.folded_files, until=now() - _FOLDED_AFTER)
    if tables.history not in failures:  # Or its new view would tell the next run that no table lacks anything.
        with _apart(failures, tables.ledger):
            warnings += replace_views(spark, contract, tables)  # To fold the stage takes the ledger's view.
    for name in tables.stored:
        with _apart(failures, name):
            [detail] = spark.sql(f"DESCRIBE DETAIL {name}").collect()
            sizes[name] = detail.sizeInBytes
            warnings += _set_up(spark, contract, tables, name, detail, retention_days)
            _clean(spark, name, retention_days)
    rows_folded = added = removed = 0
    with _apart(failures, tables.stage):
        rows_folded = fold_stage(spark, contract, tables, until=now() - timedelta(days=retention_days))
    for name in sorted(tables.stored, key=lambda name: sizes.get(name, 0)):
        with _apart(failures, name):
            compaction = _compact(spark, name)
            added += compaction.numFilesAdded
            removed += compaction.numFilesRemoved
    if failures:
        first = next(iter(failures.values()))
        raise UpkeepError(
            f"the upkeep of {', '.join(failures)} did not come to its end, that of all other tables did; what is left "
            f"is done by the next one: {why_refused(first)}"
        ) from first
    return UpkeepSummary(
        tables=tuple(name.rsplit(".", 1)[1] for name in tables.stored),
        files_added=added,
        files_removed=removed,
        rows_folded=rows_folded,
        warnings=tuple(dict.fromkeys(warnings)),
    )


@contextmanager
def _apart(failures: dict[str, Exception], table: str) -> Iterator[None]:
    """Note what fails of a table first, and let what comes after it be done."""
    try:
        yield
    except ContractError:
        raise  # Views and folds by a contract that the tables were not made by would be wrong, and taken for right.
    except Exception as error:
        failures.setdefault(table, error)


def _set_up(
    spark: SparkSession, contract: Contract, tables: Tables, table: str, detail: Row, days: float
) -> tuple[str, ...]:
    """Let a table have the properties and the clustering that it should have by now.

    Args:
        spark: The session.
        contract: The contract.
        tables: The names of the tables.
        table: The table.
        detail: What Delta tells of it.
        days: How long its old versions are kept.

    Returns:
        What could not be done.
    """
    wanted = versions_kept(days)
    if table in (tables.orders, tables.stage) and detail.sizeInBytes >= _LARGE_TABLE_BYTES:
        wanted[MARKS_ROWS] = "true"
    if table == tables.quarantine:
        wanted[STATISTICS] = ",".join(rows_found_by(contract))
    ensure_properties(spark, table, wanted, detail.properties)
    stop_checkpoints(spark, table, detail.properties)
    if table == tables.job_log and detail.clusteringColumns != [BY_TIME]:
        return _cluster_by_time(spark, table)
    return ()


def _clean(spark: SparkSession, table: str, days: float) -> None:
    """Delete what is too old of a table."""
    spark.sql(f"VACUUM {table} RETAIN {round(days * 24)} HOURS").collect()
    _drop_old_log(spark, table, days)


def _compact(spark: SparkSession, table: str) -> Row:
    """Compact a table, and return what Delta counted."""
    [compaction] = run_again_on_conflict(lambda: spark.sql(f"OPTIMIZE {table}").select("metrics.*").collect())
    return compaction


def _drop_old_log(spark: SparkSession, table: str, days: float) -> None:
    """Have Delta delete what is too old of a table's log: it does so with a checkpoint, each tenth commit.

    A table that seldom changes would keep it for years. What is kept begins with a checkpoint that is old enough.
    """
    [[oldest]] = spark.sql(f"DESCRIBE HISTORY {table}").selectExpr("min(timestamp)").collect()
    # Delta deletes up to the midnight before, so what is older by a day is deleted whatever the hour is.
    if oldest < datetime.now() - timedelta(days=days + 1):
        write_checkpoint(spark, table)


def _cluster_by_time(spark: SparkSession, job_log: str) -> tuple[str, ...]:
    """Cluster a job log that an earlier version of this code made; in Unity Catalog only its owner may.

    Returns:
        What could not be done.
    """
    try:
        alter(spark, job_log, f"CLUSTER BY ({BY_TIME})")
    except PySparkException as error:
        return (f"{job_log} could not be clustered by time, so questions about runs take longer: {why_refused(error)}",)
    return ()

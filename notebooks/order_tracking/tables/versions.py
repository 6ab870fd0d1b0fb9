"""A table's properties, and its old versions: how long they are kept, and a checkpoint that lets Delta forget them."""

from collections.abc import Mapping

from pyspark.sql import SparkSession

from order_tracking.sql import literal
from order_tracking.tables.conflicts import alter

#: Whether rows are marked as deleted, instead of writing their files anew at once.
MARKS_ROWS = "delta.enableDeletionVectors"

_CHECKPOINT_INTERVAL = "delta.checkpointInterval"


def properties_of(spark: SparkSession, table: str) -> Mapping[str, str]:
    """Return the properties of a table."""
    [detail] = spark.sql(f"DESCRIBE DETAIL {table}").select("properties").collect()
    return dict(detail.properties)


def as_listed(properties: Mapping[str, str]) -> str:
    """Write properties as a statement lists them."""
    return ", ".join(f"{literal(name)} = {literal(value)}" for name, value in properties.items())


def set_properties(spark: SparkSession, table: str, wanted: Mapping[str, str]) -> None:
    """Set properties of a table, also where somebody else commits to it at the same moment."""
    alter(spark, table, f"SET TBLPROPERTIES ({as_listed(wanted)})")


def ensure_properties(spark: SparkSession, table: str, wanted: Mapping[str, str], present: Mapping[str, str]) -> None:
    """Set properties of a table, unless it has all of them: each time would be a commit."""
    if not wanted.items() <= present.items():
        set_properties(spark, table, wanted)


def versions_kept(days: float) -> dict[str, str]:
    """Name the properties that keep a table's old versions for so many days.

    The table itself must say it: whoever else vacuums it, as a workspace does by itself, keeps a week otherwise. The
    log is kept as long as the files: it has the least and the greatest key of each, also of those that are gone.
    """
    kept = ("delta.deletedFileRetentionDuration", "delta.logRetentionDuration")
    return dict.fromkeys(kept, f"interval {round(days * 24)} hours")


def write_checkpoint(spark: SparkSession, table: str) -> None:
    """Have Delta write a checkpoint of a table's log; no statement does so by itself."""
    set_properties(spark, table, {_CHECKPOINT_INTERVAL: "1"})
    _unset_checkpoint_interval(spark, table)


def stop_checkpoints(spark: SparkSession, table: str, present: Mapping[str, str]) -> None:
    """Undo what a kill may have left of `write_checkpoint`: each commit would write one."""
    if _CHECKPOINT_INTERVAL in present:
        _unset_checkpoint_interval(spark, table)


def _unset_checkpoint_interval(spark: SparkSession, table: str) -> None:
    alter(spark, table, f"UNSET TBLPROPERTIES IF EXISTS ('{_CHECKPOINT_INTERVAL}')")

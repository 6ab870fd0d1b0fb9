"""The clock."""

from collections.abc import Callable
from datetime import datetime, timezone

from pyspark.sql import SparkSession

Clock = Callable[[], datetime]


def use_utc(spark: SparkSession) -> None:
    """Read and show times in UTC, whatever zone a workspace or a cluster is set to."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(timezone.utc)

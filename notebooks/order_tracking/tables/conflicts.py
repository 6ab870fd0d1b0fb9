"""Commits beside others: Delta lets one fail that read what another one has changed meanwhile."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pyspark.sql import SparkSession

T = TypeVar("T")

#: Of two commits at once one fails, and then finds what the other wrote. More than two at once are no accident.
_ATTEMPTS = 5

#: Rows were changed, or the table itself was: its properties, or what it takes to read it.
_CONFLICTS = ("DELTA_CONCURRENT_", "DELTA_METADATA_CHANGED", "DELTA_PROTOCOL_CHANGED")


def why_refused(error: Exception) -> str:
    """Say in a line what Spark refused, cut where it gets long."""
    return " ".join(str(error).split())[:200]


def alter(spark: SparkSession, table: str, change: str) -> None:
    """Change what a table is, also where somebody else commits to it at the same moment."""
    run_again_on_conflict(lambda: spark.sql(f"ALTER TABLE {table} {change}"))


def run_again_on_conflict(commit: Callable[[], T]) -> T:
    """Run a commit until no other one comes in between, and return what it returns.

    A conflict is told by its text. Its class depends on who asks: without Spark Connect, and where nothing has imported
    the package `delta`, it is an error of py4j.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return commit()
        except Exception as error:
            if attempt == _ATTEMPTS or not any(conflict in str(error) for conflict in _CONFLICTS):
                raise
            time.sleep(random.uniform(0, attempt))
    raise AssertionError("the last attempt returns or raises")

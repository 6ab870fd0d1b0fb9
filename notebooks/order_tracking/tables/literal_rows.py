"""Rows that the driver has, as a query of their own."""

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from order_tracking.sql import identifier


def literal_rows(spark: SparkSession, rows: str, columns: Mapping[str, str]) -> DataFrame:
    """Make a JSON list of objects the rows of a data frame, in a literal.

    A data frame of Python objects costs more than the commit that writes it.

    Args:
        spark: The session.
        rows: The list.
        columns: The columns' types, by name.
    """
    shape = ", ".join(f"{identifier(name)}: {type_name}" for name, type_name in columns.items())
    return spark.range(0, 1, 1, 1).select(F.inline(F.from_json(F.lit(rows), f"ARRAY<STRUCT<{shape}>>")))

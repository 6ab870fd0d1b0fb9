"""Time the job on one arriving file against the usual tutorial's way: one session, one machine, in turns.

Usage: python bench/pipeline.py [growth]

Without an argument: a small file into few orders, which must not take longer than the tutorial's way. With `growth`: a
larger file into more and more orders, to show how both ways grow.

The tutorial's way infers the schema, overwrites the stage, moves the files one by one, deletes the matching orders with
a MERGE and appends the stage. Each way has its own tables, with the same orders in them, and gets the same files.
"""

import contextlib
import io
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

sys.path.extend(str(Path(__file__).resolve().parent.parent / folder) for folder in ("notebooks", "local"))

from order_tracking.contract.orders import ORDERS
from order_tracking.tables.tables import Tables, create_missing
from order_tracking.tasks.quality_gate import quality_gate
from order_tracking.tasks.source_to_stage import source_to_stage
from order_tracking.tasks.stage_to_final import stage_to_final
from order_tracking.tasks.upkeep import upkeep
from spark_session import create_spark_session


@dataclass(frozen=True)
class Case:
    """A file that arrives, and the orders that are there by then."""

    orders: int
    rows: int
    warm_ups: int
    repetitions: int

    @property
    def name(self) -> str:
        """What its schemas and directories are named after."""
        return f"{self.orders}_orders"


WARM_RUN = Case(orders=100_000, rows=1_000, warm_ups=5, repetitions=15)
GROWTH = [Case(millions * 1_000_000, rows=10_000, warm_ups=1, repetitions=3) for millions in (1, 4, 16)]
#: A whole warm run may take this many times the tutorial's, for all that it does besides.
ALLOWED_RATIO = 1.0

HEADER = "tracking_num,order_num,status,address,received_date,delivery_date,last_update_timestamp"


class TutorialWay:
    """What the tutorials' two notebooks do."""

    tasks = ("source_to_stage", "stage_to_final")

    def __init__(self, spark: SparkSession, directory: Path, case: Case) -> None:
        """Create the directories and the orders."""
        self.spark = spark
        self.schema = f"tutorial_{case.name}"
        self.landing, self.archive = directory / self.schema / "landing", directory / self.schema / "archive"
        self.landing.mkdir(parents=True)
        self.archive.mkdir()
        spark.sql(f"CREATE SCHEMA {self.schema}")
        existing_orders(spark, case).write.format("delta").saveAsTable(f"{self.schema}.orders_table")
        # As many files as the other way begins with: what a merge takes depends on how much it has to write anew.
        spark.sql(f"OPTIMIZE {self.schema}.orders_table").collect()

    def source_to_stage(self) -> None:
        """Overwrite the stage with what is in the landing directory, then move whatever is there now."""
        files = self.spark.read.csv(str(self.landing), header=True, inferSchema=True)
        files.write.format("delta").mode("overwrite").option("overwriteSchema", True).saveAsTable(
            f"{self.schema}.stage"
        )
        for path in self.landing.iterdir():
            shutil.move(path, self.archive / path.name)

    def stage_to_final(self) -> None:
        """Delete what the stage has anew, then append it."""
        self.spark.sql(
            f"MERGE INTO {self.schema}.orders_table t USING {self.schema}.stage s ON t.tracking_num = s.tracking_num "
            "WHEN MATCHED THEN DELETE"
        )
        stage = self.spark.table(f"{self.schema}.stage")
        stage.write.format("delta").mode("append").saveAsTable(f"{self.schema}.orders_table")


class Home:
    """Tables and directories, and what this project's three notebooks do with them."""

    tasks = ("source_to_stage", "stage_to_final", "quality_gate")

    def __init__(self, spark: SparkSession, directory: Path, schema: str) -> None:
        """Create the landing directory and the tables."""
        self.schema = schema
        self.volume, self.checkpoint = directory / self.schema, directory / f"{self.schema}_checkpoint"
        self.landing = self.volume / "file_arrival"
        self.landing.mkdir(parents=True)
        self.spark, self.tables = spark, Tables("spark_catalog", self.schema, f"{self.schema}_operations")
        create_missing(spark, ORDERS, self.tables)

    def source_to_stage(self) -> None:
        """Call the package as the notebook does."""
        source_to_stage(self.spark, self.tables, str(self.volume), str(self.checkpoint), "bench")

    def stage_to_final(self) -> None:
        """Call the package as the notebook does."""
        stage_to_final(self.spark, self.tables, str(self.checkpoint), "bench")

    def quality_gate(self) -> None:
        """Call the package as the notebook does."""
        quality_gate(self.spark, self.tables, str(self.checkpoint), "bench", 20, 0)


class ThisWay(Home):
    """This project's way, with orders."""

    def __init__(self, spark: SparkSession, directory: Path, case: Case) -> None:
        """Create the orders, and tidy them up as every night."""
        super().__init__(spark, directory, f"this_{case.name}")
        orders = existing_orders(spark, case).withColumns(
            {"_source_file": F.lit("first.csv"), "_batch_id": F.lit("0"), "_sent": F.lit("2026-01-01 first.csv")}
        )
        orders.writeTo(self.tables.orders).append()
        upkeep(spark, self.tables, retention_days=30)


def existing_orders(spark: SparkSession, case: Case) -> DataFrame:
    """Return the orders that are there before any file arrives."""
    return spark.range(case.orders).select(
        F.format_string("TRK%09d", "id").alias("tracking_num"),
        F.format_string("ORD%09d", "id").alias("order_num"),
        F.lit("SHIPPED").alias("status"),
        F.format_string("%d Main Street", "id").alias("address"),
        F.lit("2026-01-01").cast("date").alias("received_date"),
        F.lit(None).cast("date").alias("delivery_date"),
        F.lit("2026-01-01 00:00:00").cast("timestamp").alias("last_update_timestamp"),
    )


def write_file(path: Path, case: Case, turn: int) -> None:
    """Write a file of updates, spread over the newest tenth of the orders, and as many new orders."""
    half, recent = case.rows // 2, case.orders // 10
    updated = [case.orders - 1 - (turn * 7 + i * recent // half) % recent for i in range(half)]
    new = [case.orders + turn * half + i for i in range(half)]
    rows = [
        f"TRK{i:09d},ORD{i:09d},DELIVERED,{i} Main Street,2026-01-01,2026-02-01,2026-02-01 00:{turn % 60:02d}:00"
        for i in updated + new
    ]
    path.write_text("\n".join([HEADER, *rows, ""]))


def run(spark: SparkSession, directory: Path, case: Case) -> float:
    """Run the ways in turns, print the medians, and return this way's share of the tutorial's time."""
    ways: dict[str, TutorialWay | ThisWay] = {
        "tutorial": TutorialWay(spark, directory, case),
        "this": ThisWay(spark, directory, case),
    }
    seconds: dict[tuple[str, str], list[float]] = {}
    for turn in range(case.warm_ups + case.repetitions):
        for name, way in ways.items():
            write_file(way.landing / f"orders_{turn}.csv", case, turn)
            for task in way.tasks:
                start = time.perf_counter()
                with contextlib.redirect_stdout(io.StringIO()):  # As a notebook's log would take it.
                    getattr(way, task)()
                seconds.setdefault((name, task), []).append(time.perf_counter() - start)
    check_equal(spark, *(way.schema for way in ways.values()))
    medians = {key: statistics.median(times[case.warm_ups :]) for key, times in seconds.items()}
    print(f"{case.orders:,} orders, a file of {case.rows:,} rows, median of {case.repetitions} runs, in seconds")
    totals = {}
    for name in ways:
        tasks = {task: median for (way, task), median in medians.items() if way == name}
        totals[name] = sum(tasks.values())
        print(f"  {name:9}", *(f"{task} {median:.2f}" for task, median in tasks.items()), f"total {totals[name]:.2f}")
    ratio = totals["this"] / totals["tutorial"]
    print(f"  ratio {ratio:.2f}", flush=True)
    return ratio


def check_equal(spark: SparkSession, one: str, other: str) -> None:
    """Make sure that what was timed did the work: both ways end with the same orders."""
    columns = ", ".join(HEADER.split(","))
    [ours], [theirs] = (
        spark.table(f"{schema}.orders_table").selectExpr("count(*)", f"bit_xor(xxhash64({columns}))").collect()
        for schema in (one, other)
    )
    if ours != theirs:
        raise AssertionError("the two ways ended with different orders; the times mean nothing")


def main() -> int:
    """Return 1 if this way takes too long on a warm run; how it grows is only shown."""
    with tempfile.TemporaryDirectory(prefix="order-tracking-bench-") as directory:
        spark = create_spark_session(Path(directory) / "tables")
        print(
            f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, Spark {spark.version}"
        )
        if sys.argv[1:] == ["growth"]:
            for case in GROWTH:
                run(spark, Path(directory), case)
            return 0
        ratio = run(spark, Path(directory), WARM_RUN)
    print(f"  allowed {ALLOWED_RATIO}")
    return int(ratio > ALLOWED_RATIO)


if __name__ == "__main__":
    sys.exit(main())

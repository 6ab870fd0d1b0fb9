"""Time both tasks on one arriving file against the usual tutorial's way: one session, one machine, in turns.

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
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

sys.path.extend(str(Path(__file__).resolve().parent.parent / folder) for folder in ("notebooks", "local"))

from order_tracking.quality_gate import quality_gate
from order_tracking.source_to_stage import source_to_stage
from order_tracking.stage_to_final import stage_to_final
from order_tracking.tables import open_tables
from spark_session import create_spark_session

ORDERS = 100_000
ROWS_PER_FILE = 1_000
WARM_UPS = 5
REPETITIONS = 15
#: A whole run may take this many times the tutorial's, for all that it does besides.
ALLOWED_RATIO = 1.0

HEADER = "tracking_num,order_num,status,address,received_date,delivery_date,last_update_timestamp"


class TutorialWay:
    """What the tutorials' two notebooks do."""

    tasks = ("source_to_stage", "stage_to_final")

    def __init__(self, spark: SparkSession, directory: Path) -> None:
        """Create the directories and the orders."""
        self.spark = spark
        self.landing, self.archive = directory / "tutorial" / "landing", directory / "tutorial" / "archive"
        self.landing.mkdir(parents=True)
        self.archive.mkdir()
        spark.sql("CREATE SCHEMA tutorial")
        existing_orders(spark).write.format("delta").saveAsTable("tutorial.orders_table")

    def source_to_stage(self) -> None:
        """Overwrite the stage with what is in the landing directory, then move whatever is there now."""
        files = self.spark.read.csv(str(self.landing), header=True, inferSchema=True)
        files.write.format("delta").mode("overwrite").option("overwriteSchema", True).saveAsTable("tutorial.stage")
        for path in self.landing.iterdir():
            shutil.move(path, self.archive / path.name)

    def stage_to_final(self) -> None:
        """Delete what the stage has anew, then append it."""
        self.spark.sql(
            "MERGE INTO tutorial.orders_table t USING tutorial.stage s ON t.tracking_num = s.tracking_num "
            "WHEN MATCHED THEN DELETE"
        )
        self.spark.table("tutorial.stage").write.format("delta").mode("append").saveAsTable("tutorial.orders_table")


class ThisWay:
    """What this project's three notebooks do."""

    tasks = ("source_to_stage", "stage_to_final", "quality_gate")

    def __init__(self, spark: SparkSession, directory: Path) -> None:
        """Create the landing directory and the orders."""
        self.spark = spark
        self.volume = directory / "volume"
        self.landing = self.volume / "file_arrival"
        self.landing.mkdir(parents=True)
        orders = open_tables(spark, "spark_catalog", "order_tracking").orders
        existing_orders(spark).withColumns({"_source_file": F.lit("first.csv"), "_batch_id": F.lit("0")}).writeTo(
            orders
        ).append()

    def source_to_stage(self) -> None:
        """Call the package as the notebook does."""
        source_to_stage(self.spark, "spark_catalog", "order_tracking", str(self.volume), "bench")

    def stage_to_final(self) -> None:
        """Call the package as the notebook does."""
        stage_to_final(self.spark, "spark_catalog", "order_tracking", str(self.volume), "bench")

    def quality_gate(self) -> None:
        """Call the package as the notebook does."""
        quality_gate(self.spark, "spark_catalog", "order_tracking", str(self.volume), "bench", 20, 0)


def existing_orders(spark: SparkSession) -> DataFrame:
    """Return the orders that are there before any file arrives."""
    return spark.range(ORDERS).select(
        F.format_string("TRK%09d", "id").alias("tracking_num"),
        F.format_string("ORD%09d", "id").alias("order_num"),
        F.lit("SHIPPED").alias("status"),
        F.format_string("%d Main Street", "id").alias("address"),
        F.lit("2026-01-01").cast("date").alias("received_date"),
        F.lit(None).cast("date").alias("delivery_date"),
        F.lit("2026-01-01 00:00:00").cast("timestamp").alias("last_update_timestamp"),
    )


def write_file(path: Path, turn: int) -> None:
    """Write a file of updates, spread over all orders, and as many new orders."""
    half = ROWS_PER_FILE // 2
    updated = [(turn * 7 + i * ORDERS // half) % ORDERS for i in range(half)]
    new = [ORDERS + turn * half + i for i in range(half)]
    rows = [
        f"TRK{i:09d},ORD{i:09d},DELIVERED,{i} Main Street,2026-01-01,2026-02-01,2026-02-01 00:{turn % 60:02d}:00"
        for i in updated + new
    ]
    path.write_text("\n".join([HEADER, *rows, ""]))


def run(directory: Path) -> float:
    """Run the ways in turns, print the medians, and return this way's share of the tutorial's time."""
    spark = create_spark_session(directory / "tables")
    ways: dict[str, TutorialWay | ThisWay] = {
        "tutorial": TutorialWay(spark, directory),
        "this": ThisWay(spark, directory),
    }
    seconds: dict[tuple[str, str], list[float]] = {}
    for turn in range(WARM_UPS + REPETITIONS):
        for name, way in ways.items():
            write_file(way.landing / f"orders_{turn}.csv", turn)
            for task in way.tasks:
                start = time.perf_counter()
                with contextlib.redirect_stdout(io.StringIO()):  # As a notebook's log would take it.
                    getattr(way, task)()
                seconds.setdefault((name, task), []).append(time.perf_counter() - start)
    check_equal(spark)
    medians = {key: statistics.median(times[WARM_UPS:]) for key, times in seconds.items()}
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, Spark {spark.version}")
    print(f"{ORDERS:,} orders, a file of {ROWS_PER_FILE:,} rows, median of {REPETITIONS} runs, in seconds")
    totals = {}
    for name in ways:
        tasks = {task: median for (way, task), median in medians.items() if way == name}
        totals[name] = sum(tasks.values())
        print(f"  {name:9}", *(f"{task} {median:.2f}" for task, median in tasks.items()), f"total {totals[name]:.2f}")
    return totals["this"] / totals["tutorial"]


def check_equal(spark: SparkSession) -> None:
    """Make sure that what was timed did the work: both ways end with the same orders."""
    columns = HEADER.split(",")
    ours, theirs = (spark.table(f"{schema}.orders_table").select(columns) for schema in ("order_tracking", "tutorial"))
    if not ours.exceptAll(theirs).isEmpty() or not theirs.exceptAll(ours).isEmpty():
        raise AssertionError("the two ways ended with different orders; the times mean nothing")


def main() -> int:
    """Return 1 if this way takes too long."""
    with tempfile.TemporaryDirectory(prefix="order-tracking-bench-") as directory:
        ratio = run(Path(directory))
    print(f"  ratio {ratio:.2f}, allowed {ALLOWED_RATIO}")
    return int(ratio > ALLOWED_RATIO)


if __name__ == "__main__":
    sys.exit(main())

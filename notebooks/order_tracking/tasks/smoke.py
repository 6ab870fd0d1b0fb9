"""Check, once in a workspace, what the pipeline builds on and a laptop cannot show.

Each check does what the pipeline does, on files and tables of its own, which it removes.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F

from order_tracking.clock import use_utc
from order_tracking.errors import OrderTrackingError
from order_tracking.files.moving import identity, probe
from order_tracking.rows.order_rows import path_in
from order_tracking.sql import identifier
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.tables import ONE_MERGE_AT_A_TIME, Tables, describe_view
from order_tracking.tables.versions import as_listed
from order_tracking.tasks.summary import Summary


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: What was checked.
        found: What was seen.
        passed: Whether the pipeline can build on it.
    """

    name: str
    found: str
    passed: bool


@dataclass(frozen=True)
class SmokeSummary(Summary):
    """What `smoke` saw."""

    checks: tuple[Check, ...]

    def raise_failures(self) -> None:
        """Fail where the pipeline cannot work.

        Raises:
            OrderTrackingError: If so.
        """
        failed = [f"{check.name}: {check.found}" for check in self.checks if not check.passed]
        if failed:
            raise OrderTrackingError("; ".join(failed))

    def __str__(self) -> str:
        """Return the summary for people."""
        return "\n".join(
            f"{'ok    ' if check.passed else 'FAILED'}  {check.name}: {check.found}" for check in self.checks
        )


def smoke(spark: SparkSession, tables: Tables, volume: str, checkpoint: str) -> SmokeSummary:
    """Check volumes, tables, views and Spark.

    Args:
        spark: The session.
        tables: The names of the tables; the checks make others beside them.
        volume: The path of the directory that holds the landing directory.
        checkpoint: The path of the checkpoint.
    """
    name = f"smoke_{secrets.token_hex(4)}"
    table, view = (f"{tables.of_operations}.{identifier(f'{name}_{kind}')}" for kind in ("table", "view"))
    kept, first = Path(volume) / f".{name}_kept", list[os.stat_result]()
    checks: dict[str, Callable[[], str]] = {
        "a file is written": lambda: _write(kept, first),
        "files of the volume are moved by": lambda: probe(Path(volume)).__name__,
        "files of the checkpoint are moved by": lambda: probe(Path(checkpoint)).__name__,
        "a file is made once, is whole, and keeps its time": lambda: _file(Path(volume) / f".{name}"),
        "each row tells the file it is read from": lambda: _files_of_rows(spark, Path(volume) / f".{name}"),
        "the session's time zone": lambda: _time_zone(spark),
        "what is written is observed": lambda: _observation(spark, table),
        "a write of a transaction that was there is skipped": lambda: _transaction(spark, table),
        "a view is replaced": lambda: _view(spark, table, view),
        "of two merges at once, one inserts a new key": lambda: _two_merges(spark, table),
        "a Python function is run": lambda: _python_function(spark),
        # The last one: by then a volume's client has forgotten what it remembered of a file that it wrote.
        "a file is still the same after all this": lambda: _same_file(kept, first[0]),
    }
    try:
        return SmokeSummary(tuple(_try(name, check) for name, check in checks.items()))
    finally:
        with contextlib.suppress(OSError):
            kept.unlink()
        spark.sql(f"DROP VIEW IF EXISTS {view}")
        spark.sql(f"DROP TABLE IF EXISTS {table}")


def _try(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, check(), passed=True)
    except Exception as error:
        return Check(name, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", passed=False)


def _write(path: Path, first: list[os.stat_result]) -> str:
    """Write a file, and remember what it looks like first."""
    path.write_text("a\n")
    first.append(path.stat())
    return f"{first[0].st_size} bytes"


def _file(path: Path) -> str:
    try:
        with path.open("xb") as new:
            new.write(b"a\n" * 100_000)
        first = path.stat()
        _expect(path.read_bytes() == b"a\n" * 100_000, "what is read is not what was written")
        _same_file(path, first)
        with path.open("rb") as file:
            file.seek(-1, 2)
            _expect(file.read() == b"\n", "its end cannot be read")
        _expect(not _is_made(path), "it is made anew by who wants to make one where none is")
        return f"{first.st_size} bytes"
    finally:
        path.unlink(missing_ok=True)


def _same_file(path: Path, first: os.stat_result) -> str:
    """Compare what tells a run that a file was written to; the time of the last access changes by reading."""
    found = identity(path.stat())
    _expect(found == identity(first), f"its size or its time changes by itself, from {identity(first)} to {found}")
    return f"{first.st_size} bytes"


def _is_made(path: Path) -> bool:
    """Whether a file can be made by who must not write over one: of two runs that copy to one place, one does."""
    try:
        path.open("xb").close()
    except FileExistsError:
        return False
    return True


def _files_of_rows(spark: SparkSession, directory: Path) -> str:
    names = ["a b+%41.csv", "\N{LATIN SMALL LETTER E WITH ACUTE}.csv"]
    try:
        directory.mkdir()
        for name in names:
            (directory / name).write_text("a\n")
        # The pipeline names files too, and not their directory: one that begins with a dot is hidden from Spark.
        rows = spark.read.csv([str(directory / name) for name in names]).selectExpr(path_in(str(directory)))
        read = sorted(row[0] for row in rows.collect())
        _expect(read == names, f"it says {read} of {names}")
        return f"{len(read)} of {len(names)} files"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _time_zone(spark: SparkSession) -> str:
    use_utc(spark)
    [[text]] = spark.sql("SELECT CAST(timestamp_seconds(0) AS STRING)").collect()
    _expect(text == "1970-01-01 00:00:00", f"{text} at the epoch")
    return "UTC"


def _observation(spark: SparkSession, table: str) -> str:
    properties = as_listed(ONE_MERGE_AT_A_TIME)
    spark.sql(f"CREATE TABLE {table} (key BIGINT, value BIGINT) USING DELTA TBLPROPERTIES ({properties})")
    counts = Observation()
    rows = spark.range(10).select(F.col("id").alias("key"), F.lit(0).cast("bigint").alias("value"))
    rows.observe(counts, F.expr("count_if(key < 7) AS few"), F.expr("max(key) AS most")).writeTo(table).append()
    told, count = counts.get, spark.table(table).count()
    _expect(count == 10, f"{count} of 10 rows are there")
    # Where it is another, a load counts in the tables, which takes longer.
    return (
        "7 of 10 rows" if told == {"few": 7, "most": 9} else f"not as it is, but as {told}: loads count in the tables"
    )


def _transaction(spark: SparkSession, table: str) -> str:
    rows = spark.range(1).select(F.lit(100).cast("bigint").alias("key"), F.lit(0).cast("bigint").alias("value"))
    for _ in range(2):
        rows.writeTo(table).option("txnAppId", "smoke").option("txnVersion", 1).append()
    count = spark.table(table).where("key = 100").count()
    _expect(count == 1, f"the row is there {count} times")
    return "1 of 2 writes"


def _view(spark: SparkSession, table: str, view: str) -> str:
    for column in ("key", "value"):
        spark.sql(f"CREATE OR REPLACE VIEW {view} AS SELECT /* of {column} */ {column} FROM {table}")
    _expect(spark.table(view).columns == ["value"], "it is what it was")
    _, text = describe_view(spark, view)
    # Where a catalog tells nobody the text, runs take the view for theirs, and the nightly upkeep renews it.
    _expect(text is None or "/* of value */" in text, f"its text has not the comment by which runs know it: {text}")
    return "its columns changed"


def _two_merges(spark: SparkSession, table: str) -> str:
    # Where rows are marked as deleted, two merges may touch one file, which is when both could insert.
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    barrier = Barrier(2)
    merge = f"""
        MERGE INTO {table} AS t USING (SELECT id + 1000 AS key, id AS value FROM range(100)) AS s ON t.key = s.key
        WHEN MATCHED AND s.value > t.value THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"""

    def run(_: int) -> int:
        barrier.wait()
        return int(run_again_on_conflict(lambda: spark.sql(merge).collect()[0]).num_inserted_rows)

    with ThreadPoolExecutor(2) as pool:
        inserted = sorted(pool.map(run, range(2)))
    count = spark.table(table).where("key >= 1000").count()
    _expect((inserted, count) == ([0, 100], 100), f"they inserted {inserted} rows of 100, and {count} are there")
    return "100 and 0 rows"


def _python_function(spark: SparkSession) -> str:
    [[text]] = spark.range(1).select(F.udf(lambda number: f"it got {number}")("id")).collect()
    _expect(text == "it got 0", str(text))
    return str(text)


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise OrderTrackingError(otherwise)

"""Load again what was archived or quarantined: put it back, and its arrival starts the job."""

import csv
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from order_tracking.batch import batch_date
from order_tracking.landing import REPLAY_FOLDER
from order_tracking.stage import discard_file
from order_tracking.tables import Tables, create_missing
from order_tracking.volume import Volume, open_volume


@dataclass(frozen=True)
class ReplaySummary:
    """What `replay` did.

    Attributes:
        files: The files that it put into the landing directory.
        rows_left: Rows that stay in quarantine since they never had values for the columns of their file.
    """

    files: tuple[str, ...]
    rows_left: int = 0

    def to_json(self) -> str:
        """Return the summary for machines."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        """Return the summary for people."""
        left = f" {self.rows_left} rows cannot be split into columns and stay in quarantine." if self.rows_left else ""
        return "\n".join([f"{len(self.files)} files were put into the landing directory.{left}", *self.files])


def replay(
    spark: SparkSession,
    tables: Tables,
    volume: str,
    source: str,
    since: str = "",
    until: str = "",
    files: str = "",
) -> ReplaySummary:
    """Put archived files, or quarantined rows, back into the landing directory, in a folder of their own.

    To load a file again changes nothing but what a new version of the contract reads in it. Quarantined rows leave the
    quarantine once they are in the landing directory; what is still wrong comes back to it.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the landing directory.
        source: `archive` or `quarantine`.
        since: The first day to take, by when a batch was claimed; empty for all.
        until: The last day to take; empty for all.
        files: Paths as the ledger has them, separated by commas; empty for all.

    Returns:
        The files that were put back.

    Raises:
        ValueError: If the source is unknown or a day is no date.
    """
    days = (_day("since", since) or date.min, _day("until", until) or date.max)
    paths = {path.strip() for path in files.split(",") if path.strip()}
    directories = open_volume(volume)
    folder = f"{REPLAY_FOLDER}{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    if source == "archive":
        return ReplaySummary(tuple(_replay_archive(directories, folder, days, paths)))
    if source == "quarantine":
        create_missing(spark, tables)
        return _replay_quarantine(spark, tables, directories, folder, days, paths)
    raise ValueError(f"source is {source!r}; it must be archive or quarantine")


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{name} is {text!r}; it must be a date such as 2026-11-21") from None


def _replay_archive(volume: Volume, folder: str, days: tuple[date, date], paths: set[str]) -> Iterator[str]:
    for batch in sorted((volume.path / "archive").glob("*/*/*/*")):
        if not days[0] <= batch_date(batch.name) <= days[1]:
            continue
        for file in sorted(path for path in batch.rglob("*") if path.is_file()):
            path = file.relative_to(batch).as_posix()
            if not paths or path in paths:
                # Two batches may have files of one name.
                yield _put(
                    volume, f"{folder}/{batch.name}/{path}", lambda target, file=file: shutil.copyfile(file, target)
                )


def _replay_quarantine(
    spark: SparkSession, tables: Tables, volume: Volume, folder: str, days: tuple[date, date], paths: set[str]
) -> ReplaySummary:
    rows = _chosen(spark.table(tables.quarantine), days, paths)
    in_columns = F.col("raw_row").startswith("{")
    put = []
    for group in rows.where(in_columns).select("_batch_id", "_source_file").distinct().sort("_batch_id").collect():
        of_file = rows.where((F.col("_batch_id") == group[0]) & (F.col("_source_file") == group[1]))
        raw = [json.loads(row.raw_row) for row in of_file.where(in_columns).sort("_row_number").collect()]
        put.append(_put(volume, f"{folder}/{group[0]}/{group[1]}", lambda target, raw=raw: _write_csv(target, raw)))
        # Only now: if this is cut short, the rows are loaded again, and nothing is lost.
        discard_file(spark, tables.quarantine, group[0], group[1], "startswith(raw_row, '{')")
    return ReplaySummary(tuple(put), rows_left=rows.where(~in_columns).count() if put else rows.count())


def _chosen(rows: DataFrame, days: tuple[date, date], paths: set[str]) -> DataFrame:
    if days[0] > date.min:
        rows = rows.where(F.col("_batch_id") >= f"{days[0]:%Y%m%d}")
    if days[1] < date.max:
        rows = rows.where(F.col("_batch_id") < f"{days[1]:%Y%m%d}U")
    return rows.where(F.col("_source_file").isin(*paths)) if paths else rows


def _write_csv(target: Path, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _put(volume: Volume, path: str, write: Any) -> str:
    """Write a file into the landing directory so that it is there as a whole or not at all."""
    target = volume.landing / path
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}")  # Hidden files are left alone.
    write(unfinished)
    unfinished.replace(target)
    return path

"""Load again what was archived, rejected or quarantined: put it back, and its arrival starts the job."""

import csv
import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from order_tracking.batch import batch_date, is_batch_id
from order_tracking.checkpoint import Checkpoint, ReplayedFile, ReplayedFiles
from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract import Contract
from order_tracking.errors import ParameterError
from order_tracking.landing import REASON_ENDING
from order_tracking.orders import ORDERS
from order_tracking.stage import discard_file
from order_tracking.tables import Tables, create_missing
from order_tracking.volume import Volume, open_volume

SOURCES = ("archive", "quarantine", "rejected")

#: Tells a row whose values are what was sent. Where it could not be split there are none; where it may be cut, or have
#: swallowed other rows, it would be written as a good one now, and nobody would suspect it any more.
_IS_WHOLE = "NOT exists(reasons, each -> each.rule = 'malformed')"

_FOLDER = "replay-"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


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


class PutBack:
    """A folder of the landing directory for files that are loaded again.

    What they were is noted before they are there, where clients cannot write: a client's folder of such a name is none.
    """

    def __init__(self, volume: Volume, checkpoint: Checkpoint, now: datetime) -> None:
        """Name it; it is made with the first file."""
        self.folder = f"{_FOLDER}{now.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._volume, self._checkpoint = volume, checkpoint

    def note(self, files: Iterable[ReplayedFile]) -> None:
        """Note all the files that are about to be put there."""
        self._checkpoint.note_replay(self.folder, ReplayedFiles(tuple(files)))

    def put(self, path: str, write: Callable[[Path], Any]) -> str:
        """Write a file into the landing directory so that it is there as a whole or not at all."""
        target = self._volume.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}")  # Hidden files are left alone.
        write(unfinished)
        self._volume.move(unfinished, target)
        return path


def replay(
    spark: SparkSession,
    tables: Tables,
    volume: str,
    checkpoint: str,
    source: str,
    since: str = "",
    until: str = "",
    files: str = "",
    contract: Contract = ORDERS,
    now: Clock = utc_now,
) -> ReplaySummary:
    """Put archived or rejected files, or quarantined rows, back into the landing directory, in a folder of their own.

    To load a file again changes nothing but what a new version of the contract reads in it. Rejected files leave
    `rejected/`, and the rows of the others the quarantine, once they are in the landing directory; what is still wrong
    comes back to it. A file that was archived is archived again, whatever share of its rows is bad.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the landing directory.
        checkpoint: The path of the checkpoint.
        source: `archive`, `quarantine` or `rejected`.
        since: The first day to take, by when a batch was claimed; empty for all.
        until: The last day to take; empty for all.
        files: Paths as the ledger has them, separated by commas; empty for all.
        contract: The contract.
        now: The clock.

    Returns:
        The files that were put back.

    Raises:
        ParameterError: If the source is unknown or a day is no date.
    """
    days = (_day("since", since) or date.min, _day("until", until) or date.max)
    if source not in SOURCES:
        raise ParameterError(f"source is {source!r}; it must be {', '.join(SOURCES[:-1])} or {SOURCES[-1]}")
    paths = {path.strip() for path in files.split(",") if path.strip()}
    use_utc(spark)
    create_missing(spark, contract, tables)
    directories = open_volume(volume)
    if source == "rejected":
        directories = directories.probed()
    put_back = PutBack(directories, Checkpoint(Path(checkpoint)), now())
    if source == "quarantine":
        return _replay_quarantine(spark, tables, put_back, days, paths)
    directory = directories.path / source
    chosen = [
        (batch.name, file.relative_to(batch).as_posix(), file)
        for batch in sorted(directory.glob("*/*/*/*"))
        if is_batch_id(batch.name) and days[0] <= batch_date(batch.name) <= days[1]
        for file in sorted(path for path in batch.rglob("*") if path.is_file())
        if not file.name.endswith(REASON_ENDING)
    ]
    chosen = [each for each in chosen if not paths or each[1] in paths]
    return ReplaySummary(tuple(_replay_files(spark, tables, directories, put_back, source, chosen)))


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ParameterError(f"{name} is {text!r}; it must be a date such as 2026-11-21") from None


def _replay_files(
    spark: SparkSession,
    tables: Tables,
    volume: Volume,
    put_back: PutBack,
    source: str,
    chosen: Sequence[tuple[str, str, Path]],
) -> Iterator[str]:
    if not chosen:
        return
    batch_ids = {batch_id for batch_id, _, _ in chosen}
    sent = _sent_times(spark, tables, batch_ids)
    # A rejected file has left nothing in the tables.
    quarantined = _quarantined_files(spark, tables, batch_ids) if source == "archive" else set()

    def sent_at(batch_id: str, path: str, file: Path) -> datetime:
        return sent.get((batch_id, path)) or datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)

    # Two batches may have files of one name.
    put_back.note(
        ReplayedFile(
            f"{put_back.folder}/{batch_id}/{path}",
            _first_path(path),
            sent_at(batch_id, path, file),
            source == "archive",
        )
        for batch_id, path, file in chosen
    )
    for batch_id, path, file in chosen:
        target = f"{put_back.folder}/{batch_id}/{path}"
        if source == "archive":
            yield put_back.put(target, partial(shutil.copyfile, file))
            if (batch_id, path) in quarantined:
                # Only now: if this is cut short, the rows are loaded again, and nothing is lost.
                discard_file(spark, tables.quarantine, batch_id, path)
        else:
            landed = volume.landing / target
            landed.parent.mkdir(parents=True, exist_ok=True)
            if volume.move(file, landed):
                file.with_name(file.name + REASON_ENDING).unlink(missing_ok=True)
                yield target


def _sent_times(spark: SparkSession, tables: Tables, batch_ids: Iterable[str]) -> dict[tuple[str, str], datetime]:
    ledger = spark.table(tables.ledger).where(F.col("batch_id").isin(*batch_ids))
    rows = ledger.selectExpr("batch_id", "path", "unix_micros(modified_at) AS micros").collect()
    return {
        (row.batch_id, row.path): _EPOCH + timedelta(microseconds=row.micros) for row in rows if row.micros is not None
    }


def _quarantined_files(spark: SparkSession, tables: Tables, batch_ids: Iterable[str]) -> set[tuple[str, str]]:
    rows = spark.table(tables.quarantine).where(F.col("_batch_id").isin(*batch_ids))
    return {(row[0], row[1]) for row in rows.select("_batch_id", "_source_file").distinct().collect()}


def _first_path(path: str) -> str:
    """Return the path that a file had when it was sent, which may have been loaded again before."""
    return re.sub(rf"^({_FOLDER}[^/]+/[^/]+/)+", "", path)


def _replay_quarantine(
    spark: SparkSession, tables: Tables, put_back: PutBack, days: tuple[date, date], paths: set[str]
) -> ReplaySummary:
    rows = _chosen(spark.table(tables.quarantine), days, paths)
    whole = rows.where(_IS_WHOLE)
    groups = whole.select("_batch_id", "_source_file").distinct().sort("_batch_id", "_source_file").collect()
    if not groups:
        return ReplaySummary((), rows_left=rows.count())
    sent = _sent_times(spark, tables, {batch_id for batch_id, _ in groups})
    now = datetime.now(timezone.utc)
    put_back.note(
        ReplayedFile(
            f"{put_back.folder}/{group[0]}/{group[1]}", _first_path(group[1]), sent.get(tuple(group), now), True
        )
        for group in groups
    )
    put = []
    for batch_id, path in groups:
        of_file = whole.where((F.col("_batch_id") == batch_id) & (F.col("_source_file") == path))
        raw = [json.loads(row.raw_row) for row in of_file.sort("_row_number").collect()]
        target = f"{put_back.folder}/{batch_id}/{path}"
        put.append(put_back.put(target, partial(_write_csv, raw)))
        # Only now: if this is cut short, the rows are loaded again, and nothing is lost.
        discard_file(spark, tables.quarantine, batch_id, path, _IS_WHOLE)
    return ReplaySummary(tuple(put), rows_left=rows.count())


def _chosen(rows: DataFrame, days: tuple[date, date], paths: set[str]) -> DataFrame:
    if days[0] > date.min:
        rows = rows.where(F.col("_batch_id") >= f"{days[0]:%Y%m%d}")
    if days[1] < date.max:
        rows = rows.where(F.col("_batch_id") < f"{days[1]:%Y%m%d}U")
    return rows.where(F.col("_source_file").isin(*paths)) if paths else rows


def _write_csv(rows: Sequence[dict[str, Any]], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

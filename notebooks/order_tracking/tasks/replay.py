"""Load again what was archived, rejected or quarantined: put it back, and its arrival starts the job."""

import csv
import json
import os
import re
import secrets
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timezone
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import ParameterError, ReplayError
from order_tracking.files.batch import batch_date, larger_batches
from order_tracking.files.checkpoint import Checkpoint, ReplayedFile, ReplayedFiles
from order_tracking.files.claimed_files import outcome
from order_tracking.files.landing import REPLAY, look_at, reason_of, unfinished_of
from order_tracking.files.moving import copy_verify_delete
from order_tracking.files.pool import map_in_pool
from order_tracking.files.volume import Volume, files_below, open_volume
from order_tracking.rows.stage import are_of, discard_files
from order_tracking.sql import as_stored
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tables.ledger import read_ledger
from order_tracking.tables.tables import Tables, create_missing
from order_tracking.tasks.summary import Summary
from order_tracking.tasks.task_run import write_job_log

SOURCES = ("archive", "quarantine", "rejected")

#: Tells a row whose values are what was sent. Where it could not be split there are none; where it may be cut, or have
#: swallowed other rows, it would be written as a good one now, and nobody would suspect it any more.
_IS_WHOLE = "NOT exists(reasons, each -> each.rule = 'malformed')"

#: For files that are put back whole, and for rows of a file; an earlier version made no difference.
_FILES_FOLDER, _ROWS_FOLDER = f"{REPLAY}files-", f"{REPLAY}rows-"
#: For those of the first kind whose bad rows were let through before.
_ARCHIVE_FOLDER = f"{_FILES_FOLDER}archive-"

#: What a file was read as first, of a row of the ledger, as `BATCH/PATH`: `first_reading` in SQL.
_FIRST_READING = f"regexp_replace(concat(batch_id, '/', path), '^([^/]+/{_FILES_FOLDER}[^/]+/)+', '')"

#: Why an archived file is not loaded again, by how far it came.
_WHY_NOT = {
    State.STAGED: "it is not merged yet; run the load job first",
    State.SUPERSEDED: "it was loaded again since",
    State.WITHDRAWN: "it was withdrawn, so it is in rejected/",
}


@dataclass(frozen=True)
class ReplaySummary(Summary):
    """What `replay` did.

    Attributes:
        files: The files that it put into the landing directory.
        rows_left: Rows that stay in quarantine, or come back to it, since they never had values for their columns.
        left: The names of which nothing was put back, with the reason.
    """

    files: tuple[str, ...]
    rows_left: int = 0
    left: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the summary for people."""
        left = f" {self.rows_left} rows cannot be split into columns: send them again." if self.rows_left else ""
        return "\n".join(
            [
                f"{len(self.files)} files were put into the landing directory.{left}",
                *self.files,
                *(f"Not put back: {name}: {reason}." for name, reason in self.left.items()),
            ]
        )


@dataclass
class _Done:
    """What became of the files that were chosen.

    Attributes:
        put: Their paths in the landing directory.
        left: Why others stay where they are, by batch and path.
        failed: What went wrong with others, by batch and path.
    """

    put: list[str] = field(default_factory=list)
    left: dict[tuple[str, str], str] = field(default_factory=dict)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    rows_left: int = 0


class PutBack:
    """A folder of the landing directory for files that are loaded again.

    What they were is noted before they are there, where clients cannot write: a client's folder of such a name is none.
    """

    def __init__(self, volume: Volume, checkpoint: Checkpoint, now: datetime, folder: str = _FILES_FOLDER) -> None:
        """Name it; it is made with the first file. How files can be moved must have been probed."""
        self.folder = f"{folder}{now.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._volume, self._checkpoint = volume, checkpoint

    def note(self, files: Iterable[ReplayedFile]) -> None:
        """Note all the files that are about to be put there."""
        self._checkpoint.note_replay(self.folder, ReplayedFiles(tuple(files)))

    def put(self, path: str, write: Callable[[Path], bool]) -> str | None:
        """Write a file into the landing directory, where it is left alone until it is whole; None if none is written.

        Until then there is a hidden one of its name beside it.
        """
        target = self._volume.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = unfinished_of(target)
        if not write(unfinished):
            unfinished.unlink(missing_ok=True)
            return None
        self._volume.move(unfinished, target)
        return path


def finish_putting_back(volume: Volume, checkpoint: Checkpoint) -> list[str]:
    """Finish what was cut short an hour ago or longer while a file was put back.

    A hidden file beside a shorter one is whole, and was being copied; so is one whose source has gone. Another one may
    be a part. A part of an archived file is copied again, since others take it for one that is on its way; one of a
    rejected file or of rows is removed: the file is still in `rejected/`, the rows are in quarantine.

    Returns:
        What people must look at.
    """
    alarms = []
    hidden = {each for folder in checkpoint.old_replays() for each in (volume.landing / folder).rglob(".*")}
    # Only files that were noted: a hidden name need not tell that of the file beside it.
    for put_back in checkpoint.replayed() if hidden else ():
        target = volume.landing / put_back
        unfinished = unfinished_of(target)
        if unfinished not in hidden:
            continue
        folder, batch_id, path = put_back.split("/", 2)
        is_of_rows = folder.startswith(_ROWS_FOLDER)
        archived, rejected = volume.archive_of(batch_id) / path, volume.rejected_of(batch_id) / path
        try:
            if target.exists():
                is_whole = target.stat().st_size < unfinished.stat().st_size
            elif archived.exists() and not is_of_rows:
                is_whole = copy(archived, unfinished)
            else:
                is_whole = not is_of_rows and not rejected.exists()
            if is_whole:
                copy_verify_delete(unfinished, target)
            else:
                unfinished.unlink(missing_ok=True)
        except OSError as error:  # Of one file, which stops no other.
            alarms.append(f"{volume.relative(target)} cannot be put back to its end: {error.strerror or error}")
    return alarms


def loaded_again(volume: Volume, checkpoint: Checkpoint) -> set[tuple[str, str]]:
    """Name all readings, by batch and path, of files that are on their way to the orders once more."""
    taken = {file.path for batch in checkpoint.under_way() for file in batch.files}

    def is_on_its_way(path: str) -> bool:
        target = volume.landing / path
        # Not by `Path`, which fails for a name that is too long, where nothing can be.
        return path in taken or any(map(os.path.exists, (target, unfinished_of(target))))

    replayed = [each for each in checkpoint.replayed().values() if each.path.startswith(_FILES_FOLDER)]
    on_their_way = map_in_pool(lambda each: is_on_its_way(each.path), replayed)
    readings: set[tuple[str, str]] = set()
    for each, is_there in zip(replayed, on_their_way, strict=True):
        if is_there:
            readings.update(readings_before(each.path, _FILES_FOLDER))
            if each.supersedes:
                readings.add((each.supersedes.batch_id, each.supersedes.path))
    return readings


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

    A file that was archived is archived again, whatever share of its rows is bad, and what is read of it then counts in
    place of what was read before: with the same contract that changes nothing. Until it is merged, and where it is
    rejected, the earlier reading counts. Of a row in quarantine the whole file is loaded again like that; only where it
    is not in the archive any more, the row alone, as a file of its own. Rejected files leave `rejected/`, and such rows
    the quarantine, once they are in the landing directory; what is still wrong comes back to it. A rejected file whose
    content was loaded by another way since, or is about to be, stays where it is.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the landing directory.
        checkpoint: The path of the checkpoint.
        source: `archive`, `quarantine` or `rejected`.
        since: The first day to take, by when a batch was claimed; empty for all.
        until: The last day to take; empty for all.
        files: Paths as the ledger has them, or `BATCH/PATH` for that of one batch, separated by commas; empty for all.
            A file that was loaded again answers to all its earlier names as well.
        contract: The contract.
        now: The clock.

    Returns:
        The files that were put back.

    Raises:
        ParameterError: If the source is unknown or a day is no date.
        ReplayError: If files could not be put back; the others were.
    """
    days = (_day("since", since) or date.min, _day("until", until) or date.max)
    if source not in SOURCES:
        raise ParameterError(f"source is {source!r}; it must be {', '.join(SOURCES[:-1])} or {SOURCES[-1]}")
    paths = {path.strip() for path in files.split(",") if path.strip()}
    use_utc(spark)
    create_missing(spark, contract, tables)
    directories, notes = open_volume(volume).probed(), Checkpoint(Path(checkpoint))
    if source == "quarantine":
        done = _replay_quarantine(spark, tables, directories, notes, days, paths, now())
    else:
        chosen = [
            (batch.name, path, batch / path)
            for batch in directories.batches_of(source)
            if days[0] <= batch_date(batch.name) <= days[1]
            for path in files_below(batch)
            if not paths or not paths.isdisjoint(_names_of(batch.name, path))
        ]
        done = _replay_files(spark, tables, directories, notes, source, chosen, now())
    if done.failed:
        failed = "; ".join(f"{batch_id}/{path}: {reason}" for (batch_id, path), reason in done.failed.items())
        raise ReplayError(
            f"{len(done.failed)} files could not be put back, {len(done.put)} were; mend what is wrong, and replay "
            f"them again: {failed}"
        )
    return ReplaySummary(tuple(done.put), done.rows_left, _left(paths, done, source))


def _left(names: set[str], done: _Done, source: str) -> dict[str, str]:
    """Say of each name of which nothing was put back why."""
    # Behind the folder of the replay.
    put = {name for path in done.put for name in _names_of(*path.split("/", 2)[1:])}
    left = {name: reason for file, reason in done.left.items() for name in _names_of(*file)}
    nothing = "no row of that file can be put back" if source == "quarantine" else f"it is not in {source}/"
    return {name: left.get(name, nothing) for name in sorted(names - put)}


def _names_of(batch_id: str, path: str) -> set[str]:
    """List what people may call a file: its paths since it was sent, and each of them with its batch."""
    readings = [(batch_id, path), *readings_before(path)]
    return {name for batch, each in readings for name in (each, f"{batch}/{each}")}


def _open_batches(checkpoint: Checkpoint) -> set[str]:
    """Name the batches that have not come to their end, as of now: what becomes of their files is not known yet.

    Files of a batch that was divided may still be in the directory of the whole.
    """
    halves = [claim.batch_id for claim in checkpoint.claimed()]
    return {batch_id for half in halves for batch_id in (half, *larger_batches(half))}


def _told_of(
    spark: SparkSession, tables: Tables, checkpoint: Checkpoint, batch_ids: Collection[str]
) -> dict[tuple[str, str], FileOutcome]:
    """Tell what became of the files of batches, also of those that are staged by a run which is still at work."""
    staged = {
        (file.batch_id, file.path): file
        for batch in checkpoint.staged()
        if batch.batch_id in batch_ids
        for file in batch.files
    }
    return staged | read_ledger(spark, tables, batch_ids)


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ParameterError(f"{name} is {text!r}; it must be a date such as 2026-11-21") from None


def _replay_files(
    spark: SparkSession,
    tables: Tables,
    volume: Volume,
    checkpoint: Checkpoint,
    source: str,
    chosen: Sequence[tuple[str, str, Path]],
    now: datetime,
) -> _Done:
    is_open = _open_batches(checkpoint)
    not_ended = "its batch has not come to its end; run the load job first"
    done = _Done(left={each[:2]: not_ended for each in chosen if each[0] in is_open})
    ended = [each for each in chosen if each[0] not in is_open]
    if not ended:
        return done
    is_archived = source == "archive"
    again = loaded_again(volume, checkpoint)
    # Only then: what was merged meanwhile is in the ledger, and what was not is about to be.
    write_job_log(spark, tables.job_log, checkpoint)
    batches = {batch_id for batch_id, _, _ in ended}
    if not is_archived:  # A rejected file may be one that was loaded before, or has been since.
        first = [first_reading(batch_id, path) for batch_id, path, _ in ended]
        batches |= {batch_id for batch_id, _ in first} | {row.batch_id for row in later_readings(spark, tables, first)}
    ledger = _told_of(spark, tables, checkpoint, batches)
    of_one_file: dict[tuple[str, str], list[FileOutcome]] = defaultdict(list)
    for each in ledger.values():
        of_one_file[first_reading(each.batch_id, each.path)].append(each)

    def reading_of(batch_id: str, path: str, file: Path) -> FileOutcome:
        found = ledger.get((batch_id, path))
        if found:
            return found
        arrived = look_at(file.parents[len(Path(path).parts) - 1], path)
        assert arrived
        return outcome(batch_id, arrived, State.MERGED)

    # By its name, those who count bad rows tell what they have counted before.
    put_back = PutBack(volume, checkpoint, now, _ARCHIVE_FOLDER if is_archived else _FILES_FOLDER)
    # Two batches may have files of one name.
    replayed: dict[Path, ReplayedFile] = {}
    for batch_id, path, file in ended:
        reading, first_read = reading_of(batch_id, path, file), first_reading(batch_id, path)
        in_place: FileOutcome | str | None
        if first_read in again:
            in_place = "it is about to be loaded again"
        elif not is_archived:
            in_place = _in_place_of(volume, reading, of_one_file[first_read])
        else:
            in_place = reading if reading.state is State.MERGED else _WHY_NOT.get(reading.state, "it was not loaded")
        if isinstance(in_place, str):
            done.left[batch_id, path] = in_place
            continue
        again.add(first_read)
        target = f"{put_back.folder}/{batch_id}/{path}"
        replayed[file] = ReplayedFile(target, first_path(path), reading.modified_at, is_archived, in_place)
    if not replayed:
        return done
    put_back.note(replayed.values())

    def put(file: Path, target: str) -> str | None:
        if is_archived:
            return put_back.put(target, partial(copy, file))
        put = put_back.put(target, partial(volume.move, file))
        if put:
            reason_of(file).unlink(missing_ok=True)
        return put

    _put_all(done, [(each.path, partial(put, file, each.path)) for file, each in replayed.items()])
    return done


def _put_all(done: _Done, files: Iterable[tuple[str, Callable[[], str | None]]]) -> None:
    """Put files back, each by its path in the landing directory; what goes wrong with one stops no other."""

    def put_one(file: tuple[str, Callable[[], str | None]]) -> str | OSError | None:
        try:
            return file[1]()
        except OSError as error:
            return error

    files = list(files)
    for (target, _), put in zip(files, map_in_pool(put_one, files), strict=True):
        if isinstance(put, OSError):
            _, batch_id, path = target.split("/", 2)
            done.failed[batch_id, path] = put.strerror or str(put)
        elif put:
            done.put.append(put)


def _in_place_of(volume: Volume, rejected: FileOutcome, of_one_file: Iterable[FileOutcome]) -> FileOutcome | str | None:
    """Find the reading that a rejected file supersedes once it is merged, of all readings of the file.

    Returns:
        None if there is none; or why the file stays where it is: what it says counts already, or would twice.
    """
    earlier, in_place = readings_before(rejected.path), None
    for each in of_one_file:
        reading = (each.batch_id, each.path)
        if reading == (rejected.batch_id, rejected.path):
            continue
        if each.state is State.STAGED or (each.state is State.MERGED and reading not in earlier):
            return f"it was loaded since, as {'/'.join(reading)}"
        if each.state is State.MERGED:
            in_place = each
        is_withdrawn = each.state is State.WITHDRAWN and (volume.rejected_of(each.batch_id) / each.path).exists()
        if is_withdrawn and rejected.state is not State.WITHDRAWN:
            return f"it is there once more, as {'/'.join(reading)}, which was withdrawn"
    return in_place


def later_readings(spark: SparkSession, tables: Tables, first: Collection[tuple[str, str]]) -> list[Row]:
    """List what the ledger has of files that were put back, by what they were read as first: batch, path and state."""
    names = [as_stored(f"{batch_id}/{path}") for batch_id, path in first]
    files = spark.table(tables.ledger).where(F.col("path").startswith(_FILES_FOLDER))
    return files.where(F.expr(_FIRST_READING).isin(*names)).select("batch_id", "path", "state").collect()


def copy(source: Path, target: Path) -> bool:
    """Copy a file, which stays."""
    try:
        shutil.copyfile(source, target)
    except OSError:
        target.unlink(missing_ok=True)  # A part would pass for a file that is on its way.
        raise
    return True


def readings_before(path: str, folder: str = REPLAY) -> list[tuple[str, str]]:
    """Name, by batch and path, what a file was before it was put back, which may have been more than once."""
    readings = []
    while put_back := re.match(rf"{folder}[^/]+/([^/]+)/(.+)", path, re.DOTALL):
        batch_id, path = put_back.groups()
        readings.append((batch_id, path))
    return readings


def first_path(path: str) -> str:
    """Return the path that a file had when it was sent, which may have been loaded again before."""
    return [path, *(earlier for _, earlier in readings_before(path))][-1]


def first_reading(batch_id: str, path: str) -> tuple[str, str]:
    """Name, by batch and path, what a file was read as first: of all readings with one name of that kind one counts."""
    return [(batch_id, path), *readings_before(path, _FILES_FOLDER)][-1]


def _replay_quarantine(
    spark: SparkSession,
    tables: Tables,
    volume: Volume,
    checkpoint: Checkpoint,
    days: tuple[date, date],
    paths: set[str],
    now: datetime,
) -> _Done:
    twice = [file.path for file in checkpoint.replayed().values() if file.in_quarantine]
    cut_short = [path for path in twice if (volume.landing / path).exists()]
    if cut_short:
        leave_quarantine(spark, tables, cut_short)
    rows = _chosen(spark.table(tables.quarantine), days, paths)
    whole = rows.where(_IS_WHOLE)
    rows_left = rows.where(f"NOT {_IS_WHOLE}").count()
    named = whole.select("_batch_id", "_source_file").distinct().sort("_batch_id", "_source_file").collect()
    files = [(batch_id, path, volume.archive_of(batch_id) / path) for batch_id, path in named]
    are_there = map_in_pool(lambda each: each[2].exists(), files)
    # A row has its place among those of its file, and goes with it where that is withdrawn or read again.
    archived = [each for each, is_there in zip(files, are_there, strict=True) if is_there]
    done = _replay_files(spark, tables, volume, checkpoint, "archive", archived, now)
    done.rows_left = rows_left
    is_open = _open_batches(checkpoint)
    groups = [
        each[:2] for each, is_there in zip(files, are_there, strict=True) if not is_there and each[0] not in is_open
    ]
    if not groups:
        return done
    put_back = PutBack(volume, checkpoint, now, _ROWS_FOLDER)
    write_job_log(spark, tables.job_log, checkpoint)
    ledger = _told_of(spark, tables, checkpoint, {batch_id for batch_id, _ in groups})
    replayed = [
        ReplayedFile(
            f"{put_back.folder}/{batch_id}/{path}",
            first_path(path),
            ledger[batch_id, path].modified_at if (batch_id, path) in ledger else now,
            may_be_bad=True,
            in_quarantine=True,
        )
        for batch_id, path in groups
    ]
    put_back.note(replayed)
    columns = whole.where(are_of(groups)).select("_batch_id", "_source_file", "_row_number", "raw_row")
    # One question for all files: one for each of them takes longer than all the rest.
    for (batch_id, path), of_file in groupby(columns.sort(*columns.columns[:3]).toLocalIterator(), lambda row: row[:2]):
        raw = [json.loads(row.raw_row) for row in of_file]
        target = f"{put_back.folder}/{batch_id}/{path}"
        _put_all(done, [(target, partial(put_back.put, target, partial(_write_csv, raw)))])
    # Only now: if this is cut short, the rows are loaded again, and nothing is lost.
    discard_files(spark, tables.quarantine, [each for each in groups if each not in done.failed], _IS_WHOLE)
    put_back.note(replace(file, in_quarantine=False) for file in replayed)
    return done


def leave_quarantine(spark: SparkSession, tables: Tables, paths: Sequence[str]) -> None:
    """Take rows out of the quarantine whose files are about to be loaded again: they would be there twice.

    Args:
        spark: The session.
        tables: The names of the tables.
        paths: The files, as a replay that was cut short has put them into the landing directory.
    """
    # Their own paths follow the folder of the replay.
    files = [(batch_id, path) for _, batch_id, path in (each.split("/", 2) for each in paths)]
    discard_files(spark, tables.quarantine, files, _IS_WHOLE)


def _chosen(rows: DataFrame, days: tuple[date, date], paths: set[str]) -> DataFrame:
    if days[0] > date.min:
        rows = rows.where(F.col("_batch_id") >= f"{days[0]:%Y%m%d}")
    if days[1] < date.max:
        rows = rows.where(F.col("_batch_id") < f"{days[1]:%Y%m%d}U")
    if not paths:
        return rows
    files = [tuple(row) for row in rows.select("_batch_id", "_source_file").distinct().collect()]
    return rows.where(are_of(file for file in files if not paths.isdisjoint(_names_of(*file))))


def _write_csv(rows: Sequence[dict[str, Any]], target: Path) -> bool:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return True

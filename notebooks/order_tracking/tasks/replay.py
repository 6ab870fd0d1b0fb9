"""Load again what was archived, rejected or quarantined: put it back, and its arrival starts the job."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import ParameterError, ReplayError
from order_tracking.files.batch import batch_date, larger_batches
from order_tracking.files.checkpoint import Checkpoint, ReplayedFile
from order_tracking.files.claimed_files import outcome
from order_tracking.files.erased_files import finish_rewriting
from order_tracking.files.landing import look_at, reason_of
from order_tracking.files.pool import map_in_pool
from order_tracking.files.replay_folder import (
    ARCHIVED_FILES_FOLDER,
    FILES_FOLDER,
    ROWS_FOLDER,
    ReplayFolder,
    being_replayed,
    first_path,
    first_reading,
    reading_of,
    readings_before,
)
from order_tracking.files.volume import Volume, files_below, open_volume
from order_tracking.rows.replayed_files import IS_WHOLE, later_readings, leave_quarantine
from order_tracking.rows.stage import are_of, discard_files
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tables.ledger import read_ledger
from order_tracking.tables.tables import Tables, create_missing
from order_tracking.tasks.summary import Summary
from order_tracking.tasks.task_run import write_job_log

SOURCES = ("archive", "quarantine", "rejected")

#: Why an archived file is not loaded again, by how far it came.
_WHY_NOT = {
    State.STAGED: "it is not merged yet; run the load job first",
    State.SUPERSEDED: "it was loaded again since",
    State.WITHDRAWN: "it was withdrawn, so it is in rejected/",
}
_BEING_WITHDRAWN = "it is being withdrawn; run the load job first"
_WITHDRAW_FIRST = "; withdraw it before that"


@dataclass(frozen=True)
class ReplaySummary(Summary):
    """What `replay` did.

    Attributes:
        files: The files that it put into the landing directory.
        rows_left: Rows that stay in quarantine, or come back to it, since nobody knows all values for their columns.
        left: The names of which nothing was put back, with the reason.
        withdrawn: Files, as `BATCH/PATH`, that were among all there are and stay, since people took them back.
    """

    files: tuple[str, ...]
    rows_left: int = 0
    left: dict[str, str] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the summary for people."""
        left = (
            f" {self.rows_left} rows cannot be split into columns, or may be cut: send them again. Where cutRows is "
            "load, a replay from the archive loads those that may be cut."
            if self.rows_left
            else ""
        )
        return "\n".join(
            [
                f"{len(self.files)} files were put into the landing directory.{left}",
                *self.files,
                *(f"Not put back: {name}: {reason}." for name, reason in self.left.items()),
                *(f"Stays withdrawn: {name}: name it to load it after all." for name in self.withdrawn),
            ]
        )


@dataclass
class _Done:
    """What became of the files that were chosen.

    Attributes:
        put: Their paths in the landing directory.
        left: Why others stay where they are, by batch and path.
        failed: What went wrong with others, by batch and path.
        withdrawn: Those that stay withdrawn, by batch and path.
    """

    put: list[str] = field(default_factory=list)
    left: dict[tuple[str, str], str] = field(default_factory=dict)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    withdrawn: list[tuple[str, str]] = field(default_factory=list)
    rows_left: int = 0

    def fail(self, batch_id: str, path: str, error: OSError) -> None:
        """Note what went wrong with a file."""
        self.failed[batch_id, path] = error.strerror or str(error)


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

    A file that was archived is archived again, whatever share of its rows is bad if there are no more of these than
    before, and what is read of it then counts in place of what was read before: with the same contract that changes
    nothing. Until it is merged, and where it is rejected, the earlier reading counts. Of a row in quarantine the whole
    file is loaded again like that; only where it is not in the archive any more, the row alone, as a file of its own.
    Rejected files leave `rejected/`, and such rows the quarantine, once they are in the landing directory; what is
    still wrong comes back to it. A rejected file whose content was loaded by another way since, or is about to be,
    stays where it is.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the landing directory.
        checkpoint: The path of the checkpoint.
        source: `archive`, `quarantine` or `rejected`.
        since: The first day to take, by when a batch was claimed; empty for all.
        until: The last day to take; empty for all.
        files: Paths as the ledger has them, or `BATCH/PATH` for that of one batch; see `named_files`. Empty for all but
            those in `rejected/` that were withdrawn. A file that was loaded again answers to all its earlier names as
            well.
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
    paths = set(named_files(files))
    use_utc(spark)
    create_missing(spark, contract, tables)
    directories, notes = open_volume(volume).probed(), Checkpoint(Path(checkpoint))
    finish_rewriting(directories)  # A part of a file would be loaded in place of all of it.
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
        done = _replay_files(spark, tables, directories, notes, source, chosen, now(), are_named=bool(paths))
    if done.failed:
        failed = "; ".join(f"{batch_id}/{path}: {reason}" for (batch_id, path), reason in done.failed.items())
        raise ReplayError(
            f"{len(done.failed)} files could not be put back, {len(done.put)} were; mend what is wrong, and replay "
            f"them again: {failed}"
        )
    withdrawn = tuple(f"{batch_id}/{path}" for batch_id, path in done.withdrawn)
    return ReplaySummary(tuple(done.put), done.rows_left, _left(paths, done, source), withdrawn)


def named_files(text: str) -> list[str]:
    """Read which files a parameter of a job names: as a line of CSV, for a name may have commas, and is quoted then.

    Raises:
        ParameterError: If a quote is not closed, or closed within a name: several names would be read as one.
    """
    lines = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    try:
        names = [name.strip() for line in lines for name in line]
    except csv.Error as error:
        raise ParameterError(
            f"files is no line of CSV, in which a quoted name has its own quotes twice: {error}"
        ) from error
    return [name for name in names if name]


def _left(names: set[str], done: _Done, source: str) -> dict[str, str]:
    """Say of each name of which nothing was put back why."""
    put = {name for path in done.put for name in _names_of(*reading_of(path))}
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
    are_named: bool = False,
) -> _Done:
    is_open = _open_batches(checkpoint)
    not_ended = "its batch has not come to its end; run the load job first"
    done = _Done(left={each[:2]: not_ended for each in chosen if each[0] in is_open})
    ended = [each for each in chosen if each[0] not in is_open]
    if not ended:
        return done
    is_archived = source == "archive"
    again = being_replayed(volume, checkpoint)
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

    def outcome_of(batch_id: str, path: str, file: Path) -> FileOutcome:
        found = ledger.get((batch_id, path))
        if found:
            return found
        arrived = look_at(file.parents[len(Path(path).parts) - 1], path)
        assert arrived
        return outcome(batch_id, arrived, State.MERGED)

    withdrawn = checkpoint.withdrawn_files(now) - {key for key, each in ledger.items() if each.state is State.WITHDRAWN}
    # By its name, those who count bad rows tell what they have counted before.
    folder = ReplayFolder(volume, checkpoint, now, ARCHIVED_FILES_FOLDER if is_archived else FILES_FOLDER)
    # Two batches may have files of one name.
    replayed: dict[Path, ReplayedFile] = {}
    for batch_id, path, file in ended:
        reading, first_read = outcome_of(batch_id, path, file), first_reading(batch_id, path)
        in_place: FileOutcome | str | None
        if not is_archived and not are_named and reading.state is State.WITHDRAWN:
            # People took it back, and who asks for all that was rejected may not think of it.
            done.withdrawn.append((batch_id, path))
            continue
        if first_read in again:
            in_place = "it is about to be loaded again"
        elif not is_archived:
            in_place = _in_place_of(volume, reading, of_one_file[first_read])
        else:
            in_place = reading if reading.state is State.MERGED else _WHY_NOT.get(reading.state, "it was not loaded")
        counting = in_place or reading
        if isinstance(counting, FileOutcome) and (key := (counting.batch_id, counting.path)) in withdrawn:
            in_place = _BEING_WITHDRAWN
            if key != (batch_id, path):
                in_place = f"it counts as {'/'.join(key)}, which is being withdrawn; run the load job first"
        if isinstance(in_place, str):
            done.left[batch_id, path] = in_place
            continue
        target = _place_in(folder, batch_id, path, done)
        if not target:
            told = ledger.get((batch_id, path))
            if told and told.state is State.MERGED:  # Its rows count, and would beside those of what is sent anew.
                done.left[batch_id, path] += _WITHDRAW_FIRST
            continue
        again.add(first_read)
        replayed[file] = ReplayedFile(target, first_path(path), reading.modified_at, is_archived, in_place)
    if not replayed:
        return done
    folder.note(replayed.values())

    def put(file: Path) -> bool | OSError:
        """Tell whether it is in the landing directory now; what goes wrong with one stops no other."""
        target = replayed[file].path
        try:
            if is_archived:
                folder.copy(file, target)
            elif folder.move(file, target):
                reason_of(file).unlink(missing_ok=True)
            else:
                return False
        except OSError as error:
            return error
        return True

    for noted, result in zip(replayed.values(), map_in_pool(put, replayed), strict=True):
        if isinstance(result, OSError):
            done.fail(*reading_of(noted.path), result)
        elif result:
            done.put.append(noted.path)
    return done


def _place_in(folder: ReplayFolder, batch_id: str, path: str, done: _Done) -> str | None:
    """Name the place of a file in a folder, or note why there is none."""
    try:
        return folder.path_of(batch_id, path)
    except OSError as error:
        done.left[batch_id, path] = error.strerror or str(error)
        return None


def _in_place_of(volume: Volume, rejected: FileOutcome, of_one_file: Iterable[FileOutcome]) -> FileOutcome | str | None:
    """Find the reading that a rejected file supersedes once it is merged, of all readings of the file.

    Returns:
        None if there is none; or why the file stays where it is: what it says counts already, or would twice.
    """
    in_place = None
    for each in of_one_file:
        reading = (each.batch_id, each.path)
        if reading == (rejected.batch_id, rejected.path):
            continue
        # An earlier one need not be in the path: a file that grew twice is put back by its first reading both times.
        if each.state is State.STAGED or (each.state is State.MERGED and each.batch_id > rejected.batch_id):
            return f"it was loaded since, as {'/'.join(reading)}"
        if each.state is State.MERGED:
            in_place = each
        is_withdrawn = each.state is State.WITHDRAWN and (volume.rejected_of(each.batch_id) / each.path).exists()
        if is_withdrawn and rejected.state is not State.WITHDRAWN:
            return f"it is there once more, as {'/'.join(reading)}, which was withdrawn"
    return in_place


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
    whole = rows.where(IS_WHOLE)
    rows_left = rows.where(f"NOT {IS_WHOLE}").count()
    named = whole.select("_batch_id", "_source_file").distinct().sort("_batch_id", "_source_file").collect()
    files = [(batch_id, path, volume.archive_of(batch_id) / path) for batch_id, path in named]
    are_there = map_in_pool(lambda each: each[2].exists(), files)
    # A row has its place among those of its file, and goes with it where that is withdrawn or read again.
    archived = [each for each, is_there in zip(files, are_there, strict=True) if is_there]
    done = _replay_files(spark, tables, volume, checkpoint, "archive", archived, now)
    done.rows_left = rows_left
    is_open, withdrawn = _open_batches(checkpoint), checkpoint.withdrawn_files(now)
    lone = [
        each[:2] for each, is_there in zip(files, are_there, strict=True) if not is_there and each[0] not in is_open
    ]
    done.left.update(dict.fromkeys(withdrawn.intersection(lone), _BEING_WITHDRAWN))
    folder = ReplayFolder(volume, checkpoint, now, ROWS_FOLDER)
    targets = {each: target for each in lone if each not in withdrawn and (target := _place_in(folder, *each, done))}
    if not targets:
        return done
    write_job_log(spark, tables.job_log, checkpoint)
    ledger = _told_of(spark, tables, checkpoint, {batch_id for batch_id, _ in targets})
    replayed = [
        ReplayedFile(
            target,
            first_path(path),
            ledger[batch_id, path].modified_at if (batch_id, path) in ledger else now,
            may_be_bad=True,
            in_quarantine=True,
        )
        for (batch_id, path), target in targets.items()
    ]
    folder.note(replayed)
    columns = whole.where(are_of(targets)).select("_batch_id", "_source_file", "_row_number", "raw_row")
    # One question for all files: one for each of them takes longer than all the rest.
    for (batch_id, path), of_file in groupby(columns.sort(*columns.columns[:3]).toLocalIterator(), lambda row: row[:2]):
        raw = [json.loads(row.raw_row) for row in of_file]
        target = targets[batch_id, path]
        try:
            folder.write(target, partial(_write_csv, raw))
        except OSError as error:
            done.fail(batch_id, path, error)
        else:
            done.put.append(target)
    # Only now: if this is cut short, the rows are loaded again, and nothing is lost. Of a file that failed, a whole
    # hidden one may be left, which is loaded, and its rows leave the quarantine then.
    discard_files(spark, tables.quarantine, [each for each in targets if each not in done.failed], IS_WHOLE)
    folder.note(replace(file, in_quarantine=reading_of(file.path) in done.failed) for file in replayed)
    return done


def _chosen(rows: DataFrame, days: tuple[date, date], paths: set[str]) -> DataFrame:
    if days[0] > date.min:
        rows = rows.where(F.col("_batch_id") >= f"{days[0]:%Y%m%d}")
    if days[1] < date.max:
        rows = rows.where(F.col("_batch_id") < f"{days[1]:%Y%m%d}U")
    if not paths:
        return rows
    files = [tuple(row) for row in rows.select("_batch_id", "_source_file").distinct().collect()]
    return rows.where(are_of(file for file in files if not paths.isdisjoint(_names_of(*file))))


def _write_csv(rows: Sequence[dict[str, Any]], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

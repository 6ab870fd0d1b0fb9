"""Erase one order from tables, job log and files, and say where it was and until when old versions could show it."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from pyspark.sql import SparkSession

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import RemovalError, UnreadableFileError
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Erasure
from order_tracking.files.erased_files import (
    FoundFile,
    Search,
    check_text,
    clean_lone_reasons,
    finish_rewriting,
    look_through,
    rewrite_file,
    search_files,
    shown_rows,
    without_shown_rows,
)
from order_tracking.files.landing import list_arrivals
from order_tracking.files.order_records import OrderRecords, decoded
from order_tracking.files.records import values_of
from order_tracking.files.replay_folder import first_path, readings_before
from order_tracking.files.volume import Volume, files_below, open_volume
from order_tracking.rows.erased_rows import OrderRows, erase_quarantined, erase_rows, find_rows, purge
from order_tracking.sql import as_stored
from order_tracking.tables.erased_texts import ERASED, FileReason, erase_texts, told_errors, told_reasons
from order_tracking.tables.folded_files import create_folded_files
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tables.tables import Tables, clustered_by, create_missing
from order_tracking.tables.versions import ensure_properties, properties_of, versions_kept, write_checkpoint
from order_tracking.tasks.load_batch import MAX_DESCRIBED_CHARACTERS
from order_tracking.tasks.summary import Summary, shown
from order_tracking.tasks.task_run import MAX_ERROR_CHARACTERS, TaskRun, task_run, write_job_log

#: A shorter value tells nothing of anybody, and is a part of many other texts.
_SHORTEST_VALUE = 3

#: What the pipeline tells of a value is cut there.
_LONGEST_TOLD = 100

#: So much of a text at the end of what was told is no coincidence.
_SHORTEST_CUT = 5


@dataclass(frozen=True)
class Place:
    """A place where the order could be.

    Attributes:
        name: Its name.
        removed: How many rows, records or texts of the order were there, and are not any more.
        searched: Of how many, where they were counted.
        old_versions_until: Until when an old version of it could still show them, in UTC; None if nothing was there.
    """

    name: str
    removed: int
    searched: int | None = None
    old_versions_until: str | None = None

    def __str__(self) -> str:
        """Return what people read of it."""
        of = f" of {self.searched} searched" if self.searched is not None else ""
        until = self.old_versions_until
        shown = f"; old versions could show it until the upkeep of {until}" if until else ""
        return f"{self.name}: {self.removed} removed{of}{shown}"


@dataclass(frozen=True)
class ErasureReport(Summary):
    """What an erasure came to.

    Attributes:
        places: Each place that was searched.
        unsearched: Files that nobody can look through, or whose names have the key, with the reason: people have to.
        waiting: Files with records of the order that are about to be loaded.
        old_versions_until: Until when, at the latest, old versions of tables could show what had left these before, as
            by a withdrawal, or by an erasure that was cut short.
    """

    places: tuple[Place, ...]
    unsearched: dict[str, str]
    waiting: tuple[str, ...]
    old_versions_until: str

    def __str__(self) -> str:
        """Return the report for people."""
        return "\n".join(
            [
                *map(str, self.places),
                f"What had left a table before may be in old versions until the upkeep of {self.old_versions_until}.",
                *(f"Look into {path} yourself: {reason}" for path, reason in self.unsearched.items()),
                *(f"Waits to be loaded: {path}" for path in self.waiting),
            ]
        )


def erase(
    spark: SparkSession,
    tables: Tables,
    volume: str,
    checkpoint: str,
    run_id: str,
    tracking_num: str,
    retention_days: float,
    contract: Contract = ORDERS,
    now: Clock = utc_now,
) -> ErasureReport:
    """Erase an order. To do it again removes what is still there, and shows that nothing is.

    What is cut short is finished by the next run of the load job; it leaves no report.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the landing directory.
        checkpoint: The path of the checkpoint.
        run_id: Names the run in the run tracker.
        tracking_num: The order's key.
        retention_days: How long old versions of the tables are kept.
        contract: The contract.
        now: The clock.

    Returns:
        Each place that was searched, and what was removed.

    Raises:
        RemovalError: If no key is given, or files are being loaded.
    """
    use_utc(spark)
    create_missing(spark, contract, tables)
    directories, notes = open_volume(volume).probed(), Checkpoint(Path(checkpoint))
    records = OrderRecords(contract, tracking_num)
    if not records.key:
        raise RemovalError("name the order to erase, by the characters of its key that people see")
    if notes.under_way():
        raise RemovalError("files are being loaded, or were left by a run that was cut short; run the load job first")
    try:
        with task_run(notes, run_id, "erase", now) as run:
            cut_short = [each for each in notes.erasures() if OrderRecords(contract, each.key).key == records.key]
            erasure = Erasure(new_batch_id(now()), tracking_num.strip())
            notes.erase(erasure)
            removed = carry_out(spark, contract, tables, directories, notes, erasure, run)
            landed = _landed(directories)
            arrived = {**landed.by_place(directories), **_taken(directories, notes)}
            waiting = _waiting(directories, records, arrived, landed.left_alone)
            named = _named_by_key(spark, tables, removed.searched | arrived, records.key)
            by_people = {**landed.unreadable, **waiting.unreadable, **named}
            # Otherwise the run of the load job that began meanwhile erases what it may have brought.
            if not notes.under_way():
                for each in (*cut_short, erasure):
                    notes.forget_erasure(each.erasure_id)
            for table in tables.stored:
                ensure_properties(spark, table, versions_kept(retention_days), properties_of(spark, table))
    finally:
        write_job_log(spark, tables.job_log, notes)
    # The upkeep of one night deletes the files of old versions, that of the next one the last of the log.
    until = f"{now() + timedelta(days=retention_days + 2):%Y-%m-%d}"
    return ErasureReport(removed.places(until), {**removed.unsearched, **by_people}, waiting.paths, until)


@dataclass(frozen=True)
class _Arrived:
    """Files that clients have sent and that are not merged yet.

    Attributes:
        paths: Their paths below the landing directory.
        unreadable: What nobody can list or look through, from the volume on, with the reason.
        left_alone: Those of the paths that no run loads under the names which they have now.
    """

    paths: tuple[str, ...]
    unreadable: dict[str, str]
    left_alone: frozenset[str] = frozenset()

    def by_place(self, volume: Volume) -> dict[str, str]:
        """Return the paths by where they are, from the volume on."""
        return {volume.relative(volume.landing / path): path for path in self.paths}


def _landed(volume: Volume) -> _Arrived:
    """List the files of the landing directory.

    Also what is hidden: a file that is being put back is, and comes into sight later, as does a folder that its sender
    fills before it is given its name.
    """
    arrivals = list_arrivals(volume.landing)
    left_alone: list[str] = []
    unreadable = {volume.relative(volume.landing / path): reason for path, reason in arrivals.unreadable.items()}
    for path in arrivals.left_alone:
        if not path.endswith("/"):
            left_alone.append(path)
            continue
        try:
            left_alone += [f"{path}{below}" for below in files_below(volume.landing / path)]
        except OSError as error:
            unreadable[f"{volume.relative(volume.landing / path)}/"] = f"it cannot be listed: {error.strerror}"
    paths = (*(file.path for file in arrivals.files), *left_alone)
    return _Arrived(paths, unreadable, frozenset(left_alone))


def _taken(volume: Volume, checkpoint: Checkpoint) -> dict[str, str]:
    """List the files of batches under way, by where they are: those that have left the landing directory meanwhile."""
    return {
        volume.relative(volume.archive_of(batch.batch_id) / file.path): file.path
        for batch in checkpoint.under_way()
        for file in batch.files
    }


def _waiting(
    volume: Volume, records: OrderRecords, arrived: Mapping[str, str], left_alone: Collection[str]
) -> _Arrived:
    """List the files with records of the order, of those that have arrived, by where they are."""
    waiting: set[str] = set()
    unreadable: dict[str, str] = {}
    for place, path in arrived.items():
        try:
            if any(records.find(volume.path / place)):
                waiting.add(path)
            elif path not in left_alone:  # Of what no run loads, such as `.DS_Store`, nobody has to be told.
                check_text(volume.path / place)
        except FileNotFoundError:
            continue
        except (OSError, UnreadableFileError) as error:
            unreadable[place] = str(error)
    return _Arrived(tuple(sorted(waiting)), unreadable)


def _named_by_key(spark: SparkSession, tables: Tables, places: Mapping[str, str], key: str) -> dict[str, str]:
    """List the files whose names have the key, and where the tables have such a name, with what is to be done.

    No erasure changes a name: the ledger, the rows of other orders and later readings of the file know it by that.

    Args:
        spark: The session.
        tables: The names of the tables.
        places: The files' paths as they were sent or loaded again, by where they are.
        key: The order's key.
    """
    # Within a longer word or number it is another one; a number may follow a word, as in `order4711.csv`.
    first, last = (r"\d" if each.isdigit() else r"[^\W\d_]" for each in (key[0], key[-1]))
    named = re.compile(rf"(?<!{first}){re.escape(key.casefold())}(?!{last})")
    query = f"SELECT batch_id, path FROM {tables.ledger} WHERE contains(lower(path), lower(:key))"
    told = spark.sql(query, args={"key": key}).collect()
    places = {**places, **{f"{row.batch_id}/{row.path}, in the tables": row.path for row in told}}
    # Folders of a replay have names of our own.
    has_key = [place for place, path in places.items() if named.search(first_path(path).casefold())]
    return dict.fromkeys(has_key, "its name has the key")


@dataclass(frozen=True)
class Removed:
    """What an erasure found and removed.

    Attributes:
        rows: How many rows had something of the order, by table.
        files: What the search of the files came to, by directory.
        notes: How many files of the checkpoint had its key.
        left: Tables of which some files may still have it, and archived files of its rows in which it was not found,
            with the reason.
    """

    rows: dict[str, int]
    files: dict[str, Search]
    notes: int
    left: dict[str, str]

    @property
    def searched(self) -> dict[str, str]:
        """The paths of the files that were looked through, by where they are, from the volume on."""
        return {place: path for search in self.files.values() for place, path in search.searched.items()}

    @property
    def unsearched(self) -> dict[str, str]:
        """The files, and the tables, that people have to look into, with the reason."""
        files = {path: reason for search in self.files.values() for path, reason in search.unsearched.items()}
        return {**files, **self.left}

    def places(self, until: str) -> tuple[Place, ...]:
        """Tell of each place.

        Args:
            until: The day of the upkeep after which no old version has what was removed.
        """
        of_tables = [
            Place(name, count, old_versions_until=until if count else None) for name, count in self.rows.items()
        ]
        of_files = [
            Place(f"{directory}/", sum(len(file.records) for file in search.found), len(search.searched))
            for directory, search in self.files.items()
        ]
        return (*of_tables, *of_files, Place("checkpoint", self.notes))


def carry_out(
    spark: SparkSession,
    contract: Contract,
    tables: Tables,
    volume: Volume,
    checkpoint: Checkpoint,
    erasure: Erasure,
    run: TaskRun,
) -> Removed:
    """Do all of it, whatever of it was done before; to forget that it is to be done is left to the caller.

    The order of the steps is the promise. What was told of the order is found by its rows and records, and by the files
    that have them, so that goes before these do: a run that finishes what was cut short finds it too.

    Raises:
        RemovalError: If another run moves or writes one of the files; the next run of the load job goes on.
    """
    records = OrderRecords(contract, erasure.key)
    with run.step("search files"):
        files = _search_files(volume, records)
    found = [file for search in files.values() for file in search.found]
    with run.step("erase from the job log"):
        write_job_log(spark, tables.job_log, checkpoint)
        rows = find_rows(spark, contract, tables, records)
        in_any_column = OrderRecords(contract, erasure.key, in_any_column=True)
        otherwise, unfound = _search_again(volume, rows, files["archive"], in_any_column)
        files["archive"] = replace(files["archive"], found=(*files["archive"].found, *otherwise))
        told = _erase_from_job_log(spark, contract, tables, volume, records, [*found, *otherwise], rows)
    _erase_from_run(run, told)
    notes = checkpoint.forget_key(records.key, records.is_word_of, told.erased_outcome)
    clean_lone_reasons(volume, told.files, records.is_word_of, told.erased_reason)
    # While the rows are there, without which nobody would find these files.
    with run.step("write files of another contract anew"):
        _rewrite_files(volume, checkpoint, in_any_column, otherwise, told)
    with run.step("erase from the tables"):
        deleted = _erase_from_tables(spark, contract, tables, records)
    with run.step("write files anew"):
        _rewrite_files(volume, checkpoint, records, found, told)
    with run.step("purge"):
        unpurged = _purge_tables(spark, contract, tables)
    return Removed({**deleted, **told.removed}, files, notes, {**unpurged, **unfound})


def _search_again(
    volume: Volume, rows: OrderRows, archive: Search, in_any_column: OrderRecords
) -> tuple[list[FoundFile], dict[str, str]]:
    """Search the archived files of the order's rows in which it was not found: another contract may have loaded them.

    Returns:
        Those that have the key in another column or case, and those that have not, with the reason why people have to
        look into them.
    """
    found, unfound = [], {}
    for batch_id, path in sorted(rows.staged_files - {(file.batch_id, file.path) for file in archive.found}):
        location = volume.archive_of(batch_id) / path
        place = volume.relative(location)
        # One that nobody can search has a reason of its own.
        if place in archive.searched and place not in archive.unsearched:
            result = look_through(in_any_column, location, batch_id, path)
            if isinstance(result, FoundFile):
                found.append(result)
            else:
                unfound[place] = result or "it had rows of the order, and none of its values is the key"
    return found, unfound


@dataclass(frozen=True)
class _Told:
    """What the pipeline told of the order.

    Attributes:
        pattern: A regular expression that finds it in any text.
        files: The files that had the order, by batch and path, and what they were before they were loaded again.
        removed: In how many rows of each table it was.
    """

    pattern: str
    files: frozenset[tuple[str, str]]
    removed: dict[str, int]

    def erased(self, text: str) -> str:
        """Take it out of a text."""
        return re.sub(self.pattern, ERASED, text)

    def erased_reason(self, reason: str) -> str:
        """Take it, and all that is shown of the file's rows, out of the reason why a file was rejected."""
        return self.erased(without_shown_rows(reason))

    def erased_outcome(self, file: FileOutcome) -> FileOutcome:
        """Take it out of what became of a file, if that had the order."""
        if not file.reason or (file.batch_id, file.path) not in self.files:
            return file
        return replace(file, reason=self.erased_reason(file.reason))


def _search_files(volume: Volume, records: OrderRecords) -> dict[str, Search]:
    finish_rewriting(volume)
    return {name: search_files(volume, name, records) for name in ("archive", "rejected")}


def _erase_from_job_log(
    spark: SparkSession,
    contract: Contract,
    tables: Tables,
    volume: Volume,
    records: OrderRecords,
    found: Sequence[FoundFile],
    rows: OrderRows,
) -> _Told:
    """Take what tells of the order out of the job log, and out of the table that it is folded into."""
    concerned = rows.files | {(file.batch_id, file.path) for file in found}
    # Of what was loaded again people were told before as well, and where that was nothing is left of it.
    concerned |= {earlier for _, path in concerned for earlier in readings_before(path)}
    create_folded_files(spark, tables.folded_files)
    told = told_reasons(spark, tables)
    concerned |= {(each.batch_id, each.path) for each in told if _tells_alone(each, volume, records)}
    # Rows are shown in other ways than they are: cut, with what is no ASCII written out, or by another encoding.
    in_tables = {(batch_id, as_stored(path)) for batch_id, path in concerned}
    reasons = {each.reason for each in told if (each.batch_id, each.path) in in_tables}
    shown_of_files = set(map(shown_rows, reasons)) - {""}
    texts = {records.key, *_texts_of(contract, found, rows), *shown_of_files}
    texts |= set(map(shown, texts))  # The gate shows them all in one line.
    # An error out of which another order was erased is shorter than it was when it was cut.
    errors = told_errors(spark, tables, concerned)
    cut = [each for each in errors if len(each) >= MAX_ERROR_CHARACTERS or ERASED in each]
    cut += [each for each in reasons if len(each) > MAX_DESCRIBED_CHARACTERS]
    beginnings = {each for each in _cut_texts(texts, cut) if not _is_status(contract, each)}
    # None of them within a longer word, and the longest first; a beginning, which may be any word, only at an end.
    patterns = [rf"{re.escape(each)}(?![\s\S])" for each in sorted(beginnings, key=len, reverse=True)]
    patterns += map(re.escape, sorted(texts, key=len, reverse=True))
    pattern = rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)"
    return _Told(pattern, frozenset(concerned), erase_texts(spark, tables, concerned, pattern))


def _tells_alone(told: FileReason, volume: Volume, records: OrderRecords) -> bool:
    """Tell whether a reason names the order, and its file is gone, so that nothing else tells whose rows it shows."""
    if told.state is not State.REJECTED or not records.is_word_of(told.reason):
        return False
    return not (volume.rejected_of(told.batch_id) / told.path).exists()


def _cut_texts(texts: Collection[str], told: Iterable[str]) -> Iterator[str]:
    """List the beginnings of texts that something ends with which was cut."""
    in_order = sorted(texts)
    for each in told:
        for word in re.finditer(r"(?<!\w)", each):
            end = each[word.start() :]
            place = bisect_left(in_order, end)
            if len(end) >= _SHORTEST_CUT and place < len(in_order) and in_order[place].startswith(end):
                yield end
                break


def _texts_of(contract: Contract, found: Sequence[FoundFile], rows: OrderRows) -> set[str]:
    """Name what the job log may tell of the order's rows and records."""
    texts = set(rows.texts)
    for text in (text for file in found for record in file.records for text in decoded(record)):
        texts |= {text, *(values_of(text) or text.split(","))}
    told = {each.strip() for text in texts for each in (text, text[:_LONGEST_TOLD])}
    return {each for each in told if len(each) >= _SHORTEST_VALUE and not _is_status(contract, each)}


def _is_status(contract: Contract, text: str) -> bool:
    return contract.progress is not None and text.upper() in {each.upper() for each in contract.progress.values}


def _erase_from_run(run: TaskRun, told: _Told) -> None:
    """Take what tells of the order out of what this run is about to tell, which is not in the job log yet."""
    for told_by_run in (run.warnings, run.alarms):
        told_by_run[:] = [told.erased(each) for each in told_by_run]
    run.files[:] = map(told.erased_outcome, run.files)


def _erase_from_tables(
    spark: SparkSession, contract: Contract, tables: Tables, records: OrderRecords
) -> dict[str, int]:
    """Delete the order's rows, and return how many of each table there were."""
    return {
        # First what an order would be made of again, by a withdrawal beside this.
        "stage_orders_table": erase_rows(spark, contract, tables.stage, records.key),
        "orders_table": erase_rows(spark, contract, tables.orders, records.key),
        "quarantined_orders_table": erase_quarantined(spark, contract, tables.quarantine, records),
    }


def _rewrite_files(
    volume: Volume, checkpoint: Checkpoint, records: OrderRecords, found: Sequence[FoundFile], told: _Told
) -> None:
    """Write files anew without the order's records.

    Raises:
        RemovalError: If another run moves or writes one of them.
    """
    for file in found:
        if any(claim.batch_id == file.batch_id for claim in checkpoint.claimed()):
            continue  # It is being loaded, by a run that finishes this erasure.
        note = partial(checkpoint.note_rewritten, file.batch_id, file.path, told.erased_reason)
        try:
            rewrite_file(volume, file, records, told.erased_reason, note)
        except FileNotFoundError as error:
            raise RemovalError(
                f"{file.path} was moved meanwhile, as a withdrawal does; the next run of the load job finishes this"
            ) from error


def _purge_tables(spark: SparkSession, contract: Contract, tables: Tables) -> dict[str, str]:
    """Let no file of the tables keep what was deleted, but those of their old versions.

    Returns:
        The tables of which some files may still have it, with the reason.
    """
    unpurged: dict[str, str] = {}
    columns = clustered_by(contract, tables)
    for table in tables.stored:
        refused = purge(spark, table, columns.get(table))
        if refused:
            unpurged[table] = refused
        # The first version of the log that does not have the order, from which on the log is kept in the end.
        write_checkpoint(spark, table)
    return unpurged

"""Erase one order from tables, job log and files, and say where it was and until when old versions could show it.

Its key becomes no part of any query's text or condition: Delta writes those into the tables' logs.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import RemovalError, UnreadableFileError
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Erasure
from order_tracking.files.erased_files import (
    FoundFile,
    Search,
    finish_rewriting,
    rewrite_file,
    search_files,
    shown_rows,
    without_shown_rows,
)
from order_tracking.files.landing import list_arrivals
from order_tracking.files.order_records import OrderRecords, values_of
from order_tracking.files.volume import Volume, files_below, open_volume
from order_tracking.sql import identifier, literal
from order_tracking.tables.conflicts import alter, run_again_on_conflict, why_refused
from order_tracking.tables.folded_files import create_folded_files, fail_folds_under_way
from order_tracking.tables.job_log import FileOutcome
from order_tracking.tables.tables import Tables, clustered_by, create_missing
from order_tracking.tables.versions import MARKS_ROWS, ensure_properties, properties_of, versions_kept, write_checkpoint
from order_tracking.tasks.replay import first_path, readings_before
from order_tracking.tasks.summary import Summary, shown
from order_tracking.tasks.task_run import TaskRun, task_run, write_job_log
from order_tracking.typed_json import columns_of

#: A shorter value tells nothing of anybody, and is a part of many other texts.
_SHORTEST_VALUE = 3

#: What the pipeline tells of a value is cut there.
_LONGEST_TOLD = 100

_ERASED = "(erased)"

#: How Unity Catalog says that only the owner of a table may do something.
_IS_DENIED = re.compile("PERMISSION|PRIVILEGE|OWNER", re.IGNORECASE)

#: Text of a row in quarantine: its values where it could be split, otherwise the row as it was.
_RAW_TEXT = "coalesce(array_join(map_values(from_json(_t.raw_row, 'MAP<STRING, STRING>')), ' '), _t.raw_row)"


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


@dataclass(frozen=True)
class ErasureReport(Summary):
    """What an erasure came to.

    Attributes:
        places: Each place that was searched.
        unsearched: Files that nobody can look through, or whose names have the key, with the reason: people have to.
        waiting: Files with records of the order that are about to be loaded.
    """

    places: tuple[Place, ...]
    unsearched: dict[str, str]
    waiting: tuple[str, ...]

    def __str__(self) -> str:
        """Return the report for people."""
        return "\n".join(
            [
                *(
                    f"{place.name}: {place.removed} removed"
                    + (f" of {place.searched} searched" if place.searched is not None else "")
                    + (f"; old versions until {place.old_versions_until}" if place.old_versions_until else "")
                    for place in self.places
                ),
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
    if not tracking_num.strip():
        raise RemovalError("name the order to erase")
    if notes.under_way():
        raise RemovalError("files are being loaded, or were left by a run that was cut short; run the load job first")
    try:
        with task_run(notes, run_id, "erase", now) as run:
            erasure = Erasure(new_batch_id(now()), tracking_num.strip())
            notes.erase(erasure)
            removed = carry_out(spark, contract, tables, directories, notes, erasure, run)
            records = OrderRecords(contract, erasure.key)
            landed, unlisted = _landed(directories)
            waiting, unreadable = _waiting(directories, notes, records, landed)
            by_people = {**unlisted, **unreadable, **_named_by_key(spark, tables, directories, landed, records.key)}
            # Otherwise the run of the load job that began meanwhile erases what it may have brought.
            if not notes.under_way():
                notes.forget_erasure(erasure.erasure_id)
            for table in tables.stored:
                ensure_properties(spark, table, versions_kept(retention_days), properties_of(spark, table))
    finally:
        write_job_log(spark, tables.job_log, notes)
    # The upkeep of one night deletes the files of old versions, that of the next one the last of the log.
    return removed.report(now() + timedelta(days=retention_days + 2), waiting, by_people)


def _landed(volume: Volume) -> tuple[list[str], dict[str, str]]:
    """List the files of the landing directory, and what of it cannot be listed or read, with why.

    Also what is hidden: a file that is being put back is, and comes into sight later, as does a folder that its sender
    fills before it is given its name.
    """
    arrivals = list_arrivals(volume.landing)
    paths = [file.path for file in arrivals.files]
    unreadable = {volume.relative(volume.landing / path): reason for path, reason in arrivals.unreadable.items()}
    for path in arrivals.left_alone:
        if not path.endswith("/"):
            paths.append(path)
            continue
        try:
            paths += [f"{path}{below}" for below in files_below(volume.landing / path)]
        except OSError as error:
            unreadable[f"{volume.relative(volume.landing / path)}/"] = f"it cannot be listed: {error.strerror}"
    return paths, unreadable


def _waiting(
    volume: Volume, checkpoint: Checkpoint, records: OrderRecords, landed: Iterable[str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """List the files with records of the order that are about to be loaded, and those that cannot be read, with why."""
    waiting: set[str] = set()
    unreadable: dict[str, str] = {}
    # After the landing directory was listed: what has left it meanwhile is claimed.
    taken = [(volume.archive_of(batch.batch_id), file.path) for batch in checkpoint.under_way() for file in batch.files]
    for directory, path in (*((volume.landing, each) for each in landed), *taken):
        try:
            if any(records.find(directory / path)):
                waiting.add(path)
        except FileNotFoundError:
            continue
        except (OSError, UnreadableFileError) as error:
            unreadable[volume.relative(directory / path)] = str(error)
    return tuple(sorted(waiting)), unreadable


def _named_by_key(
    spark: SparkSession, tables: Tables, volume: Volume, landed: Iterable[str], key: str
) -> dict[str, str]:
    """List the files whose names have the key, and where the tables have such a name, with what is to be done.

    No erasure changes a name: the ledger, the rows of other orders and later readings of the file know it by that.
    """

    def has_key(path: str) -> bool:
        return key.casefold() in first_path(path).casefold()  # Folders of a replay have names of our own.

    stored = {
        volume.relative(batch / path): path
        for directory in ("archive", "rejected")
        for batch in volume.batches_of(directory)
        for path in files_below(batch)
    }
    places = {**stored, **{volume.relative(volume.landing / path): path for path in landed}}
    told = spark.table(tables.ledger).where(F.lower("path").contains(key.lower())).select("batch_id", "path").collect()
    places |= {f"{row.batch_id}/{row.path}, in the tables": row.path for row in told}
    return {place: "its name has the key" for place, path in places.items() if has_key(path)}


@dataclass(frozen=True)
class Removed:
    """What an erasure found and removed."""

    rows: dict[str, int]
    files: dict[str, Search]
    notes: int
    unpurged: dict[str, str]

    @property
    def unsearched(self) -> dict[str, str]:
        """The files, and the tables, that people have to look into, with the reason."""
        files = {path: reason for search in self.files.values() for path, reason in search.unsearched.items()}
        return {**files, **self.unpurged}

    def report(self, until: datetime, waiting: tuple[str, ...], by_people: dict[str, str]) -> ErasureReport:
        """Tell of it."""
        of_tables = [
            Place(name, count, old_versions_until=f"{until:%Y-%m-%d}" if count else None)
            for name, count in self.rows.items()
        ]
        of_files = [
            Place(f"{directory}/", sum(len(file.records) for file in search.found), search.searched)
            for directory, search in self.files.items()
        ]
        places = (*of_tables, *of_files, Place("checkpoint", self.notes))
        return ErasureReport(places, {**self.unsearched, **by_people}, waiting)


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

    What tells of the order's values goes last: by them the job log's texts are found.
    """
    records = OrderRecords(contract, erasure.key)
    key = records.key
    with run.step("search files"):
        finish_rewriting(volume)
        files = {name: search_files(volume, name, records) for name in ("archive", "rejected")}
    found = [file for search in files.values() for file in search.found]
    with run.step("erase from the job log"):
        write_job_log(spark, tables.job_log, checkpoint)
        staged, quarantined = _rows_of(spark, contract, tables, records)
        concerned = {
            *((file.batch_id, file.path) for file in found),
            *((row._batch_id, row._source_file) for row in (*staged, *quarantined)),
        }
        # Of what was loaded again people were told before as well, and where that was nothing is left of it.
        concerned |= {earlier for _, path in concerned for earlier in readings_before(path)}
        create_folded_files(spark, tables.folded_files)
        texts = _told(contract, found, staged, quarantined)
        told, pattern = _erase_told(spark, tables, concerned, {key, *texts})

    def erased(reason: str) -> str:
        return re.sub(pattern, _ERASED, without_shown_rows(reason))

    # What this run is about to tell is not in the job log yet.
    for told_by_run in (run.warnings, run.alarms):
        told_by_run[:] = [re.sub(pattern, _ERASED, each) for each in told_by_run]
    run.files[:] = [
        replace(each, reason=erased(each.reason))
        if each.reason and any((each.batch_id, each.path) == (file.batch_id, file.path) for file in found)
        else each
        for each in run.files
    ]
    with run.step("erase from the tables"):
        rows = {
            # First what an order would be made of again, by a withdrawal beside this.
            "stage_orders_table": _erase_rows(spark, contract, tables.stage, key),
            "orders_table": _erase_rows(spark, contract, tables.orders, key),
            "quarantined_orders_table": _erase_quarantined(spark, contract, tables.quarantine, records),
            **told,
        }
    with run.step("write files anew"):
        for file in found:
            if any(claim.batch_id == file.batch_id for claim in checkpoint.claimed()):
                continue  # It is being loaded, by a run that finishes this erasure.
            note = partial(checkpoint.note_rewritten, file.batch_id, file.path, erased)
            try:
                rewrite_file(volume, file, records, erased, note)
            except FileNotFoundError as error:
                raise RemovalError(
                    f"{file.path} was moved meanwhile, as a withdrawal does; the next run of the load job finishes this"
                ) from error
    notes = checkpoint.forget_key(key, records.is_word_of)
    unpurged: dict[str, str] = {}
    with run.step("purge"):
        columns = clustered_by(contract, tables)
        for table in tables.stored:
            refused = _purge(spark, table, columns.get(table))
            if refused:
                unpurged[table] = refused
            # The first version of the log that does not have the order, from which on the log is kept in the end.
            write_checkpoint(spark, table)
    return Removed(rows, files, notes, unpurged)


def _purge(spark: SparkSession, table: str, column: str | None) -> str | None:
    """Write the files of a table anew that have rows which are only marked as deleted.

    Of a clustered table Delta leaves out the files that it clustered together, so it is none meanwhile. After a kill in
    between, the run that finishes the erasure clusters it again.

    Args:
        spark: The session.
        table: The table.
        column: What it is clustered by.

    Returns:
        Why some of its files may still have such rows; None if none has.
    """
    marks_rows = properties_of(spark, table).get(MARKS_ROWS) == "true"
    loosened, refused = column if marks_rows else None, None
    if loosened:
        try:
            alter(spark, table, "CLUSTER BY NONE")
        except PySparkException as error:
            if not _IS_DENIED.search(str(error)):
                raise
            loosened, refused = None, f"what is deleted stays in files that are clustered: {why_refused(error)}"
    run_again_on_conflict(lambda: spark.sql(f"REORG TABLE {table} APPLY (PURGE)").collect())
    if loosened:
        alter(spark, table, f"CLUSTER BY ({identifier(loosened)})")
    return refused


def _rows_of(
    spark: SparkSession, contract: Contract, tables: Tables, records: OrderRecords
) -> tuple[list[Row], list[Row]]:
    names = ", ".join(f"CAST({identifier(name)} AS STRING)" for name in contract.names)
    staged = spark.sql(
        f"SELECT _batch_id, _source_file, array({names}) AS texts FROM {tables.stage} "
        f"WHERE {identifier(contract.key)} = :key",
        args={"key": records.key},
    )
    quarantined = spark.sql(
        f"SELECT _t._batch_id, _t._source_file, array(_t.raw_row, {_RAW_TEXT}, {names}) AS texts "
        f"FROM {tables.quarantine} AS _t JOIN (SELECT :key AS _key, :pattern AS _pattern) AS _s "
        f"ON {_is_quarantined(contract)}",
        args=_told_apart_by(contract, records),
    )
    return staged.collect(), quarantined.collect()


def _is_quarantined(contract: Contract) -> str:
    """Much as `OrderRecords` tells it: by the value of the key if there is one, else by the words of the row."""
    value = f"_t.{identifier(contract.key)}"
    seen = f"btrim(regexp_replace({value}, '[\\\\p{{Cc}}\\\\p{{Cf}}]', ''))"
    is_split = "NOT exists(_t.reasons, each -> each.rule = 'malformed')"
    return f"CASE WHEN {is_split} AND {value} IS NOT NULL THEN {seen} = _s._key ELSE {_RAW_TEXT} RLIKE _s._pattern END"


def _told_apart_by(contract: Contract, records: OrderRecords) -> dict[str, str]:
    """Return what rows in quarantine are compared with, in `_is_quarantined`."""
    # Where keys are loaded in one case, they may have been sent in any.
    any_case = "(?iu)" if contract.column(contract.key).case else ""
    return {"key": records.key, "pattern": f"{any_case}{records.pattern}"}


def _told(
    contract: Contract, found: Sequence[FoundFile], staged: Sequence[Row], quarantined: Sequence[Row]
) -> set[str]:
    """Name what the job log may tell of the order's rows."""
    texts = {text for row in (*staged, *quarantined) for text in row.texts if text}
    for record in (record.decode(errors="replace") for file in found for record in file.records):
        texts |= {record, *(values_of(record) or record.split(","))}
    shown = {each.strip() for text in texts for each in (text, text[:_LONGEST_TOLD])}
    known = {value.upper() for value in contract.progress.values} if contract.progress else set()
    return {each for each in shown if len(each) >= _SHORTEST_VALUE and each.upper() not in known}


def _erase_told(
    spark: SparkSession, tables: Tables, files: Iterable[tuple[str, str]], texts: set[str]
) -> tuple[dict[str, int], str]:
    """Take texts out of what was told of files, and the rows that are shown of them, as from their reasons.

    Returns:
        In how many rows of each table there was one, and the pattern that finds them in any text.
    """
    named = ", ".join(literal(f"{batch_id}/{path}") for batch_id, path in sorted(files))
    # Rows are shown in other ways than they are: cut, with what is no ASCII written out, or by another encoding.
    query = f"""
        SELECT each.reason FROM (SELECT explode(files) AS each FROM {tables.job_log})
        WHERE concat(each.batch_id, '/', each.path) IN ({named})
        UNION SELECT reason FROM {tables.folded_files} WHERE concat(batch_id, '/', path) IN ({named})"""
    reasons = spark.sql(query).collect() if named else []
    shown_of_files = {shown_rows(row.reason) for row in reasons if row.reason} - {""}
    texts |= shown_of_files
    # The gate shows them all in one line. None of them within a longer word, and the longest first.
    longest_first = sorted({*texts, *map(shown, texts)}, key=len, reverse=True)
    pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"
    if not named:
        return {"job_log_table": 0, "folded_files_table": 0}, pattern
    return {
        "job_log_table": _erase_from_job_log(spark, tables.job_log, named, pattern),
        "folded_files_table": _erase_from_folded_files(spark, tables.folded_files, named, pattern),
    }, pattern


def _erase_from_job_log(spark: SparkSession, job_log: str, named: str, pattern: str) -> int:
    """Take what meets a pattern out of what is told of the files which are named, and of the runs that had them.

    What is told of other files stays as it is: the order's values may be words of any text.
    """
    is_named = f"concat(each.batch_id, '/', each.path) IN ({named})"
    has_file = f"exists(files, each -> {is_named})"
    runs = [row[0] for row in spark.sql(f"SELECT DISTINCT run_id FROM {job_log} WHERE {has_file}").collect()]
    reasons = f"array_join(filter(files, each -> {is_named}).reason, ' ')"
    told = f"concat_ws(' ', error, array_join(warnings, ' '), array_join(alarms, ' '), {reasons})"
    of_runs = f"run_id IN ({', '.join(map(literal, runs)) or 'NULL'})"
    [[count]] = spark.sql(
        f"SELECT count_if({told} RLIKE :pattern) FROM {job_log} WHERE {of_runs}", args={"pattern": pattern}
    ).collect()
    if not count:
        return 0

    def erased(text: str) -> str:
        return f"regexp_replace({text}, _s._pattern, '{_ERASED}')"

    reason = f"IF({is_named}, {erased('each.reason')}, each.reason)"
    fields = ", ".join(
        f"'{name}', {reason if name == 'reason' else f'each.{name}'}" for name in columns_of(FileOutcome)
    )
    query = f"""
        MERGE INTO {job_log} AS _t USING (SELECT :pattern AS _pattern) AS _s ON {of_runs}
        WHEN MATCHED THEN UPDATE SET error = {erased("error")},
            warnings = transform(warnings, each -> {erased("each")}),
            alarms = transform(alarms, each -> {erased("each")}),
            files = transform(files, each -> named_struct({fields}))"""
    run_again_on_conflict(lambda: spark.sql(query, args={"pattern": pattern}).collect()[0])
    return int(count)


def _erase_from_folded_files(spark: SparkSession, folded_files: str, named: str, pattern: str) -> int:
    """Take what meets a pattern out of the reasons why the files were not loaded which are named."""
    fail_folds_under_way(spark, folded_files)
    query = f"""
        MERGE INTO {folded_files} AS _t USING (SELECT :pattern AS _pattern) AS _s
        ON concat(_t.batch_id, '/', _t.path) IN ({named}) AND _t.reason RLIKE _s._pattern
        WHEN MATCHED THEN UPDATE SET reason = regexp_replace(_t.reason, _s._pattern, '{_ERASED}')"""
    result = run_again_on_conflict(lambda: spark.sql(query, args={"pattern": pattern}).collect()[0])
    return int(result.num_updated_rows)


def _erase_rows(spark: SparkSession, contract: Contract, table: str, key: str) -> int:
    query = f"""
        MERGE INTO {table} AS _t USING (SELECT :key AS _key) AS _s ON _t.{identifier(contract.key)} = _s._key
        WHEN MATCHED THEN DELETE"""
    return int(run_again_on_conflict(lambda: spark.sql(query, args={"key": key}).collect()[0]).num_deleted_rows)


def _erase_quarantined(spark: SparkSession, contract: Contract, quarantine: str, records: OrderRecords) -> int:
    query = f"""
        MERGE INTO {quarantine} AS _t USING (SELECT :key AS _key, :pattern AS _pattern) AS _s
        ON {_is_quarantined(contract)} WHEN MATCHED THEN DELETE"""
    arguments = _told_apart_by(contract, records)
    return int(run_again_on_conflict(lambda: spark.sql(query, args=arguments).collect()[0]).num_deleted_rows)

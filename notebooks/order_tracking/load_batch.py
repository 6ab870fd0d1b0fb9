"""Load one batch: stage its good rows, quarantine its bad ones, and file each of its files away.

Each step gives the same result when it is done again, so a batch that was cut short anywhere is finished by loading it
again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession

from order_tracking.batch import Batch
from order_tracking.inspection import UnreadableFileError, inspect
from order_tracking.landing import REASON_ENDING, ArrivedFile, look_at
from order_tracking.ledger import State, Step
from order_tracking.order_rows import ReadableFile, read_order_rows
from order_tracking.quarantine import count_quarantined_by_file, quarantine_rows
from order_tracking.stage import RowCounts, count_staged_by_file, write_stage
from order_tracking.tables import Tables
from order_tracking.volume import Volume, move

_CHANGED = "it was written again before it could be loaded; the next run loads what it is now"
_VANISHED = "it was removed before it could be loaded"
_OVERWRITTEN = "it was written again after it was loaded; the next run loads what it is now"


def load_batch(
    spark: SparkSession, tables: Tables, volume: Volume, batch: Batch, oldest_open_id: str, now: datetime
) -> list[Step]:
    """Load a batch and return what became of each of its files, for the ledger.

    A file is read wherever it is: an earlier attempt, or another run, may have filed it away already.
    """
    inspected = [_inspect(volume, batch.id, file) for file in batch.files]
    readable = [result for result in inspected if isinstance(result, ReadableFile)]
    unreadable = [result for result in inspected if isinstance(result, Step)]
    counts = _load_rows(spark, tables, volume, batch, readable, oldest_open_id, now)
    loaded = [_archive(volume, batch.id, each, counts[each.file.path]) for each in readable if each.file.path in counts]
    changed = [_dropped(volume, each.file) for each in readable if each.file.path not in counts]
    return [*loaded, *(_set_aside(volume, batch.id, step) for step in unreadable), *changed]


def _places(volume: Volume, batch_id: str, file: ArrivedFile) -> Iterator[Path]:
    """Yield each directory in which a file of a batch is, as it was when it was claimed."""
    landed = look_at(volume.landing, file.path)
    if landed and landed.file_id == file.file_id:
        yield volume.landing
    for directory in (volume.archive_of(batch_id), volume.rejected_of(batch_id)):
        if _is_filed(directory, file):
            yield directory


def _is_filed(directory: Path, file: ArrivedFile) -> bool:
    # Its size alone: not every file system keeps a file's time when it is moved.
    found = look_at(directory, file.path)
    return found is not None and found.size_bytes == file.size_bytes


def _inspect(volume: Volume, batch_id: str, file: ArrivedFile) -> ReadableFile | Step:
    for directory in _places(volume, batch_id, file):
        try:
            return ReadableFile(file, directory, inspect(directory / file.path))
        except UnreadableFileError as error:
            return Step(file, State.REJECTED, reason=str(error))
        except FileNotFoundError:
            continue  # Moved in this moment: it is in the next place.
    return _dropped(volume, file)


def _dropped(volume: Volume, file: ArrivedFile) -> Step:
    return Step(file, State.DROPPED, reason=_CHANGED if look_at(volume.landing, file.path) else _VANISHED)


def _load_rows(
    spark: SparkSession,
    tables: Tables,
    volume: Volume,
    batch: Batch,
    files: Sequence[ReadableFile],
    oldest_open_id: str,
    now: datetime,
) -> dict[str, RowCounts]:
    """Stage and quarantine the rows of the files, and count them by path.

    A file that was written while it was read may have been read in part, so the batch is staged anew without it.
    """
    if not files:
        return {}
    rows = read_order_rows(spark, files)
    total = write_stage(rows, tables.stage, batch.id, oldest_open_id, now)
    unchanged = [each for each in files if any(_places(volume, batch.id, each.file))]
    if len(unchanged) < len(files):
        return _load_rows(spark, tables, volume, batch, unchanged, oldest_open_id, now)
    if total.quarantined:
        quarantine_rows(rows, tables.quarantine, batch.id, now)
    if len(files) == 1:
        return {files[0].file.path: total}
    staged = count_staged_by_file(spark, tables.stage, batch.id)
    quarantined = count_quarantined_by_file(spark, tables.quarantine, batch.id) if total.quarantined else {}
    paths = [each.file.path for each in files]
    return {path: replace(staged.get(path, RowCounts()), quarantined=quarantined.get(path, 0)) for path in paths}


def _archive(volume: Volume, batch_id: str, loaded: ReadableFile, counts: RowCounts) -> Step:
    destination = _file_away(volume, loaded.file, volume.archive_of(batch_id))
    return Step(
        loaded.file,
        State.STAGED,
        reason=None if destination else _OVERWRITTEN,
        unknown_columns=loaded.header.unknown_names(),
        moved_to=destination,
        rows_read=counts.staged + counts.quarantined,
        rows_staged=counts.staged,
        rows_quarantined=counts.quarantined,
        first_key=counts.first_key,
        last_key=counts.last_key,
    )


def _set_aside(volume: Volume, batch_id: str, step: Step) -> Step:
    """Move a rejected file away, with its reason beside it; leave one that changed or vanished alone."""
    if step.state is not State.REJECTED:
        return step
    destination = _file_away(volume, step.file, volume.rejected_of(batch_id))
    if destination:
        (volume.path / f"{destination}{REASON_ENDING}").write_text(f"{step.reason}\n", encoding="utf-8")
    return replace(step, moved_to=destination)


def _file_away(volume: Volume, file: ArrivedFile, directory: Path) -> str | None:
    """Move a file to `directory` unless it is there already; None if it is not the file any more that was read."""
    if not _is_filed(directory, file):
        landed = look_at(volume.landing, file.path)
        if landed is None or landed.file_id != file.file_id:
            return None
        move(volume.landing / file.path, directory / file.path)
    return volume.relative(directory / file.path)

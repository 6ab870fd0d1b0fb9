"""The job log: the shape of what a task tells of itself, and of each file, wherever it is kept."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from order_tracking.typed_json import columns_of


class State(str, Enum):
    """What became of a file, in the order of its way."""

    DROPPED = "DROPPED"  # it changed or vanished before it could be loaded, or cannot be taken
    REJECTED = "REJECTED"  # it could not be loaded and was moved to rejected/
    STAGED = "STAGED"  # its rows are staged or quarantined, and it is in archive/
    MERGED = "MERGED"  # its rows are in orders_table
    SUPERSEDED = "SUPERSEDED"  # it was loaded again, and what that read counts in place of this
    WITHDRAWN = "WITHDRAWN"  # people took it back: its rows are nowhere, and it is in rejected/


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file of a batch.

    Attributes:
        path: Its path below the landing directory.
        file_id: Tells it from another file of that path.
        reason: Why it was not loaded.
        unknown_columns: Columns of its header that the contract does not know.
        moved_to: Where it is now, from the volume on; None if it was not moved.
    """

    batch_id: str
    path: str
    state: State
    file_id: str
    size_bytes: int
    modified_at: datetime
    reason: str | None = None
    unknown_columns: tuple[str, ...] = ()
    moved_to: str | None = None
    rows_read: int = 0
    rows_staged: int = 0
    rows_quarantined: int = 0


def without_rows(file: FileOutcome, state: State, **details: object) -> FileOutcome:
    """Say of a file that it does not count any more: neither do its rows."""
    return replace(file, state=state, rows_read=0, rows_staged=0, rows_quarantined=0, **details)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Step:
    """A step of a task, and how long it took."""

    name: str
    seconds: float


@dataclass(frozen=True)
class TaskRecord:
    """What one run of a task did: a row of the job log.

    Attributes:
        record_id: Tells copies of one record, which a crash may leave, from another record.
        status: `SUCCESS` or `FAILED`.
        warnings: What was loaded all the same, but should be looked at.
        alarms: What people must look at, whatever the limits of the environment are.
        error: Why it failed.
        files: What became of files in it.
    """

    record_id: str
    run_id: str
    task: str
    status: str
    started_at: datetime
    ended_at: datetime
    batch_ids: tuple[str, ...] = ()
    files_loaded: int | None = None
    files_rejected: int | None = None
    rows_read: int | None = None
    rows_staged: int | None = None
    rows_quarantined: int | None = None
    rows_rejected: int | None = None
    rows_inserted: int | None = None
    rows_updated: int | None = None
    rows_unchanged: int | None = None
    rows_late: int | None = None
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    files: tuple[FileOutcome, ...] = ()
    alarms: tuple[str, ...] = ()


#: The job log's columns, by name.
JOB_LOG_COLUMNS = columns_of(TaskRecord)

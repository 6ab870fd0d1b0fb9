"""What one run of a task did: timed, logged as it happens, and kept for the job log however the task ends."""

import json
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pyspark.sql import SparkSession

from order_tracking.clock import Clock
from order_tracking.files.checkpoint import Checkpoint
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.job_log import JOB_LOG_COLUMNS, FileOutcome, State, Step, TaskRecord
from order_tracking.tables.literal_rows import literal_rows
from order_tracking.typed_json import to_json

#: How much of the job log is appended at once: Spark Connect takes no message of more than 128 MiB.
_MAX_APPENDED_BYTES = 4 << 20

#: An error that is longer is cut.
MAX_ERROR_CHARACTERS = 2_000


@dataclass
class TaskRun:
    """A run of a task, filled in as it goes on.

    Attributes:
        run_id: The run of the job.
        task: The task's name.
        files: What became of files in it.
        counts: Rows by what happened to them, as the fields of the record name it: `rows_inserted`.
        alarms: What people must look at, whatever the limits of the environment are.
    """

    run_id: str
    task: str
    started_at: datetime
    batch_ids: list[str] = field(default_factory=list)
    files: list[FileOutcome] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step of the run, and log its end."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] = self.seconds.get(name, 0) + spent
            self.log("step", step=name, seconds=round(spent, 3))

    def log(self, event: str, **details: Any) -> None:
        """Print one line of JSON, which the notebook's log keeps."""
        print(json.dumps({"event": event, "run_id": self.run_id, "task": self.task, **details}, default=str))

    def _record(self, status: str, error: str | None, ended_at: datetime) -> TaskRecord:
        return TaskRecord(
            record_id=f"{self.run_id}-{self.task}-{secrets.token_hex(4)}",
            run_id=self.run_id,
            task=self.task,
            status=status,
            started_at=self.started_at,
            ended_at=ended_at,
            batch_ids=tuple(self.batch_ids),
            steps=tuple(Step(name, round(spent, 3)) for name, spent in self.seconds.items()),
            warnings=tuple(self.warnings),
            error=error,
            files=tuple(self.files),
            alarms=tuple(self.alarms),
            **self.counts,
        )


@contextmanager
def task_run(checkpoint: Checkpoint, run_id: str, task: str, now: Clock) -> Iterator[TaskRun]:
    """Open a run of a task; its record is kept when it ends, also by an exception or Ctrl-C."""
    run = TaskRun(run_id, task, now())
    run.log("started")
    status, error = "FAILED", None
    try:
        yield run
        status = "SUCCESS"
    except BaseException as raised:
        error = f"{type(raised).__name__}: {raised}"
        cause = raised.__cause__
        if cause:
            error += f"; caused by {type(cause).__name__}: {cause}"
        error = error[:MAX_ERROR_CHARACTERS]
        raise
    finally:
        checkpoint.record(run._record(status, error, now()))
        run.log("ended", status=status, error=error, warnings=run.warnings, alarms=run.alarms, **run.counts)


def write_job_log(spark: SparkSession, job_log: str, checkpoint: Checkpoint) -> None:
    """Append every record that waits, in one commit for each portion of some MiB.

    One that is not forgotten then is there twice; the views show it once.
    """
    for rows, record_ids in _portions(checkpoint.records()):
        appended = literal_rows(spark, f"[{', '.join(rows)}]", JOB_LOG_COLUMNS)
        run_again_on_conflict(appended.writeTo(job_log).append)
        checkpoint.forget_records(record_ids)


def _portions(records: Iterable[TaskRecord]) -> Iterator[tuple[list[str], list[str]]]:
    """Divide records into what is appended at once.

    Returns:
        Rows, as JSON, and the ids of the records that end with them.
    """
    rows: list[str] = []
    record_ids: list[str] = []
    size = 0
    for record in records:
        for row in _rows_of(record):
            if rows and size + len(row) > _MAX_APPENDED_BYTES:
                yield rows, record_ids
                rows, record_ids, size = [], [], 0
            rows.append(row)
            size += len(row)
        record_ids.append(record.record_id)
    if rows:
        yield rows, record_ids


def _rows_of(record: TaskRecord) -> Iterator[str]:
    """Write a record as JSON; one of very many files as several rows, which differ in nothing but their files.

    The views read the files of all rows, and show what rows have alike once. What else the record tells is in each row,
    so only the size of its files divides it: otherwise one of very many alarms would be written once for each file.
    """
    row = to_json(record)
    size_of_files = len(row) - len(to_json(replace(record, files=())))
    if size_of_files <= _MAX_APPENDED_BYTES or len(record.files) < 2:
        yield row
        return
    middle = len(record.files) // 2
    for files in (record.files[:middle], record.files[middle:]):
        yield from _rows_of(replace(record, files=files))


def count_files(files: list[FileOutcome]) -> dict[str, int]:
    """Count files and their rows, as the fields of the record name it."""
    return {
        "files_loaded": sum(file.state in (State.STAGED, State.MERGED) for file in files),
        "files_rejected": sum(file.state is State.REJECTED for file in files),
        "rows_read": sum(file.rows_read for file in files),
        "rows_staged": sum(file.rows_staged for file in files),
        "rows_quarantined": sum(file.rows_quarantined for file in files),
        "rows_rejected": sum(file.rows_read for file in files if file.state is State.REJECTED),
    }

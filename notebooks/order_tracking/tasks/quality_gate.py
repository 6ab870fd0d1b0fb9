"""The last task of the job, whatever happened before it: write the job log, and fail the run if its data is too bad."""

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import QualityGateError
from order_tracking.files.checkpoint import Checkpoint
from order_tracking.rows.replayed_files import are_known_bad_rows
from order_tracking.tables.job_log import FileOutcome, State, TaskRecord
from order_tracking.tables.tables import Tables, create_missing, create_tables
from order_tracking.tasks.summary import QualityGateSummary, shown
from order_tracking.tasks.task_run import task_run, write_job_log
from order_tracking.typed_json import from_json

_TASKS_BEFORE = ("source_to_stage", "stage_to_final")

#: So many rejected files are named in the message that people get; all of them are in the ledger.
_NAMED_FILES = 5


def quality_gate(
    spark: SparkSession,
    tables: Tables,
    checkpoint: str,
    run_id: str,
    max_quarantined_percent: float,
    max_rejected_files: float,
    contract: Contract = ORDERS,
    now: Clock = utc_now,
) -> QualityGateSummary:
    """Judge a run of the job, and write what its tasks did to the job log in one commit, unless it is very large.

    Args:
        spark: The session.
        tables: The names of the tables.
        checkpoint: The path of the checkpoint.
        run_id: The run to judge.
        max_quarantined_percent: The largest share of the rows that may be in quarantine, of all that were read but for
            files that were loaded before with as many bad rows.
        max_rejected_files: How many files may be rejected.
        contract: The contract.
        now: The clock.

    Returns:
        What was counted.

    Raises:
        QualityGateError: If a task failed, the data is worse than that, or something does not add up.
    """
    use_utc(spark)
    open_batches = Checkpoint(Path(checkpoint))
    if not spark.catalog.tableExists(tables.job_log):
        create_tables(spark, contract, tables)  # The first task failed before it did so, or somebody dropped it.
        create_missing(spark, contract, tables)
    try:
        with task_run(open_batches, run_id, "quality_gate", now) as run:
            of_run = _records_of(spark, tables.job_log, open_batches, run_id)
            files = _files_of(of_run)
            rejected = [file for file in files if file.state is State.REJECTED]
            summary = QualityGateSummary(
                files_rejected=len(rejected),
                rows_read=sum(file.rows_read for file in files),
                rows_quarantined=sum(file.rows_quarantined for file in files),
            )
            run.counts.update(
                files_rejected=summary.files_rejected,
                rows_read=summary.rows_read,
                rows_quarantined=summary.rows_quarantined,
            )
            verdict = [
                *_failed_tasks(of_run),
                *dict.fromkeys(alarm for record in of_run for alarm in record.alarms),
                *_bad_rows(_not_known(files, open_batches), max_quarantined_percent),
                *_bad_files(rejected, max_rejected_files),
            ]
            if verdict:
                raise QualityGateError(shown("; ".join(verdict)))
    finally:
        write_job_log(spark, tables.job_log, open_batches)
    return summary


def _records_of(spark: SparkSession, job_log: str, checkpoint: Checkpoint, run_id: str) -> list[TaskRecord]:
    """List what the tasks of a run did."""
    records = [record for record in checkpoint.records() if record.run_id == run_id]
    if {record.task for record in records} >= set(_TASKS_BEFORE):
        return records
    # The gate of another run may have taken them along.
    written = spark.table(job_log).where((F.col("run_id") == run_id) & (F.col("task") != "quality_gate"))
    return [*records, *(from_json(TaskRecord, row[0]) for row in written.selectExpr("to_json(struct(*))").collect())]


def _files_of(records: Sequence[TaskRecord]) -> list[FileOutcome]:
    # By file, since a task that was tried again, or the merge, tells of a file once more.
    return list({(file.batch_id, file.path): file for record in records for file in record.files}.values())


def _failed_tasks(records: Sequence[TaskRecord]) -> list[str]:
    last = {record.task: record for record in sorted(records, key=lambda record: record.ended_at)}
    missing = [f"{task} did not come to its end" for task in _TASKS_BEFORE if task not in last]
    failed = [f"{task} failed: {record.error}" for task, record in last.items() if record.status == "FAILED"]
    return [*missing, *failed]


def _not_known(files: Sequence[FileOutcome], checkpoint: Checkpoint) -> list[FileOutcome]:
    """Leave out what was put back after it had been loaded, unless more of its rows are bad now."""
    replayed = checkpoint.replayed()
    return [file for file in files if not are_known_bad_rows(replayed.get(file.path), file.rows_quarantined)]


def _bad_rows(files: Sequence[FileOutcome], max_quarantined_percent: float) -> list[str]:
    # Of a rejected file no row is in quarantine, and the others would seem to have fewer.
    loaded = [file for file in files if file.state is not State.REJECTED]
    read = sum(file.rows_read for file in loaded)
    quarantined = sum(file.rows_quarantined for file in loaded)
    if quarantined * 100 <= read * max_quarantined_percent:
        return []
    return [
        f"{quarantined} of {read} rows are in quarantine, more than the {max_quarantined_percent:g} % that are allowed"
    ]


def _bad_files(rejected: Sequence[FileOutcome], max_rejected_files: float) -> list[str]:
    if len(rejected) <= max_rejected_files:
        return []
    named = [f"{file.path} ({file.reason})" for file in rejected[:_NAMED_FILES]]
    more = [f"{len(rejected) - _NAMED_FILES} more"] if len(rejected) > _NAMED_FILES else []
    return [
        f"rejected files: {len(rejected)}, more than the {max_rejected_files:g} that are allowed: "
        + ", ".join([*named, *more])
    ]

"""The last task of the job, whatever happened before it: write the job log, and fail the run if its data is too bad."""

import json
from collections.abc import Sequence
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from order_tracking.checkpoint import Checkpoint
from order_tracking.clock import Clock, utc_now
from order_tracking.summary import QualityGateSummary
from order_tracking.tables import JOB_LOG_SCHEMA, Tables, create_missing
from order_tracking.task_run import task_run
from order_tracking.volume import open_volume

_TASKS_BEFORE = ("source_to_stage", "stage_to_final")


class QualityGateError(Exception):
    """A run that people must look at. What is good of its data has landed all the same."""


def quality_gate(
    spark: SparkSession,
    tables: Tables,
    volume: str,
    run_id: str,
    max_quarantined_percent: float,
    max_rejected_files: float,
    now: Clock = utc_now,
) -> QualityGateSummary:
    """Judge a run of the job, and write what its tasks did to the job log in one commit.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the checkpoint.
        run_id: The run to judge.
        max_quarantined_percent: The largest share of the rows read that may be in quarantine.
        max_rejected_files: How many files may be rejected.
        now: The clock.

    Returns:
        What was counted.

    Raises:
        QualityGateError: If a task failed, or the data is worse than that.
    """
    checkpoint = Checkpoint(open_volume(volume).checkpoint)
    if not spark.catalog.tableExists(tables.job_log):
        create_missing(spark, tables)  # The first task failed before it did so.
    try:
        with task_run(checkpoint, run_id, "quality_gate", now) as run:
            of_run = _records_of(spark, tables.job_log, checkpoint, run_id)
            summary = _count(of_run)
            run.counts.update(
                files_rejected=summary.files_rejected,
                rows_read=summary.rows_read,
                rows_quarantined=summary.rows_quarantined,
            )
            verdict = [*_failed_tasks(of_run), *_bad_data(summary, max_quarantined_percent, max_rejected_files)]
            if verdict:
                raise QualityGateError("; ".join(verdict))
    finally:
        _write_job_log(spark, tables.job_log, checkpoint)
    return summary


def _records_of(spark: SparkSession, job_log: str, checkpoint: Checkpoint, run_id: str) -> list[dict[str, Any]]:
    """List what the tasks of a run did."""
    records = [record for record in checkpoint.records() if record["run_id"] == run_id]
    if {record["task"] for record in records} >= set(_TASKS_BEFORE):
        return records
    # The gate of another run may have taken them along.
    written = spark.table(job_log).where(F.col("run_id") == run_id)
    rows = written.selectExpr("task", "status", "error", "CAST(ended_at AS string) AS ended_at", "files").collect()
    return [*records, *(row.asDict(recursive=True) for row in rows if row.task != "quality_gate")]


def _count(records: Sequence[dict[str, Any]]) -> QualityGateSummary:
    # By file, since a task that was tried again, or the merge, tells of a file once more.
    files = {(file["batch_id"], file["path"]): file for record in records for file in record["files"]}.values()
    return QualityGateSummary(
        files_rejected=sum(file["state"] == "REJECTED" for file in files),
        rows_read=sum(file["rows_read"] for file in files),
        rows_quarantined=sum(file["rows_quarantined"] for file in files),
    )


def _failed_tasks(records: Sequence[dict[str, Any]]) -> list[str]:
    last = {record["task"]: record for record in sorted(records, key=lambda record: record["ended_at"])}
    missing = [f"{task} did not come to its end" for task in _TASKS_BEFORE if task not in last]
    failed = [f"{task} failed: {record['error']}" for task, record in last.items() if record["status"] == "FAILED"]
    return [*missing, *failed]


def _bad_data(counted: QualityGateSummary, max_quarantined_percent: float, max_rejected_files: float) -> list[str]:
    verdict = []
    if counted.rows_quarantined * 100 > counted.rows_read * max_quarantined_percent:
        verdict.append(
            f"{counted.rows_quarantined} of {counted.rows_read} rows are in quarantine, more than the "
            f"{max_quarantined_percent:g} % that are allowed"
        )
    if counted.files_rejected > max_rejected_files:
        verdict.append(
            f"rejected files: {counted.files_rejected}, more than the {max_rejected_files:g} that are allowed"
        )
    return verdict


def _write_job_log(spark: SparkSession, job_log: str, checkpoint: Checkpoint) -> None:
    """Append every record that waits. One that is not forgotten then is there twice; the views show it once."""
    records = checkpoint.records()
    # A literal, because a data frame of Python objects costs more here than the commit that writes it.
    literal = F.from_json(F.lit(json.dumps(records)), f"ARRAY<STRUCT<{JOB_LOG_SCHEMA}>>")
    spark.range(0, 1, 1, 1).select(F.inline(literal)).writeTo(job_log).append()
    checkpoint.forget_records([record["record_id"] for record in records])

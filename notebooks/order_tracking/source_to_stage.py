"""The first task of the job: load what has arrived into the stage."""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from order_tracking.batch import new_batch_id
from order_tracking.checkpoint import Checkpoint, Claim, FileOutcome
from order_tracking.clock import Clock, utc_now
from order_tracking.landing import list_arrivals, may_be_unfinished
from order_tracking.load_batch import BatchLoader, Policy
from order_tracking.summary import FileSummary, SourceToStageSummary
from order_tracking.tables import Tables, create_missing
from order_tracking.task_run import count_files, task_run
from order_tracking.volume import open_volume

_MAY_BE_UNFINISHED = "it is empty and new, so it may still be on its way; a later run loads or rejects it"


def source_to_stage(
    spark: SparkSession,
    tables: Tables,
    volume: str,
    run_id: str,
    policy: Policy | None = None,
    now: Clock = utc_now,
) -> SourceToStageSummary:
    """Load every batch that an earlier run claimed and did not finish, then every file in the landing directory.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the landing directory.
        run_id: Names the run of the job in the run tracker and the ledger.
        policy: What to do with files that are not as the contract has them.
        now: The clock.

    Returns:
        What became of each file.
    """
    directories = open_volume(volume)
    checkpoint = Checkpoint(directories.checkpoint)
    with task_run(checkpoint, run_id, "source_to_stage", now) as run:
        with run.step("create missing tables"):
            create_missing(spark, tables)
        loader = BatchLoader(spark, tables, directories, checkpoint, policy or Policy(), run.step)

        def load(claim: Claim) -> None:
            run.batch_ids.append(claim.batch_id)
            run.log("loading", batch_id=claim.batch_id, attempt=claim.attempt, files=len(claim.files))
            try:
                loaded = loader.load(claim, now())
            except Exception as error:
                raise RuntimeError(
                    f"batch {claim.batch_id}, {len(claim.files)} files of {directories.landing}, was not loaded to its "
                    "end; no row is lost: run again, and it is finished first"
                ) from error
            run.files += loaded.staged.files
            run.warnings += loaded.warnings
            run.counts.update(count_files(run.files))

        resumed = [checkpoint.begin_again(claim) for claim in checkpoint.claimed()]
        for left_behind in resumed:
            load(left_behind)

        arrivals = list_arrivals(directories.landing)
        unfinished = [file for file in arrivals if may_be_unfinished(file, now())]
        ready = tuple(file for file in arrivals if file not in unfinished)
        claimed = Claim(new_batch_id(now()), run_id, ready) if ready else None
        if claimed:
            checkpoint.claim(claimed)
            load(claimed)
        return SourceToStageSummary(
            batch_id=claimed.batch_id if claimed else None,
            resumed_batch_ids=tuple(claim.batch_id for claim in resumed),
            files=(*_summaries(run.files), *(_deferred(file.path) for file in unfinished)),
            warnings=tuple(run.warnings),
            rows_read=run.counts.get("rows_read", 0),
            rows_staged=run.counts.get("rows_staged", 0),
            rows_quarantined=run.counts.get("rows_quarantined", 0),
        )


def _deferred(path: str) -> FileSummary:
    return FileSummary(path, "deferred", reason=_MAY_BE_UNFINISHED)


def _summaries(files: Sequence[FileOutcome]) -> list[FileSummary]:
    return [
        FileSummary(
            path=file.path,
            outcome=file.state.value.lower(),
            batch_id=file.batch_id,
            destination=file.moved_to,
            reason=file.reason,
            unknown_columns=file.unknown_columns,
            rows_read=file.rows_read,
            rows_staged=file.rows_staged,
            rows_quarantined=file.rows_quarantined,
        )
        for file in files
    ]

"""The first task of the job: load what has arrived into the stage."""

from collections.abc import Mapping, Sequence

from pyspark.sql import SparkSession

from order_tracking.batch import Batch
from order_tracking.clock import Clock, utc_now
from order_tracking.landing import list_arrivals, may_be_unfinished
from order_tracking.ledger import Step, claim, read_open_batches, record
from order_tracking.load_batch import load_batch
from order_tracking.summary import FileSummary, SourceToStageSummary
from order_tracking.tables import open_tables
from order_tracking.volume import open_volume

_MAY_BE_UNFINISHED = "it is empty and new, so it may still be on its way; a later run loads or rejects it"
_CLAIMED_BY_ANOTHER = "another run claimed files at the same moment; the next run loads what that one leaves"


def source_to_stage(
    spark: SparkSession, catalog: str, schema: str, volume: str, run_id: str, now: Clock = utc_now
) -> SourceToStageSummary:
    """Load every file that an earlier run claimed and did not finish, then every file in the landing directory.

    Args:
        spark: The session.
        catalog: The catalog of the tables.
        schema: The schema of the tables.
        volume: The path of the directory that holds the landing directory.
        run_id: Names the run of the job in the ledger.
        now: The clock.

    Returns:
        What became of each file.
    """
    tables = open_tables(spark, catalog, schema)
    directories = open_volume(volume)
    open_batches = read_open_batches(spark, tables.ledger)
    steps: dict[str, list[Step]] = {}

    def load(batch: Batch) -> None:
        oldest_open_id = min(each.id for each in (batch, *open_batches.claimed, *open_batches.staged.batches))
        try:
            steps[batch.id] = load_batch(spark, tables, directories, batch, oldest_open_id, now())
        except Exception as error:
            raise RuntimeError(
                f"batch {batch.id}, {len(batch.files)} files of {directories.landing}, was not loaded to its end; "
                "no row is lost: run again, and it is finished first"
            ) from error
        record(spark, tables.ledger, {batch.id: steps[batch.id]}, run_id, now())

    for left_behind in open_batches.claimed:
        load(left_behind)

    # Listed once, and after the ledger was read: if another run takes a file in between, the claim fails.
    arrivals = list_arrivals(directories.landing)
    unfinished = [file for file in arrivals if may_be_unfinished(file, now())]
    ready = tuple(file for file in arrivals if file not in unfinished)
    claimed = claim(spark, tables.ledger, ready, open_batches.last_number + 1, run_id, now()) if ready else None
    if claimed:
        load(claimed)

    return _summary(
        batch_id=claimed.id if claimed else None,
        steps=steps,
        deferred=[
            *(FileSummary(file.path, "deferred", reason=_MAY_BE_UNFINISHED) for file in unfinished),
            *(FileSummary(file.path, "deferred", reason=_CLAIMED_BY_ANOTHER) for file in ready if not claimed),
        ],
    )


def _summary(
    batch_id: str | None, steps: Mapping[str, Sequence[Step]], deferred: Sequence[FileSummary]
) -> SourceToStageSummary:
    taken = [_file_summary(taken_by, step) for taken_by in steps for step in steps[taken_by]]
    return SourceToStageSummary(
        batch_id=batch_id,
        resumed_batch_ids=tuple(resumed_id for resumed_id in steps if resumed_id != batch_id),
        files=(*taken, *deferred),
        rows_read=sum(file.rows_read or 0 for file in taken),
        rows_staged=sum(file.rows_staged or 0 for file in taken),
        rows_quarantined=sum(file.rows_quarantined or 0 for file in taken),
    )


def _file_summary(batch_id: str, step: Step) -> FileSummary:
    return FileSummary(
        path=step.file.path,
        outcome=step.state.value.lower(),
        batch_id=batch_id,
        destination=step.moved_to,
        reason=step.reason,
        unknown_columns=step.unknown_columns,
        rows_read=step.rows_read,
        rows_staged=step.rows_staged,
        rows_quarantined=step.rows_quarantined,
    )

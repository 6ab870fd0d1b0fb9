"""The second task of the job: merge what is staged into the current state of every order."""

from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import MergeError
from order_tracking.files.checkpoint import Checkpoint
from order_tracking.rows.merge import merge_batches
from order_tracking.rows.remake import Ignored, remake_orders, what_is_ignored
from order_tracking.rows.stage import discard_everywhere
from order_tracking.tables.job_log import State, without_rows
from order_tracking.tables.tables import Tables, check_dropped
from order_tracking.tasks.summary import StageToFinalSummary
from order_tracking.tasks.task_run import task_run


def stage_to_final(
    spark: SparkSession,
    tables: Tables,
    checkpoint: str,
    run_id: str,
    contract: Contract = ORDERS,
    now: Clock = utc_now,
) -> StageToFinalSummary:
    """Merge every batch that is staged and not merged, whichever run staged it.

    Args:
        spark: The session.
        tables: The names of the tables.
        checkpoint: The path of the checkpoint.
        run_id: Names the run of the job in the run tracker and the ledger.
        contract: The contract.
        now: The clock.

    Returns:
        What changed.

    Raises:
        MergeError: If the merge failed; what is staged stays staged.
    """
    use_utc(spark)
    open_batches = Checkpoint(Path(checkpoint))
    with task_run(open_batches, run_id, "stage_to_final", now) as run:
        batches = open_batches.staged()
        run.batch_ids += [batch.batch_id for batch in batches]
        if not batches:
            return StageToFinalSummary()
        superseded = {(file.batch_id, file.path): file for batch in batches for file in batch.supersedes}
        try:
            with run.step("merge"):
                if superseded:
                    counts = remake_orders(spark, contract, tables, open_batches, superseded, batches, now)
                else:
                    ignored: list[Ignored] = []

                    def not_counting() -> str:
                        ignored.append(what_is_ignored(open_batches, now))
                        return ignored[-1].condition()

                    counts = merge_batches(spark, contract, tables, batches, not_counting)
                    # What another run has ended or taken back meanwhile was not compared as it counts now.
                    if not all(each.is_still_all(open_batches, now) for each in ignored):
                        remake_orders(spark, contract, tables, open_batches, (), batches, now)
        except Exception as error:
            check_dropped(spark, tables)
            raise MergeError(
                f"batch {', '.join(run.batch_ids)} was not merged into {tables.orders}; it stays staged: run again"
            ) from error
        if superseded:
            with run.step("discard"):
                discard_everywhere(spark, tables, superseded)
        run.files += [without_rows(file, State.SUPERSEDED) for file in superseded.values()]
        run.files += [
            replace(file, state=State.MERGED) if file.state is State.STAGED else file
            for batch in batches
            for file in batch.files
        ]
        run.counts.update(
            rows_inserted=counts.inserted,
            rows_updated=counts.updated,
            rows_unchanged=counts.unchanged,
            rows_late=counts.outdated,
        )
    # Only now, when what became of the files is kept elsewhere.
    for batch_id in run.batch_ids:
        open_batches.close(batch_id)
    return StageToFinalSummary(
        batches=tuple(run.batch_ids),
        rows_taken=sum(batch.rows for batch in batches),
        inserted=counts.inserted,
        updated=counts.updated,
        outdated=counts.outdated,
        unchanged=counts.unchanged,
    )

"""The second task of the job: merge what is staged into the current state of every order."""

from pyspark.sql import SparkSession

from order_tracking.clock import Clock, utc_now
from order_tracking.ledger import State, Step, read_open_batches, record
from order_tracking.merge import merge_batches
from order_tracking.summary import StageToFinalSummary
from order_tracking.tables import open_tables


def stage_to_final(
    spark: SparkSession, catalog: str, schema: str, run_id: str, now: Clock = utc_now
) -> StageToFinalSummary:
    """Merge every batch that is staged and not merged, whichever run staged it.

    Args:
        spark: The session.
        catalog: The catalog of the tables.
        schema: The schema of the tables.
        run_id: Names the run of the job in the ledger.
        now: The clock.

    Returns:
        What changed.
    """
    tables = open_tables(spark, catalog, schema)
    staged = read_open_batches(spark, tables.ledger).staged
    if not staged.batches:
        return StageToFinalSummary((), 0, 0, 0, 0)
    batch_ids = tuple(batch.id for batch in staged.batches)
    try:
        counts = merge_batches(spark, tables.stage, tables.orders, staged)
    except Exception as error:
        raise RuntimeError(
            f"batch {', '.join(batch_ids)} was not merged into {tables.orders}; it stays staged: run again"
        ) from error
    merged = {batch.id: [Step(file, State.MERGED) for file in batch.files] for batch in staged.batches}
    record(spark, tables.ledger, merged, run_id, now())
    return StageToFinalSummary(
        batches=batch_ids,
        rows_taken=staged.rows,
        inserted=counts.inserted,
        updated=counts.updated,
        unchanged=staged.rows - counts.inserted - counts.updated,
    )

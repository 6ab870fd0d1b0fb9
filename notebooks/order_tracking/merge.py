"""Merge staged batches into `orders_table`: in one commit, and with the same result in whatever order batches come.

The greatest state of an order wins, and the greatest of several does not depend on their order; see
`docs/decisions/greatest-state-merge.md`.
"""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from order_tracking.contract import KEY, precedence
from order_tracking.ledger import StagedBatches


@dataclass(frozen=True)
class MergeCounts:
    """What a merge did."""

    inserted: int = 0
    updated: int = 0


def merge_batches(spark: SparkSession, stage: str, orders: str, staged: StagedBatches) -> MergeCounts:
    """Merge staged batches into `orders`; batches without rows, or merged before, change nothing."""
    if not staged.rows:
        return MergeCounts()
    batch_ids = ", ".join(f"'{batch.id}'" for batch in staged.batches)
    state = ", ".join(precedence())
    # The bounds on the key follow from the equality; written out, they let Delta skip the files without such keys.
    [result] = spark.sql(
        f"""
        MERGE INTO {orders} AS t
        USING (
            SELECT {KEY}, state.*
            FROM (SELECT {KEY}, max(struct({state}, _source_file, _batch_id)) AS state
                  FROM {stage} WHERE _batch_id IN ({batch_ids}) GROUP BY {KEY})
        ) AS s
        ON t.{KEY} = s.{KEY} AND t.{KEY} BETWEEN :first_key AND :last_key
        WHEN MATCHED AND struct({_state_of("s")}) > struct({_state_of("t")}) THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        """,
        args={"first_key": staged.first_key, "last_key": staged.last_key},
    ).collect()
    return MergeCounts(inserted=result.num_inserted_rows, updated=result.num_updated_rows)


def _state_of(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in precedence())

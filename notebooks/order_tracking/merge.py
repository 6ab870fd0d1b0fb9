"""Merge staged batches into `orders_table`: in one commit, and with the same result in whatever order batches come.

The greatest state of an order wins, and the greatest of several does not depend on their order; see
`docs/decisions/greatest-state-merge.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import SparkSession

from order_tracking.checkpoint import StagedBatch
from order_tracking.contract import KEY, precedence
from order_tracking.rule import quoted
from order_tracking.tables import Tables, added_columns

#: Up to here the source of a merge is one task and is sent to every other: moving it about would take most of the time.
_SMALL_SOURCE_ROWS = 100_000


@dataclass(frozen=True)
class MergeCounts:
    """What became of the rows of a merge.

    Attributes:
        inserted: Rows that brought a new order.
        updated: Rows that brought a newer state of an order.
        late: Rows that are older than the order's state, which was there already or came with them.
        unchanged: Rows that say what was there already, or came with them.
    """

    inserted: int = 0
    updated: int = 0
    late: int = 0
    unchanged: int = 0


def merge_batches(spark: SparkSession, tables: Tables, batches: Sequence[StagedBatch]) -> MergeCounts:
    """Merge staged batches into the orders; batches without rows, or merged before, change nothing."""
    with_rows = [batch for batch in batches if batch.rows]
    if not with_rows:
        return MergeCounts()
    rows = sum(batch.rows for batch in with_rows)
    bounds = {
        "first_key": min(str(batch.first_key) for batch in with_rows),
        "last_key": max(str(batch.last_key) for batch in with_rows),
    }
    of_batches = f"_batch_id IN ({', '.join(quoted(batch.batch_id) for batch in with_rows)})"
    state = precedence(added_columns(spark, tables.stage))
    one_task, to_every_task = (
        ("/*+ COALESCE(1) */", "/*+ BROADCAST(latest) */") if rows <= _SMALL_SOURCE_ROWS else ("", "")
    )
    # The bounds on the key follow from the equality; written out, they let Delta skip the files without such keys.
    [result] = spark.sql(
        f"""
        MERGE INTO {tables.orders} AS t
        USING (
            SELECT {to_every_task} {KEY}, state.*
            FROM (SELECT {KEY}, max(struct({_columns(state)}, _source_file, _batch_id)) AS state
                  FROM (SELECT {one_task} * FROM {tables.stage} WHERE {of_batches})
                  GROUP BY {KEY}) AS latest
        ) AS s
        ON t.{KEY} = s.{KEY} AND t.{KEY} BETWEEN :first_key AND :last_key
        WHEN MATCHED AND struct({_columns(state, "s")}) > struct({_columns(state, "t")}) THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        """,
        args=bounds,
    ).collect()
    inserted, updated = result.num_inserted_rows, result.num_updated_rows
    late = 0
    if rows > inserted + updated:
        [[late]] = spark.sql(
            f"""
            SELECT count(*) FROM {tables.stage} AS s JOIN {tables.orders} AS t USING ({KEY})
            WHERE s.{of_batches} AND t.{KEY} BETWEEN :first_key AND :last_key
              AND struct({_columns(state, "s")}) < struct({_columns(state, "t")})
            """,
            args=bounds,
        ).collect()
    return MergeCounts(inserted, updated, late, unchanged=max(0, rows - inserted - updated - late))


def _columns(names: Sequence[str], of_table: str | None = None) -> str:
    return ", ".join(f"{of_table}.`{name}`" if of_table else f"`{name}`" for name in names)

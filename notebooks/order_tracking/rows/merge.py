"""Merge staged batches into `orders_table`: in one commit, and with the same result in whatever order batches come.

The greatest state of an order wins, and the greatest of several does not depend on their order; see
`docs/decisions/greatest-state-merge.md`.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread

from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession

from order_tracking.contract.contract import Contract
from order_tracking.contract.state_order import leading, place, values
from order_tracking.files.checkpoint import StagedBatch
from order_tracking.sql import identifier, literal
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.tables import Tables, added_columns

#: Up to here the source of a merge is one task and is sent to every other: moving it about would take most of the time.
_SMALL_SOURCE_ROWS = 100_000

#: What a merge fails with that meets a correction: another state of the order's time, sent later, or later in its file.
#: The same state once more changes no order, so an order does not know when its state was sent last, and in which row.
#: The stage is only asked for that then.
_CORRECTION = "ORDER_TRACKING_CORRECTION"
_STOP = f"CAST(raise_error('{_CORRECTION}') AS BOOLEAN)"


@dataclass(frozen=True)
class MergeCounts:
    """What became of the rows of a merge.

    Attributes:
        inserted: Rows that brought a new order.
        updated: Rows that brought a newer state of an order.
        outdated: Rows that say otherwise than the order's state, which was there already or came with them.
        unchanged: Rows that say what was there already, or came with them.
    """

    inserted: int = 0
    updated: int = 0
    outdated: int = 0
    unchanged: int = 0


def merge_batches(
    spark: SparkSession,
    contract: Contract,
    tables: Tables,
    batches: Sequence[StagedBatch],
    not_counting: Callable[[], str],
) -> MergeCounts:
    """Merge staged batches into the orders; batches without rows, or merged before, change nothing.

    Args:
        spark: The session.
        contract: The contract.
        tables: The names of the tables.
        batches: The batches.
        not_counting: Tells, as SQL, staged rows that do not count, any more or yet; asked where there is a correction.

    Returns:
        What became of their rows.
    """
    with_rows = [batch for batch in batches if batch.rows]
    if not with_rows:
        return MergeCounts()
    _read_log_meanwhile(spark, tables.orders)
    rows = sum(batch.rows for batch in with_rows)
    bounds = {
        "first_key": min(str(batch.first_key) for batch in with_rows),
        "last_key": max(str(batch.last_key) for batch in with_rows),
    }
    of_batches = f"_batch_id IN ({', '.join(literal(batch.batch_id) for batch in with_rows)})"
    key = identifier(contract.key)
    added = added_columns(spark, contract, tables.stage)
    state = values(contract, added)
    one_task, to_every_task = (
        ("/*+ COALESCE(1) */", "/*+ BROADCAST(_latest) */") if rows <= _SMALL_SOURCE_ROWS else ("", "")
    )
    of_source, of_order, of_stage = (values(contract, added, table) for table in ("_s", "_t", "_r"))
    source = f"""
        SELECT {to_every_task} {key}, _state.*
        FROM (SELECT {key}, max_by(struct({state}, _sent, _source_file, _batch_id, _row_id),
                                   struct({leading(contract)}, _row_id, {state})) AS _state
              FROM (SELECT {one_task} * FROM {tables.stage} WHERE {of_batches})
              GROUP BY {key}) AS _latest"""

    # The bounds on the key follow from the equality; written out, they let Delta skip the files without such keys.
    def merge(source: str, sent_later: str) -> Row:
        query = f"""
        MERGE INTO {tables.orders} AS _t USING ({source}) AS _s
        ON _t.{key} = _s.{key} AND _t.{key} BETWEEN :first_key AND :last_key
        WHEN MATCHED AND CASE
            WHEN struct({place(contract, "_s")}) <> struct({place(contract, "_t")})
                THEN struct({place(contract, "_s")}) > struct({place(contract, "_t")})
            WHEN struct({of_source}) = struct({of_order}) THEN false
            ELSE {sent_later}
        END THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *"""
        return run_again_on_conflict(lambda: spark.sql(query, args=bounds).collect()[0])

    try:
        # In CASE, since nothing but its order keeps the second part from being evaluated.
        result = merge(source, f"CASE WHEN struct(_s._sent) >= struct(_t._sent) THEN {_STOP} ELSE false END")
    except PySparkException as error:
        if _CORRECTION not in str(error):
            raise
        counts = f"NOT ({not_counting()})"
        last_row = f"""
            SELECT _l.*, _rivals._last_row FROM ({source}) AS _l LEFT JOIN (
                SELECT _t.{key}, max(struct(_r._sent, _r._row_id)) AS _last_row
                FROM {tables.orders} AS _t JOIN (SELECT * FROM {tables.stage} WHERE {counts}) AS _r
                ON _t.{key} = _r.{key} AND struct({of_order}) = struct({of_stage})
                WHERE _t.{key} BETWEEN :first_key AND :last_key AND _r.{key} BETWEEN :first_key AND :last_key
                GROUP BY _t.{key}
            ) AS _rivals USING ({key})"""
        of_order_itself = "named_struct('_sent', _t._sent, '_row_id', CAST(NULL AS BIGINT))"
        sent_later = f"""
            struct(struct(_s._sent, _s._row_id), {of_source})
            > struct(greatest({of_order_itself}, _s._last_row), {of_order})"""
        result = merge(last_row, sent_later)
    inserted, updated = result.num_inserted_rows, result.num_updated_rows
    outdated = 0
    if rows > inserted + updated:
        outdated = count_outdated(spark, contract, tables, with_rows, added, bounds)
    return MergeCounts(inserted, updated, outdated, unchanged=max(0, rows - inserted - updated - outdated))


def _read_log_meanwhile(spark: SparkSession, table: str) -> None:
    """Begin to read a table's log: a merge by itself does so only when it has read its source, 0.1 s later.

    Spark keeps what it has read, such as the number of files that DESCRIBE DETAIL asks for; see
    `docs/decisions/what-loading-costs.md`. Its answer is not used: the merge will say what is wrong with the table.
    """

    def read() -> None:
        with contextlib.suppress(Exception):
            spark.sql(f"DESCRIBE DETAIL {table}").collect()

    Thread(target=read, daemon=True).start()


def count_outdated(
    spark: SparkSession,
    contract: Contract,
    tables: Tables,
    batches: Sequence[StagedBatch],
    added: Sequence[str],
    bounds: Mapping[str, str],
) -> int:
    """Count the rows of merged batches that say otherwise than the state of their order.

    Args:
        spark: The session.
        contract: The contract.
        tables: The names of the tables.
        batches: The batches.
        added: The columns that the tables have beside the contract's.
        bounds: The least and the greatest key of the rows: `first_key` and `last_key`.
    """
    key = identifier(contract.key)
    of_stage, of_order = (f"struct({values(contract, added, table)})" for table in ("_s", "_t"))
    [[outdated]] = spark.sql(
        f"""
        SELECT count(*) FROM {tables.stage} AS _s JOIN {tables.orders} AS _t USING ({key})
        WHERE _s._batch_id IN ({", ".join(literal(batch.batch_id) for batch in batches)})
          AND _t.{key} BETWEEN :first_key AND :last_key AND {of_stage} <> {of_order}
        """,
        args=dict(bounds),
    ).collect()
    return int(outdated)

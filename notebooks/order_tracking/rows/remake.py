"""Make orders again from what is staged, where rows that they were made of do not count any more.

The merge only goes forwards: it compares what comes with what is there. Where something leaves, the greatest state of
what is left has to be found; see `docs/decisions/what-counts.md`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import Row, SparkSession

from order_tracking.clock import Clock
from order_tracking.contract.contract import Contract
from order_tracking.contract.state_order import LAST_ROW, leading, values
from order_tracking.files.checkpoint import Checkpoint, StagedBatch
from order_tracking.rows.merge import MergeCounts, count_outdated
from order_tracking.rows.stage import are_of
from order_tracking.sql import identifier, literal
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.tables import Tables, added_columns


@dataclass(frozen=True)
class Ignored:
    """What is in the stage and must not be seen: files that do not count any more, and batches without an end yet.

    Attributes:
        files: The files, by batch and path.
        batch_ids: The batches.
        ended: The batches that were staged by then, or loaded of late: of one more, rows may not have been seen.
    """

    files: frozenset[tuple[str, str]]
    batch_ids: frozenset[str]
    ended: frozenset[str]

    def condition(self) -> str:
        """Tell, as SQL, the rows of it."""
        batch_ids = ", ".join(map(literal, sorted(self.batch_ids))) or "NULL"
        # An earlier version left rows without a file.
        return f"coalesce({are_of(self.files)}, false) OR coalesce(_batch_id IN ({batch_ids}), false)"

    def is_still_all(self, checkpoint: Checkpoint, now: Clock) -> bool:
        """Tell whether nothing more is to be ignored by now, and no batch has begun or come to its end."""
        by_now = what_is_ignored(checkpoint, now)
        is_same = by_now.batch_ids == self.batch_ids and by_now.ended <= self.ended
        return is_same and by_now.files <= self.files


def remake_orders(
    spark: SparkSession,
    contract: Contract,
    tables: Tables,
    checkpoint: Checkpoint,
    files: Iterable[tuple[str, str]],
    batches: Sequence[StagedBatch],
    now: Clock,
) -> MergeCounts:
    """Make all orders again that have rows of files, which do not count any more, or of batches, in one commit.

    To do it again changes nothing, so whatever is cut short is done again. What begins or ends to count meanwhile, by a
    run beside this one, is noticed, and the orders are made once more.

    Args:
        spark: The session.
        contract: The contract.
        tables: The names of the tables.
        checkpoint: Knows what else does not count: all of it, also what another run is about to remove.
        files: The files, by batch and path; their rows must still be in the stage.
        batches: Staged batches that are merged by this.
        now: The clock.

    Returns:
        What became of the rows of the batches.
    """
    # Also by the order's own row: the stage may have kept another one that says the same.
    concerned = f"{are_of(files)} OR _batch_id IN ({', '.join(literal(each.batch_id) for each in batches) or 'NULL'})"
    key = identifier(contract.key)
    [bounds] = spark.sql(
        f"SELECT min({key}) AS first_key, max({key}) AS last_key FROM ({_concerned(contract, tables, concerned)})"
    ).collect()
    if bounds.first_key is None:
        return MergeCounts()
    keys = {"first_key": bounds.first_key, "last_key": bounds.last_key}
    ignored, updated = what_is_ignored(checkpoint, now), 0
    added: tuple[str, ...] = ()

    def remake() -> Row:
        nonlocal ignored, updated, added
        ignored = what_is_ignored(checkpoint, now)
        added = added_columns(spark, contract, tables.stage)
        source = _source(contract, tables, added, concerned, ignored)
        updated = _count_updated(spark, contract, tables, added, source, keys) if batches else 0
        return spark.sql(_merge(contract, tables, added, source), args=keys).collect()[0]

    inserted = run_again_on_conflict(remake).num_inserted_rows
    while not ignored.is_still_all(checkpoint, now):
        run_again_on_conflict(remake)
    rows = sum(batch.rows for batch in batches)
    outdated = count_outdated(spark, contract, tables, batches, added, keys) if rows else 0
    # An order may also be another one since something left: no row of the batches brought that.
    inserted = min(inserted, rows - outdated)
    updated = min(updated, rows - outdated - inserted)
    return MergeCounts(inserted, updated, outdated, rows - outdated - inserted - updated)


def what_is_ignored(checkpoint: Checkpoint, now: Clock) -> Ignored:
    """Say what of the stage does not count, any more or yet."""
    # In this order: a batch that is staged meanwhile is ignored here, and noticed later.
    batch_ids = frozenset(claim.batch_id for claim in checkpoint.claimed())
    ended = [*checkpoint.staged(), *checkpoint.loaded()]
    return Ignored(checkpoint.files_not_counting(ended, now()), batch_ids, frozenset(batch.batch_id for batch in ended))


def _concerned(contract: Contract, tables: Tables, concerned: str) -> str:
    key = identifier(contract.key)
    return (
        f"SELECT {key} FROM {tables.stage} WHERE {concerned} UNION SELECT {key} FROM {tables.orders} WHERE {concerned}"
    )


def _source(contract: Contract, tables: Tables, added: Sequence[str], concerned: str, ignored: Ignored) -> str:
    """Select the greatest state of each order concerned; none where no row of it is left."""
    key = identifier(contract.key)
    state = f"{values(contract, added)}, _sent, _source_file, _batch_id"
    place = f"{leading(contract)}, _row, {values(contract, added)}"
    within = f"{key} BETWEEN :first_key AND :last_key"
    counts = f"NOT ({ignored.condition()})"
    return f"""
        SELECT {key}, _state.*, _state IS NULL AS _is_gone
        FROM ({_concerned(contract, tables, concerned)}) LEFT JOIN (
            SELECT {key}, max_by(struct({state}), struct({place})) AS _state
            FROM (
                SELECT {key}, {state}, coalesce(_row_id, -1) AS _row FROM {tables.stage}
                WHERE {within} AND {counts}
                UNION ALL
                SELECT {key}, {state}, {LAST_ROW} FROM {tables.orders} WHERE {within} AND {counts}
            )
            GROUP BY {key}
        ) USING ({key})"""


def _merge(contract: Contract, tables: Tables, added: Sequence[str], source: str) -> str:
    key = identifier(contract.key)
    # Also which file a state is of: without it, nobody could tell whether that counts.
    of_source, of_order = (
        f"struct({values(contract, added, table)}, {table}._sent, {table}._source_file, {table}._batch_id)"
        for table in ("_s", "_t")
    )
    return f"""
        MERGE INTO {tables.orders} AS _t USING ({source}) AS _s
        ON _t.{key} = _s.{key} AND _t.{key} BETWEEN :first_key AND :last_key
        WHEN MATCHED AND _s._is_gone THEN DELETE
        WHEN MATCHED AND {of_source} <> {of_order} THEN UPDATE SET *
        WHEN NOT MATCHED AND NOT _s._is_gone THEN INSERT *"""


def _count_updated(
    spark: SparkSession, contract: Contract, tables: Tables, added: Sequence[str], source: str, keys: dict[str, str]
) -> int:
    key = identifier(contract.key)
    of_source, of_order = (f"struct({values(contract, added, table)})" for table in ("_s", "_t"))
    query = f"""
        SELECT count(*) FROM ({source}) AS _s JOIN {tables.orders} AS _t USING ({key})
        WHERE NOT _s._is_gone AND _t.{key} BETWEEN :first_key AND :last_key AND {of_source} <> {of_order}"""
    return int(spark.sql(query, args=keys).collect()[0][0])

"""Fold the stage: of the old rows that say the same of an order keep one.

Senders who send all their orders each day say each state again until it changes, and the stage would keep all of that
for ever. See `docs/decisions/folded-stage.md`.
"""

from datetime import datetime, timedelta

from pyspark.sql import SparkSession

from order_tracking.contract.contract import Contract
from order_tracking.contract.rules import is_unknown
from order_tracking.contract.state_order import values
from order_tracking.files.batch import claimed_at, first_batch_id
from order_tracking.sql import identifier, literal
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.folded_files import create_folded_files, note_times, noted_times
from order_tracking.tables.tables import Tables, added_columns

#: Properties of the table of folded files, which no load writes to: it would have to be done again.
_FOLDED_UNTIL, _KEPT_SINCE = "order_tracking.stage_folded_until", "order_tracking.stage_kept_since"

#: Nearly a day: nights are not equally long.
_LEAST_BETWEEN = timedelta(hours=20)


def kept_since(spark: SparkSession, tables: Tables) -> datetime | None:
    """Tell since when all rows that were loaded are still staged, and will be for another day; None if all are."""
    [since] = noted_times(spark, tables.folded_files, _KEPT_SINCE)
    return since


def fold_stage(spark: SparkSession, contract: Contract, tables: Tables, until: datetime) -> int:
    """Fold what was said the last time, and say that rows of batches before `until` will be folded the next time.

    A day lies between, so a withdrawal that found all rows of a file is long done when they are folded: earlier than
    that, as where the task is tried again, nothing is done.

    Returns:
        How many rows were deleted.
    """
    create_folded_files(spark, tables.folded_files)
    folded_until, said = noted_times(spark, tables.folded_files, _FOLDED_UNTIL, _KEPT_SINCE)
    if said and until - said < _LEAST_BETWEEN:
        # A clock that was ahead said that rows of much later batches would be folded; only those that are stay so.
        kept = max(until, folded_until or until)
        if kept < said:
            note_times(spark, tables.folded_files, {_KEPT_SINCE: kept})
        return 0
    deleted = delete_repeats(spark, contract, tables, folded_until, said) if said else 0
    folded = _folded_until(spark, tables, folded_until, said) if said else None
    note_times(spark, tables.folded_files, {**({_FOLDED_UNTIL: folded} if folded else {}), _KEPT_SINCE: until})
    return deleted


def delete_repeats(
    spark: SparkSession, contract: Contract, tables: Tables, since: datetime | None, until: datetime
) -> int:
    """Delete the rows of batches before `until` that say what another such row, sent later, says as well.

    To do so again changes nothing. Only orders are looked at of which a row became old `since`, and only old rows are
    compared: where a newer file is withdrawn, what its rows repeat must be there. Left are also rows that a run may
    have told of, or an erasure would not find the texts.

    Returns:
        How many rows were deleted.
    """
    key, row = identifier(contract.key), "_batch_id, _source_file, _row_id"
    state = values(contract, added_columns(spark, contract, tables.stage))
    before, became_old = _became_old(None, until), _became_old(since, until)
    # Delta skips the files of orders that are not among them. Spark takes over what is said of one side of a join for
    # the other one; of the table that rows are merged into it has to be said apart.
    ends = f"SELECT min({key}) AS first_key, max({key}) AS last_key FROM {tables.stage} WHERE {became_old}"
    [keys] = spark.sql(ends).collect()
    if keys.first_key is None:
        return 0
    among = f"{key} BETWEEN :first_key AND :last_key"
    told_of = is_unknown(contract.progress) if contract.progress else "false"
    query = f"""
        MERGE INTO {tables.stage} AS _t USING (
            SELECT {key}, {row} FROM (
                SELECT {key}, {row}, dense_rank() OVER (
                    PARTITION BY {key}, {state} ORDER BY struct(_sent, _row_id) DESC, {row}
                ) AS _place
                FROM {tables.stage}
                LEFT SEMI JOIN (SELECT {key} FROM {tables.stage} WHERE {became_old}) USING ({key})
                LEFT SEMI JOIN (
                    SELECT batch_id AS _batch_id, path AS _source_file FROM {tables.ledger} WHERE state = 'MERGED'
                ) USING (_batch_id, _source_file)
                WHERE {before} AND {among} AND _row_id IS NOT NULL AND NOT {told_of}
            )
            WHERE _place > 1
        ) AS _s
        ON _t.{among} AND _t.{before} AND _t.{key} = _s.{key} AND _t._batch_id = _s._batch_id
            AND _t._source_file = _s._source_file AND _t._row_id = _s._row_id
        WHEN MATCHED THEN DELETE"""
    return int(run_again_on_conflict(lambda: spark.sql(query, args=keys.asDict()).collect()[0]).num_deleted_rows)


def _folded_until(spark: SparkSession, tables: Tables, since: datetime | None, until: datetime) -> datetime | None:
    """Tell before when batches were claimed of which rows are folded; None if none is.

    The last batch says so, by the clock of its load: that of an upkeep may be ahead, by which batches of days to come
    would count as folded. To ask after the fold is enough: what the rows repeat that are gone is still there.
    """
    [[last]] = spark.sql(f"SELECT max(_batch_id) FROM {tables.stage} WHERE {_became_old(since, until)}").collect()
    return claimed_at(last) + timedelta(microseconds=1) if last else since


def _became_old(since: datetime | None, until: datetime) -> str:
    before = f"_batch_id < {literal(first_batch_id(until))}"
    return f"{before} AND _batch_id >= {literal(first_batch_id(since))}" if since else before

"""Fold the stage: of the old rows that say what an order was at one time, keep the one that the history shows.

Senders who send all their orders each day say each state again until it changes, and the stage would keep all of that
for ever. What is kept tells of old rows what the history does; see `docs/decisions/folded-stage.md`.
"""

from datetime import datetime

from pyspark.sql import SparkSession

from order_tracking.contract.contract import Contract
from order_tracking.contract.state_order import leading, values
from order_tracking.files.batch import first_batch_id
from order_tracking.sql import identifier, literal
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.folded_files import create_folded_files
from order_tracking.tables.tables import Tables, added_columns

#: Properties of the table of folded files, which no load writes to: it would have to be done again.
_FOLDED_UNTIL, _KEPT_SINCE = "order_tracking.stage_folded_until", "order_tracking.stage_kept_since"


def kept_since(spark: SparkSession, tables: Tables) -> datetime | None:
    """Tell since when all rows that were loaded are still staged, and will be for another day; None if all are."""
    return _noted(spark, tables)[1]


def fold_stage(spark: SparkSession, contract: Contract, tables: Tables, until: datetime) -> int:
    """Fold what was said the last time, and say that rows of batches before `until` will be folded the next time.

    A day lies between: a withdrawal that found all rows of a file is long done when they are folded.

    Returns:
        How many rows were deleted.
    """
    create_folded_files(spark, tables.folded_files)
    folded_until, said = _noted(spark, tables)
    deleted = 0
    if said and said != folded_until:
        deleted = delete_outranked(spark, contract, tables, folded_until, said)
    says = max(until, said or until)
    if (said, says) != (folded_until, said):
        noted = {_FOLDED_UNTIL: said, _KEPT_SINCE: says}
        properties = ", ".join(f"'{name}' = {literal(time.isoformat())}" for name, time in noted.items() if time)
        spark.sql(f"ALTER TABLE {tables.folded_files} SET TBLPROPERTIES ({properties})")
    return deleted


def delete_outranked(
    spark: SparkSession, contract: Contract, tables: Tables, since: datetime | None, until: datetime
) -> int:
    """Delete the rows of batches before `until` that say of an order and a time what another such row says as well,
    or says otherwise and outranks. To do so again changes nothing.

    Only orders are looked at of which a row became old `since`, and only old rows are compared: where a newer file is
    withdrawn, what its rows outrank must be there.

    Returns:
        How many rows were deleted.
    """
    key, time = identifier(contract.key), identifier(contract.sequence)
    state = values(contract, added_columns(spark, contract, tables.stage))
    before = f"_batch_id < {literal(first_batch_id(until))}"
    became_old = f"{before} AND _batch_id >= {literal(first_batch_id(since))}" if since else before
    row = "_batch_id, _source_file, _row_id"
    query = f"""
        MERGE INTO {tables.stage} AS _t USING (
            SELECT {key}, {row} FROM (
                SELECT {key}, {row}, row_number() OVER (
                    PARTITION BY {key}, {time} ORDER BY struct({leading(contract)}, _row_id, {state}) DESC, {row}
                ) AS _place
                FROM {tables.stage} LEFT SEMI JOIN (SELECT {key} FROM {tables.stage} WHERE {became_old}) USING ({key})
                WHERE {before} AND _row_id IS NOT NULL AND _source_file IS NOT NULL
            )
            WHERE _place > 1
        ) AS _s
        ON _t.{key} = _s.{key} AND _t._batch_id = _s._batch_id AND _t._source_file = _s._source_file
            AND _t._row_id = _s._row_id
        WHEN MATCHED THEN DELETE"""
    return int(run_again_on_conflict(lambda: spark.sql(query).collect()[0]).num_deleted_rows)


def _noted(spark: SparkSession, tables: Tables) -> tuple[datetime | None, datetime | None]:
    """Tell until when rows are folded, and since when all are kept."""
    if not spark.catalog.tableExists(tables.folded_files):
        return None, None
    [detail] = spark.sql(f"DESCRIBE DETAIL {tables.folded_files}").select("properties").collect()
    times = (detail.properties.get(name) for name in (_FOLDED_UNTIL, _KEPT_SINCE))
    folded_until, since = (datetime.fromisoformat(time) if time else None for time in times)
    return folded_until, since

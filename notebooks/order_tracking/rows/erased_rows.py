"""Erase an order from the tables that have its rows: find them, delete them, and write anew what only marks them.

Its key becomes no part of any query's text or condition: Delta writes those into the tables' logs.
"""

import re
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession

from order_tracking.contract.contract import Contract
from order_tracking.files.order_records import OrderRecords
from order_tracking.rows.replayed_files import IS_WHOLE
from order_tracking.sql import identifier
from order_tracking.tables.conflicts import alter, run_again_on_conflict, why_refused
from order_tracking.tables.erased_texts import IN_UNICODE
from order_tracking.tables.tables import Tables
from order_tracking.tables.versions import MARKS_ROWS, properties_of

#: How Unity Catalog says that only the owner of a table may do something.
_IS_DENIED = re.compile("PERMISSION|PRIVILEGE|OWNER", re.IGNORECASE)

#: The values of a row in quarantine; NULL where it could not be split.
_VALUES = "map_values(from_json(_t.raw_row, 'MAP<STRING, STRING>'))"

#: Its text: its values where it could be split, otherwise the row as it was.
_RAW_TEXT = f"coalesce(array_join({_VALUES}, ' '), _t.raw_row)"

#: Those of its values that other rows may be in.
_OF_LINES = rf"array_join(filter({_VALUES}, each -> each RLIKE '[\r\n]'), ' ')"


@dataclass(frozen=True)
class OrderRows:
    """What the rows of an order say.

    Attributes:
        files: The files that they are of, by batch and path.
        staged_files: Those of them that the stage has rows of.
        texts: Their values, and for one in quarantine the row as it was sent.
    """

    files: frozenset[tuple[str, str]]
    staged_files: frozenset[tuple[str, str]]
    texts: frozenset[str]


def find_rows(spark: SparkSession, contract: Contract, tables: Tables, records: OrderRecords) -> OrderRows:
    """Find the rows of an order in the stage and in the quarantine.

    Args:
        spark: The session.
        contract: The contract.
        tables: The names of the tables.
        records: Tells the order from others.
    """
    names = ", ".join(f"CAST({identifier(name)} AS STRING)" for name in contract.names)
    staged = spark.sql(
        f"SELECT _batch_id, _source_file, array({names}) AS texts FROM {tables.stage} AS _t "
        f"WHERE {_key(contract)} = :key",
        args={"key": records.key},
    )
    quarantined = spark.sql(
        f"SELECT _t._batch_id, _t._source_file, array(_t.raw_row, {_RAW_TEXT}, {names}) AS texts "
        f"FROM {tables.quarantine} AS _t JOIN (SELECT :key AS _key, :pattern AS _pattern) AS _s "
        f"ON {_is_quarantined(contract)}",
        args=_told_apart_by(contract, records),
    )
    staged_rows: list[Row] = staged.collect()
    rows: list[Row] = [*staged_rows, *quarantined.collect()]
    return OrderRows(
        frozenset((row._batch_id, row._source_file) for row in rows),
        frozenset((row._batch_id, row._source_file) for row in staged_rows),
        frozenset(text for row in rows for text in row.texts if text),
    )


def erase_rows(spark: SparkSession, contract: Contract, table: str, key: str) -> int:
    """Delete the rows with a key from the stage or the orders, and return how many there were."""
    query = f"""
        MERGE INTO {table} AS _t USING (SELECT :key AS _key) AS _s ON {_key(contract)} = _s._key
        WHEN MATCHED THEN DELETE"""
    return int(run_again_on_conflict(lambda: spark.sql(query, args={"key": key}).collect()[0]).num_deleted_rows)


def erase_quarantined(spark: SparkSession, contract: Contract, quarantine: str, records: OrderRecords) -> int:
    """Delete the rows of an order from the quarantine, and return how many there were."""
    query = f"""
        MERGE INTO {quarantine} AS _t USING (SELECT :key AS _key, :pattern AS _pattern) AS _s
        ON {_is_quarantined(contract)} WHEN MATCHED THEN DELETE"""
    arguments = _told_apart_by(contract, records)
    return int(run_again_on_conflict(lambda: spark.sql(query, args=arguments).collect()[0]).num_deleted_rows)


def purge(spark: SparkSession, table: str, column: str | None) -> str | None:
    """Write the files of a table anew that have rows which are only marked as deleted.

    Of a clustered table Delta leaves out the files that it clustered together, so it is none meanwhile. After a kill in
    between, the run that finishes the erasure clusters it again.

    Args:
        spark: The session.
        table: The table.
        column: What it is clustered by.

    Returns:
        Why some of its files may still have such rows; None if none has.
    """
    marks_rows = properties_of(spark, table).get(MARKS_ROWS) == "true"
    loosened, refused = column if marks_rows else None, None
    if loosened:
        try:
            alter(spark, table, "CLUSTER BY NONE")
        except PySparkException as error:
            if not _IS_DENIED.search(str(error)):
                raise
            loosened, refused = None, f"what is deleted stays in files that are clustered: {why_refused(error)}"
    run_again_on_conflict(lambda: spark.sql(f"REORG TABLE {table} APPLY (PURGE)").collect())
    if loosened:
        alter(spark, table, f"CLUSTER BY ({identifier(loosened)})")
    return refused


def _key(contract: Contract) -> str:
    """Write the key of a row of a table, `_t`, in its case: a row keeps the one in which it was loaded.

    Without a case it is the column alone, by whose statistics Delta leaves out files that cannot have the key.
    """
    column = contract.column(contract.key)
    stored = f"_t.{identifier(column.name)}"
    return f"{column.case}({stored})" if column.case else stored


def _is_quarantined(contract: Contract) -> str:
    """Much as `OrderRecords` tells it: by the value of the key if the row could be split and has one, else by words.

    Which lines of a value are rows is not looked at here: it is of the orders whose keys are words of them.
    """
    value = _key(contract)
    is_keys = f"btrim({_seen(value)}) = _s._key"
    swallowed = f"NOT {IS_WHOLE} AND {_has_key(_OF_LINES)}"
    is_split = f"{value} IS NOT NULL AND ({IS_WHOLE} OR {_VALUES} IS NOT NULL)"
    return f"IF({is_split}, {is_keys} OR {swallowed}, {_has_key(_RAW_TEXT)})"


def _has_key(text: str) -> str:
    """Tell whether the key is a word of a text, where control characters are nothing or divide values."""
    return f"({_seen(text)} RLIKE _s._pattern OR {_seen(text, control=' ')} RLIKE _s._pattern)"


def _seen(text: str, control: str = "") -> str:
    """Write a text as people see it: each space or line end as a blank, and without what nobody sees."""
    blanks = rf"regexp_replace({text}, '{IN_UNICODE}\\r\\n|\\s', ' ')"
    return rf"regexp_replace(regexp_replace({blanks}, '\\p{{Cc}}', '{control}'), '\\p{{Cf}}', '')"


def _told_apart_by(contract: Contract, records: OrderRecords) -> dict[str, str]:
    """Return what rows in quarantine are compared with, in `_is_quarantined`."""
    # Where keys are loaded in one case, they may have been sent in any.
    any_case = "(?i)" if contract.column(contract.key).case else ""
    return {"key": records.key, "pattern": f"{IN_UNICODE}{any_case}{records.pattern}"}

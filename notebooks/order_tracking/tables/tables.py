"""The pipeline's tables and views: their names, their creation on first use, their columns as the contract changes."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import takewhile

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from order_tracking.contract.contract import Contract, is_reserved
from order_tracking.contract.rules import REASONS
from order_tracking.contract.state_order import LAST_ROW, comparable, leading, values
from order_tracking.errors import ContractError, ParameterError
from order_tracking.sql import identifier
from order_tracking.tables.conflicts import alter, why_refused
from order_tracking.tables.folded_files import ledger, ledger_since
from order_tracking.tables.job_log import JOB_LOG_COLUMNS
from order_tracking.tables.versions import as_listed, ensure_properties, properties_of

_JOB_LOG = ", ".join(f"{name} {type_name}" for name, type_name in JOB_LOG_COLUMNS.items())

#: What the job log is clustered by: people, and the ledger, ask for its last days.
BY_TIME = "started_at"

#: Text costs most to collect and tells least: a file's keys are close together, its addresses are not. Delta collects
#: nothing of the other two, and creates no table that asks for it.
_WITHOUT_STATISTICS = ("string", "boolean", "binary")

#: The columns by which Delta skips files; without it, the first 32, whatever they are.
STATISTICS = "delta.dataSkippingStatsColumns"

#: Two merges may each find that a key is missing, and touch no row of one another. Databricks lets both insert it then,
#: row by row, where a table has deletion vectors; at this level one of them fails, and is run again.
ONE_MERGE_AT_A_TIME = {"delta.isolationLevel": "Serializable"}

#: Lets a column get a wider type.
_WIDENED = {"delta.enableTypeWidening": "true"}

#: In the text of the history: the key and the sequence that it was made with.
_COMPARED_BY = re.compile(r"PARTITION BY `(\w+)` ORDER BY _state\.`(\w+)`")

#: The transactions that keep a batch from being written twice; no run is that old.
_TRANSACTIONS_KEPT = {"delta.setTransactionRetentionDuration": "interval 30 days"}


@dataclass(frozen=True)
class Tables:
    """The full names of the tables and views.

    Who asks where an order is reads one schema; what the pipeline needs, and tells of itself, is in another one: to be
    granted the one is not to be granted the other.

    Attributes:
        catalog: The catalog of both schemas.
        schema: The schema of the orders and their history.
        operations_schema: The schema of all the rest.
    """

    catalog: str
    schema: str
    operations_schema: str

    def __post_init__(self) -> None:
        """Refuse one schema for both: who starts a job may give it other parameters than it was deployed with.

        Raises:
            ParameterError: If so. The orders would go where nobody looks for them, and the run would succeed.
        """
        if self.schema.casefold() == self.operations_schema.casefold():
            raise ParameterError(
                f"schema and operations_schema are both {self.schema!r}; run the job as it is deployed"
            )

    @property
    def orders(self) -> str:
        """The current state, one row for each order."""
        return f"{self.of_orders}.orders_table"

    @property
    def history(self) -> str:
        """A view: every state of each order, with the time from and to which it held."""
        return f"{self.of_orders}.orders_history"

    @property
    def stage(self) -> str:
        """Every row that was loaded, and of old ones that say the same the last; the history is made of it."""
        return f"{self.of_operations}.stage_orders_table"

    @property
    def quarantine(self) -> str:
        """Rows that broke a rule, with the reasons."""
        return f"{self.of_operations}.quarantined_orders_table"

    @property
    def job_log(self) -> str:
        """What each task did, in one row, unless it is very large; after a crash a row may be there twice."""
        return f"{self.of_operations}.job_log_table"

    @property
    def folded_files(self) -> str:
        """The file ledger up to a few days ago, which `upkeep` folds out of the job log."""
        return f"{self.of_operations}.folded_files_table"

    @property
    def stored(self) -> tuple[str, ...]:
        """Every table: all that is no view."""
        return self.stage, self.orders, self.quarantine, self.job_log, self.folded_files

    @property
    def runs(self) -> str:
        """The run tracker, a view: each task run once."""
        return f"{self.of_operations}.job_runs_table"

    @property
    def ledger(self) -> str:
        """The file ledger, a view: each file of each batch once, with how far it came."""
        return f"{self.of_operations}.loaded_files_table"

    @property
    def of_orders(self) -> str:
        """The full name of the orders' schema."""
        return identifier(self.catalog, self.schema)

    @property
    def of_operations(self) -> str:
        """The full name of the schema of all the rest."""
        return identifier(self.catalog, self.operations_schema)


def clustered_by(contract: Contract, tables: Tables) -> Mapping[str, str]:
    """Name for each clustered table the column that its rows lie by."""
    by_key = dict.fromkeys((tables.stage, tables.orders), contract.key)
    return {**by_key, tables.job_log: BY_TIME, tables.folded_files: "batch_id"}


def rows_found_by(contract: Contract) -> tuple[str, str]:
    """Name the columns by which rows are looked for in the stage and in the quarantine."""
    return contract.key, "_batch_id"


def create_missing(spark: SparkSession, contract: Contract, tables: Tables) -> tuple[str, ...]:
    """Create what is missing, and let tables and views be as the contract and this version of the code have them.

    Returns:
        What could not be done, and does not stop a run.

    Raises:
        ContractError: If a type of the contract changed into one that cannot hold what is there, or the key or the
            sequence is another column than the one that the orders were compared by.
    """
    # Each run asks, so it asks little: the history is changed last, so where it is as it should be, all else is, too.
    columns_of_history: dict[str, str] = {}
    text_of_history = None
    if spark.catalog.tableExists(tables.history):
        columns_of_history, text_of_history = describe_view(spark, tables.history)
    else:
        create_tables(spark, contract, tables)
    of_stage = _type_names(spark.table(tables.stage).schema)
    added = _added_columns(contract, of_stage)
    wanted = {**_types_of(_typed(contract)), "_sent": "string"}
    has_columns = {**wanted, **{name: of_stage[name] for name in added}}.items() <= columns_of_history.items()
    # A catalog may tell nobody but its owner the text of a view, and nobody else could renew it.
    if has_columns and (text_of_history is None or _made_as(contract, tables, added) in text_of_history):
        return ()
    _follow_contract(spark, contract, tables, wanted, text_of_history)
    return add_columns(spark, contract, tables, added)


def check_dropped(spark: SparkSession, tables: Tables) -> None:
    """Say what to do where somebody dropped the orders, or the stage, and not the other one.

    Raises:
        ContractError: If one is gone while the other has rows.
    """
    for gone, other in ((tables.orders, tables.stage), (tables.stage, tables.orders)):
        if spark.catalog.tableExists(gone) or not spark.catalog.tableExists(other):
            continue
        if not spark.table(other).isEmpty():
            raise ContractError(
                f"{gone} is gone, and {other} has rows of it: UNDROP TABLE brings it back for a week; later, drop "
                f"{other} and the view {tables.history} too, run the load job, and then replay --from archive"
            )


def added_columns(spark: SparkSession, contract: Contract, stage: str) -> tuple[str, ...]:
    """Name the columns that were added to the tables because a file had them."""
    return tuple(added_types(spark, contract, stage))


def added_types(spark: SparkSession, contract: Contract, stage: str) -> dict[str, str]:
    """Tell the types of those columns: text, unless one was the contract's before and was taken out of it."""
    type_names = _type_names(spark.table(stage).schema)
    return {name: type_names[name] for name in _added_columns(contract, type_names)}


def add_columns(spark: SparkSession, contract: Contract, tables: Tables, names: Collection[str]) -> tuple[str, ...]:
    """Add columns to the stage, the orders and the history: as strings, unless the stage has them with another type.

    Returns:
        What could not be done, and does not stop a run.
    """
    columns = {**dict.fromkeys(sorted(names), "string"), **added_types(spark, contract, tables.stage)}
    for table in (tables.stage, tables.orders):
        _add_missing(spark, table, columns)
    return replace_views(spark, contract, tables)


def replace_views(spark: SparkSession, contract: Contract, tables: Tables) -> tuple[str, ...]:
    """Define the views as this version of the code has them, for the columns that the tables have.

    In Unity Catalog only its owner may replace a view, and no load should wait for whoever the jobs ran as before.

    Returns:
        Which views are still as they were, and what to do.
    """
    added = added_columns(spark, contract, tables.stage)
    warnings = (
        *_replace_view(spark, tables.runs, _runs(tables)),
        *_replace_view(spark, tables.ledger, ledger(spark, tables.job_log, tables.folded_files)),
    )
    # Without the mark of this version the next run renews them all, and says which ones it cannot.
    made_as = "" if warnings else _made_as(contract, tables, added)
    return *warnings, *_replace_view(spark, tables.history, _history(contract, tables, added, made_as))


def _replace_view(spark: SparkSession, name: str, query: str) -> tuple[str, ...]:
    try:
        spark.sql(f"CREATE OR REPLACE VIEW {name} AS {query}")
    except PySparkException as error:
        if not spark.catalog.tableExists(name):
            raise
        return (
            f"the view {name} could not be renewed; if it belongs to somebody else, whom the jobs ran as before, "
            f"let its owner or the schema's drop it, and the next upkeep makes it: {why_refused(error)}",
        )
    return ()


def describe_view(spark: SparkSession, view: str) -> tuple[dict[str, str], str | None]:
    """Tell the types of a view's columns, and its text, in one question; None where the text is not told."""
    rows = iter(spark.sql(f"DESCRIBE TABLE EXTENDED {view}").collect())
    columns = {row.col_name: row.data_type for row in takewhile(lambda row: row.col_name, rows)}
    details = {row.col_name: row.data_type for row in rows}
    return columns, details.get("View Text") or None


def _made_as(contract: Contract, tables: Tables, added: tuple[str, ...]) -> str:
    """Tell in a few characters what this version of the code makes of tables and views, to find what another one made.

    Of the ledger that is its text but for the time of the last fold, which is another one each night.
    """
    views = (
        _runs(tables),
        ledger_since(datetime.min, tables.job_log, tables.folded_files),
        _history(contract, tables, added),
    )
    made = (_definitions(contract, tables), *views)
    return hashlib.sha256(repr(made).encode()).hexdigest()[:16]


def _added_columns(contract: Contract, columns: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in columns if name not in contract.names and not is_reserved(name)))


def create_tables(spark: SparkSession, contract: Contract, tables: Tables) -> None:
    """Create the tables that are missing: all of them at first, and later one that somebody dropped.

    Raises:
        ContractError: If the orders are gone while the stage has rows of them, or the other way round. An empty table
            in the place of one would look like one that has them.
    """
    check_dropped(spark, tables)
    for schema in (tables.of_orders, tables.of_operations):
        # Only where nobody made it, as on a laptop: in a workspace the job need not have the right to create one.
        if not spark.catalog.databaseExists(schema):
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for name, definition in _definitions(contract, tables).items():
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} {definition}")


def _follow_contract(
    spark: SparkSession, contract: Contract, tables: Tables, wanted: Mapping[str, str], text_of_history: str | None
) -> None:
    """Add the columns that the contract, or this version of the code, has anew, and widen the contract's types."""
    # First, as it is created first: a run that fails here is told of in it.
    _widen(spark, tables.job_log, _types_of(_JOB_LOG))
    _add_missing(spark, tables.job_log, _types_of(_JOB_LOG))
    # An added column would be NULL in the orders that are there, and another one may make two of them the same. The
    # history tells which columns they were compared by, whatever columns they have.
    by, columns = (contract.key, contract.sequence), spark.table(tables.orders).columns
    before = _COMPARED_BY.search(text_of_history or "")
    if not set(by) <= set(columns) or (before and before.groups() != by):
        raise ContractError(
            f"the contract has {by[0]} as the key and {by[1]} as the sequence, by which the orders in {tables.orders} "
            "were not told apart and put in order so far, so new ones could not be compared with them; keep both "
            "columns and their names, and let what headers call them be an alias"
        )
    # Types first: a contract that is refused for one leaves no column behind. The stage before the orders: a merge has
    # to find all their columns in it, and one that it alone has lets the next run, of any version, go on here.
    for table in (tables.stage, tables.orders):
        _widen(spark, table, wanted)
    _add_missing(spark, tables.stage, {**wanted, "_row_id": "bigint"})
    _add_missing(spark, tables.orders, wanted)
    _add_missing(spark, tables.quarantine, dict.fromkeys(contract.names, "string"))
    ensure_properties(spark, tables.orders, ONE_MERGE_AT_A_TIME, properties_of(spark, tables.orders))


def _add_missing(spark: SparkSession, table: str, wanted: Mapping[str, str]) -> None:
    present = spark.table(table).columns
    missing = [f"{identifier(name)} {type_name}" for name, type_name in wanted.items() if name not in present]
    if missing:
        alter(spark, table, f"ADD COLUMNS ({', '.join(missing)})")


def _widen(spark: SparkSession, table: str, wanted: Mapping[str, str]) -> None:
    """Widen the types that are others, all of them or none."""
    present = _type_names(spark.table(table).schema)
    others = [
        (name, present[name], type_name)
        for name, type_name in wanted.items()
        if present.get(name, type_name) != type_name and not present[name].startswith("array")
    ]
    if not others:
        return
    changes = ", ".join(f"{identifier(name)} TYPE {to_type}" for name, _, to_type in others)
    try:
        ensure_properties(spark, table, _WIDENED, properties_of(spark, table))
        alter(spark, table, f"ALTER COLUMN {changes}")
    except AnalysisException as error:
        said = "; and that ".join(
            f"{name} is {to_type}, but {table} has it as {from_type}" for name, from_type, to_type in others
        )
        raise ContractError(
            f"the contract says that {said}. A type can only be widened to some that hold all its values, and that is "
            "never taken back: let the contract say what the table has, or give the column a new name"
        ) from error


def _typed(contract: Contract) -> str:
    return ", ".join(f"{identifier(column.name)} {column.type}" for column in contract.columns)


@cache
def _types_of(columns: str) -> dict[str, str]:
    """Write each column's type as Spark does; kept, since Spark Connect asks the server for it."""
    schema = StructType.fromDDL(columns)
    assert isinstance(schema, StructType)
    return _type_names(schema)


def _type_names(schema: StructType) -> dict[str, str]:
    return {field.name: field.dataType.simpleString() for field in schema}


def _definitions(contract: Contract, tables: Tables) -> Mapping[str, str]:
    typed, key = _typed(contract), contract.key
    columns = {table: identifier(column) for table, column in clustered_by(contract, tables).items()}
    as_text = ", ".join(f"{identifier(name)} STRING" for name in contract.names)
    with_statistics = [
        each.name for each in contract.columns if each.name == key or each.type not in _WITHOUT_STATISTICS
    ]
    return {
        # First, so that a run that cannot create one of the others is told of in it.
        tables.job_log: f"({_JOB_LOG}) USING DELTA CLUSTER BY ({columns[tables.job_log]}) "
        f"{_statistics_of('run_id', BY_TIME)}",
        # By key, as the history asks for it. A merge finds its batches by the statistics of the files: each is of one
        # batch until they are optimized, and then of old ones only.
        tables.stage: f"({typed}, _source_file STRING, _ingested_at TIMESTAMP, _batch_id STRING, _sent STRING, "
        f"_row_id BIGINT) USING DELTA CLUSTER BY ({columns[tables.stage]}) {_statistics_of(*rows_found_by(contract))}",
        # A merge finds an order's file by its key.
        tables.orders: f"({typed}, _source_file STRING, _batch_id STRING, _sent STRING) "
        f"USING DELTA CLUSTER BY ({columns[tables.orders]}) "
        f"{_statistics_of(*with_statistics, properties=ONE_MERGE_AT_A_TIME)}",
        tables.quarantine: f"({as_text}, raw_row STRING, "
        f"reasons {REASONS}, _source_file STRING, "
        "_row_number BIGINT, _batch_id STRING, _quarantined_at TIMESTAMP) USING DELTA "
        f"{_statistics_of(*rows_found_by(contract), properties=_TRANSACTIONS_KEPT)}",
    }


def _statistics_of(*columns: str, properties: Mapping[str, str] | None = None) -> str:
    """Have Delta skip files by these columns only: to collect what skips no file costs a tenth of a small run."""
    return f"TBLPROPERTIES ({as_listed({STATISTICS: ','.join(columns), **(properties or {})})})"


def _runs(tables: Tables) -> str:
    # A record is appended at least once; its copies are the same in every column. What is older than its order's state
    # is no late delivery, as its first name would have people believe.
    return f"SELECT DISTINCT * EXCEPT (files, rows_late), rows_late AS rows_outdated FROM {tables.job_log}"


def _history(contract: Contract, tables: Tables, added: tuple[str, ...], made_as: str = "") -> str:
    key, sequence = identifier(contract.key), identifier(contract.sequence)
    state = values(contract, added)
    columns = ", ".join(map(identifier, (*contract.names, *added)))
    compared = comparable(contract, added)
    # The greatest state of each time, as in the merge. What is staged and not merged yet is left out where it is newer
    # than the order, so the current state is that of the orders table at any moment: it comes last of the rows of its
    # file. It is the last view to be made: that it is there, with all columns and with the mark of this version, tells
    # that nothing is missing. The mark is a comment within the query, which is part of the view's text wherever that is
    # kept.
    return f"""
        SELECT /* made as {made_as} */ {columns}, {sequence} AS valid_from, valid_to,
               valid_to IS NULL AS is_current, _batch_id, _sent
        FROM (
            SELECT {key}, _state.*,
                   lead(_state.{sequence}) OVER (PARTITION BY {key} ORDER BY _state.{sequence}) AS valid_to
            FROM (
                SELECT {key}, max_by(struct({state}, _batch_id, _sent),
                                     struct({leading(contract)}, _row_id, {state})) AS _state
                FROM (
                    SELECT *, max(_current) OVER (PARTITION BY {key}) AS _newest
                    FROM (
                        SELECT {key}, {state}, _batch_id, _sent, coalesce(_row_id, -1) AS _row_id,
                               {compared} AS _this, NULL AS _current
                        FROM {tables.stage}
                        UNION ALL
                        SELECT {key}, {state}, _batch_id, _sent, {LAST_ROW}, {compared}, {compared}
                        FROM {tables.orders}
                    )
                )
                WHERE _this <= _newest
                GROUP BY {key}, {sequence}
            )
        )"""

"""The pipeline's tables and views: their names, their creation on first use, their columns as the contract changes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from order_tracking.contract.contract import Contract, is_reserved
from order_tracking.contract.rules import REASONS
from order_tracking.contract.state_order import LAST_ROW, comparable, leading, values
from order_tracking.errors import ContractError
from order_tracking.sql import identifier
from order_tracking.tables.conflicts import alter, why_refused
from order_tracking.tables.folded_files import ledger
from order_tracking.tables.job_log import JOB_LOG_COLUMNS
from order_tracking.tables.versions import set_properties

_JOB_LOG = ", ".join(f"{name} {type_name}" for name, type_name in JOB_LOG_COLUMNS.items())

#: What the job log is clustered by: people, and the ledger, ask for its last days.
BY_TIME = "started_at"

#: Two merges may each find that a key is missing, and touch no row of one another. Databricks lets both insert it then,
#: row by row, where a table has deletion vectors; at this level one of them fails, and is run again.
ONE_MERGE_AT_A_TIME = "'delta.isolationLevel' = 'Serializable'"


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
        """What each task did, in one row; after a crash a row may be there twice."""
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


def create_missing(spark: SparkSession, contract: Contract, tables: Tables) -> tuple[str, ...]:
    """Create what is missing, and let tables and views have the columns of the contract.

    Returns:
        What could not be done, and does not stop a run.

    Raises:
        ContractError: If a type of the contract changed into one that cannot hold what is there.
    """
    # Each run asks, so it asks little: the history is changed last, so where it is as it should be, all else is, too.
    columns_of_history = {}
    if spark.catalog.tableExists(tables.history):
        described = spark.sql(f"DESCRIBE TABLE {tables.history}").collect()
        columns_of_history = {row.col_name: row.data_type for row in described}
    else:
        _create_tables(spark, contract, tables)
    of_stage = _type_names(spark.table(tables.stage).schema)
    added = _added_columns(contract, of_stage)
    wanted = {**_types_of(_typed(contract)), "_sent": "string"}
    if {**wanted, **{name: of_stage[name] for name in added}}.items() <= columns_of_history.items():
        return ()
    _follow_contract(spark, contract, tables, wanted)
    return add_columns(spark, contract, tables, added)


def added_columns(spark: SparkSession, contract: Contract, stage: str) -> tuple[str, ...]:
    """Name the columns that were added to the tables because a file had them."""
    return tuple(added_types(spark, contract, stage))


def added_types(spark: SparkSession, contract: Contract, stage: str) -> dict[str, str]:
    """Tell the types of those columns: text, unless one was the contract's before and was taken out of it."""
    type_names = _type_names(spark.table(stage).schema)
    return {name: type_names[name] for name in _added_columns(contract, type_names)}


def add_columns(spark: SparkSession, contract: Contract, tables: Tables, names: Collection[str]) -> tuple[str, ...]:
    """Add columns, as strings, to the stage, the orders and the history.

    Returns:
        What could not be done, and does not stop a run.
    """
    for table in (tables.stage, tables.orders):
        missing = sorted(set(names) - set(spark.table(table).columns))
        if missing:
            columns = ", ".join(f"{identifier(name)} STRING" for name in missing)
            alter(spark, table, f"ADD COLUMNS ({columns})")
    return replace_views(spark, contract, tables)


def replace_views(spark: SparkSession, contract: Contract, tables: Tables) -> tuple[str, ...]:
    """Define the views as this version of the code has them, for the columns that the tables have.

    In Unity Catalog only its owner may replace a view, and no load should wait for whoever the jobs ran as before.

    Returns:
        Which views are still as they were, and what to do.
    """
    warnings = []
    added = added_columns(spark, contract, tables.stage)
    views = _views(contract, tables, added, ledger(spark, tables.job_log, tables.folded_files))
    for name, query in views.items():
        try:
            spark.sql(f"CREATE OR REPLACE VIEW {name} AS {query}")
        except PySparkException as error:
            if not spark.catalog.tableExists(name):
                raise
            warnings.append(
                f"the view {name} could not be renewed; if it belongs to somebody else, whom the jobs ran as before, "
                f"let its owner or the schema's drop it, and the next upkeep makes it: {why_refused(error)}"
            )
    return tuple(warnings)


def _added_columns(contract: Contract, columns: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in columns if name not in contract.names and not is_reserved(name)))


def _create_tables(spark: SparkSession, contract: Contract, tables: Tables) -> None:
    for schema in (tables.of_orders, tables.of_operations):
        # Only where nobody made it, as on a laptop: in a workspace the job need not have the right to create one.
        if not spark.catalog.databaseExists(schema):
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for name, definition in _definitions(contract, tables).items():
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} {definition}")


def _follow_contract(spark: SparkSession, contract: Contract, tables: Tables, wanted: Mapping[str, str]) -> None:
    """Add the columns that the contract, or this version of the code, has anew, and widen the contract's types."""
    _follow(spark, tables.orders, wanted)
    _follow(spark, tables.stage, {**wanted, "_row_id": "bigint"})
    _follow(spark, tables.quarantine, dict.fromkeys(contract.names, "string"))
    _follow(spark, tables.job_log, _types_of(_JOB_LOG))
    alter(spark, tables.orders, f"SET TBLPROPERTIES ({ONE_MERGE_AT_A_TIME})")


def _follow(spark: SparkSession, table: str, wanted: Mapping[str, str]) -> None:
    present = _type_names(spark.table(table).schema)
    for name, type_name in wanted.items():
        if name not in present:
            alter(spark, table, f"ADD COLUMNS ({identifier(name)} {type_name})")
        elif present[name] != type_name and not present[name].startswith("array"):
            _widen(spark, table, name, present[name], type_name)


def _widen(spark: SparkSession, table: str, column: str, from_type: str, to_type: str) -> None:
    try:
        set_properties(spark, table, {"delta.enableTypeWidening": "true"})
        alter(spark, table, f"ALTER COLUMN {identifier(column)} TYPE {to_type}")
    except AnalysisException as error:
        raise ContractError(
            f"the contract says that {column} is {to_type}, but {table} has it as {from_type}, which cannot be widened "
            "to that; give the column a new name, or its old type"
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
    not_text = [each.name for each in contract.columns if each.name == key or each.type.lower() != "string"]
    return {
        # By key, as the history asks for it. A merge finds its batches by the statistics of the files: each is of one
        # batch until they are optimized, and then of old ones only.
        tables.stage: f"({typed}, _source_file STRING, _ingested_at TIMESTAMP, _batch_id STRING, _sent STRING, "
        f"_row_id BIGINT) USING DELTA CLUSTER BY ({columns[tables.stage]}) {_statistics_of(key, '_batch_id')}",
        # A merge finds an order's file by its key. Text costs most to collect and tells least: a file's keys are close
        # together, its addresses are not.
        tables.orders: f"({typed}, _source_file STRING, _batch_id STRING, _sent STRING) "
        f"USING DELTA CLUSTER BY ({columns[tables.orders]}) "
        f"{_statistics_of(*not_text, properties=ONE_MERGE_AT_A_TIME)}",
        tables.quarantine: f"({as_text}, raw_row STRING, "
        f"reasons {REASONS}, _source_file STRING, "
        "_row_number BIGINT, _batch_id STRING, _quarantined_at TIMESTAMP) USING DELTA "
        # The transactions that keep a batch from being written twice; no run is that old.
        "TBLPROPERTIES ('delta.setTransactionRetentionDuration' = 'interval 30 days')",
        tables.job_log: f"({_JOB_LOG}) USING DELTA CLUSTER BY ({columns[tables.job_log]}) "
        f"{_statistics_of('run_id', BY_TIME)}",
    }


def _statistics_of(*columns: str, properties: str = "") -> str:
    """Have Delta skip files by these columns only: to collect what skips no file costs a tenth of a small run."""
    statistics = f"'delta.dataSkippingStatsColumns' = '{','.join(columns)}'"
    return f"TBLPROPERTIES ({', '.join([statistics, *([properties] if properties else [])])})"


def _views(contract: Contract, tables: Tables, added: tuple[str, ...], ledger: str) -> Mapping[str, str]:
    key, sequence = identifier(contract.key), identifier(contract.sequence)
    state = values(contract, added)
    columns = ", ".join(map(identifier, (*contract.names, *added)))
    compared = comparable(contract, added)
    return {
        # A record is appended at least once; its copies are the same in every column. What is older than its order's
        # state is no late delivery, as its first name would have people believe.
        tables.runs: f"SELECT DISTINCT * EXCEPT (files, rows_late), rows_late AS rows_outdated FROM {tables.job_log}",
        tables.ledger: ledger,
        # The greatest state of each time, as in the merge. What is staged and not merged yet is left out where it is
        # newer than the order, so the current state is that of the orders table at any moment: it comes last of the
        # rows of its file. It is the last view to be made: that it is there, with all columns, tells that nothing is
        # missing.
        tables.history: f"""
            SELECT {columns}, {sequence} AS valid_from, valid_to, valid_to IS NULL AS is_current, _batch_id, _sent
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
            )""",
    }

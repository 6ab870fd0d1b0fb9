"""The pipeline's tables and views: their names, their creation on first use, their columns as the contract changes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from order_tracking.contract import COLUMNS, KEY, SEQUENCE, precedence

_CONTRACT = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
_CONTRACT_AS_TEXT = ", ".join(f"{column.name} STRING" for column in COLUMNS)

JOB_LOG_SCHEMA = (
    "record_id STRING, run_id STRING, task STRING, status STRING, started_at TIMESTAMP, ended_at TIMESTAMP, "
    "batch_ids ARRAY<STRING>, files_loaded BIGINT, files_rejected BIGINT, rows_read BIGINT, rows_staged BIGINT, "
    "rows_quarantined BIGINT, rows_rejected BIGINT, rows_inserted BIGINT, rows_updated BIGINT, rows_unchanged BIGINT, "
    "rows_late BIGINT, steps ARRAY<STRUCT<name: STRING, seconds: DOUBLE>>, warnings ARRAY<STRING>, error STRING, "
    "files ARRAY<STRUCT<batch_id: STRING, path: STRING, state: STRING, file_id: STRING, size_bytes: BIGINT, "
    "modified_at: TIMESTAMP, reason: STRING, unknown_columns: ARRAY<STRING>, moved_to: STRING, rows_read: BIGINT, "
    "rows_staged: BIGINT, rows_quarantined: BIGINT>>"
)


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
        """Every row that was loaded, whether it is merged or not; the history is made of it."""
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
        return f"`{self.catalog}`.`{self.schema}`"

    @property
    def of_operations(self) -> str:
        """The full name of the schema of all the rest."""
        return f"`{self.catalog}`.`{self.operations_schema}`"


def create_missing(spark: SparkSession, tables: Tables) -> None:
    """Create what is missing, and let tables and views have the columns of the contract.

    Raises:
        ValueError: If a type of the contract changed into one that cannot hold what is there.
    """
    # Each run asks, so it asks little: the history is changed last, so where it is as it should be, all else is, too.
    columns_of_history = {}
    if spark.catalog.tableExists(tables.history):
        described = spark.sql(f"DESCRIBE TABLE {tables.history}").collect()
        columns_of_history = {row.col_name: row.data_type for row in described}
    else:
        _create_tables(spark, tables)
    of_stage = _type_names(spark.table(tables.stage).schema)
    added = _added_columns(of_stage)
    wanted = _types_of(", ".join(f"{column.name} {column.type}" for column in COLUMNS))
    if {**wanted, **{name: of_stage[name] for name in added}}.items() <= columns_of_history.items():
        return
    _follow_contract(spark, tables, wanted)
    add_columns(spark, tables, added)


def added_columns(spark: SparkSession, stage: str) -> tuple[str, ...]:
    """Name the columns that were added to the tables because a file had them."""
    return _added_columns(spark.table(stage).columns)


def add_columns(spark: SparkSession, tables: Tables, names: Collection[str]) -> None:
    """Add columns, as strings, to the stage, the orders and the history."""
    for table in (tables.stage, tables.orders):
        missing = sorted(set(names) - set(spark.table(table).columns))
        if missing:
            columns = ", ".join(f"`{name}` STRING" for name in missing)
            spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({columns})")
    replace_views(spark, tables)


def replace_views(spark: SparkSession, tables: Tables) -> None:
    """Define the views as this version of the code has them, for the columns that the tables have."""
    for name, query in _views(tables, _added_columns(spark.table(tables.stage).columns)).items():
        spark.sql(f"CREATE OR REPLACE VIEW {name} AS {query}")


def _added_columns(columns: Collection[str]) -> tuple[str, ...]:
    contract = {column.name for column in COLUMNS}
    return tuple(sorted(name for name in columns if name not in contract and not name.startswith("_")))


def _create_tables(spark: SparkSession, tables: Tables) -> None:
    for schema in (tables.of_orders, tables.of_operations):
        # Only where nobody made it, as on a laptop: in a workspace the job need not have the right to create one.
        if not spark.catalog.databaseExists(schema):
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for name, definition in _definitions(tables).items():
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} {definition}")


def _follow_contract(spark: SparkSession, tables: Tables, wanted: Mapping[str, str]) -> None:
    """Add the contract's new columns and widen its types."""
    for table in (tables.orders, tables.stage):
        present = _type_names(spark.table(table).schema)
        for name, type_name in wanted.items():
            if name not in present:
                spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({name} {type_name})")
            elif present[name] != type_name:
                _widen(spark, table, name, present[name], type_name)


def _widen(spark: SparkSession, table: str, column: str, from_type: str, to_type: str) -> None:
    try:
        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')")
        spark.sql(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {to_type}")
    except AnalysisException as error:
        raise ValueError(
            f"the contract says that {column} is {to_type}, but {table} has it as {from_type}, which cannot be widened "
            "to that; give the column a new name, or its old type"
        ) from error


@cache
def _types_of(columns: str) -> dict[str, str]:
    """Write each column's type as Spark does; kept, since Spark Connect asks the server for it."""
    schema = StructType.fromDDL(columns)
    assert isinstance(schema, StructType)
    return _type_names(schema)


def _type_names(schema: StructType) -> dict[str, str]:
    return {field.name: field.dataType.simpleString() for field in schema}


def _definitions(tables: Tables) -> Mapping[str, str]:
    return {
        # By key, as the history asks for it. A merge finds its batches by the statistics of the files: each is of one
        # batch until they are optimized, and then of old ones only.
        tables.stage: f"({_CONTRACT}, _source_file STRING, _ingested_at TIMESTAMP, _batch_id STRING) "
        f"USING DELTA CLUSTER BY ({KEY}) {_statistics_of(KEY, '_batch_id')}",
        # A merge finds an order's file by its key.
        tables.orders: f"({_CONTRACT}, _source_file STRING, _batch_id STRING) USING DELTA CLUSTER BY ({KEY}) "
        # Text costs most to collect and tells least: a file's keys are close together, its addresses are not.
        + _statistics_of(*(each.name for each in COLUMNS if each.name == KEY or each.type.lower() != "string")),
        tables.quarantine: f"({_CONTRACT_AS_TEXT}, raw_row STRING, "
        "reasons ARRAY<STRUCT<column: STRING, rule: STRING, message: STRING>>, _source_file STRING, "
        "_row_number BIGINT, _batch_id STRING, _quarantined_at TIMESTAMP) USING DELTA "
        # The transactions that keep a batch from being written twice; no run is that old.
        "TBLPROPERTIES ('delta.setTransactionRetentionDuration' = 'interval 30 days')",
        tables.job_log: f"({JOB_LOG_SCHEMA}) USING DELTA {_statistics_of('run_id', 'started_at')}",
    }


def _statistics_of(*columns: str) -> str:
    """Have Delta skip files by these columns only: to collect what skips no file costs a tenth of a small run."""
    return f"TBLPROPERTIES ('delta.dataSkippingStatsColumns' = '{','.join(columns)}')"


def _views(tables: Tables, added: tuple[str, ...]) -> Mapping[str, str]:
    state = ", ".join(f"`{name}`" for name in precedence(added))
    columns = ", ".join(f"`{name}`" for name in (*(column.name for column in COLUMNS), *added))
    return {
        # A record is appended at least once; its copies are the same in every column.
        tables.runs: f"SELECT DISTINCT * EXCEPT (files) FROM {tables.job_log}",
        tables.ledger: f"""
            SELECT last.path, last.state, last.batch_id, last.file_id, last.size_bytes, last.modified_at, last.reason,
                   last.unknown_columns, last.moved_to, last.rows_read, last.rows_staged, last.rows_quarantined,
                   first_run_id AS run_id, occurred_at
            FROM (
                SELECT max(struct(array_position(array('DROPPED', 'REJECTED', 'STAGED', 'MERGED'), file.state) AS rank,
                                  file.*)) AS last,
                       min(run_id) AS first_run_id, max(ended_at) AS occurred_at
                FROM (SELECT run_id, ended_at, explode(files) AS file FROM {tables.job_log})
                GROUP BY file.batch_id, file.path
            )""",
        # The greatest state of each time, as in the merge. What is staged and not merged yet is left out where it is
        # newer than the order, so the current state is that of the orders table at any moment.
        # It is the last to be made: that it is there, with all columns, tells that nothing is missing.
        tables.history: f"""
            SELECT {columns}, {SEQUENCE} AS valid_from, valid_to, valid_to IS NULL AS is_current, _batch_id
            FROM (
                SELECT {KEY}, state.*,
                       lead(state.{SEQUENCE}) OVER (PARTITION BY {KEY} ORDER BY state.{SEQUENCE}) AS valid_to
                FROM (
                    SELECT {KEY}, max(struct({state}, _batch_id)) AS state
                    FROM (
                        SELECT *, max(current) OVER (PARTITION BY {KEY}) AS newest
                        FROM (
                            SELECT {KEY}, {state}, _batch_id, struct({state}) AS this, NULL AS current
                            FROM {tables.stage}
                            UNION ALL
                            SELECT {KEY}, {state}, _batch_id, struct({state}), struct({state})
                            FROM {tables.orders}
                        )
                    )
                    WHERE this <= newest
                    GROUP BY {KEY}, {SEQUENCE}
                )
            )""",
    }

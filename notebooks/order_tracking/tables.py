"""The pipeline's tables: their names, and their creation on first use."""

from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from order_tracking.contract import COLUMNS, KEY

_CONTRACT = ", ".join(f"{column.name} {column.type}" for column in COLUMNS)
_CONTRACT_AS_TEXT = ", ".join(f"{column.name} STRING" for column in COLUMNS)

LEDGER_SCHEMA = (
    "file_id STRING, path STRING, size_bytes BIGINT, modified_at TIMESTAMP, state STRING, batch_id STRING, "
    "run_id STRING, occurred_at TIMESTAMP, reason STRING, unknown_columns ARRAY<STRING>, moved_to STRING, "
    "rows_read BIGINT, rows_staged BIGINT, rows_quarantined BIGINT, first_key STRING, last_key STRING"
)


@dataclass(frozen=True)
class Tables:
    """The full names of the tables in one schema."""

    schema: str

    @property
    def stage(self) -> str:
        """Rows that were read and not yet merged, and the last merged batches."""
        return f"{self.schema}.stage_orders_table"

    @property
    def orders(self) -> str:
        """The current state, one row for each order."""
        return f"{self.schema}.orders_table"

    @property
    def quarantine(self) -> str:
        """Rows that broke a rule, with the reasons."""
        return f"{self.schema}.quarantined_orders_table"

    @property
    def ledger(self) -> str:
        """Each file's way, one row for each step."""
        return f"{self.schema}.loaded_files_table"


def open_tables(spark: SparkSession, catalog: str, schema: str) -> Tables:
    """Return the tables in `catalog`.`schema`, created where they are missing."""
    tables = Tables(f"`{catalog}`.`{schema}`")
    definitions = _definitions(tables)
    present = _present_tables(spark, tables.schema)
    for name, definition in definitions.items():
        if name.rsplit(".", 1)[1] not in present:
            spark.sql(f"CREATE TABLE IF NOT EXISTS {name} {definition}")
    return tables


def _present_tables(spark: SparkSession, schema: str) -> set[str]:
    try:
        return {row.tableName for row in spark.sql(f"SHOW TABLES IN {schema}").collect()}
    except AnalysisException as error:
        if error.getCondition() != "SCHEMA_NOT_FOUND":
            raise
    # Only where nobody made the schema, as on a laptop: in a workspace the job need not have the right to create one.
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    return set()


def _definitions(tables: Tables) -> dict[str, str]:
    return {
        # By batch, so that one commit replaces the merged batches with the new one and reads no row of them.
        tables.stage: f"({_CONTRACT}, _source_file STRING, _ingested_at TIMESTAMP, _batch_id STRING) "
        "USING DELTA PARTITIONED BY (_batch_id)",
        # A merge finds an order's file by its key.
        tables.orders: f"({_CONTRACT}, _source_file STRING, _batch_id STRING) USING DELTA CLUSTER BY ({KEY})",
        tables.quarantine: f"({_CONTRACT_AS_TEXT}, raw_row STRING, "
        "reasons ARRAY<STRUCT<column: STRING, rule: STRING, message: STRING>>, _source_file STRING, "
        "_row_number BIGINT, _batch_id STRING, _quarantined_at TIMESTAMP) USING DELTA",
        # Each run adds a few tiny files.
        tables.ledger: f"({LEDGER_SCHEMA}) USING DELTA TBLPROPERTIES ('delta.autoOptimize.autoCompact' = 'true')",
    }

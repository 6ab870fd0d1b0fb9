"""The Spark session of a laptop: one machine, Delta Lake, tables in a folder."""

import os
import sys
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

#: A view's query, in the folder of its schema beside the tables.
_VIEW = ".view.sql"


def create_spark_session(tables_directory: Path) -> SparkSession:
    """Start (or return) the session whose managed tables live in `tables_directory`.

    The Delta jars are the ones that the set-up left beside this Python environment, so nothing is downloaded here.
    """
    jars = sorted((Path(sys.prefix) / "jars").glob("*.jar"))
    cores = os.cpu_count() or 1
    settings = {
        "spark.master": "local[*]",
        "spark.app.name": "order-tracking",
        "spark.jars": ",".join(map(str, jars)),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": str(tables_directory),
        # The workspace's default; a laptop's own zone would shift every timestamp that is read or shown.
        "spark.sql.session.timeZone": "UTC",
        # Sized for one machine; the defaults (200 and 50 tasks) are for a cluster and cost seconds on small tables.
        "spark.sql.shuffle.partitions": str(cores),
        "spark.databricks.delta.snapshotPartitions": "1",
        # As many tasks list the files of a VACUUM; the default is 10,000, which takes longer than all the rest.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(cores),
        # A run compiles more classes than the 100 that are kept, and the next run would compile them all again.
        "spark.sql.codegen.cache.maxEntries": "1000",
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def register_tables(spark: SparkSession, tables_directory: Path) -> None:
    """Tell Spark's in-memory catalog, which forgets between processes, what tables and views there are."""
    for schema_directory in sorted(tables_directory.glob("*.db")):
        schema = schema_directory.name.removesuffix(".db")
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{schema}`")
        for log in sorted(schema_directory.glob("*/_delta_log")):
            if any(log.glob("*.json")):
                location = log.parent
                spark.sql(f"CREATE TABLE IF NOT EXISTS `{schema}`.`{location.name}` USING delta LOCATION '{location}'")
    for schema_directory in sorted(tables_directory.glob("*.db")):  # A view may be of tables in any schema.
        schema = schema_directory.name.removesuffix(".db")
        for file in sorted(schema_directory.glob(f"*{_VIEW}")):
            view = f"`{schema}`.`{file.name.removesuffix(_VIEW)}`"
            try:
                spark.sql(f"CREATE OR REPLACE VIEW {view} AS {file.read_text(encoding='utf-8')}")
            except PySparkException as error:
                # No reason to refuse to work: the job makes the views that are missing.
                print(f"the view {view} could not be made again: {error}", file=sys.stderr)


def save_views(spark: SparkSession, tables_directory: Path) -> None:
    """Keep the query of each new or changed view beside the tables, for `register_tables`.

    A query must name its tables in full: the schema that was current when the view was made is not kept.
    """
    for schema_directory in sorted(tables_directory.glob("*.db")):
        schema = schema_directory.name.removesuffix(".db")
        for view in spark.sql(f"SHOW VIEWS IN `{schema}`").collect():
            if view.isTemporary:
                continue
            description = spark.sql(f"DESCRIBE TABLE EXTENDED `{schema}`.`{view.viewName}`").collect()
            query = next(row.data_type for row in description if row.col_name == "View Text")
            file = schema_directory / f"{view.viewName}{_VIEW}"
            if not file.exists() or file.read_text(encoding="utf-8") != query:
                unfinished = file.with_suffix(".tmp")
                unfinished.write_text(query, encoding="utf-8")
                unfinished.replace(file)

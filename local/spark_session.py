"""The Spark session of a laptop: one machine, Delta Lake, tables in a folder."""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession


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
    """Tell Spark's in-memory catalog, which forgets between processes, of the Delta tables in `tables_directory`."""
    for schema_directory in sorted(tables_directory.glob("*.db")):
        schema = schema_directory.name.removesuffix(".db")
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{schema}`")
        for log in sorted(schema_directory.glob("*/_delta_log")):
            if any(log.glob("*.json")):
                location = log.parent
                spark.sql(f"CREATE TABLE IF NOT EXISTS `{schema}`.`{location.name}` USING delta LOCATION '{location}'")

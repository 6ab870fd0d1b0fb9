"""Spark on a laptop: one machine, Delta Lake, tables in a folder."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

#: A view's query, in the folder of its schema beside the tables.
_VIEW = ".view.sql"

#: The schema that is current in a new session.
_DEFAULT_SCHEMA = "spark_catalog.default"

#: What the file of a view has: the schema whose tables its query may call by their bare names, where that is another
#: one than the default, and the query.
_VIEW_FILE = re.compile(r"(?:-- made in (?P<schema>[^\n]*)\n)?(?P<query>.*)", re.DOTALL)

#: The Delta jars, which the set-up left beside this Python environment. Java compares paths as they are written.
_JARS = (Path(sys.prefix) / "jars").resolve()

#: What Java has loaded once, in a form in which it need not be read and verified again; `archive_classes.py` makes it.
CLASS_ARCHIVE = _JARS / "classes.jsa"

#: As many as cores, which start at once, but few: a merge writes as many files, however few rows it has.
_TASKS = str(min(os.cpu_count() or 1, 4))

#: What every Spark of this project is started with, whatever it is for.
SETTINGS: Mapping[str, str] = {
    "spark.master": "local[*]",
    "spark.app.name": "order-tracking",
    # Not as `spark.jars`, which copies them at each start and loads them in a way that the archive cannot hold.
    "spark.driver.extraClassPath": ":".join(map(str, sorted(_JARS.glob("*.jar")))),
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # The workspace's default; a laptop's own zone would shift every timestamp that is read or shown.
    "spark.sql.session.timeZone": "UTC",
    # Sized for one machine; the defaults (200 and 50 tasks) are for a cluster and cost seconds on small tables.
    "spark.sql.shuffle.partitions": _TASKS,
    "spark.databricks.delta.snapshotPartitions": "1",
    # For Java processes that each have a folder of tables to themselves. The other one, for shared file systems, starts
    # a program of the machine's for each path that it looks at, four times for each file that it writes.
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    # What is clustered by key is written in that order as well: to look one key up reads some pages, and not the file.
    "spark.databricks.io.skipping.mdc.sortWithinFiles": "true",
    # A list of files that this version of Delta writes with each commit and only ever compares with the table, which it
    # does after each commit where the machine's time zone is not UTC: 4 of the 20 Spark jobs of a small run.
    "spark.databricks.delta.allFilesInCrc.enabled": "false",
    # In the form that Spark skips rows by. Its default is an old one, without statistics.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Plan a query once. To plan it anew after each stage pays where many tasks can be divided or joined. Here are few,
    # and each question of Delta to its own logs would be three Spark jobs instead of one.
    "spark.sql.adaptive.enabled": "false",
    # As many tasks list the files of a VACUUM; the default is 10,000, which takes longer than all the rest.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": _TASKS,
    # A run compiles more classes than the 100 that are kept, and the next run would compile them all again.
    "spark.sql.codegen.cache.maxEntries": "1000",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Other people of this machine can reach its ports on loopback, but not without a secret that Spark makes up.
    "spark.authenticate": "true",
    "spark.ui.enabled": "false",
    # Each query's plan is written out for that page all the same. The form that is the default takes the longest.
    "spark.sql.ui.explainMode": "simple",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # Tasks tell how many rows they have read with each of these, which people see; the default is 10 seconds.
    "spark.executor.heartbeatInterval": "2s",
}

#: For the process that starts Java. Spark asks for the address of this machine's name, which has none where only a
#: network knew it that is not there now; with these it does not ask.
LOOPBACK: Mapping[str, str] = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}

#: For the process that makes a SparkContext. Workers need the version of Python that this one has, and PySpark would
#: start them with whatever `python3` is on the path.
WORKERS: Mapping[str, str] = {"PYSPARK_PYTHON": sys.executable}

#: Java takes an archive that does not fit for none, and must say nothing about it.
_ARCHIVE_OPTIONS = f'"-XX:SharedArchiveFile={CLASS_ARCHIVE}" -Xlog:cds=off -Xlog:cds+dynamic=off'

#: For every Java: another vendor's may not know these, and works without them. Performance data would be a file in the
#: machine's folder for temporary files. The parallel collector leaves a fifth more of the processor to Spark, since it
#: keeps no books on each reference that is set, and planning a query sets many.
JAVA_OPTIONS = f"-XX:+IgnoreUnrecognizedVMOptions -XX:-UsePerfData -XX:+UseParallelGC {_ARCHIVE_OPTIONS}"

#: To compile once more, and better, what is used often costs more than it gains in commands that take seconds: it is
#: half of a cold start. See docs/decisions/warm-spark.md for what it gains in hours of work. Java would keep a fifth of
#: its usual room for compiled code then. Spark fills that within minutes, after which Java drops and compiles it again.
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"


def create_spark_session(tables_directory: Path, java_options: str = JAVA_OPTIONS) -> SparkSession:
    """Start (or return) a session of this process's own, whose managed tables live in `tables_directory`."""
    os.environ.update({**LOOPBACK, **WORKERS})
    builder = SparkSession.builder.config("spark.sql.warehouse.dir", str(tables_directory))
    for name, value in {**SETTINGS, "spark.driver.extraJavaOptions": java_options}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def tables_on_disk(tables_directory: Path) -> dict[str, tuple[int, int]]:
    """What tells whether tables or views were changed, or replaced by others: their identity and time on the disk."""
    paths = [*tables_directory.glob("*.db/*/_delta_log"), *tables_directory.glob(f"*.db/*{_VIEW}")]
    found = {}
    for path in paths:
        try:
            status = path.stat()
        except FileNotFoundError:  # A run is at work there.
            continue
        found[str(path.relative_to(tables_directory))] = (status.st_ino, status.st_mtime_ns)
    return found


def are_replaced(known: Mapping[str, tuple[int, int]], found: Mapping[str, tuple[int, int]]) -> bool:
    """Tell whether tables are gone, or others in their place: not by those who have a table, who only add to its log.

    Args:
        known: What `tables_on_disk` said before.
        found: What it says now.
    """
    logs = [name for name in known if not name.endswith(_VIEW)]
    return any(name not in found or found[name][0] != known[name][0] for name in logs)


class UnreadableTableError(Exception):
    """A folder that has a log as tables do, and that Delta Lake cannot read; the cause tells whether it is damaged."""

    #: For people, after the cause: it may be one that leaves the table whole, such as a file that is somebody else's.
    what_helps = (
        "If the table is damaged, put it back from a copy; if no job made it, move it away. Only if no copy is left: "
        "reset, which removes all orders"
    )

    def __init__(self, table: str, folder: Path) -> None:
        """Say which."""
        super().__init__(f"the table {table} in {folder} cannot be read")


def register_tables(spark: SparkSession, tables_directory: Path) -> None:
    """Tell Spark's in-memory catalog, which forgets between processes, what tables and views there are.

    Raises:
        UnreadableTableError: If a table cannot be read. Nobody is let in then: the job would take it for one that it
            has to make, and a question would be answered as if its rows had never been.
    """
    for schema_directory in sorted(tables_directory.glob("*.db")):
        schema = schema_directory.name.removesuffix(".db")
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{schema}`")
        for log in sorted(schema_directory.glob("*/_delta_log")):
            if any(log.glob("*.json")):
                table = f"`{schema}`.`{log.parent.name}`"
                try:
                    spark.sql(f"CREATE TABLE IF NOT EXISTS {table} USING delta LOCATION {_literal(str(log.parent))}")
                except (PySparkException, Py4JJavaError) as error:
                    if not any(log.glob("*.json")):  # Somebody has just reset the home.
                        continue
                    raise UnreadableTableError(f"{schema}.{log.parent.name}", log.parent) from error
    for schema_directory in sorted(tables_directory.glob("*.db")):  # A view may be of tables in any schema.
        schema = schema_directory.name.removesuffix(".db")
        for file in sorted(schema_directory.glob(f"*{_VIEW}")):
            view = f"`{schema}`.`{file.name.removesuffix(_VIEW)}`"
            kept = _VIEW_FILE.fullmatch(file.read_text(encoding="utf-8"))
            assert kept  # Any text is such a file.
            try:
                spark.sql(f"USE {kept['schema'] or _DEFAULT_SCHEMA}")
                spark.sql(f"CREATE OR REPLACE VIEW {view} AS {kept['query']}")
            except PySparkException as error:
                # No reason to refuse to work: the job makes the views that are missing.
                print(f"the view {view} could not be made again: {error}", file=sys.stderr)
    spark.sql(f"USE {_DEFAULT_SCHEMA}")


@contextlib.contextmanager
def views_kept(spark: SparkSession, tables_directory: Path) -> Iterator[None]:
    """Keep the views that are made or changed meanwhile beside the tables, for `register_tables`; forget those dropped.

    A view that could not be made again is none that was dropped.
    """
    before = _views(spark, tables_directory)
    try:
        yield
    finally:
        after = _views(spark, tables_directory)
        for file, view in after.items():
            rows = spark.sql(f"DESCRIBE TABLE EXTENDED {view}").collect()
            told = {row.col_name: row.data_type for row in rows}
            schema = told["View Catalog and Namespace"]
            text = told["View Text"] if schema == _DEFAULT_SCHEMA else f"-- made in {schema}\n{told['View Text']}"
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                unfinished = file.with_suffix(".tmp")
                unfinished.write_text(text, encoding="utf-8")
                unfinished.replace(file)
        for file in before.keys() - after.keys():
            file.unlink(missing_ok=True)


def _views(spark: SparkSession, tables_directory: Path) -> dict[Path, str]:
    """Name all views by the files that they are kept in."""
    return {
        schema_directory / f"{view.viewName}{_VIEW}": f"`{schema}`.`{view.viewName}`"
        for schema_directory in sorted(tables_directory.glob("*.db"))
        for schema in [schema_directory.name.removesuffix(".db")]
        for view in spark.sql(f"SHOW VIEWS IN `{schema}`").collect()
        if not view.isTemporary
    }


def _literal(text: str) -> str:
    """Text as a literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

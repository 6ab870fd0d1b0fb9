"""Let Java load once what every Spark here needs, and keep it in a form that later starts need not read and verify.

Usage: python local/archive_classes.py

Half of a cold start of Spark is the loading of some 20,000 classes. Java's class data sharing keeps them in a file,
which is made when a process ends that has loaded them: here one that reads, writes and merges as the job does.
"""

import tempfile
from pathlib import Path

from pyspark.sql import SparkSession
from spark_session import CLASS_ARCHIVE, QUICK_START, create_spark_session

_CSV = "id,at,what\n1,2026-01-01 10:00:00,a\n2,2026-01-02 10:00:00,b\nno number,,c\n"


def main() -> None:
    """Do a little of everything, and let Java write the archive as it ends."""
    unfinished = CLASS_ARCHIVE.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        # On Linux Java takes /tmp for its temporary files, whatever TMPDIR says, and loads libraries that it unpacks
        # there, which fails where /tmp may not run programs.
        options = (
            f'{QUICK_START} -XX:+IgnoreUnrecognizedVMOptions -Xlog:cds=off "-XX:ArchiveClassesAtExit={unfinished}" '
            f'"-Djava.io.tmpdir={directory}"'
        )
        spark = create_spark_session(Path(directory), options)
        try_everything(spark, Path(directory))
        gateway = spark.sparkContext._gateway
        spark.stop()
        assert gateway is not None
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
    # A Java that knows no archives has made none: that is known then, and not tried again.
    unfinished.touch()
    unfinished.replace(CLASS_ARCHIVE)


def try_everything(spark: SparkSession, directory: Path) -> None:
    """Read, write, merge and ask for history, as the job and people do."""
    (directory / "rows.csv").write_text(_CSV, encoding="utf-8")
    read = spark.read.csv(
        str(directory), schema="id STRING, at STRING, what STRING", header=True, pathGlobFilter="*.csv"
    )
    typed = read.selectExpr(
        "try_cast(id AS BIGINT) AS id", "try_cast(at AS TIMESTAMP) AS at", "what", "_metadata.file_path"
    )
    spark.sql("CREATE SCHEMA IF NOT EXISTS archived")
    for table in ("stage", "orders"):
        spark.sql(
            f"CREATE TABLE archived.{table} "
            "(id BIGINT, at TIMESTAMP, what STRING, file_path STRING, run ARRAY<STRING>) "
            "USING delta CLUSTER BY (id) TBLPROPERTIES ('delta.dataSkippingStatsColumns' = 'id,at')"
        )
    for _ in range(2):
        rows = typed.where("id IS NOT NULL").selectExpr("*", "array(what) AS run")
        rows.persist().groupBy("file_path").count().collect()
        rows.writeTo("archived.stage").append()
        spark.sql(
            "MERGE INTO archived.orders AS t USING (SELECT id, state.* FROM (SELECT id, "
            "max(struct(at, what, file_path, run)) AS state FROM archived.stage GROUP BY id)) AS s ON t.id = s.id "
            "WHEN MATCHED AND s.at >= t.at THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        ).collect()
    spark.sql(
        "CREATE VIEW archived.history AS SELECT id, at, lead(at) OVER (PARTITION BY id ORDER BY at) AS until, what "
        "FROM (SELECT DISTINCT * FROM archived.stage UNION ALL SELECT * FROM archived.orders)"
    )
    spark.sql("SELECT * FROM archived.history WHERE id = :id ORDER BY at", args={"id": "1"}).collect()
    spark.sql("SELECT what, count(*) AS n FROM archived.orders GROUP BY what ORDER BY n DESC").collect()
    spark.sql("OPTIMIZE archived.orders").collect()


if __name__ == "__main__":
    main()

"""Read the file ledger: what is known of each file of a batch."""

from collections.abc import Iterable

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from order_tracking.sql import as_stored, identifier
from order_tracking.tables.job_log import FileOutcome
from order_tracking.tables.tables import Tables
from order_tracking.typed_json import columns_of, from_json

#: To the microsecond: of two files the one that was sent later counts.
_TIME = "date_format({}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX\")"


def read_ledger(
    spark: SparkSession, tables: Tables, batch_ids: Iterable[str] = (), paths: Iterable[str] = ()
) -> dict[tuple[str, str], FileOutcome]:
    """Read the files of batches, or those with a path in any batch, by batch and path."""
    chosen = F.col("batch_id").isin(*batch_ids) | F.col("path").isin(*map(as_stored, paths))
    columns = [
        f"{_TIME.format(identifier(name))} AS {identifier(name)}" if kind == "TIMESTAMP" else identifier(name)
        for name, kind in columns_of(FileOutcome).items()
    ]
    rows = spark.table(tables.ledger).where(chosen).selectExpr(f"to_json(struct({', '.join(columns)}))").collect()
    files = [from_json(FileOutcome, row[0]) for row in rows]
    return {(file.batch_id, file.path): file for file in files}

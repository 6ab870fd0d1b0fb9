"""What the tables have of files that are loaded again: their later readings, and rows that left the quarantine."""

from collections.abc import Collection, Sequence

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from order_tracking.files.checkpoint import ReplayedFile
from order_tracking.files.replay_folder import FILES_FOLDER, ROWS_FOLDER, reading_of, readings_before
from order_tracking.rows.stage import discard_files
from order_tracking.sql import as_stored
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tables.ledger import read_ledger
from order_tracking.tables.tables import Tables

#: Tells a row in quarantine whose values are what was sent. Where it could not be split there are none; where it may be
#: cut, or have swallowed other rows, it would be written as a good one now, and nobody would suspect it any more.
IS_WHOLE = "NOT exists(reasons, each -> each.rule = 'malformed')"

#: Begins the name of a batch, which tells a folder for files that are loaded again from a client's of such a name.
_BATCH = "[0-9]{8}T[0-9.]{13}Z-"

#: What a file was read as first, of a row of the ledger, as `BATCH/PATH`: `first_reading` in SQL.
_FIRST_READING = f"regexp_replace(concat(batch_id, '/', path), '^([^/]+/{FILES_FOLDER}[^/]+/(?={_BATCH}))+', '')"


def are_known_bad_rows(replayed: ReplayedFile | None, rows_quarantined: int) -> bool:
    """Tell whether the bad rows of a file are no news, so that it is loaded however large their share is.

    Rows out of the quarantine were all bad once. Of a whole file, as many may be bad as in the reading that it
    supersedes: where there are more, a rule may be wrong, and what that reading said would leave the orders.

    Args:
        replayed: What is noted of the file if it is loaded again.
        rows_quarantined: How many of its rows are bad now.
    """
    if not replayed or not replayed.may_be_bad:
        return False
    return not replayed.supersedes or rows_quarantined <= replayed.supersedes.rows_quarantined


def later_readings(spark: SparkSession, tables: Tables, first: Collection[tuple[str, str]]) -> list[Row]:
    """List what the ledger has of files that were loaded again, or were to be.

    Args:
        spark: The session.
        tables: The names of the tables.
        first: What the files were read as first, by batch and path.

    Returns:
        Rows of `batch_id`, `path` and `state`, one for each later reading.
    """
    names = [as_stored(f"{batch_id}/{path}") for batch_id, path in first]
    files = spark.table(tables.ledger).where(F.col("path").startswith(FILES_FOLDER))
    return files.where(F.expr(_FIRST_READING).isin(*names)).select("batch_id", "path", "state").collect()


def rows_without_file(spark: SparkSession, tables: Tables, readings: Collection[tuple[str, str]]) -> list[FileOutcome]:
    """List what counts of the rows that were loaded again without the file which they are a part of.

    Args:
        spark: The session.
        tables: The names of the tables.
        readings: The readings of files that they are rows of, by batch and path.

    Returns:
        What became of them. They may have been loaded once more since, and their path names all readings before.
    """
    counting = f"state = '{State.MERGED.value}' AND contains(path, '{ROWS_FOLDER}')"
    rows = spark.table(tables.ledger).where(counting).select("batch_id", "path").collect()
    of_files = {tuple(row) for row in rows if not set(readings).isdisjoint(readings_before(row.path))}
    ledger = read_ledger(spark, tables, paths={path for _, path in of_files}) if of_files else {}
    return [file for key, file in ledger.items() if key in of_files]


def leave_quarantine(spark: SparkSession, tables: Tables, paths: Sequence[str]) -> None:
    """Take rows out of the quarantine whose files are about to be loaded again: they would be there twice.

    Args:
        spark: The session.
        tables: The names of the tables.
        paths: The files, as a replay that was cut short has put them into the landing directory.
    """
    discard_files(spark, tables.quarantine, map(reading_of, paths), IS_WHOLE)

"""Erase an order from what was told of files: in the job log, and in the table that it is folded into.

Its values become no part of any query's text or condition: Delta writes those into the tables' logs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from order_tracking.sql import literal
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.folded_files import fail_folds_under_way
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tables.tables import Tables
from order_tracking.typed_json import columns_of

#: Stands where a text of the order was.
ERASED = "(erased)"

#: Begins a pattern of Java's that knows all letters and spaces, as each of Python's does.
IN_UNICODE = "(?U)"


@dataclass(frozen=True)
class FileReason:
    """Why a file was not loaded.

    Attributes:
        path: Its path below the batch's directory, as the tables have it.
    """

    batch_id: str
    path: str
    state: State
    reason: str


def told_reasons(spark: SparkSession, tables: Tables) -> list[FileReason]:
    """Read why files were not loaded, as each run told it.

    Args:
        spark: The session.
        tables: The names of the tables; that of folded files must be there.
    """
    query = f"""
        SELECT each.batch_id, each.path, each.state, each.reason
        FROM (SELECT explode(files) AS each FROM {tables.job_log}) WHERE each.reason IS NOT NULL
        UNION SELECT batch_id, path, state, reason FROM {tables.folded_files} WHERE reason IS NOT NULL"""
    rows = spark.sql(query).collect()
    return [FileReason(row.batch_id, row.path, State(row.state), row.reason) for row in rows]


def told_errors(spark: SparkSession, tables: Tables, files: Iterable[tuple[str, str]]) -> list[str]:
    """Read what went wrong in runs that had one of the files.

    Args:
        spark: The session.
        tables: The names of the tables.
        files: The files, by batch and path.

    Returns:
        The errors, of which one that is too long is cut.
    """
    named = _named(files)
    if not named:
        return []
    of_runs = f"SELECT run_id FROM {tables.job_log} WHERE {_has_file(named)}"
    rows = spark.sql(f"SELECT DISTINCT error FROM {tables.job_log} WHERE run_id IN ({of_runs})").collect()
    return [row.error for row in rows if row.error]


def erase_texts(spark: SparkSession, tables: Tables, files: Iterable[tuple[str, str]], pattern: str) -> dict[str, int]:
    """Take what meets a pattern out of what was told of files.

    Args:
        spark: The session.
        tables: The names of the tables; that of folded files must be there.
        files: The files, by batch and path.
        pattern: A regular expression, as both Python and Java read it.

    Returns:
        In how many rows of each table there was something, by the table's name without its schema.
    """
    named, pattern = _named(files), f"{IN_UNICODE}{pattern}"
    return {
        "job_log_table": _erase_from_job_log(spark, tables.job_log, named, pattern) if named else 0,
        "folded_files_table": _erase_from_folded_files(spark, tables.folded_files, named, pattern) if named else 0,
    }


def _named(files: Iterable[tuple[str, str]]) -> str:
    """List files as SQL."""
    return ", ".join(literal(f"{batch_id}/{path}") for batch_id, path in sorted(files))


def _has_file(named: str) -> str:
    """Tell whether a row of the job log has one of the files that are named."""
    return f"exists(files, each -> {_is_named(named)})"


def _is_named(named: str) -> str:
    return f"concat(each.batch_id, '/', each.path) IN ({named})"


def _erase_from_job_log(spark: SparkSession, job_log: str, named: str, pattern: str) -> int:
    """Take what meets a pattern out of what is told of the files which are named, and of the runs that had them.

    What is told of other files stays as it is: the order's values may be words of any text.
    """
    is_named = _is_named(named)
    runs = [row[0] for row in spark.sql(f"SELECT DISTINCT run_id FROM {job_log} WHERE {_has_file(named)}").collect()]
    reasons = f"filter(files, each -> {is_named}).reason"
    told = f"flatten(array_compact(array(array(error), warnings, alarms, {reasons})))"
    of_runs = f"run_id IN ({', '.join(map(literal, runs)) or 'NULL'})"
    [[count]] = spark.sql(
        f"SELECT count_if(exists({told}, each -> each RLIKE :pattern)) FROM {job_log} WHERE {of_runs}",
        args={"pattern": pattern},
    ).collect()
    if not count:
        return 0

    def erased(text: str) -> str:
        return f"regexp_replace({text}, _s._pattern, '{ERASED}')"

    reason = f"IF({is_named}, {erased('each.reason')}, each.reason)"
    fields = ", ".join(
        f"'{name}', {reason if name == 'reason' else f'each.{name}'}" for name in columns_of(FileOutcome)
    )
    query = f"""
        MERGE INTO {job_log} AS _t USING (SELECT :pattern AS _pattern) AS _s ON {of_runs}
        WHEN MATCHED THEN UPDATE SET error = {erased("error")},
            warnings = transform(warnings, each -> {erased("each")}),
            alarms = transform(alarms, each -> {erased("each")}),
            files = transform(files, each -> named_struct({fields}))"""
    run_again_on_conflict(lambda: spark.sql(query, args={"pattern": pattern}).collect()[0])
    return int(count)


def _erase_from_folded_files(spark: SparkSession, folded_files: str, named: str, pattern: str) -> int:
    """Take what meets a pattern out of the reasons why the files were not loaded which are named."""
    fail_folds_under_way(spark, folded_files)
    query = f"""
        MERGE INTO {folded_files} AS _t USING (SELECT :pattern AS _pattern) AS _s
        ON concat(_t.batch_id, '/', _t.path) IN ({named}) AND _t.reason RLIKE _s._pattern
        WHEN MATCHED THEN UPDATE SET reason = regexp_replace(_t.reason, _s._pattern, '{ERASED}')"""
    result = run_again_on_conflict(lambda: spark.sql(query, args={"pattern": pattern}).collect()[0])
    return int(result.num_updated_rows)

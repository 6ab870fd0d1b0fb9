"""The file ledger, folded: what the job log told of files up to a few days ago, in a table of its own.

The ledger is a view of the job log: of each file of each batch what was told last. To ask for that alone would take
longer with each run there ever was. So `upkeep` writes down each night what it is up to a few days ago, and the view is
that plus what came since. The job log itself keeps all; see `docs/decisions/folded-ledger.md`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pyspark.sql import SparkSession

from order_tracking.sql import literal
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tables.versions import properties_of, set_properties
from order_tracking.typed_json import columns_of

#: In the order of a file's way, the last one it came to counts.
_STATES = ", ".join(literal(state.value) for state in State)
_FIELDS = columns_of(FileOutcome)
#: The ledger's columns; `run_id` is the first run that told of the file, `occurred_at` when one did last.
_OF_FILE = (
    *("path", "state", "batch_id", "file_id", "size_bytes", "modified_at", "reason"),
    *("unknown_columns", "moved_to", "rows_read", "rows_staged", "rows_quarantined"),
)
_COLUMNS = {**{name: _FIELDS[name] for name in _OF_FILE}, "run_id": "STRING", "occurred_at": "TIMESTAMP"}
_UNTIL = "order_tracking.folded_until"
_CHANGED = "order_tracking.job_log_changed_at"

#: What a task tells may wait for a run whose gate comes to its end, so it is looked for again for a while.
_LOOKED_FOR_AGAIN = timedelta(days=30)


def create_folded_files(spark: SparkSession, folded_files: str) -> None:
    """Create the table where it is missing: it is made when there is something to fold."""
    columns = ", ".join(f"{name} {type_name}" for name, type_name in _COLUMNS.items())
    # A batch's id begins with its time, so what is asked for by time is found by it as well.
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {folded_files} ({columns}) USING DELTA CLUSTER BY (batch_id) "
        "TBLPROPERTIES ('delta.dataSkippingStatsColumns' = 'batch_id,path,occurred_at')"
    )


def ledger(spark: SparkSession, job_log: str, folded_files: str) -> str:
    """Select the ledger: what is folded, and what tasks told that were started since."""
    return ledger_since(_folded_until(spark, folded_files), job_log, folded_files)


def ledger_since(since: datetime | None, job_log: str, folded_files: str) -> str:
    """Select the ledger where what tasks told that were started before a time is folded; None where nothing is."""
    told = _told(job_log, since)
    if since is None:
        return _last_told(told)
    return f"""
        SELECT {", ".join(_COLUMNS)} FROM {folded_files}
        LEFT ANTI JOIN ({_files_of(told)}) USING (batch_id, path)
        UNION ALL {_last_told(_with_folded(told, folded_files))}"""


def fold_files(spark: SparkSession, job_log: str, folded_files: str, until: datetime) -> None:
    """Fold what tasks told that were started before a time. To do so again changes nothing."""
    create_folded_files(spark, folded_files)
    folded = _folded_until(spark, folded_files)
    if folded == until:
        return
    # A clock that was ahead had all be taken for folded that was told since; nobody knows since when, so all is folded.
    since = folded - _LOOKED_FOR_AGAIN if folded and folded < until else None
    told = _told(job_log, since, until)
    # A merge writes anew each file of the table in which it finds a row of its source, even if it changes none.
    query = f"""
        MERGE INTO {folded_files} AS _t USING (
            SELECT * FROM ({_last_told(_with_folded(told, folded_files))})
            LEFT ANTI JOIN {folded_files} USING (batch_id, path, state, occurred_at)
        ) AS _s
        ON _t.batch_id = _s.batch_id AND _t.path = _s.path
        WHEN MATCHED THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *"""
    run_again_on_conflict(lambda: spark.sql(query).collect())
    note_times(spark, folded_files, {_UNTIL: until})


def fail_folds_under_way(spark: SparkSession, folded_files: str) -> None:
    """Let a fold fail, and run again, that may have read the job log before it was changed.

    Delta lets no statement commit that began before the table's properties were changed.
    """
    note_times(spark, folded_files, {_CHANGED: datetime.now()})


def note_times(spark: SparkSession, folded_files: str, times: Mapping[str, datetime]) -> None:
    """Note times as properties of the table, also where another task does so at the same moment."""
    set_properties(spark, folded_files, {name: time.isoformat() for name, time in times.items()})


def noted_times(spark: SparkSession, folded_files: str, *names: str) -> list[datetime | None]:
    """Return times that were noted; None for what never was."""
    if not spark.catalog.tableExists(folded_files):
        return [None] * len(names)
    noted = map(properties_of(spark, folded_files).get, names)
    return [datetime.fromisoformat(time) if time else None for time in noted]


def _folded_until(spark: SparkSession, folded_files: str) -> datetime | None:
    """Tell before when tasks must have been started for what they told to be folded; None if nothing is."""
    [until] = noted_times(spark, folded_files, _UNTIL)
    return until


def _told(job_log: str, since: datetime | None = None, until: datetime | None = None) -> str:
    """Select what tasks told of files that were started within a time: of a file, as often as one did."""
    bounds = [
        f"started_at {comparison} TIMESTAMP {literal(time.isoformat())}"
        for comparison, time in ((">=", since), ("<", until))
        if time
    ]
    within = " AND ".join(bounds) or "true"
    return f"""
        SELECT file.*, run_id, ended_at AS occurred_at
        FROM (SELECT run_id, ended_at, explode(files) AS file FROM {job_log} WHERE {within})"""


def _with_folded(told: str, folded_files: str) -> str:
    """Select what is told, and what is folded of the same files."""
    columns = ", ".join(_COLUMNS)
    return f"""
        SELECT {columns} FROM ({told}) UNION ALL
        SELECT {columns} FROM {folded_files} LEFT SEMI JOIN ({_files_of(told)}) USING (batch_id, path)"""


def _files_of(told: str) -> str:
    """Select the files of what is told: in the same words wherever they are asked for, so Spark looks once."""
    return f"SELECT batch_id, path FROM ({told})"


def _last_told(told: str) -> str:
    """Select of each file what was told last of it."""
    last = ", ".join(f"last.{name}" for name in _OF_FILE)
    return f"""
        SELECT {last}, first_run_id AS run_id, last_at AS occurred_at
        FROM (
            SELECT max(struct(array_position(array({_STATES}), state) AS rank, {", ".join(_FIELDS)})) AS last,
                   min_by(run_id, occurred_at) AS first_run_id, max(occurred_at) AS last_at
            FROM ({told})
            GROUP BY batch_id, path
        )"""

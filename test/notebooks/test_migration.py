"""The tables, views and checkpoint of the version before `_sent`, in whose place the first run of this one goes on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from order_tracking.clock import utc_now
from order_tracking.contract.orders import ORDERS
from order_tracking.files.batch import new_batch_id
from order_tracking.files.landing import look_at
from order_tracking.files.volume import open_volume
from order_tracking.tables import tables as tables_and_views
from order_tracking.tables.folded_files import ledger
from order_tracking.tables.tables import create_missing
from order_tracking.tasks.withdraw import withdraw
from pipeline import COLUMNS, Pipeline, lines, order
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

_CONTRACT = (
    "tracking_num string, order_num string, status string, address string, received_date date, delivery_date date, "
    "last_update_timestamp timestamp"
)
_AS_TEXT = ", ".join(f"{name} STRING" for name in COLUMNS)
_JOB_LOG = (
    "record_id STRING, run_id STRING, task STRING, status STRING, started_at TIMESTAMP, ended_at TIMESTAMP, "
    "batch_ids ARRAY<STRING>, files_loaded BIGINT, files_rejected BIGINT, rows_read BIGINT, rows_staged BIGINT, "
    "rows_quarantined BIGINT, rows_rejected BIGINT, rows_inserted BIGINT, rows_updated BIGINT, rows_unchanged BIGINT, "
    "rows_late BIGINT, steps ARRAY<STRUCT<name: STRING, seconds: DOUBLE>>, warnings ARRAY<STRING>, error STRING, "
    "files ARRAY<STRUCT<batch_id: STRING, path: STRING, state: STRING, file_id: STRING, size_bytes: BIGINT, "
    "modified_at: TIMESTAMP, reason: STRING, unknown_columns: ARRAY<STRING>, moved_to: STRING, rows_read: BIGINT, "
    "rows_staged: BIGINT, rows_quarantined: BIGINT>>"
)
_STATE = "T{0}', 'O{0}', 'SHIPPED', 'old', DATE'2026-01-01', NULL, TIMESTAMP'2026-01-02 10:00:00'"


def make_tables(pipeline: Pipeline, staged_batch: str) -> None:
    """The tables, with an order that is merged, and one in a batch that waits."""
    tables, spark = pipeline.tables, pipeline.spark
    for schema in (tables.of_orders, tables.of_operations):
        spark.sql(f"CREATE SCHEMA {schema}")
    stage = f"({_CONTRACT}, _source_file STRING, _ingested_at TIMESTAMP, _batch_id STRING)"
    quarantine = (
        f"({_AS_TEXT}, raw_row STRING, reasons ARRAY<STRUCT<column: STRING, rule: STRING, message: STRING>>, "
        "_source_file STRING, _row_number BIGINT, _batch_id STRING, _quarantined_at TIMESTAMP)"
    )
    spark.sql(f"CREATE TABLE {tables.stage} {stage} USING DELTA CLUSTER BY (tracking_num)")
    spark.sql(f"CREATE TABLE {tables.orders} ({_CONTRACT}, _source_file STRING, _batch_id STRING) USING DELTA")
    spark.sql(f"CREATE TABLE {tables.quarantine} {quarantine} USING DELTA")
    spark.sql(f"CREATE TABLE {tables.job_log} ({_JOB_LOG}) USING DELTA")
    spark.sql(f"INSERT INTO {tables.stage} VALUES ('{_STATE.format(1)}, 'old.csv', current_timestamp(), 'old')")
    spark.sql(
        f"INSERT INTO {tables.stage} VALUES ('{_STATE.format(2)}, 's.csv', current_timestamp(), '{staged_batch}')"
    )
    spark.sql(f"INSERT INTO {tables.orders} VALUES ('{_STATE.format(1)}, 'old.csv', 'old')")
    spark.sql(f"CREATE VIEW {tables.history} AS SELECT *, last_update_timestamp AS valid_from FROM {tables.stage}")


def make_checkpoint(pipeline: Pipeline, staged_batch: str) -> None:
    """A batch that is staged, one that was begun twice and is not, a record, and a claim that somebody forged."""
    volume = open_volume(str(pipeline.volume))
    claimed_batch = new_batch_id(utc_now())
    directory = volume.archive_of(claimed_batch)
    directory.mkdir(parents=True)
    (directory / "c.csv").write_text(lines(order(3)))
    file = look_at(directory, "c.csv")
    assert file

    def write(path: str, content: dict[str, Any]) -> None:
        target = pipeline.volume / "checkpoint" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content, default=str))

    write(f"batches/{claimed_batch}.claimed.json", claim_of(claimed_batch, vars(file)))
    (pipeline.volume / "checkpoint" / "batches" / f"{claimed_batch}.attempt2").touch()
    forged = new_batch_id(utc_now())
    write(f"batches/{forged}.claimed.json", claim_of(forged, {**vars(file), "path": "../../outside.csv"}))
    outcome = {
        "batch_id": staged_batch,
        "path": "s.csv",
        "state": "STAGED",
        "file_id": "x",
        "size_bytes": 1,
        "modified_at": "2026-01-02T00:00:00+00:00",
        "reason": None,
        "unknown_columns": [],
        "moved_to": "archive/s.csv",
        "rows_read": 1,
        "rows_staged": 1,
        "rows_quarantined": 0,
    }
    staged = {"batch_id": staged_batch, "files": [outcome], "first_key": "T2", "last_key": "T2"}
    write(f"batches/{staged_batch}.staged.json", staged)
    record = {
        "record_id": "1-source_to_stage-ab",
        "run_id": "1",
        "task": "source_to_stage",
        "status": "SUCCESS",
        "started_at": "2026-01-02T00:00:00+00:00",
        "ended_at": "2026-01-02T00:00:01+00:00",
        "batch_ids": [staged_batch],
        "rows_read": 1,
        "steps": [{"name": "stage", "seconds": 1.0}],
        "warnings": [],
        "error": None,
        "files": [outcome],
    }
    write(f"records/{record['record_id']}.json", record)


def claim_of(batch_id: str, file: dict[str, Any]) -> dict[str, Any]:
    return {"batch_id": batch_id, "run_id": "1", "files": [file], "attempt": 1}


def test_the_first_run_takes_over_the_tables_and_the_checkpoint_of_the_version_before(pipeline: Pipeline) -> None:
    staged_batch = new_batch_id(utc_now())
    make_tables(pipeline, staged_batch)
    make_checkpoint(pipeline, staged_batch)
    (pipeline.volume.parent / "outside.csv").write_text(lines(order(9)))
    pipeline.drop("new.csv", lines(order(4), order(1).replace("1 Main", "corrected"), "bad"))
    staged, merged = pipeline.run()
    assert {file.path: file.outcome for file in staged.files} == {"c.csv": "staged", "new.csv": "staged"}
    assert (merged.inserted, merged.updated) == (3, 1)
    orders = pipeline.orders()
    assert set(orders) == {"T1", "T2", "T3", "T4"}
    assert orders["T1"][3] == "corrected Street"
    history = {(row.tracking_num, row.is_current) for row in pipeline.table("orders_history")}
    assert history == {(key, True) for key in orders}
    assert {row.run_id for row in pipeline.table("job_runs_table")} > {"1"}
    assert pipeline.states()["s.csv"] == ["MERGED"]
    assert len(pipeline.table("stage_orders_table")) == 5
    assert (pipeline.volume.parent / "outside.csv").exists()
    # The forged claim stays where it was, and is never looked at again.
    assert [path.name[-13:] for path in (pipeline.volume / "checkpoint").rglob("*.json")] == [".claimed.json"]
    before = pipeline.versions()
    pipeline.run()
    assert pipeline.versions() == {**before, "job_log_table": before["job_log_table"] + 1}


def test_the_first_run_of_a_version_that_may_renews_the_views_of_another_one(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of one that knew no withdrawals, and whose views have the same columns.

    Until then each run says so, and commits nothing to the orders: a merge or a compaction under way would fail.
    """
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    spark, tables = pipeline.spark, pipeline.tables
    without_withdrawals = ledger(spark, tables.job_log, tables.folded_files).replace(", 'SUPERSEDED', 'WITHDRAWN'", "")
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in spark.table(tables.history).dtypes)
    for view, query in {tables.ledger: without_withdrawals, tables.history: f"SELECT {columns}"}.items():
        spark.sql(f"CREATE OR REPLACE VIEW {view} AS {query}")
    sql, of_orders = type(spark).sql, pipeline.versions()["orders_table"]

    def refusing(view: str) -> Callable[..., Any]:
        def refused(spark: SparkSession, query: str, *args: Any, **kwargs: Any) -> Any:
            if query.startswith(f"CREATE OR REPLACE VIEW {view}"):
                raise PySparkException("PERMISSION_DENIED: User is not an owner of Table")
            return sql(spark, query, *args, **kwargs)

        return refused

    for of_somebody_else in ("", tables.ledger):  # All views, and then one of them.
        with monkeypatch.context() as patch:
            patch.setattr(type(spark), "sql", refusing(of_somebody_else))
            for _ in range(2):
                named = [warning for warning in pipeline.stage().warnings if "could not be renewed" in warning]
                assert len(named) == (1 if of_somebody_else else 3)
    assert pipeline.versions()["orders_table"] == of_orders
    pipeline.stage()
    assert [row.tracking_num for row in pipeline.table("orders_history")] == ["T1"]
    withdraw(spark, tables, str(pipeline.volume), str(pipeline.checkpoint), "withdrawal", "a.csv")
    assert pipeline.states() == {"a.csv": ["WITHDRAWN"]}


def test_a_view_that_was_made_again_from_its_text_or_of_which_no_text_is_told_is_not_renewed(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a laptop, whose catalog forgets between processes, and as where only its owner is told a view's text."""
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    _, text = tables_and_views.describe_view(pipeline.spark, pipeline.tables.history)
    pipeline.spark.sql(f"CREATE OR REPLACE VIEW {pipeline.tables.history} AS {text}")
    renewed: list[str] = []
    before = pipeline.versions()
    with monkeypatch.context() as patch:
        patch.setattr(tables_and_views, "replace_views", lambda *_: renewed.append("views") or ())
        pipeline.run()
    assert renewed == []
    assert pipeline.versions() == {**before, "job_log_table": before["job_log_table"] + 1}

    sql = type(pipeline.spark).sql
    told: str | None = ""

    def hidden(spark: SparkSession, query: str, *args: Any, **kwargs: Any) -> Any:
        if query.startswith("CREATE OR REPLACE VIEW"):
            renewed.append(query)
        result = sql(spark, query, *args, **kwargs)
        if query.startswith("DESCRIBE TABLE EXTENDED"):
            is_text = F.col("col_name") == "View Text"
            return result.withColumn("data_type", F.when(is_text, F.lit(told)).otherwise(F.col("data_type")))
        return result

    monkeypatch.setattr(type(pipeline.spark), "sql", hidden)
    pipeline.stage()
    told = None
    pipeline.stage()
    assert renewed == []

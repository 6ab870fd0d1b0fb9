import os
import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from order_tracking.clock import utc_now
from order_tracking.contract.contract import Column
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import ContractError, RemovalError, UpkeepError
from order_tracking.files.batch import claimed_at, new_batch_id
from order_tracking.files.checkpoint import Checkpoint
from order_tracking.parameters import NewColumns
from order_tracking.rows.fold_stage import delete_repeats, fold_stage, kept_since
from order_tracking.rows.stage import count_by_file
from order_tracking.tables import versions
from order_tracking.tables.folded_files import fold_files, ledger
from order_tracking.tables.job_log import FileOutcome, State, TaskRecord
from order_tracking.tables.tables import Tables, create_missing, replace_views
from order_tracking.tasks import upkeep
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.replay import replay
from order_tracking.tasks.source_to_stage import source_to_stage
from order_tracking.tasks.stage_to_final import stage_to_final
from order_tracking.tasks.task_run import write_job_log
from order_tracking.tasks.withdraw import withdraw
from pipeline import HEADER, Pipeline, lines, order
from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession


@pytest.fixture
def no_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes the longest, where a test looks at something else: to compact and clean five tables."""
    monkeypatch.setattr(upkeep, "_clean", lambda *_: None)
    monkeypatch.setattr(upkeep, "_compact", lambda *_: Row(numFilesAdded=0, numFilesRemoved=0))


@pytest.fixture
def folds_alone(no_compaction: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out all that is done for each table, where a test looks at what is folded, and at the views."""
    monkeypatch.setattr(upkeep, "_set_up", lambda *_: ())


def rows_of(pipeline: Pipeline, *names: str) -> dict[str, list[str]]:
    """The rows of tables and views as text, in one question."""
    texts = (f"SELECT '{name}', CAST(struct(*) AS STRING) FROM {pipeline.full_name(name)}" for name in names)
    found = pipeline.spark.sql(" UNION ALL ".join(texts)).collect()
    return {name: sorted(row[1] for row in found if row[0] == name) for name in names}


def test_upkeep_compacts_the_tables_changes_no_row_and_lets_large_tables_mark_deleted_rows(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        pipeline.drop(f"{number}.csv", lines(order(number), "bad"))
        pipeline.run()
    names = ("orders_table", "orders_history", "quarantined_orders_table", "job_runs_table", "loaded_files_table")
    before = rows_of(pipeline, *names)
    assert [len(before[name]) for name in names] == [2, 2, 2, 6, 2]
    done = upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7)
    assert done.files_removed > done.files_added > 0
    assert rows_of(pipeline, *names) == before

    def marks_deleted_rows(table: str) -> bool:
        [detail] = pipeline.spark.sql(f"DESCRIBE DETAIL {table}").collect()
        return bool(detail.properties.get("delta.enableDeletionVectors") == "true")

    monkeypatch.setattr(upkeep, "_LARGE_TABLE_BYTES", 1)
    for table in (pipeline.tables.orders, pipeline.tables.stage):
        assert not marks_deleted_rows(table)
        [detail] = pipeline.spark.sql(f"DESCRIBE DETAIL {table}").collect()
        upkeep._set_up(pipeline.spark, ORDERS, pipeline.tables, table, detail, 7)
        assert marks_deleted_rows(table)
    pipeline.drop("new.csv", lines(order(1, "DELIVERED", "2026-01-03 10:00:00"), order(9)))
    pipeline.stage()
    merged = pipeline.merge()
    assert (merged.inserted, merged.updated) == (1, 1)
    assert pipeline.statuses() == {"T0": "SHIPPED", "T1": "DELIVERED", "T9": "SHIPPED"}


@pytest.mark.usefixtures("folds_alone")
def test_the_ledger_is_folded_and_tells_the_same(pipeline: Pipeline) -> None:
    def ledger() -> dict[str, Row]:
        return {row.path: row for row in pipeline.table("loaded_files_table")}

    def fold() -> int:
        fold_files(pipeline.spark, pipeline.tables.job_log, pipeline.tables.folded_files, until=utc_now())
        replace_views(pipeline.spark, ORDERS, pipeline.tables)
        return len(pipeline.table("folded_files_table"))

    pipeline.drop("a.csv", lines(order(1), "bad"))
    pipeline.drop("b.csv", lines(order(2)))
    pipeline.drop("no_header.csv", "1\n")
    pipeline.run()
    before = ledger()
    upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7, now=lambda: utc_now() + timedelta(days=3))
    assert (len(pipeline.table("folded_files_table")), ledger()) == (3, before)
    # What is told of a file later counts, and is folded once more; the run that loaded it stays its run.
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", "b.csv")
    pipeline.drop("c.csv", lines(order(3)))
    pipeline.run()
    after = ledger()
    assert {path: row.state for path, row in after.items()} == {
        **{"a.csv": "MERGED", "b.csv": "WITHDRAWN", "c.csv": "MERGED", "no_header.csv": "REJECTED"}
    }
    assert (after["a.csv"], after["no_header.csv"]) == (before["a.csv"], before["no_header.csv"])
    assert after["b.csv"].occurred_at > before["b.csv"].occurred_at
    assert (fold(), ledger()) == (4, after)
    # To fold the same again changes nothing, as does a fold that was cut short before it was noted.
    pipeline.spark.sql(
        f"ALTER TABLE {pipeline.tables.folded_files} UNSET TBLPROPERTIES ('order_tracking.folded_until')"
    )
    assert (fold(), ledger()) == (4, after)


def tell_of_file(pipeline: Pipeline, path: str) -> None:
    """Let the job log tell of a file, as a run does that loads it."""
    checkpoint, now = Checkpoint(pipeline.checkpoint), utc_now()
    file = FileOutcome(new_batch_id(now), path, State.MERGED, file_id="1", size_bytes=1, modified_at=now)
    checkpoint.record(TaskRecord(path, "run", "task", "SUCCESS", started_at=now, ended_at=now, files=(file,)))
    write_job_log(pipeline.spark, pipeline.tables.job_log, checkpoint)


def test_what_is_folded_already_is_not_written_anew_and_what_was_told_after_a_clock_that_was_ahead_is_folded(
    pipeline: Pipeline,
) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    for name, days_ahead in (("a.csv", 0), ("b.csv", 400), ("c.csv", 0)):
        tell_of_file(pipeline, name)
        until = utc_now() + timedelta(days=days_ahead)
        fold_files(pipeline.spark, pipeline.tables.job_log, pipeline.tables.folded_files, until)
    assert {row.path for row in pipeline.table("folded_files_table", "path")} == {"a.csv", "b.csv", "c.csv"}
    history = pipeline.spark.sql(f"DESCRIBE HISTORY {pipeline.tables.folded_files}").where("operation = 'MERGE'")
    counts = ("numTargetFilesRemoved", "numTargetRowsInserted")
    assert [[row.operationMetrics[count] for count in counts] for row in history.collect()] == [["0", "1"]] * 3


@pytest.mark.usefixtures("folds_alone")
def test_after_upkeeps_by_a_clock_that_was_ahead_the_next_one_lets_new_files_be_seen_and_withdrawn(
    pipeline: Pipeline,
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    states = {"a.csv": ["MERGED"]}
    for name, nights in (("b.csv", (400,)), ("c.csv", (400, 401))):
        for days in nights:
            ahead = utc_now() + timedelta(days=days)
            upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7, now=lambda now=ahead: now)
        since = kept_since(pipeline.spark, pipeline.tables)
        assert since and since > utc_now() + timedelta(days=390)
        upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7)
        pipeline.drop(name, lines(order(2)))
        pipeline.run()
        assert pipeline.states() == {**states, name: ["MERGED"]}
        withdraw(pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint), "withdrawal", name)
        states[name] = ["WITHDRAWN"]
        assert pipeline.states() == states


def test_what_is_folded_of_the_stage_stays_folded_where_rows_are_to_be_kept_longer(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    staged = pipeline.stage()
    begin = claimed_at(*staged.batch_ids) + timedelta(microseconds=1)
    told = []
    for days in (0, 1, 2, -20, 0.5):
        fold_stage(pipeline.spark, ORDERS, pipeline.tables, until=begin + timedelta(days=days))
        told.append(kept_since(pipeline.spark, pipeline.tables))
    assert told == [begin + timedelta(days=days) for days in (0, 1, 2, 0, 0)]


def test_what_is_folded_at_any_time_tells_what_all_records_tell(pipeline: Pipeline) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    spark, tables, checkpoint = pipeline.spark, pipeline.tables, Checkpoint(pipeline.checkpoint)
    create_missing(spark, ORDERS, tables)
    begin, hour, states = utc_now() - timedelta(days=20), timedelta(hours=1), list(State)
    told: dict[tuple[str, str], tuple[int, datetime]] = {}
    batches: list[str] = []
    for day in range(3):
        for i in range(8):
            started = begin + (24 * day + 3 * i) * hour
            ended = started + chance.random() * hour
            batches.append(f"{started:%Y%m%dT%H%M%S.%fZ}-{i:06d}")
            files = []
            # Of a new batch, and of one of the last or of any time, as where people take a file back.
            for batch in dict.fromkeys([batches[-1], chance.choice(batches[-3:]), chance.choice(batches)]):
                path, state = f"{chance.randrange(2)}.csv", chance.choice(states)
                files.append(FileOutcome(batch, path, state, file_id="1", size_bytes=1, modified_at=started))
                rank, last = told.get((batch, path), (0, started))
                told[batch, path] = max(rank, states.index(state)), max(last, ended)
            checkpoint.record(TaskRecord(f"{day}-{i}", "run", "task", "SUCCESS", started, ended, files=tuple(files)))
        write_job_log(spark, tables.job_log, checkpoint)
        fold_files(spark, tables.job_log, tables.folded_files, until=begin + chance.randrange(24 * (day + 1)) * hour)
        seen = spark.sql(
            "SELECT batch_id, path, state, date_format(occurred_at, 'dd HH:mm:ss.SSSSSS') AS last "
            f"FROM ({ledger(spark, tables.job_log, tables.folded_files)})"
        ).collect()
        assert sorted(map(tuple, seen)) == sorted(
            (*file, states[rank].value, f"{last:%d %H:%M:%S.%f}") for file, (rank, last) in told.items()
        )


@pytest.mark.usefixtures("folds_alone")
def test_old_rows_that_others_repeat_go_a_day_after_that_was_said(pipeline: Pipeline) -> None:
    """As where a sender sends all orders each day."""
    first, other, later = order(1), order(1, "IN_TRANSIT"), order(1, "DELIVERED", "2026-01-03 10:00:00")
    days = [(first,), (first, order(2)), (other, order(2)), (first, later), (later, order(2))]
    for number, rows in enumerate(days):
        pipeline.drop(f"{number}.csv", lines(*rows), minutes_ago=len(days) - number)
    pipeline.run()

    told = ("orders_table", "orders_history")
    before = rows_of(pipeline, *told)

    def in_days(days: float, nightly_job: bool = False) -> tuple[int, int]:
        then = utc_now() + timedelta(days=days)
        if nightly_job:
            folded = upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7, now=lambda: then).rows_folded
        else:
            folded = fold_stage(pipeline.spark, ORDERS, pipeline.tables, until=then - timedelta(days=7))
        rows = rows_of(pipeline, "stage_orders_table", *told)
        staged = rows.pop("stage_orders_table")
        assert rows == before
        return folded, len(staged)

    def much_later() -> datetime:
        return utc_now() + timedelta(days=11)

    places = (str(pipeline.volume), str(pipeline.checkpoint))
    assert in_days(6) == (0, 9)
    withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", "4.csv")
    before = rows_of(pipeline, *told)
    assert in_days(8) == (0, 7)
    assert in_days(8.5) == (0, 7)  # As where the task is tried again.
    # Of the first order three states are left, of the second one.
    assert in_days(9, nightly_job=True) == (3, 4)
    assert in_days(10) == (0, 4)
    with pytest.raises(RemovalError, match=r"3\.csv: it was loaded before 20.* UTC, and of what is that old not every"):
        withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", "3.csv")
    # Nor can what is read of it once more: what it repeats is gone all the same.
    [again] = replay(pipeline.spark, pipeline.tables, *places, "archive", files="3.csv").files
    source_to_stage(pipeline.spark, pipeline.tables, *places, "again", now=much_later)
    stage_to_final(pipeline.spark, pipeline.tables, places[1], "again", now=much_later)
    pipeline.gate("again")
    assert pipeline.states()[again] == ["MERGED"]
    with pytest.raises(RemovalError, match=r"3\.csv: it was loaded before 20"):
        withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", again)
    pipeline.drop("new.csv", lines(order(1), order(2, "LOST")))
    pipeline.load()
    assert pipeline.statuses()["T2"] == "LOST"


def test_of_a_row_that_is_there_twice_one_is_left(pipeline: Pipeline) -> None:
    """As where two runs of an earlier version loaded a file at once."""
    for minutes_ago, name in ((2, "first.csv"), (1, "second.csv")):
        pipeline.drop(name, lines(order(1)), minutes_ago)
    pipeline.run()
    pipeline.spark.sql(f"INSERT INTO {pipeline.tables.stage} SELECT * FROM {pipeline.tables.stage}").collect()
    delete_repeats(pipeline.spark, ORDERS, pipeline.tables, None, utc_now() + timedelta(days=1))
    assert {row._source_file for row in pipeline.table("stage_orders_table")} == {"second.csv"}


def test_no_file_is_read_of_orders_of_which_nothing_became_old(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.stage()
    [unread] = pipeline.spark.table(pipeline.tables.stage).inputFiles()
    since = utc_now()
    for minutes_ago, name in ((2, "b.csv"), (1, "c.csv")):
        pipeline.drop(name, lines(order(2), order(3)), minutes_ago)
    pipeline.run()
    Path(urlparse(unread).path).unlink()

    def stage_version() -> int:
        [change] = pipeline.spark.sql(f"DESCRIBE HISTORY {pipeline.tables.stage} LIMIT 1").collect()
        return int(change.version)

    def fold(since: datetime) -> int:
        return delete_repeats(pipeline.spark, ORDERS, pipeline.tables, since, utc_now() + timedelta(days=1))

    before = stage_version()
    assert (fold(utc_now()), stage_version()) == (0, before)
    assert fold(since) == 2


def test_no_file_of_the_quarantine_is_read_of_other_batches_however_many_columns_there_are(pipeline: Pipeline) -> None:
    """Delta has statistics of the first 32 columns, unless it is told of which."""
    names = [f"column_{number}" for number in range(30)]
    pipeline.contract = replace(ORDERS, columns=(*ORDERS.columns, *(Column(name, "string") for name in names)))
    header = ",".join([HEADER, *names])
    pipeline.drop("a.csv", lines("bad", header=header))
    pipeline.stage()
    [unread] = pipeline.spark.table(pipeline.tables.quarantine).inputFiles()
    pipeline.drop("b.csv", lines("bad", header=header))
    [batch_id] = pipeline.stage().batch_ids
    Path(urlparse(unread).path).unlink()
    assert count_by_file(pipeline.spark, pipeline.tables.quarantine, batch_id) == {"b.csv": 1}


@pytest.mark.usefixtures("no_compaction")
def test_each_upkeep_lets_tables_have_what_they_should_whatever_an_earlier_version_or_a_kill_has_left(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, statistics, interval = pipeline.tables, "delta.dataSkippingStatsColumns", "delta.checkpointInterval"
    create_missing(pipeline.spark, ORDERS, tables)
    pipeline.spark.sql(f"ALTER TABLE {tables.quarantine} UNSET TBLPROPERTIES ('{statistics}')")
    pipeline.spark.sql(f"ALTER TABLE {tables.job_log} CLUSTER BY NONE")
    sql = type(pipeline.spark).sql

    def killed(spark: SparkSession, query: str, *args: Any, **kwargs: Any) -> Any:
        if " UNSET " in query:
            raise KeyboardInterrupt
        return sql(spark, query, *args, **kwargs)

    def detail_of(table: str) -> Row:
        [detail] = pipeline.spark.sql(f"DESCRIBE DETAIL {table}").collect()
        return detail

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(pipeline.spark), "sql", killed)
        versions.write_checkpoint(pipeline.spark, tables.orders)
    assert interval in detail_of(tables.orders).properties
    # Old versions are kept as long as the environment says, whoever deletes them.
    for days, hours in ((30, 720), (30, 720), (7, 168)):
        assert upkeep.upkeep(pipeline.spark, tables, retention_days=days).warnings == ()
        details = {table: detail_of(table) for table in tables.stored}
        for detail in details.values():
            assert detail.properties["delta.deletedFileRetentionDuration"] == f"interval {hours} hours"
        # A checkpoint that was cut short leaves no table that writes one with each commit.
        assert interval not in details[tables.orders].properties
        assert details[tables.quarantine].properties[statistics] == "tracking_num,_batch_id"
        assert details[tables.job_log].clusteringColumns == ["started_at"]


def test_what_fails_of_one_table_keeps_no_other_step_from_being_taken(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a merge touches each time what is compacted."""
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    orders, stored = pipeline.tables.orders, pipeline.tables.stored
    asked: list[str] = []
    sql = type(pipeline.spark).sql

    def failing(spark: SparkSession, query: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(query)
        if query.startswith((f"OPTIMIZE {orders}", f"ALTER TABLE {orders}")) and asked.count(query) == 1:
            raise PySparkException("[DELTA_CONCURRENT_DELETE_READ] a concurrent transaction deleted data")
        if query == f"OPTIMIZE {orders}" or "folded_until" in query:
            raise PySparkException("[FAILED] no space is left")
        if query.startswith(("OPTIMIZE ", "VACUUM ")):  # Only whether it is asked for is looked at.
            query = "SELECT named_struct('numFilesAdded', 0, 'numFilesRemoved', 0) AS metrics"
        return sql(spark, query, *args, **kwargs)

    monkeypatch.setattr(type(pipeline.spark), "sql", failing)
    with pytest.raises(UpkeepError, match=r"the upkeep of \S+folded_files_table, \S+orders_table did not .*no space"):
        upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7)
    changed = [query for query in asked if query.startswith(f"ALTER TABLE {orders} SET")]
    assert (len(changed), len(set(changed)), asked.count(f"OPTIMIZE {orders}")) == (2, 1, 2)
    for name in stored:
        assert f"OPTIMIZE {name}" in asked and f"VACUUM {name} RETAIN 168 HOURS" in asked
    assert "stage_kept_since" in "".join(asked)


@pytest.mark.parametrize("slow", ["fold_stage", "_compact"])
def test_an_upkeep_that_ends_with_the_time_of_its_task_has_deleted_what_is_too_old_and_compacted_what_is_small(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """A large table may take that time each night."""
    stage, quarantine = pipeline.tables.stage, pipeline.tables.quarantine
    monkeypatch.setattr(Tables, "stored", property(lambda tables: (tables.stage, tables.quarantine)))
    pipeline.drop("a.csv", lines(order(1), "bad"))
    pipeline.stage()
    [old] = (Path(urlparse(each).path) for each in pipeline.spark.table(quarantine).inputFiles())
    pipeline.spark.sql(f"DELETE FROM {quarantine}").collect()
    os.utime(old, (0, 0))
    compacted: list[str] = []

    def killed(*args: Any, **_: Any) -> Row:
        if slow == "fold_stage" or args[1] == stage:
            raise KeyboardInterrupt
        compacted.append(args[1])
        return Row(numFilesAdded=0, numFilesRemoved=0)

    monkeypatch.setattr(upkeep, slow, killed)
    with pytest.raises(KeyboardInterrupt):
        upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=0)
    assert not old.exists()
    assert compacted == ([quarantine] if slow == "_compact" else [])


@pytest.mark.usefixtures("no_compaction")
def test_a_view_that_cannot_be_made_keeps_no_other_step_from_being_taken(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    now, sql = utc_now(), type(pipeline.spark).sql
    # Other days each time, by which is seen what was done now.
    for name, days in (("orders_history", 7), ("loaded_files_table", 8)):
        view = pipeline.full_name(name)
        pipeline.spark.sql(f"DROP VIEW {view}")

        def failing(spark: SparkSession, query: str, *args: Any, view: str = view, **kwargs: Any) -> Any:
            if query.startswith(f"CREATE OR REPLACE VIEW {view}"):
                raise PySparkException("[FAILED] no space is left")
            return sql(spark, query, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(type(pipeline.spark), "sql", failing)
            with pytest.raises(UpkeepError, match=rf"the upkeep of \S+{name}\S* did not .*no space"):
                upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=days, now=lambda: now)
        assert kept_since(pipeline.spark, pipeline.tables) == now - timedelta(days=days)
        [detail] = pipeline.spark.sql(f"DESCRIBE DETAIL {pipeline.tables.job_log}").collect()
        assert detail.properties["delta.deletedFileRetentionDuration"] == f"interval {24 * days} hours"
        replace_views(pipeline.spark, ORDERS, pipeline.tables)


def test_an_upkeep_by_a_contract_that_the_tables_cannot_follow_does_nothing(pipeline: Pipeline) -> None:
    """Or the views would be of that contract, by which the next run would find nothing to refuse."""
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    required = tuple(replace(column, required=True) for column in ORDERS.columns)
    contract, before = replace(ORDERS, columns=required, key="order_num"), pipeline.versions()
    for _ in range(2):
        with pytest.raises(ContractError, match="order_num as the key"):
            upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7, contract=contract)
    assert pipeline.versions() == before


@pytest.mark.usefixtures("folds_alone")
def test_tables_that_lack_a_column_of_the_contract_after_an_upkeep_get_it_from_the_next_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    pipeline.contract = replace(ORDERS, columns=(*ORDERS.columns, Column("weight", "int")))
    quarantine, sql = pipeline.tables.quarantine, type(pipeline.spark).sql

    def failing(spark: SparkSession, query: str, *args: Any, **kwargs: Any) -> Any:
        if query.startswith(f"ALTER TABLE {quarantine} ADD COLUMNS"):
            raise PySparkException("[FAILED] no space is left")
        return sql(spark, query, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(UpkeepError, match=r"the upkeep of \S+orders_history did not"):
        patch.setattr(type(pipeline.spark), "sql", failing)
        upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7, contract=pipeline.contract)
    pipeline.drop("a.csv", lines(f"{order(1)},heavy", header=f"{HEADER},weight"))
    pipeline.stage()
    assert [row.weight for row in pipeline.table("quarantined_orders_table", "weight")] == ["heavy"]


@pytest.mark.parametrize(("days", "hours"), [(7, 168), (30.5, 732), (99_999, 2_399_976)])
def test_versions_are_kept_for_hours_as_spark_reads_them(days: float, hours: int) -> None:
    assert set(versions.versions_kept(days).values()) == {f"interval {hours} hours"}


def test_the_log_of_a_table_that_seldom_changes_is_kept_a_day_longer_at_most(pipeline: Pipeline) -> None:
    """An erasure says by when its order is in no old version any more: two nights after the days of the environment."""
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    table = pipeline.tables.orders
    versions.set_properties(pipeline.spark, table, versions.versions_kept(7))
    [detail] = pipeline.spark.sql(f"DESCRIBE DETAIL {table}").collect()
    log = Path(urlparse(detail.location).path) / "_delta_log"
    for more_days, is_kept in ((7.9, True), (0.2, False)):
        for path in log.iterdir():
            os.utime(path, (path.stat().st_mtime - more_days * 86_400,) * 2)
        upkeep._drop_old_log(pipeline.spark, table, 7)
        assert (log / f"{0:020}.json").exists() == is_kept


@pytest.mark.usefixtures("folds_alone")
def test_a_view_of_somebody_else_stops_nothing_and_is_told(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the jobs ran as somebody else before: only its owner may replace a view."""
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.load()
    sql = type(pipeline.spark).sql

    def refused(spark: SparkSession, query: str, *args: Any, **kwargs: Any) -> Any:
        if query.startswith("CREATE OR REPLACE VIEW"):
            raise PySparkException("PERMISSION_DENIED: User is not an owner of Table")
        return sql(spark, query, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(type(pipeline.spark), "sql", refused)
        done = upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7)
        pipeline.drop("b.csv", lines(f"{order(2)},DHL", header=f"{HEADER},carrier"))
        staged = pipeline.stage(policy=Policy(NewColumns.ADD))
        pipeline.merge()
    assert all("could not be renewed" in warning for warning in done.warnings) and len(done.warnings) == 3
    assert any("could not be renewed" in warning for warning in staged.warnings)
    assert {(row.tracking_num, row.carrier) for row in pipeline.table("orders_table")} == {("T1", None), ("T2", "DHL")}
    pipeline.stage()
    assert "carrier" in pipeline.spark.table(pipeline.tables.history).columns


def test_times_are_read_in_utc_whatever_the_session_is_set_to(pipeline: Pipeline) -> None:
    pipeline.spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.stage()
    assert pipeline.spark.conf.get("spark.sql.session.timeZone") == "UTC"
    [row] = pipeline.table("stage_orders_table", "CAST(last_update_timestamp AS STRING) AS updated")
    assert row.updated == "2026-01-02 10:00:00"

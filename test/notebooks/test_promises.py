"""The pipeline's promises, where nothing crashes."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import permutations
from typing import Any

import pytest
from order_tracking.contract.orders import ORDERS
from order_tracking.files.checkpoint import Checkpoint
from order_tracking.tables.tables import create_missing
from order_tracking.tasks.load_batch import Policy
from pipeline import Pipeline, lines, order, session_settings
from pyspark.sql.connect.observation import Observation

LATER = "2026-01-03 10:00:00"


def commits_since(before: dict[str, int], pipeline: Pipeline) -> dict[str, int]:
    """How many commits each table has got since it had these versions."""
    return {name: version - before[name] for name, version in pipeline.versions().items()}


def test_running_again_with_nothing_new_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1), "bad"))
    pipeline.run()
    before = pipeline.versions()
    staged, merged = pipeline.run()
    assert (staged.batch_ids, staged.files, merged.batches) == ((), (), ())
    # Only the run tracker tells that there were runs.
    before["job_log_table"] += 1
    assert pipeline.versions() == before
    assert (str(staged), str(merged)) == ("Nothing has arrived.", "Nothing is staged.")


def test_a_merge_is_one_commit_and_a_batch_takes_few(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    before = pipeline.versions()
    pipeline.drop("b.csv", lines(order(1, "DELIVERED", LATER), order(2)))
    pipeline.run()
    assert commits_since(before, pipeline) == {
        "orders_table": 1,
        "stage_orders_table": 1,
        "job_log_table": 1,
        "quarantined_orders_table": 0,
    }


def test_files_with_too_many_bad_rows_are_rejected_in_few_commits(pipeline: Pipeline) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    before = pipeline.versions()
    for number in range(20):
        pipeline.drop(f"{number}.csv", lines(order(number), *(f"{number},{each}" for each in range(number % 4 + 2))))
    pipeline.drop("good.csv", lines(order(2), "bad"))
    pipeline.run(Policy(max_bad_rows_percent=50))
    # What is written to the stage and to the quarantine is deleted in one commit each.
    assert commits_since(before, pipeline) == {
        "orders_table": 1,
        "stage_orders_table": 2,
        "job_log_table": 1,
        "quarantined_orders_table": 2,
    }
    assert set(pipeline.statuses()) == {"T2"}
    rejected = pipeline.files("rejected")
    assert len(rejected) == 40
    told = "bad, more than the 50 % that are allowed; line 3: the row has 2 value(s) where the header has 7; line 4: "
    assert all(told in rejected[f"{number}.csv.reason.txt"].decode() for number in range(20))
    assert rejected["3.csv.reason.txt"].decode().startswith("5 of its 6 rows are")
    assert pipeline.quarantine() == [("good.csv", 2, [(None, "malformed")])]


def test_what_spark_observed_while_it_wrote_rejects_no_file(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may tell nothing of what it wrote, of a part of it, or of rows twice that it wrote once."""

    def twice(metrics: dict[str, Any]) -> dict[str, Any]:
        return {name: 2 * value if isinstance(value, int) else value for name, value in metrics.items()}

    def in_part(metrics: dict[str, Any]) -> dict[str, Any]:
        return {**metrics, "staged_0": 1, "last_key": "T1"}

    observed: list[dict[str, Any]] = []
    for told in (lambda _: {}, twice, in_part):

        def get(observation: Any, told: Any = told) -> dict[str, Any]:
            observed.append(observation._result)
            return told(observation._result)

        monkeypatch.setattr(Observation, "get", property(get))
        pipeline.drop("a.csv", lines(order(1), "bad", order(2), "worse"))
        [file] = pipeline.stage().files
        assert (file.outcome, file.rows_staged, file.rows_quarantined) == ("staged", 2, 2)
    assert len(observed) == 3 and all(observed), "Spark told nothing, of which there is no part and no double"
    staged = Checkpoint(pipeline.checkpoint).staged()
    assert [(batch.first_key, batch.last_key) for batch in staged] == [("T1", "T2")] * 3


def test_an_older_state_never_replaces_a_newer_one(pipeline: Pipeline) -> None:
    pipeline.drop("new.csv", lines(order(1, "DELIVERED", LATER)))
    pipeline.run()
    pipeline.drop("old.csv", lines(order(1, "SHIPPED")))
    _, merged = pipeline.run()
    assert (merged.inserted, merged.updated, merged.outdated, merged.unchanged) == (0, 0, 1, 0)
    assert pipeline.statuses() == {"T1": "DELIVERED"}


#: How Spark runs in a workspace: the tests' own compiles nothing (`connect_server.py`), and a laptop's plans once.
AS_IN_WORKSPACE = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "CODEGEN_ONLY",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "2",
}
#: Which of several states of one time wins: when each file was sent, in minutes ago, its rows, and the one that wins.
TIES = {
    "further on": (
        {"a": (0, ["Delivered,x"]), "b": (0, ["IN_TRANSIT,x"]), "c": (0, ["SOMEWHERE,x"])},
        "Delivered,x",
    ),
    "sent later": ({"wrong": (60, ["SHIPPED,Z"]), "right": (5, ["SHIPPED,A"])}, "SHIPPED,A"),
    "last row of the last file": (
        {"first": (30, ["SHIPPED,Z"]), "between": (20, ["SHIPPED,M"]), "last": (10, ["SHIPPED,Z", "SHIPPED,A"])},
        "SHIPPED,A",
    ),
}


def test_of_states_of_one_time_the_same_one_wins_in_whatever_order_they_come(pipeline: Pipeline) -> None:
    # Each way for an order and a folder of its own, so that all share the runs.
    ways = {f"{wins} {number}": names for wins in TIES for number, names in enumerate(permutations(TIES[wins][0]))}
    header = "tracking_num,status,address,last_update_timestamp"
    # The merge chooses when it runs, the history when it is read.
    with session_settings(pipeline.spark, AS_IN_WORKSPACE):
        for step in range(3):
            for key, names in ways.items():
                if step < len(names):
                    minutes_ago, rows = TIES[key[:-2]][0][names[step]]
                    content = [f"{key},{row},2026-01-02 10:00:00" for row in rows]
                    pipeline.drop(f"{key}/{names[step]}.csv", lines(*content, header=header), minutes_ago)
            pipeline.run()
        for table in ("orders_table", "orders_history"):
            found = sorted(f"{row.tracking_num},{row.status},{row.address}" for row in pipeline.table(table))
            assert found == sorted(f"{key},{TIES[key[:-2]][1]}" for key in ways)


def test_a_state_that_was_sent_again_wins_against_what_was_sent_in_between_and_changes_nothing_until_then(
    pipeline: Pipeline,
) -> None:
    first, between = (order(1).replace("1 Main", street) for street in ("Z", "A"))
    pipeline.drop("first.csv", lines(first), 60)
    pipeline.run()
    pipeline.drop("again.csv", lines(first), 20)
    _, merged = pipeline.run()
    assert (merged.updated, merged.unchanged) == (0, 1)
    pipeline.drop("between.csv", lines(between), 40)
    _, merged = pipeline.run()
    assert (merged.updated, merged.outdated) == (0, 1)
    assert pipeline.orders()["T1"][3] == "Z Street"
    pipeline.drop("corrected.csv", lines(between, order(2)), 10)
    _, merged = pipeline.run()
    assert (merged.inserted, merged.updated) == (1, 1)
    assert [row.address for row in pipeline.table("orders_history") if row.tracking_num == "T1"] == ["A Street"]


def test_of_two_states_of_one_time_and_file_the_one_in_the_later_row_wins(pipeline: Pipeline) -> None:
    rows = [order(1).replace("1 Main", street) for street in ("Z", "M", "A")]
    pipeline.drop("a.csv", lines(*rows))
    pipeline.drop("b.csv", lines(*(row.replace("T1", "T2") for row in reversed(rows))))
    _, merged = pipeline.run()
    assert {key: row[3] for key, row in pipeline.orders().items()} == {"T1": "A Street", "T2": "Z Street"}
    assert {row.tracking_num: row.address for row in pipeline.table("orders_history")} == {
        "T1": "A Street",
        "T2": "Z Street",
    }
    assert (merged.inserted, merged.outdated, merged.unchanged) == (2, 4, 0)
    assert 4 in {row.rows_outdated for row in pipeline.table("job_runs_table")}


def test_a_status_that_nobody_knows_is_a_warning_with_the_nearest_one_that_is_known(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1, "DELVERED"), order(2, "delivered"), order(3, "???")))
    staged, _ = pipeline.run()
    assert staged.warnings == ("2 rows: status is none that is known, such as ???, DELVERED (is it DELIVERED?)",)
    assert len(pipeline.statuses()) == 3


def test_a_status_that_nobody_knows_is_quarantined_where_the_contract_says_so(pipeline: Pipeline) -> None:
    assert ORDERS.progress
    pipeline.contract = replace(ORDERS, progress=replace(ORDERS.progress, only_known=True))
    pipeline.drop("a.csv", lines(order(1, "DELVERED"), order(2, "delivered")))
    pipeline.run()
    assert pipeline.statuses() == {"T2": "delivered"}
    [row] = pipeline.table("quarantined_orders_table", "reasons")
    assert row.reasons[0].message == "status is none that is known: DELVERED; is it DELIVERED?"


def test_a_state_from_the_future_is_quarantined(pipeline: Pipeline) -> None:
    now = datetime.now(timezone.utc)
    tomorrow, later = (f"{now + timedelta(hours=hours):%Y-%m-%d %H:%M:%S}" for hours in (23, 26))
    pipeline.drop("a.csv", lines(order(1, updated="9999-12-31"), order(2, updated=later), order(3, updated=tomorrow)))
    pipeline.run()
    assert set(pipeline.statuses()) == {"T3"}
    assert [reasons for _, _, reasons in pipeline.quarantine()] == [[("last_update_timestamp", "future")]] * 2
    pipeline.contract = replace(ORDERS, future_tolerance=None)
    pipeline.drop("b.csv", lines(order(2, updated=later)))
    pipeline.run()
    assert set(pipeline.statuses()) == {"T2", "T3"}


def test_a_staged_batch_that_was_not_merged_survives_later_ones(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    first = pipeline.stage().batch_ids
    pipeline.drop("b.csv", lines(order(2)))
    second = pipeline.stage().batch_ids
    merged = pipeline.merge()
    assert (merged.batches, merged.rows_taken, merged.inserted) == (first + second, 2, 2)
    assert set(pipeline.statuses()) == {"T1", "T2"}


def test_the_stage_keeps_every_row(pipeline: Pipeline) -> None:
    for number in (1, 2):
        pipeline.drop(f"{number}.csv", lines(order(number)))
        pipeline.run()
    assert sorted(row.tracking_num for row in pipeline.table("stage_orders_table")) == ["T1", "T2"]


def test_the_run_tracker_and_the_ledger_account_for_every_row_and_file(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1), order(1), "bad", order(2)))
    pipeline.drop("b.csv", lines("bad", "worse", order(3)))
    pipeline.drop("c.csv", "no header\n")
    pipeline.run(Policy(max_bad_rows_percent=50))
    [run] = pipeline.spark.table(pipeline.tables.runs).where("task = 'source_to_stage'").collect()
    assert run.rows_read == run.rows_staged + run.rows_quarantined + run.rows_rejected == 7
    assert (run.rows_rejected, run.files_loaded, run.files_rejected) == (3, 1, 2)
    assert {step.name for step in run.steps} >= {"take", "stage", "quarantine", "reject"}
    [merge] = pipeline.spark.table(pipeline.tables.runs).where("task = 'stage_to_final'").collect()
    assert (merge.rows_inserted, merge.rows_unchanged, merge.status) == (2, 1, "SUCCESS")
    assert pipeline.states() == {"a.csv": ["MERGED"], "b.csv": ["REJECTED"], "c.csv": ["REJECTED"]}
    for row in pipeline.table("loaded_files_table"):
        assert (pipeline.volume / row.moved_to).is_file()
    assert pipeline.files("file_arrival") == {}


def test_the_order_of_a_late_event_changes_the_history_and_not_the_orders(pipeline: Pipeline) -> None:
    times = ["2026-01-03 10:00:00", "2026-01-01 10:00:00", "2026-01-02 10:00:00", "2026-01-02 10:00:00"]
    for number, time in enumerate(times):
        pipeline.drop(f"{number}.csv", lines(order(1, f"AT {time[:10]}", time)))
        pipeline.run()
    history = pipeline.table("orders_history", "status", "CAST(valid_from AS date)", "CAST(valid_to AS date)")
    assert sorted(tuple(map(str, row)) for row in history) == [
        ("AT 2026-01-01", "2026-01-01", "2026-01-02"),
        ("AT 2026-01-02", "2026-01-02", "2026-01-03"),
        ("AT 2026-01-03", "2026-01-03", "None"),
    ]
    assert pipeline.statuses() == {"T1": "AT 2026-01-03"}


def test_the_history_agrees_with_the_orders_before_the_merge_as_well(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    pipeline.drop("b.csv", lines(order(1, "DELIVERED", LATER), order(2)))
    pipeline.stage()
    current = pipeline.spark.table(pipeline.tables.history).where("is_current")
    assert [(row.tracking_num, row.status) for row in current.collect()] == [("T1", "SHIPPED")]

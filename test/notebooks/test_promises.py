"""The pipeline's promises, where nothing crashes."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import permutations
from typing import Any

import pytest
from order_tracking.contract.orders import ORDERS
from order_tracking.files.checkpoint import Checkpoint
from order_tracking.tables.tables import create_missing
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.summary import SourceToStageSummary, StageToFinalSummary
from pipeline import Pipeline, lines, order, session_settings
from pyspark.sql.connect.observation import Observation

LATER = "2026-01-03 10:00:00"


def test_a_run_takes_few_commits_and_none_but_of_the_run_tracker_where_nothing_has_arrived(pipeline: Pipeline) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    versions = pipeline.versions()

    def commits_of_run(policy: Policy | None = None) -> tuple[list[int], SourceToStageSummary, StageToFinalSummary]:
        """How many commits the stage, the orders, the quarantine and the job log get."""
        nonlocal versions
        before = versions
        summaries = pipeline.run(policy)
        versions = pipeline.versions()
        return [version - before[name] for name, version in versions.items()], *summaries

    for number in range(20):
        pipeline.drop(f"{number}.csv", lines(order(number), *(f"{number},{each}" for each in range(number % 4 + 2))))
    pipeline.drop("good.csv", lines(order(2), "bad"))
    # What is written of files with too many bad rows to the stage and to the quarantine is deleted in one commit each.
    assert commits_of_run(Policy(max_bad_rows_percent=50))[0] == [2, 1, 2, 1]
    assert set(pipeline.statuses()) == {"T2"}
    rejected = pipeline.files("rejected")
    assert len(rejected) == 40
    told = "bad, more than the 50 % that are allowed; line 3: the row has 2 value(s) where the header has 7; line 4: "
    assert all(told in rejected[f"{number}.csv.reason.txt"].decode() for number in range(20))
    assert rejected["3.csv.reason.txt"].decode().startswith("5 of its 6 rows are")
    assert pipeline.quarantine() == [("good.csv", 2, [(None, "malformed")])]

    # A merge is one commit, whatever it inserts and updates.
    pipeline.drop("newer.csv", lines(order(2, "DELIVERED", LATER), order(99)))
    assert commits_of_run()[0] == [1, 1, 0, 1]

    # Only the run tracker tells that there was a run.
    commits, staged, merged = commits_of_run()
    assert commits == [0, 0, 0, 1]
    assert (staged.batch_ids, staged.files, merged.batches) == ((), (), ())
    assert (str(staged), str(merged)) == ("Nothing has arrived.", "Nothing is staged.")


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
            pipeline.load()
        for table in ("orders_table", "orders_history"):
            found = sorted(f"{row.tracking_num},{row.status},{row.address}" for row in pipeline.table(table))
            assert found == sorted(f"{key},{TIES[key[:-2]][1]}" for key in ways)


def test_the_newest_state_of_an_order_wins_and_the_history_has_each_whenever_they_come(pipeline: Pipeline) -> None:
    """Each order has files of its own, so that all share the runs."""

    def run() -> tuple[int, int, int, int]:
        _, merged = pipeline.run()
        return merged.inserted, merged.updated, merged.outdated, merged.unchanged

    late = [order("late", f"AT {day}", f"{day} 10:00:00") for day in ("2026-01-03", "2026-01-01", "2026-01-02")]
    first, between = (order("again").replace("again Main", street) for street in ("Z", "A"))
    of_one_time = [order("last-row").replace("last-row Main", street) for street in ("Z", "M", "A")]

    pipeline.drop("new.csv", lines(order("newer", "DELIVERED", LATER)))
    pipeline.drop("late_0.csv", lines(late[0]))
    pipeline.drop("first.csv", lines(first), 60)
    # Of several states of one time and file the one in the last row wins, whatever it says.
    pipeline.drop("rows.csv", lines(*of_one_time))
    pipeline.drop("reversed.csv", lines(*(row.replace("Tlast", "Tother-last") for row in reversed(of_one_time))))
    assert run() == (5, 0, 4, 0)
    # An older state replaces no newer one. The same one sent again changes nothing.
    pipeline.drop("old.csv", lines(order("newer", "SHIPPED")))
    pipeline.drop("late_1.csv", lines(late[1]))
    pipeline.drop("again.csv", lines(first), 20)
    assert run() == (0, 0, 2, 1)
    # It was sent again later than another one of its time, which therefore does not win.
    pipeline.drop("late_2.csv", lines(late[2]))
    pipeline.drop("between.csv", lines(between), 40)
    assert run() == (0, 0, 2, 0)
    assert pipeline.orders()["Tagain"][3] == "Z Street"
    pipeline.drop("late_3.csv", lines(late[2]))
    pipeline.drop("corrected.csv", lines(between, order("new")), 10)
    assert run() == (1, 1, 1, 0)

    found = {key: (row[2], row[3]) for key, row in pipeline.orders().items()}
    assert found == {
        "Tnewer": ("DELIVERED", "newer Main Street"),
        "Tlate": ("AT 2026-01-03", "late Main Street"),
        "Tagain": ("SHIPPED", "A Street"),
        "Tnew": ("SHIPPED", "new Main Street"),
        "Tlast-row": ("SHIPPED", "A Street"),
        "Tother-last-row": ("SHIPPED", "Z Street"),
    }
    days = [f"CAST({name} AS date)" for name in ("valid_from", "valid_to")]
    history = pipeline.table("orders_history", "tracking_num", "status", "address", *days)
    assert sorted(tuple(map(str, row)) for row in history) == [
        ("Tagain", "SHIPPED", "A Street", "2026-01-02", "None"),
        ("Tlast-row", "SHIPPED", "A Street", "2026-01-02", "None"),
        ("Tlate", "AT 2026-01-01", "late Main Street", "2026-01-01", "2026-01-02"),
        ("Tlate", "AT 2026-01-02", "late Main Street", "2026-01-02", "2026-01-03"),
        ("Tlate", "AT 2026-01-03", "late Main Street", "2026-01-03", "None"),
        ("Tnew", "SHIPPED", "new Main Street", "2026-01-02", "None"),
        ("Tnewer", "DELIVERED", "newer Main Street", "2026-01-03", "None"),
        ("Tnewer", "SHIPPED", "newer Main Street", "2026-01-02", "2026-01-03"),
        ("Tother-last-row", "SHIPPED", "Z Street", "2026-01-02", "None"),
    ]
    # The stage keeps every row.
    rows = {"Tnewer": 2, "Tlate": 4, "Tagain": 4, "Tnew": 1, "Tlast-row": 3, "Tother-last-row": 3}
    assert Counter(row.tracking_num for row in pipeline.table("stage_orders_table", "tracking_num")) == rows
    assert sorted(row.rows_outdated for row in pipeline.table("job_runs_table") if row.rows_outdated) == [1, 2, 2, 4]


def test_a_status_that_nobody_knows_is_a_warning_or_quarantined_and_a_state_from_the_future_is_quarantined_or_taken(
    pipeline: Pipeline,
) -> None:
    now = datetime.now(timezone.utc)
    tomorrow, later = (f"{now + timedelta(hours=hours):%Y-%m-%d %H:%M:%S}" for hours in (23, 26))
    pipeline.drop("status.csv", lines(order(1, "DELVERED"), order(2, "delivered"), order(3, "???")))
    times = {4: "9999-12-31", 5: later, 6: tomorrow}
    pipeline.drop("time.csv", lines(*(order(number, updated=time) for number, time in times.items())))
    staged = pipeline.stage()
    pipeline.merge()
    # With the nearest status that is known.
    assert staged.warnings == ("2 rows: status is none that is known, such as ???, DELVERED (is it DELIVERED?)",)
    assert set(pipeline.statuses()) == {"T1", "T2", "T3", "T6"}
    future = [("last_update_timestamp", "future")]
    assert [(file, reasons) for file, _, reasons in pipeline.quarantine()] == [("time.csv", future)] * 2

    # Where the contract says so, it is the other way round.
    assert ORDERS.progress
    only_known = replace(ORDERS.progress, only_known=True)
    pipeline.contract = replace(ORDERS, progress=only_known, future_tolerance=None)
    pipeline.drop("status_again.csv", lines(order(7, "DELVERED"), order(8, "delivered")))
    pipeline.drop("time_again.csv", lines(order(5, updated=later)))
    pipeline.load()
    statuses = pipeline.statuses()
    assert (set(statuses), statuses["T8"]) == ({"T1", "T2", "T3", "T5", "T6", "T8"}, "delivered")
    [row] = [each for each in pipeline.table("quarantined_orders_table") if each._source_file == "status_again.csv"]
    assert row.reasons[0].message == "status is none that is known: DELVERED; is it DELIVERED?"


def test_what_is_staged_and_not_merged_is_no_current_state_and_survives_later_batches(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.load()
    pipeline.drop("b.csv", lines(order(1, "DELIVERED", LATER), order(2)))
    first = pipeline.stage().batch_ids
    current = pipeline.spark.table(pipeline.tables.history).where("is_current")
    assert [(row.tracking_num, row.status) for row in current.collect()] == [("T1", "SHIPPED")]
    pipeline.drop("c.csv", lines(order(3)))
    second = pipeline.stage().batch_ids
    merged = pipeline.merge()
    assert (merged.batches, merged.rows_taken, merged.inserted, merged.updated) == (first + second, 3, 2, 1)
    assert pipeline.statuses() == {"T1": "DELIVERED", "T2": "SHIPPED", "T3": "SHIPPED"}


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

from dataclasses import replace
from typing import Any

import pytest
from crash_scenario import Crash
from order_tracking.clock import utc_now
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import MergeError, QualityGateError
from order_tracking.files.checkpoint import Checkpoint
from order_tracking.tables.job_log import FileOutcome, State, TaskRecord
from order_tracking.tables.tables import create_missing
from order_tracking.tasks import stage_to_final, task_run
from order_tracking.tasks.load_batch import Policy
from order_tracking.typed_json import from_json
from pipeline import Pipeline, lines, order


def test_too_many_bad_rows_or_files_fail_the_run_after_the_good_data_has_landed(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1), order(2), "bad"))
    pipeline.drop("b.csv", "no header\n")
    too_bad = lines("bad", '"a', 'b",c', "", order(3), order(4).replace("2026-01-01", "soon"))
    pipeline.drop("c.csv", too_bad)
    staged = pipeline.stage("1", Policy(max_bad_rows_percent=50))
    # A file with too many bad rows is rejected with all its rows. Its lines are counted as an editor counts them: a
    # value spans two, and another one is empty.
    reasons = {
        "b.csv": "its header lacks tracking_num, status, last_update_timestamp; add what is missing: its first line is "
        "'no header'",
        "c.csv": "3 of its 4 rows are bad, more than the 50 % that are allowed; "
        "line 2: the row has 1 value(s) where the header has 7; "
        "line 3: the row does not have the 7 values of the header; "
        "line 7: received_date is not a date such as 2026-11-21: soon",
    }
    assert {file.path: (file.outcome, file.reason) for file in staged.files} == {
        "a.csv": ("staged", None),
        **{path: ("rejected", reason) for path, reason in reasons.items()},
    }
    assert pipeline.files("rejected") == {
        "b.csv": b"no header\n",
        "c.csv": too_bad.encode(),
        **{f"{path}.reason.txt": f"{reason}\n".encode() for path, reason in reasons.items()},
    }
    pipeline.merge("1")
    with pytest.raises(QualityGateError) as raised:
        pipeline.gate("1", max_quarantined_percent=33, max_rejected_files=0)
    # The rows are those of what was loaded.
    assert str(raised.value) == (
        "1 of 3 rows are in quarantine, more than the 33 % that are allowed; "
        "rejected files: 2, more than the 0 that are allowed: "
        f"c.csv ({reasons['c.csv']}), b.csv ({reasons['b.csv']})"
    )
    assert set(pipeline.statuses()) == {"T1", "T2"}
    assert [(file, number) for file, number, _ in pipeline.quarantine()] == [("a.csv", 3)]
    [gate] = pipeline.spark.table(pipeline.tables.runs).where("task = 'quality_gate'").collect()
    assert (gate.status, str(raised.value) in gate.error) == ("FAILED", True)
    # Another try of the gate passes where so many are allowed.
    counted = pipeline.gate("1", max_quarantined_percent=34, max_rejected_files=2)
    assert (counted.rows_read, counted.rows_quarantined, counted.files_rejected) == (7, 1, 2)


def test_a_task_that_failed_or_did_not_end_fails_the_run_and_is_in_the_run_tracker(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(QualityGateError, match="source_to_stage did not come to its end; stage_to_final did not"):
        pipeline.gate("0")
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.stage("1")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(stage_to_final, "merge_batches", fail)
        with pytest.raises(MergeError):
            pipeline.merge("1")
    with pytest.raises(QualityGateError, match=r"stage_to_final failed: .*disk full"):
        pipeline.gate("1")
    [merge] = pipeline.spark.table(pipeline.tables.runs).where("task = 'stage_to_final'").collect()
    assert (merge.status, "disk full" in merge.error) == ("FAILED", True)
    assert pipeline.states() == {"a.csv": ["STAGED"]}
    # Another try of the task makes the run good.
    pipeline.merge("1")
    pipeline.gate("1")
    assert pipeline.states() == {"a.csv": ["MERGED"]}


def test_a_record_of_very_many_alarms_is_not_written_once_for_each_of_its_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(task_run, "_MAX_APPENDED_BYTES", 2000)
    now = utc_now()
    alarms = tuple(f"{number} went wrong" for number in range(500))
    files = tuple(FileOutcome("batch", f"{number}.csv", State.STAGED, "1", 1, now) for number in range(20))
    record = TaskRecord("1", "1", "source_to_stage", "SUCCESS", now, now, alarms=alarms, files=files[:4])
    assert len(list(task_run._rows_of(record))) == 1
    rows = [from_json(TaskRecord, row) for row in task_run._rows_of(replace(record, files=files))]
    assert 1 < len(rows) <= 8
    assert tuple(file for row in rows for file in row.files) == files
    assert {replace(row, files=()) for row in rows} == {replace(record, files=())}


def test_a_large_job_log_is_written_in_portions_and_each_is_forgotten_once_it_is_there(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    names = [f"{number}.csv" for number in range(5)]
    for name in names:
        pipeline.drop(name, lines(order(name)))
    pipeline.stage("1")
    pipeline.merge("1")
    newest = f"DESCRIBE HISTORY {pipeline.tables.job_log} LIMIT 1"
    before, waiting = pipeline.spark.sql(newest).collect(), len(Checkpoint(pipeline.checkpoint).records())
    monkeypatch.setattr(task_run, "_MAX_APPENDED_BYTES", 1300)  # Of so many files, a part; a record has more to tell.
    literal_rows, portions = task_run.literal_rows, []

    def dying_later(spark: Any, rows: str, columns: Any) -> Any:
        portions.append(rows)
        if len(portions) == 5:
            raise Crash
        return literal_rows(spark, rows, columns)

    monkeypatch.setattr(task_run, "literal_rows", dying_later)
    with pytest.raises(Crash):
        pipeline.gate("1")
    assert len(Checkpoint(pipeline.checkpoint).records()) < waiting + 1  # The gate has left one more.
    pipeline.gate("1")
    assert pipeline.spark.sql(newest).collect()[0].version == before[0].version + len(portions) - 1
    assert (max(map(len, portions)) <= 2000, Checkpoint(pipeline.checkpoint).records()) == (True, [])
    runs = pipeline.table("job_runs_table")
    assert len({row.record_id for row in runs}) == len(runs)
    assert pipeline.states() == {name: ["MERGED"] for name in names}

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
    pipeline.stage("1")
    pipeline.merge("1")
    with pytest.raises(QualityGateError) as raised:
        pipeline.gate("1", max_quarantined_percent=33, max_rejected_files=0)
    assert str(raised.value) == (
        "1 of 3 rows are in quarantine, more than the 33 % that are allowed; "
        "rejected files: 1, more than the 0 that are allowed: "
        "b.csv (its header lacks tracking_num, status, last_update_timestamp; add what is missing: its first line is "
        "'no header')"
    )
    assert set(pipeline.statuses()) == {"T1", "T2"}
    [gate] = pipeline.spark.table(pipeline.tables.runs).where("task = 'quality_gate'").collect()
    assert (gate.status, str(raised.value) in gate.error) == ("FAILED", True)
    # Another try of the gate passes where so many are allowed.
    counted = pipeline.gate("1", max_quarantined_percent=34, max_rejected_files=1)
    assert (counted.rows_read, counted.rows_quarantined, counted.files_rejected) == (3, 1, 1)


def test_a_run_whose_tasks_did_not_end_fails(pipeline: Pipeline) -> None:
    with pytest.raises(QualityGateError, match="source_to_stage did not come to its end; stage_to_final did not"):
        pipeline.gate("1")


def test_a_failed_task_is_in_the_run_tracker_and_fails_the_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    pipeline.run()
    assert pipeline.states() == {"a.csv": ["MERGED"]}


def test_a_file_with_too_many_bad_rows_is_rejected_with_all_its_rows(pipeline: Pipeline) -> None:
    content = lines("bad", '"a', 'b",c', "", order(1), order(2).replace("2026-01-01", "soon"))
    pipeline.drop("a.csv", content)
    pipeline.drop("b.csv", lines(order(2), "bad"))
    staged = pipeline.stage("1", Policy(max_bad_rows_percent=50))
    pipeline.merge("1")
    with pytest.raises(QualityGateError, match=r"^1 of 2 rows are in quarantine"):  # Of what was loaded.
        pipeline.gate("1", max_quarantined_percent=40)
    # Lines as an editor counts them: a value spans two, and another one is empty.
    reason = (
        "3 of its 4 rows are bad, more than the 50 % that are allowed; "
        "line 2: the row has 1 value(s) where the header has 7; "
        "line 3: the row does not have the 7 values of the header; "
        "line 7: received_date is not a date such as 2026-11-21: soon"
    )
    assert {file.path: (file.outcome, file.reason) for file in staged.files} == {
        "a.csv": ("rejected", reason),
        "b.csv": ("staged", None),
    }
    assert set(pipeline.statuses()) == {"T2"}
    assert [(file, number) for file, number, _ in pipeline.quarantine()] == [("b.csv", 2)]
    assert pipeline.files("rejected") == {"a.csv": content.encode(), "a.csv.reason.txt": f"{reason}\n".encode()}


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
    before, waiting = pipeline.versions()["job_log_table"], len(Checkpoint(pipeline.checkpoint).records())
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
    assert pipeline.versions()["job_log_table"] == before + len(portions) - 1
    assert (max(map(len, portions)) <= 2000, Checkpoint(pipeline.checkpoint).records()) == (True, [])
    runs = pipeline.table("job_runs_table")
    assert len({row.record_id for row in runs}) == len(runs)
    assert pipeline.states() == {name: ["MERGED"] for name in names}

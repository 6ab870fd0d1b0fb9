import pytest
from order_tracking.errors import MergeError, QualityGateError
from order_tracking.tasks import stage_to_final
from order_tracking.tasks.load_batch import Policy
from pipeline import Pipeline, lines, order


def test_a_run_within_the_limits_passes(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1), order(2), "bad"))
    pipeline.stage("1")
    pipeline.merge("1")
    counted = pipeline.gate("1", max_quarantined_percent=34, max_rejected_files=0)
    assert (counted.rows_read, counted.rows_quarantined, counted.files_rejected) == (3, 1, 0)


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

"""The pipeline's promises, where nothing crashes."""

from order_tracking.load_batch import Policy
from pipeline import Pipeline, lines, order

LATER = "2026-01-03 10:00:00"


def test_running_again_with_nothing_new_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1), "bad"))
    pipeline.run()
    before = pipeline.versions()
    staged, merged = pipeline.run()
    assert (staged.batch_id, staged.files, merged.batches) == (None, (), ())
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
    commits = {name: version - before[name] for name, version in pipeline.versions().items()}
    assert commits == {
        "orders_table": 1,
        "stage_orders_table": 1,
        "job_log_table": 1,
        "quarantined_orders_table": 0,
    }


def test_an_older_state_never_replaces_a_newer_one(pipeline: Pipeline) -> None:
    pipeline.drop("new.csv", lines(order(1, "DELIVERED", LATER)))
    pipeline.run()
    pipeline.drop("old.csv", lines(order(1, "SHIPPED")))
    _, merged = pipeline.run()
    assert (merged.inserted, merged.updated, merged.late, merged.unchanged) == (0, 0, 1, 0)
    assert pipeline.statuses() == {"T1": "DELIVERED"}


def test_of_two_states_of_one_time_the_delivered_one_wins(pipeline: Pipeline) -> None:
    delivered = "T1,O1,A,x,2026-01-01,2026-01-02,2026-01-02 10:00:00"
    pipeline.drop("a.csv", lines(delivered))
    pipeline.run()
    pipeline.drop("b.csv", lines("T1,O1,Z,x,2026-01-01,,2026-01-02 10:00:00"))
    pipeline.run()
    assert pipeline.statuses() == {"T1": "A"}


def test_a_staged_batch_that_was_not_merged_survives_later_ones(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    first = pipeline.stage().batch_id
    pipeline.drop("b.csv", lines(order(2)))
    second = pipeline.stage().batch_id
    merged = pipeline.merge()
    assert (merged.batches, merged.rows_taken, merged.inserted) == ((first, second), 2, 2)
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

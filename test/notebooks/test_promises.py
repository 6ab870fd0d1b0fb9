"""The pipeline's promises, where nothing crashes."""

from pipeline import Pipeline, lines, order

LATER = "2026-01-03 10:00:00"


def test_running_again_with_nothing_new_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1), "bad"))
    pipeline.run()
    before = pipeline.versions()
    staged, merged = pipeline.run()
    assert (staged.batch_id, staged.files, merged.batches) == (None, (), ())
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
        "loaded_files_table": 3,
        "quarantined_orders_table": 0,
    }


def test_an_older_state_never_replaces_a_newer_one(pipeline: Pipeline) -> None:
    pipeline.drop("new.csv", lines(order(1, "DELIVERED", LATER)))
    pipeline.run()
    pipeline.drop("old.csv", lines(order(1, "SHIPPED")))
    _, merged = pipeline.run()
    assert (merged.inserted, merged.updated, merged.unchanged) == (0, 0, 1)
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


def test_the_stage_keeps_what_is_not_merged_and_the_last_merged_batch(pipeline: Pipeline) -> None:
    for number in (1, 2, 3):
        pipeline.drop(f"{number}.csv", lines(order(number)))
        pipeline.run()
    assert [row.tracking_num for row in pipeline.table("stage_orders_table")] == ["T3"]

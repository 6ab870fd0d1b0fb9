from pathlib import Path
from urllib.parse import urlparse

from order_tracking.clock import utc_now
from order_tracking.contract.orders import ORDERS
from order_tracking.tables.folded_files import fold_files
from order_tracking.tables.tables import create_missing, replace_views
from order_tracking.tasks.erase import erase
from order_tracking.tasks.trace import trace
from pipeline import Pipeline, lines, order

LATER = "2026-01-03 10:00:00"


def test_a_trace_tells_of_each_row_its_line_its_decision_its_run_and_its_commit(pipeline: Pipeline) -> None:
    spanning = order(9).replace("9 Main Street", '"two\nlines"')
    bad = order(1).replace("2026-01-01", "someday")
    pipeline.drop("first.csv", lines("", spanning, order(1), order(1, "DELIVERED"), bad, order(1, "DELIVERED")), 60)
    pipeline.run()
    pipeline.drop("newer.csv", lines(order(2), order(1, "RETURNED", LATER)), 50)
    pipeline.run()
    pipeline.drop("older.csv", lines(order(1, "PACKED"), order(1, "RETURNED", LATER)), 40)
    pipeline.run()
    pipeline.drop("waiting.csv", lines(order(1, "LOST", LATER)), 30)
    pipeline.stage()
    found = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T1")
    assert [(row.file, row.line, row.decision, row.is_current, row.values["status"]) for row in found.rows] == [
        ("first.csv", 7, "quarantined", False, "SHIPPED"),
        ("first.csv", 5, "outdated", False, "SHIPPED"),
        ("first.csv", 6, "unchanged", False, "DELIVERED"),
        ("first.csv", 8, "inserted", False, "DELIVERED"),
        ("newer.csv", 3, "updated", True, "RETURNED"),
        ("older.csv", 2, "outdated", False, "PACKED"),
        ("older.csv", 3, "unchanged", False, "RETURNED"),
        ("waiting.csv", 2, "staged", False, "LOST"),
    ]
    assert found.rows[0].reasons == ("received_date is not a date such as 2026-11-21: someday",)
    merges = pipeline.spark.table(pipeline.tables.runs).where("task = 'stage_to_final'").sort("ended_at").collect()
    versions = pipeline.spark.sql(f"DESCRIBE HISTORY {pipeline.tables.orders}").where("operation = 'MERGE'").collect()
    commits = sorted(row.version for row in versions)
    assert len(commits) == len(merges) == 3
    for file, run, commit in zip(("first", "newer", "older"), merges, commits, strict=True):
        decided = {(row.run_id, row.commit) for row in found.rows if row.file == f"{file}.csv" and not row.reasons}
        assert decided == {(run.run_id, commit)}
    assert {(row.run_id, row.commit) for row in found.rows if row.decision == "staged"} == {(None, None)}
    assert "first.csv, line 7" in str(found) and "someday" in str(found)


def test_a_state_that_was_sent_between_two_that_say_the_same_is_outdated(pipeline: Pipeline) -> None:
    for name, address, minutes_ago in (("first", "A", 60), ("again", "A", 40), ("between", "B", 50)):
        pipeline.drop(f"{name}.csv", lines(order(1).replace("1 Main", address)), minutes_ago)
        pipeline.run()
    found = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T1")
    assert [(row.file, row.decision, row.is_current) for row in found.rows] == [
        ("first.csv", "inserted", True),
        ("again.csv", "unchanged", False),
        ("between.csv", "outdated", False),
    ]
    assert pipeline.orders()["T1"][3] == "A Street"


def test_no_file_of_the_job_log_is_read_from_before_the_order_came(pipeline: Pipeline) -> None:
    pipeline.drop("before.csv", lines(order(2)))
    pipeline.run()
    fold_files(pipeline.spark, pipeline.tables.job_log, pipeline.tables.folded_files, until=utc_now())
    replace_views(pipeline.spark, ORDERS, pipeline.tables)
    for unread in pipeline.spark.table(pipeline.tables.job_log).inputFiles():
        Path(urlparse(unread).path).unlink()
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    [row] = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T1").rows
    assert (row.decision, row.run_id is None) == ("inserted", False)


def test_an_order_that_was_never_sent_has_an_empty_trace(pipeline: Pipeline) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    assert trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T1").rows == ()


def test_a_line_is_not_told_of_a_file_that_is_gone(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    [archived] = (pipeline.volume / "archive").rglob("a.csv")
    archived.unlink()
    [row] = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T1").rows
    assert (row.line, row.decision) == (None, "inserted")


def test_no_line_is_told_that_may_be_that_of_another_row_after_an_erasure(pipeline: Pipeline) -> None:
    bad = order(1).replace("2026-01-01", "someday")
    pipeline.drop("a.csv", lines(order(9), bad, order(1)))
    pipeline.drop("b.csv", lines(order(9), order(1)))
    pipeline.run()

    def found() -> set[tuple[str, int | None]]:
        rows = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T1").rows
        return {(row.file, row.line) for row in rows}

    assert found() == {("a.csv", 3), ("a.csv", 4), ("b.csv", 3)}
    erase(pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint), "erasure", "T9", 7)
    assert found() == {("a.csv", None), ("b.csv", 2)}


def test_a_row_that_a_run_merged_which_was_killed_before_it_told_of_that_is_not_staged(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1), order(1, "DELIVERED", LATER)))
    pipeline.stage()
    pipeline.merge()
    pipeline.drop("b.csv", lines(order(1, "LOST", LATER)))
    pipeline.stage("next")
    found = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T1").rows
    assert [(row.file, row.line, row.decision, row.is_current, row.run_id) for row in found] == [
        ("a.csv", 2, "outdated", False, None),
        ("b.csv", 2, "staged", False, None),
        ("a.csv", 3, "inserted", True, None),
    ]

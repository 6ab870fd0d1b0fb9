from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

from order_tracking.clock import utc_now
from order_tracking.contract.orders import ORDERS
from order_tracking.tables.folded_files import fold_files
from order_tracking.tables.tables import replace_views
from order_tracking.tasks.erase import erase
from order_tracking.tasks.trace import trace
from pipeline import Pipeline, lines, order

LATER = "2026-01-03 10:00:00"


def test_a_trace_tells_of_each_row_its_line_its_decision_its_run_and_its_commit(pipeline: Pipeline) -> None:
    spanning = order(9).replace("9 Main Street", '"two\nlines"')
    bad = order(1).replace("2026-01-01", "someday")
    # Of another order, a state that is sent between two that say the same comes last.
    says_the_same, says_otherwise = (order(3).replace("3 Main", address) for address in ("A", "B"))
    rows = ("", spanning, order(1), order(1, "DELIVERED"), bad, order(1, "DELIVERED"), says_the_same)
    pipeline.drop("first.csv", lines(*rows), 60)
    pipeline.run()
    pipeline.drop("newer.csv", lines(order(2), order(1, "RETURNED", LATER)), 50)
    pipeline.drop("again.csv", lines(says_the_same), 40)
    pipeline.run()
    pipeline.drop("older.csv", lines(order(1, "PACKED"), order(1, "RETURNED", LATER)), 40)
    pipeline.drop("between.csv", lines(says_otherwise), 50)
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
    found = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T3")
    assert [(row.file, row.decision, row.is_current) for row in found.rows] == [
        ("first.csv", "inserted", True),
        ("again.csv", "unchanged", False),
        ("between.csv", "outdated", False),
    ]
    assert pipeline.orders()["T3"][3] == "A Street"
    assert trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "never sent").rows == ()


def test_the_current_row_is_that_of_the_order_also_once_statuses_have_another_order(pipeline: Pipeline) -> None:
    shipped, delivered = (lines(*(order(n, status) for n in (1, 2))) for status in ("SHIPPED", "DELIVERED"))
    for name, sent in (("1.csv", shipped), ("2.csv", delivered), ("3.csv", shipped)):
        pipeline.drop(name, sent)
        pipeline.run()
    assert ORDERS.progress
    backwards = replace(ORDERS, progress=replace(ORDERS.progress, values=ORDERS.progress.values[::-1]))

    def traced() -> list[tuple[str, str, bool]]:
        found = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T1", backwards)
        return [(row.file, row.decision, row.is_current) for row in found.rows]

    assert traced() == [("1.csv", "inserted", False), ("2.csv", "updated", True), ("3.csv", "outdated", False)]
    pipeline.spark.sql(f"DELETE FROM {pipeline.tables.orders}").collect()
    assert [is_current for _, _, is_current in traced()] == [False] * 3


def test_no_file_of_the_job_log_is_read_from_before_the_order_came_and_what_a_killed_run_merged_is_not_staged(
    pipeline: Pipeline,
) -> None:
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

    # A row that a run merged which was killed before it told of that is not staged.
    pipeline.drop("killed.csv", lines(order(3), order(3, "DELIVERED", LATER)))
    pipeline.load()
    pipeline.drop("next.csv", lines(order(3, "LOST", LATER)))
    pipeline.stage("next")
    found = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), "T3").rows
    assert [(row.file, row.line, row.decision, row.is_current, row.run_id) for row in found] == [
        ("killed.csv", 2, "outdated", False, None),
        ("next.csv", 2, "staged", False, None),
        ("killed.csv", 3, "inserted", True, None),
    ]


def test_no_line_is_told_of_a_file_that_is_gone_or_where_it_may_be_that_of_another_row(pipeline: Pipeline) -> None:
    """As after an erasure, which gives the rows behind the erased one other numbers."""
    bad = order(1).replace("2026-01-01", "someday")
    pipeline.drop("a.csv", lines(order(9), bad, order(1)))
    pipeline.drop("b.csv", lines(order(9), order(1)))
    pipeline.drop("gone.csv", lines(order(2)))
    pipeline.run()

    def found(key: str) -> set[tuple[str, int | None, str]]:
        rows = trace(pipeline.spark, pipeline.tables, str(pipeline.volume), key).rows
        return {(row.file, row.line, row.decision) for row in rows}

    def lines_of_first() -> set[tuple[str, int | None]]:
        return {(file, line) for file, line, _ in found("T1")}

    assert lines_of_first() == {("a.csv", 3), ("a.csv", 4), ("b.csv", 3)}
    erase(pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint), "erasure", "T9", 7)
    assert lines_of_first() == {("a.csv", None), ("b.csv", 2)}
    [archived] = (pipeline.volume / "archive").rglob("gone.csv")
    archived.unlink()
    assert found("T2") == {("gone.csv", None, "inserted")}

"""What is loaded where something dies, and what must come out of it all the same."""

from collections import Counter
from typing import Any

from order_tracking.tasks.erase import erase
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.withdraw import withdraw
from pipeline import Pipeline, lines, order

POLICY = Policy(max_bad_rows_percent=50)


class Crash(BaseException):
    """Not an Exception, so that nothing handles it."""


def crashing(*_: Any) -> None:
    """Die before doing anything, in place of a function of the pipeline."""
    raise Crash


def drop_files_of(client: str, pipeline: Pipeline) -> None:
    """Drop files of a client that make the job do all that it can: stage, quarantine, reject before and after it reads.

    Each client has orders of its own, so that many of them can share the tables.
    """

    def drop(name: str, *rows: str, **header: str) -> None:
        pipeline.drop(f"{client}/{name}", lines(*rows, **header))

    delivered = order(f"{client}-2", "DELIVERED", "2026-01-05 10:00:00")
    drop("a.csv", order(f"{client}-1"), "T9,bad", delivered)
    drop("b/a.csv", order(f"{client}-2"), order(f"{client}-3"), ",,,,,,")
    drop("c.csv", "1", header="no header")
    drop("d.csv", "mostly", "bad", order(f"{client}-4"))


def drop_file_to_remove(client: str, pipeline: Pipeline) -> None:
    """Drop a file that `remove_what_should_go` withdraws, and an order in another one that it erases."""
    pipeline.drop(f"{client}/withdrawn.csv", lines(order(f"{client}-1", "LOST", "2026-01-09 10:00:00"), "bad"))
    pipeline.drop(
        f"{client}/erased.csv", lines(order(f"{client}-erased"), order(f"{client}-5"), f"T{client}-erased,bad")
    )


def remove_what_should_go(pipeline: Pipeline) -> None:
    """Withdraw and erase what was loaded for that, and is still there."""
    places = (pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint))
    is_there = f"SELECT concat(batch_id, '/', path) FROM {pipeline.tables.ledger} WHERE path LIKE '%/withdrawn.csv'"
    files = [row[0] for row in pipeline.spark.sql(f"{is_there} AND state = 'MERGED'").collect()]
    if files:
        withdraw(*places, "removal", ",".join(files), pipeline.contract)
    of_order = f"SELECT DISTINCT tracking_num FROM {pipeline.tables.stage} WHERE tracking_num LIKE '%-erased'"
    for row in pipeline.spark.sql(of_order).collect():
        erase(*places, "removal", row.tracking_num, 7, pipeline.contract)


def outcomes(pipeline: Pipeline) -> dict[str, dict[str, Any]]:
    """By client, everything that must not depend on crashes: tables, views and files without batch ids and times."""
    found: dict[str, dict[str, Any]] = {}

    def add(what: str, client: str, *values: Any) -> None:
        found.setdefault(client, {}).setdefault(what, Counter())[values] += 1

    def add_rows(what: str, table: str, first_column: str, *columns: str) -> None:
        for row in pipeline.table(table, first_column, *columns):
            client, rest = row[0].removeprefix("T").split("-" if first_column == "tracking_num" else "/", 1)
            add(what, client, rest, *(str(value) for value in row[1:]))

    add_rows("stage", "stage_orders_table", "_source_file", "substring_index(tracking_num, '-', -1)")
    add_rows("orders", "orders_table", "tracking_num", "status", "last_update_timestamp")
    add_rows("history", "orders_history", "tracking_num", "status", "valid_from", "valid_to", "is_current")
    add_rows("quarantine", "quarantined_orders_table", "_source_file", "_row_number", "reasons.rule")
    # That it was withdrawn, and not at which time.
    reason = "regexp_replace(reason, ' at .*', '')"
    counts = (reason, "rows_read", "rows_staged", "rows_quarantined")
    add_rows("ledger", "loaded_files_table", "path", "state", *counts)
    for directory in ("file_arrival", "archive", "rejected"):
        for path, content in pipeline.files(directory).items():
            client, rest = path.split("/", 1)
            content = content.split(b" at 20")[0] if rest == "withdrawn.csv.reason.txt" else content
            add(directory, client, rest, content.replace(f"{client}-".encode(), b""))
    return found


def assert_nothing_is_under_way(pipeline: Pipeline) -> None:
    """Nothing is left for another run to do."""
    assert pipeline.files("file_arrival") == {}
    under_way = [path.name for name in ("batches", "records") for path in (pipeline.checkpoint / name).iterdir()]
    left = [name for name in under_way if not name.endswith(".tmp")]
    assert left == [], left


def assert_all_is_accounted_for(pipeline: Pipeline) -> None:
    """Each row that was read went one way, and each file is in one place, as the ledger says."""
    for run in pipeline.spark.table(pipeline.tables.runs).where("task = 'source_to_stage'").collect():
        if run.status == "SUCCESS" and run.rows_read is not None:
            assert run.rows_read == run.rows_staged + run.rows_quarantined + run.rows_rejected, run
    ledger = {
        row.moved_to: "archive" if row.state == "MERGED" else "rejected"
        for row in pipeline.table("loaded_files_table")
        if row.state in ("MERGED", "REJECTED", "WITHDRAWN")
    }
    files = {
        path.relative_to(pipeline.volume).as_posix(): directory
        for directory in ("archive", "rejected")
        for path in (pipeline.volume / directory).rglob("*")
        if path.is_file() and not path.name.endswith(".reason.txt")
    }
    assert files == ledger

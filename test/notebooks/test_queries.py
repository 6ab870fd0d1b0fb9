"""The SQL that people use, on tables that were loaded; and the dashboard, whose data sets these files are."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from order_tracking.clock import utc_now
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import QualityGateError
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tables.tables import create_missing
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.quality_gate import quality_gate
from order_tracking.tasks.replay import replay
from order_tracking.tasks.source_to_stage import source_to_stage
from order_tracking.tasks.stage_to_final import stage_to_final
from order_tracking.tasks.task_run import task_run, write_job_log
from order_tracking.tasks.withdraw import withdraw
from pipeline import Pipeline, lines
from pyspark.sql import DataFrame

ROOT = Path(__file__).parents[2]
SAVED, OF_PAGE = (
    {file.stem: file.read_text() for file in sorted((ROOT / folder / "queries").glob("*.sql"))}
    for folder in ("notebooks", "page")
)
QUERIES = {**SAVED, **OF_PAGE}


def today() -> date:
    return datetime.now(timezone.utc).date()


@pytest.fixture(autouse=True)
def no_midnight_in_between() -> None:
    now = datetime.now(timezone.utc)
    midnight = datetime.combine(now.date() + timedelta(days=1), time.min, timezone.utc)
    if midnight - now < timedelta(minutes=2):
        sleep((midnight - now).total_seconds())


class Queries:
    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def frame(self, name: str, **asked: str) -> DataFrame:
        """A query; its tables of orders have bare names, as in the workspace. Each test has schemas of its own."""
        self.pipeline.spark.catalog.setCurrentDatabase(self.pipeline.schema)
        query = QUERIES[name].replace(" operations.", f" {self.pipeline.tables.of_operations}.")
        return self.pipeline.spark.sql(query, args=asked)

    def rows(self, name: str, *columns: str, **asked: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.frame(name, **asked).selectExpr(*columns or "*").collect()]


@pytest.fixture
def queries(pipeline: Pipeline) -> Iterator[Queries]:
    yield Queries(pipeline)
    pipeline.spark.catalog.setCurrentDatabase("default")


def row(number: int, status: str, received_days_ago: int | None, delivered_days_ago: int | None = None) -> str:
    received, delivered = (
        "" if days is None else today() - timedelta(days=days) for days in (received_days_ago, delivered_days_ago)
    )
    return f"T{number},O{number},{status},{number} Main Street,{received},{delivered},2026-01-0{number} 10:00:00"


def test_each_query_says_in_a_sentence_what_it_answers() -> None:
    for text in QUERIES.values():
        first, second, *_ = text.splitlines()
        assert first.startswith("-- ") and first.endswith(".") and ". " not in first
        assert second.startswith("SELECT ")


def test_the_queries_of_orders_and_of_bad_rows_tell_what_was_loaded(pipeline: Pipeline, queries: Queries) -> None:
    on_its_way = [row(1, "RECEIVED", 8), row(2, "SHIPPED", 7), row(3, "IN_TRANSIT", 30), row(4, "Shipped", None)]
    delivered = [row(5, "Delivered", 30), row(6, "RETURNED", 30), row(7, "HANDED_OVER", 30, 20)]
    never_delivered = [row(8, "CANCELLED", 30), row(9, "Lost", 30)]
    to_find = [f"{numbers},NEW,,,,2026-01-02" for numbers in ("XX10,A1", "XX2,B1", "XX3,", "A1,", "A0A1,C1")]
    states = [row(number, "NEW", 3).replace(f"T{number},", "W,") for number in (1, 2, 3)]
    bad = ["T1,O1,,,someday,,2026-01-02 10:00:00", "T2,O2,,,,,2026-01-02 10:00:00", "bad"]
    pipeline.drop("a.csv", lines(*on_its_way, *delivered, *never_delivered, *to_find, *states, *bad))
    pipeline.load()

    # The current states are counted, and not the earlier ones.
    assert queries.rows("orders_by_status", "status", "orders", "CAST(last_update AS string)") == [
        ("NEW", 6, "2026-01-03 10:00:00"),
        ("SHIPPED", 2, "2026-01-04 10:00:00"),
        ("CANCELLED", 1, "2026-01-08 10:00:00"),
        ("DELIVERED", 1, "2026-01-05 10:00:00"),
        ("HANDED_OVER", 1, "2026-01-07 10:00:00"),
        ("IN_TRANSIT", 1, "2026-01-03 10:00:00"),
        ("LOST", 1, "2026-01-09 10:00:00"),
        ("RECEIVED", 1, "2026-01-01 10:00:00"),
        ("RETURNED", 1, "2026-01-06 10:00:00"),
    ]
    # Orders are late that are open for more than a week.
    assert queries.rows("late_orders", "tracking_num", "status", "days_open") == [
        ("T3", "IN_TRANSIT", 30),
        ("T1", "RECEIVED", 8),
    ]
    # Orders are found by their whole number first, then by its beginning.
    found = {
        "xx": ["XX10", "XX2", "XX3"],
        "a1": ["A1", "XX10", "A0A1"],
        "1": ["A0A1", "A1", "T1", "XX10", "XX2"],
        "b1": ["XX2"],
    }
    for text, numbers in found.items():
        assert [row[0] for row in queries.rows("find_orders", "tracking_num", text=text)] == numbers
    # The way of an order begins with what is newest.
    newest_first = [(f"O{number}",) for number in (3, 2, 1)]
    for query in ("order_states", "order_rows"):
        assert queries.rows(query, "order_num", tracking_num="W") == newest_first
    # A bad row counts for each of its reasons.
    assert queries.rows("quarantined_by_reason", "rule", "column", "rows") == [
        ("required", "status", 2),
        ("malformed", None, 1),
        ("type", "received_date", 1),
    ]


def test_files_and_rows_count_once_a_day_however_often_they_are_loaded(pipeline: Pipeline, queries: Queries) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))

    def load_again(source: str, files: str) -> dict[str, str]:
        put_back = replay(pipeline.spark, pipeline.tables, *places, source, files=files).files
        return {path.rsplit("/", 1)[1]: path for path in put_back}

    def counts() -> tuple[list[tuple[Any, ...]], ...]:
        return queries.rows("loads_by_day"), queries.rows("arrivals_and_loads")

    bad_rows = [row(number, "SHIPPED", 3).replace(str(today() - timedelta(days=3)), "someday") for number in (3, 6)]
    pipeline.drop("a.csv", lines(row(1, "SHIPPED", 3), row(2, "SHIPPED", 3), bad_rows[0]))
    pipeline.drop("b.csv", lines(row(4, "SHIPPED", 3)))
    pipeline.drop("c.csv", lines(row(5, "SHIPPED", 3), bad_rows[1]))
    pipeline.drop("too_bad.csv", lines("bad", "bad", "bad"))
    pipeline.drop("no_header.csv", "no header\n")
    pipeline.drop("replay-files-2026/north/of_client.csv", lines(row(7, "SHIPPED", 3)))  # A client's folder.
    pipeline.run(Policy(max_bad_rows_percent=50))
    arrived = (today(), "arrived", 6, 10)
    assert counts() == (
        [(today(), 6, 2, 7, 2)],
        [arrived, (today(), "loaded", 4, 5), (today(), "rejected", 2, 3)],
    )
    assert queries.rows("rejected_files", "path") == [("no_header.csv",), ("too_bad.csv",)]

    # What is loaded again, and is still wrong, did not arrive again, and is no other file. What is put back is rejected
    # until it is loaded.
    again = load_again("archive", "a.csv") | load_again("rejected", "")
    assert again.keys() == {"a.csv", "too_bad.csv", "no_header.csv"}
    assert len(queries.rows("rejected_files")) == 2
    pipeline.run()
    assert len(pipeline.states()) == 9
    assert counts() == (
        [(today(), 6, 1, 10, 5)],
        [arrived, (today(), "loaded", 5, 5), (today(), "rejected", 2, 3)],
    )
    assert queries.rows("rejected_files", "path") == [(again["no_header.csv"],)]

    # Where a file is not in the archive any more, its row in quarantine comes back alone, whether the file was loaded
    # again or not: it is another file that is loaded, but did not arrive again.
    for name in ("a.csv", "c.csv"):
        for archived in (pipeline.volume / "archive").rglob(name):
            archived.unlink()
    rows_alone = load_again("quarantine", f"{again['a.csv']},c.csv")
    assert rows_alone.keys() == {"a.csv", "c.csv"}
    assert all(path.startswith("replay-rows-") for path in rows_alone.values())
    pipeline.run()
    assert counts() == (
        [(today(), 6, 1, 10, 5)],
        [arrived, (today(), "loaded", 7, 5), (today(), "rejected", 2, 3)],
    )

    # What was withdrawn counts no more, also where it was rejected before.
    withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", f"b.csv,{again['too_bad.csv']}")
    assert queries.rows("loads_by_day") == [(today(), 4, 1, 6, 2)]


def test_a_file_that_cannot_be_taken_is_dropped_once_a_day_and_one_that_is_sent_twice_as_it_was_is_loaded_twice(
    pipeline: Pipeline, queries: Queries
) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    checkpoint, sent = Checkpoint(pipeline.checkpoint), datetime.now(timezone.utc)
    for run_id in ("1", "2"):
        with task_run(checkpoint, run_id, "source_to_stage", utc_now) as run:
            run.files.append(FileOutcome(new_batch_id(utc_now()), "stuck.csv", State.DROPPED, "id", 9, sent))
    with task_run(checkpoint, "3", "source_to_stage", utc_now) as run:
        for state in (State.MERGED, State.MERGED, State.REJECTED, State.REJECTED):
            run.files.append(FileOutcome(new_batch_id(utc_now()), "a.csv", state, "id", 9, sent, rows_staged=3))
    write_job_log(pipeline.spark, pipeline.tables.job_log, checkpoint)
    assert queries.rows("arrivals_and_loads") == [
        (today(), "arrived", 2, 0),
        (today(), "dropped", 1, 0),
        (today(), "loaded", 2, 6),
        (today(), "rejected", 2, 0),
    ]


def test_what_is_loaded_again_counts_on_the_day_it_came_first_and_what_was_rejected_long_ago_is_not_told(
    pipeline: Pipeline, queries: Queries
) -> None:
    """Nothing tells which other file mended one that was rejected."""
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    for days_ago in (31, 29):
        then = partial(lambda days: datetime.now(timezone.utc) - timedelta(days=days), days_ago)
        pipeline.drop(f"{days_ago}.csv", lines(row(1, "SHIPPED", 50), "bad"))
        pipeline.drop(f"rejected_{days_ago}.csv", "no header\n")
        source_to_stage(pipeline.spark, pipeline.tables, *places, "run", now=then)
        stage_to_final(pipeline.spark, pipeline.tables, places[1], "run", now=then)
    pipeline.gate("run")
    assert queries.rows("rejected_files", "path") == [("rejected_29.csv",)]
    of_first_day = [(today() - timedelta(days=29), 2, 1, 2, 1)]
    assert queries.rows("loads_by_day") == of_first_day
    for _ in range(2):
        assert len(replay(pipeline.spark, pipeline.tables, *places, "archive").files) == 2
        pipeline.run()
    assert queries.rows("loads_by_day") == of_first_day


def test_a_file_is_not_rejected_any_more_once_it_was_loaded_by_another_way(
    pipeline: Pipeline, queries: Queries
) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    pipeline.drop("a.csv", lines("T1,NEW,2026-01-02", header="tracking_num,status,last_update_timestamp"))
    pipeline.load()
    stricter = replace(ORDERS, columns=tuple(replace(column, required=True) for column in ORDERS.columns))
    for contract, rejected in ((stricter, 1), (ORDERS, 0)):
        pipeline.contract = contract
        assert len(replay(pipeline.spark, pipeline.tables, *places, "archive").files) == 1
        pipeline.run()
        assert len(queries.rows("rejected_files")) == rejected


def test_quarantined_percent_is_of_all_rows_that_were_read_first_in_the_last_day(
    pipeline: Pipeline, queries: Queries
) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))

    def load(hours_ago: float, policy: Policy) -> None:
        def then() -> datetime:
            return datetime.now(timezone.utc) - timedelta(hours=hours_ago)

        source_to_stage(pipeline.spark, pipeline.tables, *places, "run", policy, now=then)
        stage_to_final(pipeline.spark, pipeline.tables, places[1], "run", now=then)

    pipeline.run()
    assert queries.rows("quarantined_percent") == [(0,)]
    bad = row(7, "SHIPPED", 3).replace(str(today() - timedelta(days=3)), "someday")
    pipeline.drop("of_yesterday.csv", lines(bad))
    load(25, Policy())
    pipeline.drop("good.csv", lines(*(row(number, "SHIPPED", 3) for number in (1, 2, 3, 4))))
    pipeline.drop("bad.csv", lines(row(5, "SHIPPED", 3), bad))
    pipeline.drop("rejected.csv", lines("bad", "bad", "bad", "bad"))
    pipeline.drop("replay-rows-2026/of_client.csv", lines(row(6, "SHIPPED", 3), "bad"))  # A client's folder.
    load(23, Policy(max_bad_rows_percent=50))
    pipeline.gate("run")
    assert queries.rows("quarantined_percent") == [(25,)]

    # It stays the same where files are loaded again, and where a row in quarantine comes back alone since its file is
    # not in the archive any more. Of each there are so many rows that no two would make up for each other.
    again = replay(pipeline.spark, pipeline.tables, *places, "archive", files="good.csv,of_yesterday.csv").files
    assert len(again) == 2
    [archived] = (pipeline.volume / "archive").rglob("bad.csv")
    archived.unlink()
    [rows_alone] = replay(pipeline.spark, pipeline.tables, *places, "quarantine", files="bad.csv").files
    assert rows_alone.startswith("replay-rows-")
    pipeline.run()
    states = pipeline.states()
    assert [states[path] for path in (*again, rows_alone)] == [["MERGED"]] * 3
    assert queries.rows("quarantined_percent") == [(25,)]


def test_quarantined_percent_leaves_out_only_what_was_loaded_before(pipeline: Pipeline, queries: Queries) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    now = utc_now()
    old, recent = (new_batch_id(now - timedelta(hours=hours)) for hours in (48, 2))
    archive, rejected = "replay-files-archive-20261122T100000Z-abcdef", "replay-files-20261122T100000Z-abcdef"

    def loaded(path: str, rows: int, bad: int, batch_id: str = "") -> FileOutcome:
        batch_id = batch_id or new_batch_id(now)
        return FileOutcome(batch_id, path, State.MERGED, "id", 9, now, rows_read=rows, rows_quarantined=bad)

    with task_run(Checkpoint(pipeline.checkpoint), "1", "source_to_stage", utc_now) as run:
        run.files += [
            loaded("good.csv", 4, 0),
            loaded("of_a_resumed_batch.csv", 1, 1, old),
            loaded(f"{rejected}/{old}/was_rejected.csv", 1, 1),
            loaded(f"{archive}/{recent}/{rejected}/{old}/was_loaded_of_late.csv", 1, 1),
            loaded("replay-files-archive-north/99999999T999999.999999Z-abcdef/of_a_client.csv", 1, 1),
            loaded(f"{archive}/{old}/was_loaded.csv", 100, 100),
            loaded(f"{rejected}/{recent}/{archive}/{old}/was_loaded_then_rejected.csv", 100, 100),
        ]
    write_job_log(pipeline.spark, pipeline.tables.job_log, Checkpoint(pipeline.checkpoint))
    assert queries.rows("quarantined_percent") == [(50,)]


def test_hours_without_success_begin_with_the_last_good_run_and_durations_are_from_the_first_task_to_the_last(
    pipeline: Pipeline, queries: Queries
) -> None:
    places, now = (str(pipeline.volume), str(pipeline.checkpoint)), utc_now()

    def at(hours_ago: float) -> Callable[[], datetime]:
        return lambda: now - timedelta(hours=hours_ago)

    def gate(run_id: str, hours_ago: float) -> None:
        quality_gate(pipeline.spark, pipeline.tables, places[1], run_id, 100, 1000, now=at(hours_ago))

    with pytest.raises(QualityGateError):
        gate("nothing before", 20)
    # Where nothing ever succeeded, since the first try: that needs people even more.
    [(hours,)] = queries.rows("hours_without_success")
    assert hours == pytest.approx(20, abs=0.1)
    for run_id, hours_ago in (("first", 9), ("last", 5)):
        source_to_stage(pipeline.spark, pipeline.tables, *places, run_id, now=at(hours_ago + 0.2))
        stage_to_final(pipeline.spark, pipeline.tables, places[1], run_id, now=at(hours_ago + 0.1))
        gate(run_id, hours_ago)
    source_to_stage(pipeline.spark, pipeline.tables, *places, "killed", now=at(6))
    with pytest.raises(QualityGateError):
        gate("failed", 0)
    [(hours,)] = queries.rows("hours_without_success")
    assert hours == pytest.approx(5, abs=0.1)
    runs = queries.rows("run_durations", "run_id", "status", "seconds")
    assert [run[:2] for run in runs] == [
        ("failed", "FAILED"),
        ("last", "SUCCESS"),
        ("killed", "FAILED"),
        ("first", "SUCCESS"),
        ("nothing before", "FAILED"),
    ]
    assert runs[1][2] == 12 * 60


def test_every_saved_query_is_tested_here() -> None:
    source = Path(__file__).read_text()
    assert [name for name in SAVED if f'("{name}"' not in source] == []


def test_the_dashboard_shows_columns_that_its_queries_return(pipeline: Pipeline, queries: Queries) -> None:
    script = 'console.log(require("./stacks/dashboard.ts").dashboardDefinition())'
    printed = subprocess.run(
        ["node", "--import", "tsx", "--eval", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    dashboard = json.loads(printed.stdout)
    query_names = {dataset["name"]: dataset["displayName"] for dataset in dashboard["datasets"]}

    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    for widget in (each["widget"] for page in dashboard["pages"] for each in page["layout"]):
        [query] = (each["query"] for each in widget["queries"])
        columns = queries.frame(query_names[query["datasetName"]]).columns
        fields = {field["name"]: field["expression"] for field in query["fields"]}
        assert fields == {name: f"`{name}`" for name in fields}
        assert set(fields) <= set(columns), query["datasetName"]
        shown = set(_values_of("fieldName", widget["spec"]["encodings"]))
        assert shown == set(fields), query["datasetName"]


def _values_of(key: str, node: Any) -> Iterator[str]:
    """Every value of a key, at any depth."""
    if isinstance(node, list):
        for each in node:
            yield from _values_of(key, each)
    elif isinstance(node, dict):
        if key in node:
            yield node[key]
        for each in node.values():
            yield from _values_of(key, each)

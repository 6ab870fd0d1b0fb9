"""The SQL that people use, on tables that were loaded; and the dashboard, whose data sets these files are."""

import json
import subprocess
from collections.abc import Iterator
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


def test_orders_by_status_counts_the_current_states(pipeline: Pipeline, queries: Queries) -> None:
    pipeline.drop("a.csv", lines(row(1, "RECEIVED", 3), row(2, "SHIPPED", 3), row(3, "Shipped", 3)))
    pipeline.run()
    assert queries.rows("orders_by_status", "status", "orders", "CAST(last_update AS string)") == [
        ("SHIPPED", 2, "2026-01-03 10:00:00"),
        ("RECEIVED", 1, "2026-01-01 10:00:00"),
    ]


def test_late_orders_are_open_for_more_than_a_week(pipeline: Pipeline, queries: Queries) -> None:
    on_its_way = [row(1, "RECEIVED", 8), row(2, "SHIPPED", 7), row(3, "IN_TRANSIT", 30), row(4, "SHIPPED", None)]
    delivered = [row(5, "Delivered", 30), row(6, "RETURNED", 30), row(7, "HANDED_OVER", 30, 20)]
    never_delivered = [row(8, "CANCELLED", 30), row(9, "Lost", 30)]
    pipeline.drop("a.csv", lines(*on_its_way, *delivered, *never_delivered))
    pipeline.run()
    assert queries.rows("late_orders", "tracking_num", "status", "days_open") == [
        ("T3", "IN_TRANSIT", 30),
        ("T1", "RECEIVED", 8),
    ]


def test_quarantined_by_reason_counts_a_row_for_each_of_its_reasons(pipeline: Pipeline, queries: Queries) -> None:
    bad = ("T1,O1,,,someday,,2026-01-02 10:00:00", "T2,O2,,,,,2026-01-02 10:00:00", "bad")
    pipeline.drop("a.csv", lines(*bad))
    pipeline.stage()
    assert queries.rows("quarantined_by_reason", "rule", "column", "rows") == [
        ("required", "status", 2),
        ("malformed", None, 1),
        ("type", "received_date", 1),
    ]


def test_arrivals_and_loads_count_files_and_rows_by_day(pipeline: Pipeline, queries: Queries) -> None:
    pipeline.drop("a.csv", lines(row(1, "SHIPPED", 3), row(2, "SHIPPED", 3), "bad"))
    pipeline.drop("b.csv", "no header\n")
    pipeline.run()
    assert queries.rows("arrivals_and_loads") == [
        (today(), "arrived", 2, 3),
        (today(), "loaded", 1, 2),
        (today(), "rejected", 1, 0),
    ]
    # What is loaded again, and is still wrong, did not arrive again, and is no other file.
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    for source in ("rejected", "archive"):
        replay(pipeline.spark, pipeline.tables, *places, source)
    pipeline.run()
    assert len(pipeline.states()) == 4
    once = [(today(), "arrived", 2, 3), (today(), "loaded", 1, 2), (today(), "rejected", 1, 0)]
    assert queries.rows("arrivals_and_loads") == once
    # Rows that are loaded again without their file are another file, but did not arrive again.
    bad = row(3, "SHIPPED", 3).replace(str(today() - timedelta(days=3)), "someday")
    pipeline.drop("c.csv", lines(row(1, "SHIPPED", 3), bad))
    pipeline.run()
    [archived] = (pipeline.volume / "archive").rglob("c.csv")
    archived.unlink()
    [rows_alone] = replay(pipeline.spark, pipeline.tables, *places, "quarantine", files="c.csv").files
    pipeline.run()
    assert rows_alone.startswith("replay-rows-")
    assert queries.rows("arrivals_and_loads") == [
        (today(), "arrived", 3, 5),
        (today(), "loaded", 3, 3),
        (today(), "rejected", 1, 0),
    ]


def test_a_file_that_cannot_be_taken_is_dropped_once_a_day(pipeline: Pipeline, queries: Queries) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    checkpoint, sent = Checkpoint(pipeline.checkpoint), datetime.now(timezone.utc)
    for run_id in ("1", "2"):
        with task_run(checkpoint, run_id, "source_to_stage", utc_now) as run:
            run.files.append(FileOutcome(new_batch_id(utc_now()), "stuck.csv", State.DROPPED, "id", 9, sent))
    write_job_log(pipeline.spark, pipeline.tables.job_log, checkpoint)
    assert queries.rows("arrivals_and_loads") == [(today(), "arrived", 1, 0), (today(), "dropped", 1, 0)]


def test_a_file_that_is_sent_twice_as_it_was_is_loaded_twice(pipeline: Pipeline, queries: Queries) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    checkpoint, sent = Checkpoint(pipeline.checkpoint), datetime.now(timezone.utc)
    with task_run(checkpoint, "1", "source_to_stage", utc_now) as run:
        for state in (State.MERGED, State.MERGED, State.REJECTED, State.REJECTED):
            run.files.append(FileOutcome(new_batch_id(utc_now()), "a.csv", state, "id", 9, sent, rows_staged=3))
    write_job_log(pipeline.spark, pipeline.tables.job_log, checkpoint)
    assert queries.rows("arrivals_and_loads", "event", "files", "rows")[1:] == [("loaded", 2, 6), ("rejected", 2, 0)]


def test_loads_by_day_count_each_row_and_what_is_bad_of_it_once(pipeline: Pipeline, queries: Queries) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))

    def load_again(source: str, file: str) -> str:
        [put_back] = replay(pipeline.spark, pipeline.tables, *places, source, files=file).files
        pipeline.run()
        return put_back

    bad = row(3, "SHIPPED", 3).replace(str(today() - timedelta(days=3)), "someday")
    pipeline.drop("a.csv", lines(row(1, "SHIPPED", 3), row(2, "SHIPPED", 3), bad))
    pipeline.drop("b.csv", lines(row(4, "SHIPPED", 3)))
    pipeline.drop("too_bad.csv", lines("bad", "bad", "bad"))
    pipeline.run(Policy(max_bad_rows_percent=50))
    assert queries.rows("loads_by_day") == [(today(), 3, 1, 4, 1)]
    again = load_again("archive", "a.csv")
    assert queries.rows("loads_by_day") == [(today(), 3, 1, 4, 1)]
    # Where the file is not in the archive any more, its row in quarantine comes back alone.
    for archived in (pipeline.volume / "archive").rglob("a.csv"):
        archived.unlink()
    load_again("quarantine", again)
    assert queries.rows("loads_by_day") == [(today(), 3, 1, 4, 1)]
    withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", "b.csv")
    assert queries.rows("loads_by_day") == [(today(), 2, 1, 3, 1)]
    again = load_again("rejected", "too_bad.csv")
    assert queries.rows("loads_by_day") == [(today(), 2, 0, 6, 4)]
    withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", again)
    assert queries.rows("loads_by_day") == [(today(), 1, 0, 3, 1)]
    pipeline.drop("replay-files-2026/north/a.csv", lines(row(1, "SHIPPED", 3)))  # A client's folder.
    pipeline.run()
    assert queries.rows("loads_by_day") == [(today(), 2, 0, 4, 1)]


def test_what_is_loaded_again_counts_on_the_day_it_came_first(pipeline: Pipeline, queries: Queries) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    for days_ago in (40, 3):
        then = partial(lambda days: datetime.now(timezone.utc) - timedelta(days=days), days_ago)
        pipeline.drop(f"{days_ago}.csv", lines(row(1, "SHIPPED", 50), "bad"))
        source_to_stage(pipeline.spark, pipeline.tables, *places, "run", now=then)
        stage_to_final(pipeline.spark, pipeline.tables, places[1], "run", now=then)
    pipeline.gate("run")
    three_days_ago = today() - timedelta(days=3)
    assert queries.rows("loads_by_day") == [(three_days_ago, 1, 0, 2, 1)]
    for _ in range(2):
        assert len(replay(pipeline.spark, pipeline.tables, *places, "archive").files) == 2
        pipeline.run()
    assert queries.rows("loads_by_day") == [(three_days_ago, 1, 0, 2, 1)]


def test_rejected_files_are_those_that_still_are(pipeline: Pipeline, queries: Queries) -> None:
    pipeline.drop("a.csv", lines(row(1, "SHIPPED", 3), "bad"))
    pipeline.drop("b.csv", "no header\n")
    pipeline.run(Policy(max_bad_rows_percent=10))
    assert queries.rows("rejected_files", "path") == [("a.csv",), ("b.csv",)]
    put_back = replay(pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint), "rejected").files
    assert len(queries.rows("rejected_files")) == 2
    pipeline.run()
    assert queries.rows("rejected_files", "path") == [(path,) for path in put_back if path.endswith("/b.csv")]


def test_rejected_files_are_of_the_last_days_since_nothing_tells_which_other_file_mended_one(
    pipeline: Pipeline, queries: Queries
) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    for days_ago in (31, 29):
        then = partial(lambda days: datetime.now(timezone.utc) - timedelta(days=days), days_ago)
        pipeline.drop(f"{days_ago}.csv", "no header\n")
        source_to_stage(pipeline.spark, pipeline.tables, *places, "run", now=then)
        stage_to_final(pipeline.spark, pipeline.tables, places[1], "run", now=then)
    pipeline.gate("run")
    assert queries.rows("rejected_files", "path") == [("29.csv",)]


def test_a_file_is_not_rejected_any_more_once_it_was_loaded_by_another_way(
    pipeline: Pipeline, queries: Queries
) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    pipeline.drop("a.csv", lines("T1,NEW,2026-01-02", header="tracking_num,status,last_update_timestamp"))
    pipeline.run()
    stricter = replace(ORDERS, columns=tuple(replace(column, required=True) for column in ORDERS.columns))
    for contract, rejected in ((stricter, 1), (ORDERS, 0)):
        pipeline.contract = contract
        assert len(replay(pipeline.spark, pipeline.tables, *places, "archive").files) == 1
        pipeline.run()
        assert len(queries.rows("rejected_files")) == rejected


def test_orders_are_found_by_their_whole_number_first_then_by_its_beginning(
    pipeline: Pipeline, queries: Queries
) -> None:
    orders = ("XX10,A1", "XX2,B1", "XX3,", "A1,", "A0A1,C1")
    pipeline.drop("a.csv", lines(*(f"{numbers},NEW,,,,2026-01-02" for numbers in orders)))
    pipeline.run()
    found = {
        "xx": ["XX10", "XX2", "XX3"],
        "a1": ["A1", "XX10", "A0A1"],
        "1": ["A0A1", "A1", "XX10", "XX2"],
        "b1": ["XX2"],
    }
    for text, numbers in found.items():
        assert [row[0] for row in queries.rows("find_orders", "tracking_num", text=text)] == numbers


def test_the_way_of_an_order_begins_with_what_is_newest(pipeline: Pipeline, queries: Queries) -> None:
    states = [row(number, "NEW", 3).replace(f"T{number},", "T1,") for number in (1, 2, 3)]
    pipeline.drop("a.csv", lines(*states))
    pipeline.run()
    newest_first = [(f"O{number}",) for number in (3, 2, 1)]
    for query in ("order_states", "order_rows"):
        assert queries.rows(query, "order_num", tracking_num="T1") == newest_first


def test_run_durations_are_from_a_runs_first_task_to_its_last(pipeline: Pipeline, queries: Queries) -> None:
    pipeline.stage("1")
    pipeline.merge("1")
    pipeline.gate("1")
    hours_ago = datetime.now(timezone.utc) - timedelta(hours=5)
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    source_to_stage(pipeline.spark, pipeline.tables, *places, "killed", now=lambda: hours_ago)
    with pytest.raises(QualityGateError):
        pipeline.gate("2")
    [second, first, killed] = queries.rows("run_durations", "run_id", "status", "seconds")
    assert [first[:2], killed[:2], second[:2]] == [("1", "SUCCESS"), ("killed", "FAILED"), ("2", "FAILED")]
    of_first = pipeline.spark.table(pipeline.tables.runs).where("run_id = '1'")
    [(began, ended)] = of_first.selectExpr("min(started_at)", "max(ended_at)").collect()
    assert first[2] == pytest.approx((ended - began).total_seconds(), abs=1)


def test_quarantined_percent_is_of_all_rows_that_were_read(pipeline: Pipeline, queries: Queries) -> None:
    pipeline.run()
    assert queries.rows("quarantined_percent") == [(0,)]
    pipeline.drop("a.csv", lines(row(1, "SHIPPED", 3), row(2, "SHIPPED", 3), row(3, "SHIPPED", 3), "bad"))
    pipeline.drop("rejected.csv", lines("bad", "bad", "bad", "bad"))
    pipeline.run(Policy(max_bad_rows_percent=50))
    assert queries.rows("quarantined_percent") == [(25,)]
    pipeline.drop("replay-rows-2026/a.csv", lines(row(4, "SHIPPED", 3), "bad"))  # A client's folder.
    pipeline.run()
    assert queries.rows("quarantined_percent", "round(quarantined_percent)") == [(33,)]


def test_quarantined_percent_is_as_before_where_files_or_rows_are_loaded_again(
    pipeline: Pipeline, queries: Queries
) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))

    def load(path: str, hours_ago: float, *rows: str) -> None:
        def then() -> datetime:
            return datetime.now(timezone.utc) - timedelta(hours=hours_ago)

        pipeline.drop(path, lines(*rows))
        source_to_stage(pipeline.spark, pipeline.tables, *places, "run", now=then)
        stage_to_final(pipeline.spark, pipeline.tables, places[1], "run", now=then)

    bad = row(5, "SHIPPED", 3).replace(str(today() - timedelta(days=3)), "someday")
    load("of_yesterday.csv", 25, row(1, "SHIPPED", 3), bad)
    load("good.csv", 23, row(2, "SHIPPED", 3), row(3, "SHIPPED", 3), row(4, "SHIPPED", 3))
    load("bad.csv", 1, bad)
    pipeline.gate("run")
    assert queries.rows("quarantined_percent") == [(25,)]
    for path in ("good.csv", "of_yesterday.csv"):
        assert len(replay(pipeline.spark, pipeline.tables, *places, "archive", files=path).files) == 1
        pipeline.run()
        assert queries.rows("quarantined_percent") == [(25,)]
    # Where the file is not in the archive any more, its row in quarantine comes back alone.
    [archived] = (pipeline.volume / "archive").rglob("bad.csv")
    archived.unlink()
    [rows_alone] = replay(pipeline.spark, pipeline.tables, *places, "quarantine", files="bad.csv").files
    pipeline.run()
    assert rows_alone.startswith("replay-rows-")
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


def test_hours_without_success_begin_with_the_last_good_run(pipeline: Pipeline, queries: Queries) -> None:
    def gate(run_id: str, hours_ago: int) -> None:
        time = datetime.now(timezone.utc) - timedelta(hours=hours_ago)
        arguments = (pipeline.tables, str(pipeline.checkpoint), run_id, 100, 1000)
        quality_gate(pipeline.spark, *arguments, now=lambda: time)

    with pytest.raises(QualityGateError):
        gate("1", 20)
    # Where nothing ever succeeded, since the first try: that needs people even more.
    [(hours,)] = queries.rows("hours_without_success")
    assert hours == pytest.approx(20, abs=0.1)
    for run_id, hours_ago in (("2", 9), ("3", 5)):
        pipeline.stage(run_id)
        pipeline.merge(run_id)
        gate(run_id, hours_ago)
    [(hours,)] = queries.rows("hours_without_success")
    assert hours == pytest.approx(5, abs=0.1)


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

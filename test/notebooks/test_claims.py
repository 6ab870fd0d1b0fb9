"""Two runs at once: no file is claimed twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from threading import Barrier
from typing import Any

import pytest
from order_tracking import source_to_stage
from order_tracking.batch import Batch
from order_tracking.landing import list_arrivals
from order_tracking.ledger import claim, read_open_batches
from order_tracking.tables import open_tables
from pipeline import Pipeline, lines, order

RUNS = 3


def try_to_claim(pipeline: Pipeline, number: int) -> Batch | None:
    ledger = open_tables(pipeline.spark, "spark_catalog", pipeline.schema).ledger
    files = tuple(list_arrivals(pipeline.landing))
    return claim(pipeline.spark, ledger, files, number, "run", datetime.now(timezone.utc))


def open_claims(pipeline: Pipeline) -> tuple[Batch, ...]:
    tables = open_tables(pipeline.spark, "spark_catalog", pipeline.schema)
    return read_open_batches(pipeline.spark, tables.ledger).claimed


def test_of_claims_at_once_one_wins(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    open_tables(pipeline.spark, "spark_catalog", pipeline.schema)
    barrier = Barrier(RUNS)

    def race(_: int) -> Batch | None:
        barrier.wait()
        return try_to_claim(pipeline, 1)

    with ThreadPoolExecutor(RUNS) as runs:
        won = [batch for batch in runs.map(race, range(RUNS)) if batch]
    assert len(won) == 1
    assert open_claims(pipeline) == tuple(won)


def test_a_claim_that_comes_late_is_lost(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    first = try_to_claim(pipeline, 1)
    assert first
    assert try_to_claim(pipeline, 1) is None
    assert open_claims(pipeline) == (first,)


def test_a_run_that_loses_the_claim_leaves_the_files_to_the_other(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    real_claim = source_to_stage.claim

    def another_run_first(*args: Any) -> Batch | None:
        monkeypatch.undo()
        pipeline.stage("another")
        return real_claim(*args)

    monkeypatch.setattr(source_to_stage, "claim", another_run_first)
    staged = pipeline.stage()
    assert [(file.path, file.outcome) for file in staged.files] == [("a.csv", "deferred")]
    assert pipeline.merge().inserted == 1
    assert pipeline.states() == {"a.csv": ["CLAIMED", "STAGED", "MERGED"]}


def test_a_batch_that_two_runs_load_is_loaded_once(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.drop("a.csv", lines(order(1), "bad"))
    load_batch = source_to_stage.load_batch

    def another_run_first(*args: Any) -> Any:
        monkeypatch.undo()
        pipeline.stage("another")
        return load_batch(*args)

    monkeypatch.setattr(source_to_stage, "load_batch", another_run_first)
    pipeline.stage()
    assert len(pipeline.quarantine()) == 1
    assert (pipeline.merge().inserted, pipeline.merge().batches) == (1, ())

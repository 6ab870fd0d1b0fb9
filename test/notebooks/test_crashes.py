"""A crash at each step of both tasks, and a second run: the same as if nothing had happened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from order_tracking import load_batch, source_to_stage, stage_to_final
from pipeline import Pipeline, lines, order
from pyspark.sql import SparkSession

STEPS = [
    (source_to_stage, "claim", 1),
    (load_batch, "write_stage", 1),
    (load_batch, "quarantine_rows", 1),
    (load_batch, "move", 1),
    (load_batch, "move", 2),
    (load_batch, "move", 3),
    (source_to_stage, "record", 1),
    (stage_to_final, "merge_batches", 1),
    (stage_to_final, "record", 1),
]


class Crash(Exception):
    pass


def crash_at(call: int, before: bool, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, dying in its n-th call before or after it has had its effect."""
    calls = 0

    def crashing(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and before:
            raise Crash
        result = function(*args, **kwargs)
        if calls == call:
            raise Crash
        return result

    return crashing


def fill(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1), "T9,bad", order(2, "DELIVERED", "2026-01-05 10:00:00")))
    pipeline.drop("b/a.csv", lines(order(2), order(3), ",,,,,,"))
    pipeline.drop("c.csv", "no header\n1\n")


def outcome(pipeline: Pipeline) -> dict[str, Any]:
    """Everything that must not depend on crashes: tables and files without batch ids and times."""
    ledger = pipeline.table("loaded_files_table", "path", "state", "rows_staged", "rows_quarantined", "reason")
    return {
        "orders": pipeline.orders(),
        "quarantine": pipeline.quarantine(),
        "ledger": {tuple(row) for row in ledger},
        "files": {name: pipeline.files(name) for name in ("file_arrival", "archive", "rejected")},
    }


@pytest.fixture(scope="module")
def undisturbed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pipeline = Pipeline(spark, f"test_{uuid4().hex[:8]}", tmp_path_factory.mktemp("undisturbed"))
    fill(pipeline)
    pipeline.run()
    return outcome(pipeline)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("module", "step", "call"), STEPS, ids=[f"{name}-{call}" for _, name, call in STEPS])
def test_a_second_run_repairs_a_crash(
    pipeline: Pipeline,
    undisturbed: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    step: str,
    call: int,
    before: bool,
) -> None:
    fill(pipeline)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, crash_at(call, before, getattr(module, step)))
        with pytest.raises((Crash, RuntimeError)):
            pipeline.run()
    pipeline.run()
    assert outcome(pipeline) == undisturbed


def test_a_file_that_arrives_after_a_crash_waits_for_its_own_batch(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    with monkeypatch.context() as patch:
        patch.setattr(load_batch, "write_stage", crash_at(1, True, load_batch.write_stage))
        with pytest.raises(RuntimeError, match="run again, and it is finished first"):
            pipeline.stage()
    pipeline.drop("b.csv", lines(order(2)))
    staged = pipeline.stage()
    [resumed] = staged.resumed_batch_ids
    assert {file.path: file.batch_id for file in staged.files} == {"a.csv": resumed, "b.csv": staged.batch_id}
    assert pipeline.merge().inserted == 2


def test_a_claimed_file_that_is_removed_is_dropped_for_good(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pipeline.drop("a.csv", lines(order(1)))
    pipeline.drop("b.csv", lines(order(2)))
    with monkeypatch.context() as patch:
        patch.setattr(load_batch, "write_stage", crash_at(1, False, load_batch.write_stage))
        with pytest.raises(RuntimeError):
            pipeline.stage()
    file.unlink()
    assert {file.path: file.outcome for file in pipeline.stage().files} == {"a.csv": "dropped", "b.csv": "staged"}
    assert pipeline.stage().files == ()
    pipeline.merge()
    assert set(pipeline.statuses()) == {"T2"}


def test_a_file_written_while_it_is_read_is_loaded_by_the_next_run_as_it_is_then(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pipeline.drop("a.csv", lines(order(1)))
    pipeline.drop("b.csv", lines(order(2)))
    write_stage = load_batch.write_stage

    def overwritten_meanwhile(*args: Any) -> Any:
        result = write_stage(*args)
        file.write_text(lines(order(1), order(3)))
        monkeypatch.undo()
        return result

    monkeypatch.setattr(load_batch, "write_stage", overwritten_meanwhile)
    staged = pipeline.stage()
    assert {file.path: file.outcome for file in staged.files} == {"a.csv": "dropped", "b.csv": "staged"}
    assert [row.tracking_num for row in pipeline.table("stage_orders_table")] == ["T2"]
    pipeline.run()
    assert set(pipeline.statuses()) == {"T1", "T2", "T3"}
    assert pipeline.files("file_arrival") == {}


def test_a_file_written_after_it_was_read_is_not_archived_unread(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pipeline.drop("a.csv", lines(order(1), "bad"))
    quarantine_rows = load_batch.quarantine_rows

    def overwritten_afterwards(*args: Any) -> None:
        quarantine_rows(*args)
        file.write_text(lines(order(3)))

    with monkeypatch.context() as patch:
        patch.setattr(load_batch, "quarantine_rows", overwritten_afterwards)
        [first] = pipeline.stage().files
    assert (first.outcome, first.destination) == ("staged", None)
    [second] = pipeline.stage().files
    assert (second.outcome, pipeline.files("archive")) == ("staged", {"a.csv": lines(order(3)).encode()})
    pipeline.merge()
    assert set(pipeline.statuses()) == {"T1", "T3"}


def test_nothing_in_the_archive_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    with pytest.raises(FileExistsError, match="exists already"):
        load_batch.move(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "old"

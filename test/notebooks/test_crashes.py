"""What arrives, changes or is sent again about a crash; a crash before each effect is in `test_kills.py`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crash_scenario import Crash, crashing
from job_process import refuse_to_rename
from order_tracking.files.checkpoint import Checkpoint, Claim
from order_tracking.files.landing import look_at
from order_tracking.files.volume import open_volume
from order_tracking.tasks import load_batch
from pipeline import Pipeline, lines, order


def crash_at(call: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, dying in its n-th call after it has had its effect: before the next step has any."""
    calls = 0

    def crashing(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        result = function(*args, **kwargs)
        if calls == call:
            raise Crash
        return result

    return crashing


def test_a_file_that_arrives_after_a_crash_waits_for_its_own_batch(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    crash_in_stage(pipeline, monkeypatch)
    pipeline.drop("b.csv", lines(order(2)))
    staged = pipeline.stage()
    [resumed], [claimed] = staged.resumed_batch_ids, staged.batch_ids
    assert {file.path: file.batch_id for file in staged.files} == {"a.csv": resumed, "b.csv": claimed}
    assert pipeline.merge().inserted == 2


def test_a_file_sent_again_after_a_crash_is_loaded_beside_the_first(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    crash_in_stage(pipeline, monkeypatch)
    pipeline.drop("a.csv", lines(order(2)))
    pipeline.run()
    assert set(pipeline.statuses()) == {"T1", "T2"}
    assert pipeline.states() == {"a.csv": ["MERGED", "MERGED"]}


def crash_in_stage(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(load_batch, "write_stage", crash_at(1, load_batch.write_stage))
        with pytest.raises(Crash):
            pipeline.stage()


def test_a_file_that_changes_after_it_was_listed_is_dropped_and_loaded_as_it_is_then(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten = pipeline.drop("rewritten.csv", lines(order(1)))
    removed = pipeline.drop("removed.csv", lines(order(2)))
    pipeline.drop("other.csv", lines(order(3)))
    claim = Checkpoint.claim

    def changed_meanwhile(*args: Any) -> None:
        claim(*args)
        rewritten.write_text(lines(order(4), order(5)))
        removed.unlink()

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "claim", changed_meanwhile)
        staged, _ = pipeline.run()
    assert {file.path: file.outcome for file in staged.files} == {
        **{"rewritten.csv": "dropped", "removed.csv": "dropped", "other.csv": "staged"}
    }
    pipeline.run()
    assert set(pipeline.statuses()) == {"T3", "T4", "T5"}
    assert pipeline.states() == {
        **{"rewritten.csv": ["DROPPED", "MERGED"], "removed.csv": ["DROPPED"], "other.csv": ["MERGED"]}
    }


def test_a_file_written_while_it_is_read_is_read_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.drop("a.csv", lines(order(1), "bad"))
    write_stage = load_batch.write_stage

    def written_meanwhile(*args: Any) -> Any:
        result = write_stage(*args)
        monkeypatch.undo()
        add_row_to_taken_file(pipeline)
        # It was sent once more as well, so it cannot be put back.
        pipeline.drop("a.csv", lines(order(9)))
        return result

    monkeypatch.setattr(load_batch, "write_stage", written_meanwhile)
    staged, _ = pipeline.run()
    assert [(file.outcome, file.rows_staged, file.rows_quarantined) for file in staged.files] == [("staged", 2, 1)]
    assert set(pipeline.statuses()) == {"T1", "T3"}
    assert len(pipeline.table("stage_orders_table")) == 2
    assert len(pipeline.quarantine()) == 1


def test_a_file_that_is_written_without_end_stops_no_other_and_is_loaded_later(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.drop("b.csv", lines(order(2)))
    write_stage = load_batch.write_stage

    def written_meanwhile(*args: Any) -> Any:
        if list((pipeline.volume / "archive").rglob("a.csv")):
            add_row_to_taken_file(pipeline)
        return write_stage(*args)

    with monkeypatch.context() as patch:
        patch.setattr(load_batch, "write_stage", written_meanwhile)
        staged, _ = pipeline.run()
    assert {file.path: file.outcome for file in staged.files} == {"a.csv": "dropped", "b.csv": "staged"}
    assert pipeline.statuses() == {"T2": "SHIPPED"}
    pipeline.run()
    assert set(pipeline.statuses()) == {"T1", "T2", "T3"}
    assert len(pipeline.table("stage_orders_table")) == 3


@pytest.mark.parametrize("renames", [True, False])
def test_what_a_sender_writes_after_a_pause_is_loaded_by_the_next_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, renames: bool
) -> None:
    if not renames:
        monkeypatch.setattr(os, "replace", refuse_to_rename)
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    for rows in (2, 3):
        add_row_to_taken_file(pipeline)
        staged, _ = pipeline.run()
        assert (set(pipeline.statuses()), len(pipeline.table("stage_orders_table"))) == ({"T1", "T3"}, rows)
        assert "a.csv was written to after it had been loaded" in staged.warnings[0]
    staged, _ = pipeline.run()
    assert (staged.files, staged.warnings) == ((), ())


def test_what_a_sender_wrote_after_a_pause_counts_once_where_the_run_that_put_it_back_died(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    add_row_to_taken_file(pipeline)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "note_loaded", crashing)
        with pytest.raises(Crash):
            pipeline.run()
    pipeline.run()
    pipeline.run()
    assert sorted(row.tracking_num for row in pipeline.table("stage_orders_table")) == ["T1", "T3"]


def add_row_to_taken_file(pipeline: Pipeline) -> None:
    taken = min((pipeline.volume / "archive").rglob("a.csv"))
    with taken.open("a") as still_open:
        still_open.write(f"{order(3)}\n")


def test_a_move_that_was_cut_short_is_done_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every file system renames in one step: a part of the copy may be there, and the file as well."""
    content = lines(order(1), order(2))
    pipeline.drop("a.csv", content)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "claim", crash_at(1, Checkpoint.claim))
        with pytest.raises(Crash):
            pipeline.stage()
    [claim] = Checkpoint(pipeline.checkpoint).claimed()
    part = archive_of(pipeline, claim)
    part.mkdir(parents=True)
    (part / "a.csv").write_text(content[:20])
    pipeline.run()
    assert set(pipeline.statuses()) == {"T1", "T2"}
    assert pipeline.files("archive") == {"a.csv": content.encode()}


def archive_of(pipeline: Pipeline, claim: Claim) -> Path:
    return open_volume(str(pipeline.volume)).archive_of(claim.batch_id)


def test_a_checkpoint_file_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    (tmp_path / "file.csv").write_text("x")
    (tmp_path / "batches" / "20260101T000000.000000Z-abc.claimed.123.tmp").write_text('{"batch_')
    (tmp_path / "records" / "r.123.tmp").write_text("{")
    assert look_at(tmp_path, "file.csv")
    assert (checkpoint.claimed(), checkpoint.staged(), checkpoint.records()) == ([], [], [])

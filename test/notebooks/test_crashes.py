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


def test_what_crashes_cut_short_is_finished_beside_what_is_sent_then(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not every file system renames in one step: a part of the copy may be there, and the file as well.
    content = lines(order("c1"), order("c2"))
    pipeline.drop("cut.csv", content)
    crash_in_stage(pipeline, monkeypatch, Checkpoint, "claim")
    [cut] = Checkpoint(pipeline.checkpoint).claimed()
    part = archive_of(pipeline, cut)
    part.mkdir(parents=True)
    (part / "cut.csv").write_text(content[:20])
    pipeline.drop("a.csv", lines(order(1)))
    crash_in_stage(pipeline, monkeypatch, load_batch, "write_stage")
    [_, read] = Checkpoint(pipeline.checkpoint).claimed()
    pipeline.drop("a.csv", lines(order(2)))
    pipeline.drop("b.csv", lines(order(3)))
    staged, merged = pipeline.run()
    # A file that arrives after a crash waits for its own batch; one that is sent again is loaded beside the first.
    assert staged.resumed_batch_ids == (cut.batch_id, read.batch_id)
    [claimed] = staged.batch_ids
    assert sorted((file.path, file.batch_id) for file in staged.files) == sorted(
        [("cut.csv", cut.batch_id), ("a.csv", read.batch_id), ("a.csv", claimed), ("b.csv", claimed)]
    )
    assert merged.inserted == 5
    assert set(pipeline.statuses()) == {"Tc1", "Tc2", "T1", "T2", "T3"}
    assert pipeline.states() == {"cut.csv": ["MERGED"], "a.csv": ["MERGED", "MERGED"], "b.csv": ["MERGED"]}
    # What was cut short is moved again.
    assert {path.name: path.read_bytes() for path in part.iterdir()} == {"cut.csv": content.encode()}
    assert pipeline.files("archive").keys() == {"cut.csv", "a.csv", "b.csv"}


def crash_in_stage(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str) -> None:
    """Die after a step of the first task."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, crash_at(1, getattr(owner, step)))
        with pytest.raises(Crash):
            pipeline.stage()


def archive_of(pipeline: Pipeline, claim: Claim) -> Path:
    return open_volume(str(pipeline.volume)).archive_of(claim.batch_id)


def test_what_changes_between_the_list_and_the_end_of_the_load_is_loaded_as_it_is_then(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten = pipeline.drop("rewritten.csv", lines(order(1)))
    removed = pipeline.drop("removed.csv", lines(order(2)))
    pipeline.drop("other.csv", lines(order(3)))
    pipeline.drop("sent-again.csv", lines(order("s1"), "bad"))
    pipeline.drop("without-end.csv", lines(order("w1")))
    claim, write_stage = Checkpoint.claim, load_batch.write_stage

    def changed_since_it_was_listed(*args: Any) -> None:
        claim(*args)
        rewritten.write_text(lines(order(4), order(5)))
        removed.unlink()

    def written_while_it_is_read(*args: Any) -> Any:
        if list((pipeline.volume / "archive").rglob("without-end.csv")):
            add_row_to_taken_file(pipeline, "without-end.csv", order("w2"))
        result = write_stage(*args)
        if not (pipeline.landing / "sent-again.csv").exists():
            add_row_to_taken_file(pipeline, "sent-again.csv", order("s2"))
            # It was sent once more as well, so it cannot be put back: it is read again.
            pipeline.drop("sent-again.csv", lines(order("s9")))
        return result

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "claim", changed_since_it_was_listed)
        patch.setattr(load_batch, "write_stage", written_while_it_is_read)
        staged, _ = pipeline.run()
    # What is written without end stops no other.
    assert {file.path: (file.outcome, file.rows_staged, file.rows_quarantined) for file in staged.files} == {
        "rewritten.csv": ("dropped", 0, 0),
        "removed.csv": ("dropped", 0, 0),
        "other.csv": ("staged", 1, 0),
        "sent-again.csv": ("staged", 2, 1),
        "without-end.csv": ("dropped", 0, 0),
    }
    assert pipeline.statuses() == dict.fromkeys(("T3", "Ts1", "Ts2"), "SHIPPED")
    assert len(pipeline.table("stage_orders_table")) == 3
    assert len(pipeline.quarantine()) == 1
    pipeline.run()
    staged_keys = sorted(row.tracking_num for row in pipeline.table("stage_orders_table"))
    assert staged_keys == ["T3", "T4", "T5", "Ts1", "Ts2", "Ts9", "Tw1", "Tw2"]
    assert set(pipeline.statuses()) == set(staged_keys)
    assert pipeline.states() == {
        "rewritten.csv": ["DROPPED", "MERGED"],
        "removed.csv": ["DROPPED"],
        "other.csv": ["MERGED"],
        "sent-again.csv": ["MERGED", "MERGED"],
        "without-end.csv": ["DROPPED", "MERGED"],
    }


def test_a_file_alone_that_is_written_while_it_is_read_is_read_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bad row of a file that is alone is seen while its rows are read."""
    pipeline.drop("a.csv", lines(order(1), "bad"))
    write_stage = load_batch.write_stage

    def written_meanwhile(*args: Any) -> Any:
        result = write_stage(*args)
        monkeypatch.undo()
        add_row_to_taken_file(pipeline, "a.csv", order(3))
        # It was sent once more as well, so it cannot be put back.
        pipeline.drop("a.csv", lines(order(9)))
        return result

    monkeypatch.setattr(load_batch, "write_stage", written_meanwhile)
    [staged] = pipeline.stage().files
    assert (staged.rows_staged, staged.rows_quarantined) == (2, 1)
    assert (len(pipeline.table("stage_orders_table")), len(pipeline.quarantine())) == (2, 1)


def test_what_a_sender_writes_after_pauses_is_loaded_by_the_next_run_and_counts_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse_to_rename)
        pipeline.run()
    for rows, renames in ((2, False), (3, True)):
        add_row_to_taken_file(pipeline, "a.csv", order(3))
        with monkeypatch.context() as patch:
            if not renames:
                patch.setattr(os, "replace", refuse_to_rename)
            staged, _ = pipeline.run()
        assert (set(pipeline.statuses()), len(pipeline.table("stage_orders_table"))) == ({"T1", "T3"}, rows)
        assert "a.csv was written to after it had been loaded" in staged.warnings[0]
    # Also where the run dies that has put it back.
    add_row_to_taken_file(pipeline, "a.csv", order(3))
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "note_loaded", crashing)
        with pytest.raises(Crash):
            pipeline.run()
    pipeline.run()
    staged, _ = pipeline.run()
    assert (staged.files, staged.warnings) == ((), ())
    assert sorted(row.tracking_num for row in pipeline.table("stage_orders_table")) == ["T1", "T3", "T3", "T3"]


def add_row_to_taken_file(pipeline: Pipeline, path: str, row: str) -> None:
    taken = min((pipeline.volume / "archive").rglob(path))
    with taken.open("a") as still_open:
        still_open.write(f"{row}\n")


def test_a_checkpoint_file_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    (tmp_path / "file.csv").write_text("x")
    (tmp_path / "batches" / "20260101T000000.000000Z-abc.claimed.123.tmp").write_text('{"batch_')
    (tmp_path / "records" / "r.123.tmp").write_text("{")
    assert look_at(tmp_path, "file.csv")
    assert (checkpoint.claimed(), checkpoint.staged(), checkpoint.records()) == ([], [], [])

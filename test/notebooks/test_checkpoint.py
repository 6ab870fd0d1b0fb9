import json
import os
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, ReplayedFiles, StagedBatch
from order_tracking.files.landing import ArrivedFile
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.typed_json import to_json

BATCH = new_batch_id(datetime(2026, 1, 2, tzinfo=timezone.utc))


@pytest.mark.parametrize("removed_before_it_dies", range(3))
@pytest.mark.parametrize("is_staged", [True, False])
def test_a_batch_whose_closing_was_cut_short_is_closed_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed_before_it_dies: int, is_staged: bool
) -> None:
    checkpoint = Checkpoint(tmp_path)
    claim = Claim(BATCH, "run", ())
    checkpoint.claim(claim)
    claim = checkpoint.begin_again(checkpoint.begin_again(claim))
    if is_staged:
        checkpoint.stage(StagedBatch(BATCH, ()))
    unlink, removed = Path.unlink, []

    def unlink_until_it_dies(path: Path, missing_ok: bool = False) -> None:
        if len(removed) == removed_before_it_dies:
            raise KeyboardInterrupt
        removed.append(path)
        unlink(path, missing_ok)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "unlink", unlink_until_it_dies)
        checkpoint.close(BATCH)
    # What is staged is not loaded again; what was divided is divided again, if anything, and not taken for another one.
    assert checkpoint.claimed() == ([] if is_staged or removed_before_it_dies else [claim])
    for batch in (*checkpoint.staged(), *checkpoint.claimed()):
        checkpoint.close(batch.batch_id)
    checkpoint.forget_attempts()
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == (["loaded"] if is_staged else [])


def test_what_a_killed_writer_left_aside_is_read_by_nobody(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    for directory in list(tmp_path.iterdir()):
        for ending in (".claimed.json", ".staged.json", ".json"):
            (directory / f"{BATCH}{ending}.1.tmp").write_text('{"batch_id": ')
    kinds = (checkpoint.claimed(), checkpoint.staged(), checkpoint.records(), checkpoint.erasures())
    assert (kinds, checkpoint.set_aside_unreadable(), checkpoint.replayed()) == (([], [], [], []), {}, {})


def test_a_file_that_its_sender_wrote_to_is_none_that_was_only_written_anew(tmp_path: Path) -> None:
    checkpoint, now = Checkpoint(tmp_path), datetime.now(timezone.utc)
    batch_id = new_batch_id(now)
    details = {"file_id": "1", "size_bytes": 100, "modified_at": now}
    files = tuple(FileOutcome(batch_id, path, State.STAGED, **details) for path in ("as it was", "written to"))
    checkpoint.note_loaded(StagedBatch(batch_id, files))
    for _ in range(2):  # Also where that is done again.
        checkpoint.note_rewritten(batch_id, "as it was", str, 100, 60)
        checkpoint.note_rewritten(batch_id, "written to", str, 120, 80)
    assert [file.size_bytes for batch in checkpoint.loaded() for file in batch.files] == [60, 100]


def test_no_two_attempts_have_one_number(tmp_path: Path) -> None:
    """Whoever begins them, whatever each knows of the others: Delta skips what comes with a number again."""
    checkpoint = Checkpoint(tmp_path)
    first = Claim(BATCH, "run", ())
    checkpoint.claim(first)
    second = checkpoint.begin_again(first)
    numbers = [checkpoint.begin_again(claim).attempt for claim in (second, first, second)]
    assert (second.attempt, numbers) == (2, [3, 4, 5])


def test_attempts_that_met_an_error_are_told_from_those_that_the_task_died_of(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    claim = Claim(BATCH, "run", ())
    checkpoint.claim(claim)
    for _ in range(3):  # The run dies.
        claim = checkpoint.begin_again(claim)
    assert checkpoint.count_without_end(claim) == 3
    for _ in range(20):  # An outage, in which an attempt may begin others itself.
        claim = checkpoint.begin_again(claim)
        checkpoint.begin_again(claim)
        checkpoint.note_failed(claim)
    assert (checkpoint.count_without_end(claim), checkpoint.claimed()) == (3, [replace(claim, attempt=44)])
    assert len(list((tmp_path / "batches").iterdir())) == 1 + 3 + 2
    again = Checkpoint(tmp_path).begin_again(claim)
    assert (again.attempt, checkpoint.count_without_end(again)) == (45, 4)
    # What an attempt meets that another run has taken for dead takes no number back.
    checkpoint.note_failed(claim)
    Checkpoint(tmp_path).note_failed(again)
    checkpoint.note_failed(claim)
    assert checkpoint.begin_again(claim).attempt == 46
    checkpoint.close(BATCH)
    checkpoint.note_failed(claim)
    checkpoint.forget_attempts()
    assert list((tmp_path / "batches").iterdir()) == []


@pytest.mark.parametrize("other_looks", [True, False])
def test_no_two_claims_keep_a_file_that_two_runs_listed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_looks: bool
) -> None:
    """Where files are copied, both would have a copy of it, and nobody could tell whose counts."""
    checkpoint, claim = Checkpoint(tmp_path), Checkpoint.claim
    a, b, c = (ArrivedFile(path, 1, datetime.now(timezone.utc), path) for path in "abc")
    first, second = Claim(BATCH, "run", (a, b)), Claim(f"{BATCH[:-1]}f-1", "run", (b, c))

    def claimed_at_once(*args: Any) -> None:
        claim(*args)
        monkeypatch.undo()
        checkpoint.claim_new(second) if other_looks else claim(checkpoint, second)

    monkeypatch.setattr(Checkpoint, "claim", claimed_at_once)
    kept = [*checkpoint.claim_new(first).files, *checkpoint.claim_new(second).files]
    assert sorted(file.path for file in kept) == ["a", "b", "c"]
    assert sorted(file.path for each in checkpoint.claimed() for file in each.files) == ["a", "b", "c"]


def test_a_batch_whose_files_are_all_in_another_one_is_forgotten(tmp_path: Path) -> None:
    checkpoint, files = Checkpoint(tmp_path), (ArrivedFile("a", 1, datetime.now(timezone.utc), "a"),)
    first = Claim(BATCH, "run", files)
    checkpoint.claim(first)
    assert checkpoint.claim_new(Claim(f"{BATCH[:-1]}f-1", "run", files)).files == ()
    assert checkpoint.claimed() == [first]


def test_of_the_attempts_at_a_batch_only_the_last_is_the_newest_and_only_while_it_is_open(tmp_path: Path) -> None:
    one, another = Checkpoint(tmp_path), Checkpoint(tmp_path)
    first = Claim(BATCH, "run", ())
    one.claim(first)
    found = [one.is_newest(first)]
    second = another.begin_again(first)
    found += [one.is_newest(first), another.is_newest(second)]
    third = one.begin_again(first)
    # Whoever knows of an earlier attempt of the same run speaks of that run.
    found += [another.is_newest(second), one.is_newest(third), one.is_newest(first)]
    one.stage(StagedBatch(BATCH, ()))
    found.append(one.is_newest(third))
    one.close(BATCH)
    found.append(one.is_newest(one.begin_again(third)))
    assert found == [True, False, True, False, True, True, False, False]


def test_of_two_runs_that_divide_a_batch_the_one_with_the_later_attempt_has_its_halves(tmp_path: Path) -> None:
    one, another = Checkpoint(tmp_path), Checkpoint(tmp_path)
    whole = Claim(BATCH, "run", (), 3)
    one.claim(whole)
    earlier, later = one.begin_again(whole).halves()[0], another.begin_again(whole).halves()[0]
    another.claim(later)
    one.claim(earlier)
    assert (one.is_newest(earlier), another.is_newest(later)) == (False, True)
    another.close(later.batch_id)
    another.forget_attempts()
    assert [path.name for path in (tmp_path / "batches").glob(f"{later.batch_id}.*")] == []


def test_a_claim_has_no_field_that_the_version_before_would_take_for_damage(tmp_path: Path) -> None:
    """That version goes on with what is claimed where this one is taken back."""
    Checkpoint(tmp_path).claim(Claim(BATCH, "run", ()))
    written = json.loads((tmp_path / "batches" / f"{BATCH}.claimed.json").read_text())
    assert written.keys() == {"batch_id", "run_id", "files", "attempt"}


def test_what_is_about_to_be_merged_is_still_known_as_a_replay(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.note_replay("replay-files-1", ReplayedFiles(()))
    os.utime(tmp_path / "replays" / "replay-files-1.json", (0, 0))
    checkpoint.claim(Claim(BATCH, "run", ()))
    for step in (lambda: None, lambda: checkpoint.stage(StagedBatch(BATCH, ()))):
        step()
        checkpoint.forget_replays(tmp_path / "landing")
        assert checkpoint.old_replays() == ["replay-files-1"]
    checkpoint.close(BATCH)
    checkpoint.forget_replays(tmp_path / "landing")
    assert checkpoint.old_replays() == []


def test_nothing_that_clients_wrote_keeps_a_checkpoint_from_being_taken_over(tmp_path: Path) -> None:
    old, checkpoint, now = tmp_path / "old", Checkpoint(tmp_path / "new"), datetime.now(timezone.utc)
    for name in ("claimed.json", "attempt1"):
        (old / "batches" / f"{new_batch_id(now)}.{name}").mkdir(parents=True)
    (old / "batches" / f"{new_batch_id(now)}.claimed.json").write_text("[" * 200_000)
    forged = FileOutcome("../../x", "/etc/passwd", State.MERGED, "1", 100, now)
    names = (new_batch_id(now) for _ in range(3))
    wrong = (StagedBatch(next(names), (), supersedes=(forged,)), StagedBatch(next(names), (replace(forged, path="a"),)))
    for batch in (*wrong, StagedBatch(next(names), ())):
        (old / "batches" / f"{batch.batch_id}.staged.json").write_text(to_json(batch))
    long = Claim(new_batch_id(now) + "-1" * 103, "run", ())
    (old / "batches" / f"{long.batch_id}.claimed.json").write_text(to_json(long))
    (old / "batches" / f"{BATCH}.attempt{'9' * 200}").touch()
    (old / "batches" / f"{new_batch_id(now)}.staged.json").symlink_to("nowhere")
    os.mkfifo(old / "batches" / f"{new_batch_id(now)}.staged.json")
    checkpoint.take_over(old)
    assert checkpoint.under_way() == [batch]


def test_folders_that_a_tool_made_in_the_checkpoint_tell_of_nothing(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    folders = [
        directory / name
        for directory in tmp_path.iterdir()
        for name in (f"{BATCH}.claimed.json", f"{BATCH}.staged.json", "x.json", "x.json.1.tmp")
    ]
    for each in folders:
        each.mkdir()
        os.utime(each, (0, 0))
    found = (checkpoint.under_way(), checkpoint.records(), checkpoint.loaded(), checkpoint.erasures())
    assert (found, checkpoint.replayed()) == (([], [], [], []), {})
    assert checkpoint.withdrawals(datetime.now(timezone.utc)) == []
    assert checkpoint.set_aside_unreadable() == {}
    checkpoint.forget_replays(tmp_path / "landing")
    for each in folders:
        checkpoint.remove_damaged(each)
    assert all(each.is_dir() for each in folders)

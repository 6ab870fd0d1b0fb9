import json
import os
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, ReplayedFiles, StagedBatch
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
    checkpoint.take_over(old)
    assert checkpoint.under_way() == [batch]

from datetime import datetime, timezone
from pathlib import Path

import pytest
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, StagedBatch

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

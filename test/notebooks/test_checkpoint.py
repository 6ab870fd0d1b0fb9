from datetime import datetime, timezone
from pathlib import Path

import pytest
from order_tracking.batch import new_batch_id
from order_tracking.checkpoint import Checkpoint, Claim, StagedBatch

BATCH = new_batch_id(datetime(2026, 1, 2, tzinfo=timezone.utc))


@pytest.mark.parametrize("removed_before_it_dies", range(3))
def test_a_batch_whose_closing_was_cut_short_is_closed_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed_before_it_dies: int
) -> None:
    checkpoint = Checkpoint(tmp_path)
    claim = Claim(BATCH, "run", ())
    checkpoint.claim(claim)
    checkpoint.begin_again(checkpoint.begin_again(claim))
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
    assert checkpoint.claimed() == []  # Nothing is loaded again.
    for batch in checkpoint.staged():
        checkpoint.close(batch.batch_id)
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == ["loaded"]

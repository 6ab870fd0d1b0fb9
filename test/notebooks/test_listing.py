import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from order_tracking.clock import utc_now
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim
from order_tracking.files.erased_files import clean_lone_reasons, finish_rewriting
from order_tracking.files.listing import paths_in, paths_in_any
from order_tracking.files.replay_folder import ReplayFolder, finish_replays
from order_tracking.files.volume import Volume, files_below, open_volume


def test_what_need_not_be_a_directory_may_have_nothing_in_it(tmp_path: Path) -> None:
    (tmp_path / "b.json").touch()
    (tmp_path / "a.json").touch()
    (tmp_path / "a.txt").touch()
    assert [path.name for path in paths_in(tmp_path, ".json")] == ["a.json", "b.json"]
    assert paths_in_any(tmp_path / "gone") == paths_in_any(tmp_path / "a.txt") == []


READS: dict[str, Callable[[Volume, Checkpoint], Any]] = {
    "claimed": lambda _, notes: notes.claimed(),
    "staged": lambda _, notes: notes.staged(),
    "divided": lambda _, notes: notes.is_divided(new_batch_id(utc_now())),
    "closed": lambda _, notes: notes.close(new_batch_id(utc_now())),
    "loaded": lambda _, notes: notes.loaded(),
    "records": lambda _, notes: notes.records(),
    "replayed": lambda _, notes: notes.replayed(),
    "withdrawals": lambda _, notes: notes.withdrawals(utc_now()),
    "erasures": lambda _, notes: notes.erasures(),
    "damaged": lambda _, notes: notes.set_aside_unreadable(),
    "batches of the archive": lambda volume, _: list(volume.batches_of("archive")),
    "files of a batch": lambda volume, _: list(files_below(volume.path / "archive" / "2026")),
    "reasons": lambda volume, _: clean_lone_reasons(volume, (), lambda _: False, str),
    "what is written anew": lambda volume, _: finish_rewriting(volume),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_what_cannot_be_listed_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Volume, Checkpoint], Any]
) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    checkpoint.claim(Claim(new_batch_id(utc_now()), "run", ()))
    (volume.path / "archive" / "2026").mkdir()

    def fails(path: Any = ".") -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "listdir", fails)
    monkeypatch.setattr(os, "scandir", fails)
    with pytest.raises(PermissionError):
        read(volume, checkpoint)


def test_a_checkpoint_that_is_gone_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    checkpoint, claim = Checkpoint(tmp_path), Claim(new_batch_id(utc_now()), "run", ())
    checkpoint.claim(claim)
    shutil.rmtree(tmp_path / "batches")
    for read in (checkpoint.claimed, checkpoint.staged, lambda: checkpoint.check_newest(claim)):
        with pytest.raises(FileNotFoundError):
            read()


def test_a_folder_of_a_replay_that_cannot_be_listed_is_told_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    folder = ReplayFolder(volume, checkpoint, utc_now())
    folder.note(())
    note = next((tmp_path / "checkpoint" / "replays").iterdir())
    os.utime(note, (0, 0))
    (volume.landing / folder.name).mkdir()
    scandir = os.scandir

    def fails_there(path: Any) -> Any:
        if Path(path).name == folder.name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fails_there)
    assert finish_replays(volume, checkpoint) == [f"file_arrival/{folder.name}/ cannot be listed: Permission denied"]

"""What a sender writes to a file after it was loaded is loaded as well, however late the next run looks."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from order_tracking.clock import utc_now
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, ReplayedFile, ReplayedFiles, StagedBatch, Withdrawal
from order_tracking.files.claimed_files import outcome
from order_tracking.files.landing import look_at
from order_tracking.files.replay_folder import finish_replays
from order_tracking.files.volume import Volume, open_volume
from order_tracking.tables.job_log import State
from order_tracking.tasks.late_writes import put_back_what_grew


def loaded(volume: Volume, checkpoint: Checkpoint, hours_ago: float, *paths: str, more: str = "and more\n") -> str:
    """A batch of files that was merged; later, each got more."""
    batch_id = new_batch_id(utc_now() - timedelta(hours=hours_ago))
    archive = volume.archive_of(batch_id)
    files = []
    for path in paths:
        (archive / path).parent.mkdir(parents=True, exist_ok=True)
        (archive / path).write_text("as it was\n")
        arrived = look_at(archive, path)
        assert arrived
        files.append(outcome(batch_id, arrived, State.STAGED))
        (archive / path).write_text(f"as it was\n{more}")
    checkpoint.note_loaded(StagedBatch(batch_id, tuple(files)))
    return batch_id


def landed(volume: Volume) -> list[str]:
    return sorted(
        path.relative_to(volume.landing).as_posix().split("/", 1)[1] for path in volume.landing.rglob("*.csv")
    )


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return open_volume(str(tmp_path / "volume"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(tmp_path / "checkpoint")


@pytest.mark.parametrize("hours_ago", [0.5, 30])
def test_what_grew_is_put_back_once_also_where_no_run_came_for_hours(
    volume: Volume, checkpoint: Checkpoint, hours_ago: float
) -> None:
    batch_id = loaded(volume, checkpoint, hours_ago, "a.csv")
    [warning], alarms = put_back_what_grew(volume, checkpoint, utc_now())
    assert "a.csv was written to after it had been loaded; it is loaded again as replay-files-" in warning
    assert (landed(volume), alarms) == ([f"{batch_id}/a.csv"], [])
    # It is looked at for an hour; later only by the first run.
    assert len(checkpoint.loaded()) == (1 if hours_ago < 1 else 0)
    assert put_back_what_grew(volume, checkpoint, utc_now()) == ([], [])


def refuse_to_copy(patch: pytest.MonkeyPatch, name: str) -> None:
    copyfile: Callable[[Path, Path], Path] = shutil.copyfile

    def refuse(source: Path, target: Path) -> Path:
        if source.name == name:
            target.write_text("a part")
            raise OSError(errno.EIO, "Input/output error")
        return copyfile(source, target)

    patch.setattr(shutil, "copyfile", refuse)


@pytest.mark.parametrize("hours_ago", [0.5, 30])
def test_a_file_that_cannot_be_put_back_is_told_and_tried_again_and_stops_no_other(
    volume: Volume, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, hours_ago: float
) -> None:
    batch_id = loaded(volume, checkpoint, hours_ago, "a.csv", "b.csv")
    with monkeypatch.context() as patch:
        refuse_to_copy(patch, "a.csv")
        for warnings in (1, 0):
            told, [alarm] = put_back_what_grew(volume, checkpoint, utc_now())
            assert len(told) == warnings
            assert "a.csv was written to after it had been loaded" in alarm and "Input/output error" in alarm
        assert landed(volume) == [f"{batch_id}/b.csv"]
    assert len(put_back_what_grew(volume, checkpoint, utc_now())[0]) == 1
    assert landed(volume) == [f"{batch_id}/a.csv", f"{batch_id}/b.csv"]


def test_a_file_that_would_have_too_long_a_path_is_told_with_what_ends_that(
    volume: Volume, checkpoint: Checkpoint
) -> None:
    loaded(volume, checkpoint, 0.5, "/".join(["f" * 200] * 4) + "/a.csv")
    _, [alarm] = put_back_what_grew(volume, checkpoint, utc_now())
    assert "have it sent anew under a shorter one, and withdraw it before that" in alarm
    assert landed(volume) == []


def test_what_grows_again_beside_a_file_that_cannot_be_put_back_supersedes_its_last_reading(
    volume: Volume, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_copy(monkeypatch, "a.csv")
    first = loaded(volume, checkpoint, 30, "a.csv", "b.csv")
    put_back_what_grew(volume, checkpoint, utc_now())
    [path] = [path for path in checkpoint.replayed() if path.endswith("/b.csv")]
    (volume.landing / path).unlink()  # It is loaded.
    second = loaded(volume, checkpoint, 20, path, more="")
    put_back_what_grew(volume, checkpoint, utc_now())
    assert {batch.batch_id for batch in checkpoint.loaded()} == {first, second}
    (volume.archive_of(first) / "b.csv").write_text("as it was\nand more\nand more\n")
    put_back_what_grew(volume, checkpoint, utc_now())
    [superseded] = [
        file.supersedes for each, file in checkpoint.replayed().items() if each.endswith("/b.csv") and each != path
    ]
    assert superseded and superseded.batch_id == second


def test_what_grows_while_it_is_on_its_way_is_not_forgotten(volume: Volume, checkpoint: Checkpoint) -> None:
    batch_id = loaded(volume, checkpoint, 30, "a.csv")
    [batch] = checkpoint.loaded()
    path = f"replay-files-1/{batch_id}/a.csv"
    replayed = ReplayedFile(path, "a.csv", utc_now(), may_be_bad=True, supersedes=batch.files[0])
    checkpoint.note_replay("replay-files-1", ReplayedFiles((replayed,)))
    (volume.landing / path).parent.mkdir(parents=True)
    (volume.landing / path).write_text("as it was\n")
    assert (put_back_what_grew(volume, checkpoint, utc_now()), checkpoint.loaded()) == (([], []), [batch])
    (volume.landing / path).unlink()
    assert len(put_back_what_grew(volume, checkpoint, utc_now())[0]) == 1


def test_what_grows_while_it_is_being_withdrawn_waits_for_that(volume: Volume, checkpoint: Checkpoint) -> None:
    batch_id = loaded(volume, checkpoint, 30, "a.csv", "b.csv")
    [batch] = checkpoint.loaded()
    withdrawal = Withdrawal(new_batch_id(utc_now()), (batch.files[0],), "it was wrong")
    checkpoint.withdraw(withdrawal)
    put_back_what_grew(volume, checkpoint, utc_now())
    assert (landed(volume), len(checkpoint.loaded())) == ([f"{batch_id}/b.csv"], 1)
    (volume.archive_of(batch_id) / "a.csv").unlink()  # It is in rejected/.
    checkpoint.withdraw(replace(withdrawal, is_done=True))
    for path in volume.landing.rglob("*.csv"):
        path.unlink()
    assert (put_back_what_grew(volume, checkpoint, utc_now()), checkpoint.loaded()) == (([], []), [])


def test_what_grows_after_its_last_reading_was_withdrawn_takes_the_place_of_nothing(
    volume: Volume, checkpoint: Checkpoint
) -> None:
    batch_id = loaded(volume, checkpoint, 0.5, "a.csv")
    again = f"replay-files-1/{batch_id}/a.csv"
    again_id = loaded(volume, checkpoint, 0.4, again, more="")
    [reading] = [file for batch in checkpoint.loaded() for file in batch.files if file.path == again]
    (volume.archive_of(again_id) / again).unlink()  # It is in rejected/.
    checkpoint.withdraw(Withdrawal(new_batch_id(utc_now()), (reading,), "it was wrong", is_done=True))
    [warning], alarms = put_back_what_grew(volume, checkpoint, utc_now())
    assert "what was read of it before was withdrawn" in warning
    assert ([file.supersedes for file in checkpoint.replayed().values()], alarms) == ([None], [])
    assert landed(volume) == [f"{batch_id}/a.csv"]


def test_what_was_cut_short_while_it_was_put_back_is_put_back_to_its_end(
    volume: Volume, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    batch_id = loaded(volume, checkpoint, 0.5, "a.csv")
    [batch] = checkpoint.loaded()
    [file] = batch.files
    path = f"replay-files-1/{batch_id}/a.csv"
    replayed = ReplayedFile(path, "a.csv", utc_now(), may_be_bad=False, supersedes=file)
    checkpoint.note_replay("replay-files-1", ReplayedFiles((replayed,)))
    part = (volume.landing / path).with_name(".a.csv")
    part.parent.mkdir(parents=True)
    part.write_text("as")
    # By then it is on its way, for all that others know.
    assert put_back_what_grew(volume, checkpoint, utc_now() + timedelta(hours=2)) == ([], [])
    assert (finish_replays(volume, checkpoint), part.exists()) == ([], True)
    os.utime(tmp_path / "checkpoint" / "replays" / "replay-files-1.json", (0, 0))
    assert finish_replays(volume, checkpoint) == []
    assert ((volume.landing / path).read_text(), part.exists()) == ("as it was\nand more\n", False)

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from crash_scenario import Crash, crashing
from job_process import refuse_to_rename
from order_tracking.clock import utc_now
from order_tracking.errors import LoadError, VolumeError
from order_tracking.files import claimed_files, moving
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim
from order_tracking.files.claimed_files import TakenFile, reject, take
from order_tracking.files.erased_files import finish_rewriting
from order_tracking.files.landing import list_arrivals, look_at
from order_tracking.files.moving import Move, copy_verify_delete, probe, rename
from order_tracking.files.volume import Volume, open_volume
from order_tracking.tables.job_log import State


@pytest.fixture(params=[rename, copy_verify_delete])
def move(request: pytest.FixtureRequest) -> Move:
    return request.param  # type: ignore[no-any-return]


def test_a_file_is_moved_in_the_place_of_a_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: Move
) -> None:
    monkeypatch.setattr(moving, "_GOES_ON_WITHIN_SECONDS", 0)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("whole")
    target.write_text("who")
    assert move(source, target)
    assert (source.exists(), target.read_text()) == (False, "whole")


def test_a_file_that_is_gone_is_not_moved(tmp_path: Path, move: Move) -> None:
    assert not move(tmp_path / "gone", tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_a_move_that_is_done_again_leaves_the_file_where_it_is(tmp_path: Path, move: Move) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("whole")
    assert (move(source, target), move(source, target)) == (True, False)
    assert target.read_text() == "whole"


def test_of_two_that_copy_a_file_to_one_place_the_later_one_cuts_no_copy_that_may_be_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("whole")
    compare: Callable[..., bool] = moving.filecmp.cmp

    def compared_before_another_one_comes_and_dies(one: Path, other: Path, shallow: bool) -> bool:
        is_same = compare(one, other, shallow)
        monkeypatch.undo()
        with monkeypatch.context() as patch, suppress(Crash):
            patch.setattr(moving.shutil, "copyfileobj", crashing)
            patch.setattr(Path, "unlink", crashing)
            copy_verify_delete(one, other)
        return is_same

    monkeypatch.setattr(moving.filecmp, "cmp", compared_before_another_one_comes_and_dies)
    assert copy_verify_delete(source, target)
    assert (source.exists(), target.read_text()) == (False, "whole")


def test_a_copy_that_another_one_is_still_writing_is_not_written_by_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("whole")
    target.write_text("w")
    of_the_other = iter((lambda: target.write_text("who"), lambda: target.write_text("whole") and source.unlink()))
    monkeypatch.setattr(moving.time, "sleep", lambda _: next(of_the_other)())
    assert not copy_verify_delete(source, target)
    assert (source.exists(), target.read_text(), next(of_the_other, None)) == (False, "whole", None)


@pytest.mark.parametrize(("left", "is_same"), [("who", False), ("", True), (None, True)])
def test_nothing_is_removed_where_another_one_writes_to_the_copy_or_removes_it_while_it_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str | None, is_same: bool
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("whole")

    def compared_beside_another_one(one: Path, other: Path, shallow: bool) -> bool:
        other.unlink() if left is None else other.write_text(left)
        return is_same

    monkeypatch.setattr(moving.filecmp, "cmp", compared_beside_another_one)
    assert not copy_verify_delete(source, target)
    assert (source.read_text(), target.read_text() if target.exists() else None) == ("whole", left)


@pytest.mark.parametrize("meanwhile", ["written", "removed"])
def test_a_file_that_changes_while_it_is_copied_is_not_moved_and_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("one")
    copy: Callable[..., object] = moving.shutil.copyfileobj

    def changed(*files: Any) -> None:
        copy(*files)
        source.write_text("more") if meanwhile == "written" else source.unlink()

    monkeypatch.setattr(moving.shutil, "copyfileobj", changed)
    assert not copy_verify_delete(source, target)
    # Who removes it may be another one that has moved it to the same place.
    assert (source.exists(), target.exists()) == ((True, False) if meanwhile == "written" else (False, True))


def test_a_file_is_looked_at_once_more_right_before_it_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("one")
    stat = Path.stat

    def looked_at_while_it_is_sent_again(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path == target:
            source.write_text("another")
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", looked_at_while_it_is_sent_again)
    assert not copy_verify_delete(source, target)
    assert source.read_text() == "another"


def test_a_file_that_is_written_while_it_is_rejected_stays_in_the_archive_and_none_tells_otherwise(
    tmp_path: Path,
) -> None:
    def written(source: Path, target: Path) -> bool:
        """As a copy that differs from what is there by then."""
        return False

    volume, batch_id = replace(open_volume(str(tmp_path)), move=written), new_batch_id(utc_now())
    archive = volume.archive_of(batch_id)
    archive.mkdir(parents=True)
    (archive / "a.csv").write_text("one")
    file = look_at(archive, "a.csv")
    assert file
    with pytest.raises(LoadError, match=r"a\.csv cannot be rejected, since it is still being written"):
        reject(volume, batch_id, file, "it is no CSV")
    assert list(volume.rejected_of(batch_id).iterdir()) == []
    assert (archive / "a.csv").read_text() == "one"


@pytest.mark.parametrize("sent_again", [True, False])
def test_a_copy_that_was_cut_short_is_no_file_once_its_source_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent_again: bool
) -> None:
    volume = replace(open_volume(str(tmp_path)), move=copy_verify_delete)
    (volume.landing / "a.csv").write_text("whole")
    [file] = list_arrivals(volume.landing).files
    claim = Claim(new_batch_id(utc_now()), "run", (file,))
    (volume.landing / "a.csv").write_text("another") if sent_again else (volume.landing / "a.csv").unlink()
    part = volume.archive_of(claim.batch_id) / "a.csv"
    part.parent.mkdir(parents=True)
    part.write_text("who")
    monkeypatch.setattr(moving, "_GOES_ON_WITHIN_SECONDS", 0)
    taken = take(volume, Checkpoint(tmp_path / "checkpoint"), claim, file)
    assert not isinstance(taken, TakenFile) and taken.state is State.DROPPED
    assert [each.path for each in list_arrivals(volume.landing).files] == ["a.csv"] * sent_again


def test_a_file_that_is_written_shorter_just_before_it_is_copied_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shortened(source: Path, target: Path) -> bool:
        source.write_text("new")
        return copy_verify_delete(source, target)

    volume = replace(open_volume(str(tmp_path)), move=copy_verify_delete)
    (volume.landing / "a.csv").write_text("as it was")
    [file] = list_arrivals(volume.landing).files
    claim = Claim(new_batch_id(utc_now()), "run", (file,))
    monkeypatch.setattr(moving, "_GOES_ON_WITHIN_SECONDS", 0)
    monkeypatch.setattr(Volume, "copies", True)
    taken = take(replace(volume, move=shortened), Checkpoint(tmp_path / "checkpoint"), claim, file)
    assert isinstance(taken, TakenFile)
    assert (taken.file.size_bytes, taken.location.read_text()) == (3, "new")


def claimed_file(tmp_path: Path, move: Move) -> tuple[Volume, Checkpoint, Claim, Path, Path]:
    """A file of a batch that is not in the landing directory any more, and where it may be: archived, or rejected."""
    volume = replace(open_volume(str(tmp_path)), move=move)
    (volume.landing / "a.csv").write_text("whole")
    claim = Claim(new_batch_id(utc_now()), "run", tuple(list_arrivals(volume.landing).files))
    (volume.landing / "a.csv").unlink()
    archived, rejected = (directory(claim.batch_id) / "a.csv" for directory in (volume.archive_of, volume.rejected_of))
    for place in (archived, rejected):
        place.parent.mkdir(parents=True)
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    checkpoint.claim(claim)
    return volume, checkpoint, claim, archived, rejected


@pytest.mark.parametrize("deleted", ["archived", "rejected"])
def test_a_file_that_one_attempt_rejects_or_takes_back_while_another_takes_it_back_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deleted: str
) -> None:
    volume, checkpoint, claim, archived, rejected = claimed_file(tmp_path, copy_verify_delete)
    for place in (archived, rejected):
        place.write_text("whole")
    rejected.with_name("a.csv.reason.txt").write_text("it is no CSV")
    of_the_other = [archived.unlink if deleted == "archived" else rejected.unlink]
    monkeypatch.setattr(moving.time, "sleep", lambda _: of_the_other.pop()())
    taken = take(volume, checkpoint, claim, claim.files[0])
    assert isinstance(taken, TakenFile) and of_the_other == []
    assert (archived.read_text(), rejected.exists()) == ("whole", False)


def test_an_attempt_that_is_not_the_newest_takes_back_nothing_that_the_newest_has_rejected(
    tmp_path: Path, move: Move
) -> None:
    volume, checkpoint, claim, _, rejected = claimed_file(tmp_path, move)
    rejected.write_text("whole")
    Checkpoint(tmp_path / "checkpoint").begin_again(claim)
    with pytest.raises(LoadError, match=f"another run goes on with batch {claim.batch_id}"):
        take(volume, checkpoint, claim, claim.files[0])
    assert rejected.read_text() == "whole"


def test_a_rejection_that_was_cut_short_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume, checkpoint, claim, archived, rejected = claimed_file(tmp_path, copy_verify_delete)
    archived.write_text("whole")
    rejected.write_text("who")
    monkeypatch.setattr(moving, "_GOES_ON_WITHIN_SECONDS", 0)
    assert isinstance(take(volume, checkpoint, claim, claim.files[0]), TakenFile)
    assert (archived.read_text(), rejected.exists()) == ("whole", False)


def test_a_file_that_another_attempt_moves_at_that_moment_has_not_vanished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: Move
) -> None:
    volume, checkpoint, claim, archived, rejected = claimed_file(tmp_path, move)
    archived.write_text("whole")
    [file] = claim.files

    def rejected_meanwhile(*args: Any) -> Any:
        if archived.exists():
            reject(volume, claim.batch_id, file, "it is no CSV")
        return look_at(*args)

    with monkeypatch.context() as patch, pytest.raises(LoadError, match=r"a\.csv was moved by another attempt"):
        patch.setattr(claimed_files, "look_at", rejected_meanwhile)
        take(volume, checkpoint, claim, file)
    assert isinstance(take(volume, checkpoint, claim, file), TakenFile)
    assert (archived.read_text(), list(rejected.parent.iterdir())) == ("whole", [])


def test_what_an_erasure_that_is_alive_is_about_to_put_into_its_place_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies later, while it copies that over the file as it was."""
    place, unfinished = tmp_path / "archive" / "a.csv", tmp_path / ".erasing" / "1" / "archive" / "a.csv"
    for path, text in ((place, "the order\nanother\n"), (unfinished, "another\n")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    of_the_other = iter((lambda: place.write_text("ano"),))
    monkeypatch.setattr(moving.time, "sleep", lambda _: next(of_the_other, lambda: 0)())
    finish_rewriting(Volume(tmp_path, copy_verify_delete))
    assert (place.read_text(), unfinished.exists()) == ("another\n", False)


def test_of_two_that_try_at_once_one_finds_what_the_other_has_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / ".probe" / "of another"
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda directory: iter([*iterdir(directory), gone]))
    assert probe(tmp_path) is rename


def test_what_a_volume_can_do_is_found_out_by_trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(tmp_path) is rename
    left_behind = tmp_path / ".probe" / "old"
    left_behind.touch()
    os.utime(left_behind, (0, 0))
    monkeypatch.setattr(os, "replace", refuse_to_rename)
    assert probe(tmp_path) is copy_verify_delete
    assert list((tmp_path / ".probe").iterdir()) == []


def test_a_rename_that_only_copies_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", lambda source, target: Path(target).write_bytes(Path(source).read_bytes()))
    assert probe(tmp_path) is copy_verify_delete


def test_a_volume_that_does_not_show_what_is_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "iterdir", lambda _: iter(()))
    with pytest.raises(VolumeError, match="cannot be found"):
        probe(tmp_path)


def test_what_a_killed_trial_left_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / ".probe").mkdir()
    for name in ("0000.1", "0000.2"):
        (tmp_path / ".probe" / name).write_text("0000")
    assert probe(tmp_path) is rename


def test_to_probe_costs_next_to_nothing(tmp_path: Path) -> None:
    start = time.perf_counter()
    probe(tmp_path)
    assert time.perf_counter() - start < 1


def test_the_checkpoint_is_written_where_nothing_can_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", refuse_to_rename)
    checkpoint = Checkpoint(tmp_path)
    claim = Claim(new_batch_id(utc_now()), "run", ())
    checkpoint.claim(claim)
    assert checkpoint.claimed() == [claim]
    checkpoint.close(claim.batch_id)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

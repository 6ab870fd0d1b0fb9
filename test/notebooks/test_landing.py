import errno
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest.mock import Mock

import pytest
from order_tracking.files.landing import list_arrivals, look_at, remove_emptied, why_unfinished


def test_files_in_visible_folders_are_listed_by_their_path(tmp_path: Path) -> None:
    for path in ("b.csv", "a/2026/c.csv", "a/b c.csv"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    assert sorted(file.path for file in list_arrivals(tmp_path).files) == ["a/2026/c.csv", "a/b c.csv", "b.csv"]


def test_hidden_and_unfinished_files_and_returned_reasons_are_ignored(tmp_path: Path) -> None:
    ignored = (".a.csv", "_a.csv", ".git/a.csv", "x/_tmp/a.csv", "a.csv.tmp", "a.csv._COPYING_", "a.csv.reason.txt")
    for path in ignored:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    found = list_arrivals(tmp_path)
    assert found.files == []
    assert set(found.left_alone) == {
        "_a.csv",
        ".a.csv",
        ".git/",
        "x/_tmp/",
        "a.csv.tmp",
        "a.csv._COPYING_",
        "a.csv.reason.txt",
    }


def test_what_cannot_be_looked_at_stops_nothing_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "link.csv").symlink_to("a.csv")
    (tmp_path / "linked").symlink_to("of_ours")
    os.mkfifo(tmp_path / "pipe.csv")
    for folder in ("of_another", "of_ours"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "b.csv").touch()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("of_another"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = list_arrivals(tmp_path)
    assert [file.path for file in found.files] == ["a.csv", "of_ours/b.csv"]
    assert found.left_alone == {}
    assert found.unreadable == {
        "loop.csv": "it cannot be looked at: it is a link; put there what it leads to",
        "link.csv": "it cannot be looked at: it is a link; put there what it leads to",
        "pipe.csv": "it cannot be looked at: it is no file that could be read to its end",
        "linked/": "it is a link; put there what it leads to",
        "of_another/": "it cannot be listed: Permission denied",
    }
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError):
        list_arrivals(tmp_path / "not there")


def test_a_file_of_no_year_stops_nothing_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x")
    lstat = Path.lstat

    def of_no_year(path: Path) -> object:
        found = lstat(path)
        return Mock(st_mode=found.st_mode, st_size=1, st_mtime_ns=3 * 10**20) if path.name == "a.csv" else found

    monkeypatch.setattr(Path, "lstat", of_no_year)
    found = list_arrivals(tmp_path)
    assert [file.path for file in found.files] == ["b.csv"]
    assert found.unreadable == {"a.csv": "it cannot be looked at: it was written in no year that a date can have"}


def test_a_file_written_again_is_another_file(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("1")
    first = look_at(tmp_path, "a.csv")
    assert look_at(tmp_path, "a.csv") == first
    os.utime(file, ns=(0, 0))
    second = look_at(tmp_path, "a.csv")
    file.write_text("12")
    os.utime(file, ns=(0, 0))
    third = look_at(tmp_path, "a.csv")
    assert first and second and third
    assert len({first.file_id, second.file_id, third.file_id}) == 3


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert look_at(tmp_path, "a.csv") is None


def test_a_young_file_may_be_unfinished_if_it_is_empty_or_its_last_line_has_no_end(tmp_path: Path) -> None:
    contents = {
        "empty": b"",
        "cut": b"a,b\n1,2",
        "cut within a character": "a,b\nü".encode()[:-1],
        "whole": b"a,b\r\n1,2\r\n",
        "no text": b"\x00\x01\xff",
        "zip": b"PK\x03\x04\xff\xfe\x00",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    now = datetime.now(timezone.utc)
    young = {file.path for file in list_arrivals(tmp_path).files if why_unfinished(tmp_path, file, now)}
    assert young == {"empty", "cut", "cut within a character"}
    later = now + timedelta(minutes=10, seconds=1)
    for moment in (later, now - timedelta(days=1)):  # Also by a clock that is ahead.
        assert [file for file in list_arrivals(tmp_path).files if why_unfinished(tmp_path, file, moment)] == []


def test_emptied_folders_are_removed_after_a_while(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "file.csv").touch()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / ".keep").touch()
    now = datetime.now(timezone.utc)
    remove_emptied(list_arrivals(tmp_path).empty_folders, now)
    assert (tmp_path / "a" / "b").exists()
    for later in (timedelta(hours=2), timedelta(hours=4)):
        remove_emptied(list_arrivals(tmp_path).empty_folders, now + later)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "kept"]

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

from order_tracking.landing import list_arrivals, look_at, may_be_unfinished


def test_files_in_visible_folders_are_listed_by_their_path(tmp_path: Path) -> None:
    for path in ("b.csv", "a/2026/c.csv", "a/b c.csv"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    assert sorted(file.path for file in list_arrivals(tmp_path)) == ["a/2026/c.csv", "a/b c.csv", "b.csv"]


def test_hidden_and_unfinished_files_and_returned_reasons_are_ignored(tmp_path: Path) -> None:
    ignored = (".a.csv", "_a.csv", ".git/a.csv", "x/_tmp/a.csv", "a.csv.tmp", "a.csv._COPYING_", "a.csv.reason.txt")
    for path in ignored:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    assert list_arrivals(tmp_path) == []


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


def test_only_an_empty_file_may_be_unfinished_and_only_for_ten_minutes(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "full.csv").write_text("1")
    empty, full = list_arrivals(tmp_path)
    now = datetime.now(timezone.utc)
    assert may_be_unfinished(empty, now)
    assert not may_be_unfinished(empty, now + timedelta(minutes=10, seconds=1))
    assert not may_be_unfinished(full, now)

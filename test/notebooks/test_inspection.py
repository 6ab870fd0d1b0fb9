from pathlib import Path

import pytest
from order_tracking.inspection import UnreadableFileError, inspect
from pipeline import HEADER, lines, order


def written(directory: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("tracking_num,address\nT1,x\n", "its header lacks status, last_update_timestamp"),
        (f"{HEADER},Tracking Num\n", "its header names tracking_num more than once"),
        (f"{HEADER}\n".encode("utf-16"), "it is not UTF-8 text"),
        (f"{HEADER}\n{order(1)}\n".encode() + b"T2,O2,\xff,,,,2026-01-01\n", "it is not UTF-8 text"),
        (f"{HEADER}\r{order(1)}\r", "its lines end in a lone carriage return"),
        (f'"{HEADER}\n{order(1)}\n', "its header is not valid CSV"),
    ],
)
def test_a_file_that_cannot_be_loaded_says_why(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        inspect(written(tmp_path, content))


@pytest.mark.parametrize(("name", "reason"), [("a.csv.GZ", "it is compressed"), ("10:00.csv", "its name has a colon")])
def test_a_name_that_spark_cannot_read_says_why(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        inspect(written(tmp_path, lines(order(1)), name))


def test_columns_are_found_by_name_in_any_order_and_spelling(tmp_path: Path) -> None:
    header = inspect(written(tmp_path, "\ufeffSTATUS, Tracking Num ,x,,LastUpdateTimestamp,x\n"))
    positions = [header.position_of(name) for name in ("tracking_num", "status", "last_update_timestamp", "address")]
    assert positions == [1, 0, 4, None]
    assert header.unknown_names() == ("x", "", "x")


@pytest.mark.parametrize(
    ("row", "well_quoted"),
    [
        ('T1,O1,S,"a, ""b""\nc",,,2026-01-01', True),
        ('T1,O1,S,5" pipe,,,2026-01-01', True),
        ('T1,O1,S,"a,,,2026-01-01', False),
        ('T1,O1,S,"a" b,,,2026-01-01', False),
    ],
)
def test_quotes_that_do_not_match_are_noticed(tmp_path: Path, row: str, well_quoted: bool) -> None:
    assert inspect(written(tmp_path, lines(row, order(2)))).well_quoted is well_quoted


def test_bytes_after_a_broken_quote_must_be_text_too(tmp_path: Path) -> None:
    content = lines('T1,O1,S,"a" b,,,2026-01-01', *map(order, range(50_000))).encode() + b"\xff\n"
    with pytest.raises(UnreadableFileError, match="it is not UTF-8 text"):
        inspect(written(tmp_path, content))

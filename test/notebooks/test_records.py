"""The records of a file by its bytes; that Spark reads the same ones is in `test_fuzz.py`."""

import io
import tracemalloc
from pathlib import Path

import pytest
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import UnreadableFileError
from order_tracking.files import records
from order_tracking.files.inspection import inspect, lines_of
from order_tracking.files.records import read_records, values_of
from pipeline import HEADER, lines, order


def texts(content: bytes) -> list[bytes]:
    return [record.text for record in read_records(io.BytesIO(content))]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a\n\nb", [b"a", b"b"]),
        (b"a\r\nb\rc\n", [b"a\r", b"b\rc"]),
        (b'"a\nb",c\nd', [b'"a\nb",c', b"d"]),
        (b'"a""\n",c\nd', [b'"a""\n",c', b"d"]),
        (b'x"a\nb', [b'x"a', b"b"]),
        (b'"a"b\nc', [b'"a"b', b"c"]),
        (b'"a" \t\r\nc', [b'"a" \t\r', b"c"]),
        (b'"a\nb', [b'"a\nb']),
        (b'\xef\xbb\xbf"a\nb"\nc', [b'"a\nb"', b"c"]),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 1 << 20])
def test_a_record_ends_at_a_line_feed_outside_of_quotes(
    monkeypatch: pytest.MonkeyPatch, content: bytes, expected: list[bytes], chunk: int
) -> None:
    monkeypatch.setattr(records, "_CHUNK_BYTES", max(chunk, 3 if content.startswith(b"\xef") else 1))
    assert texts(content) == expected


def test_a_record_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 10)
    with pytest.raises(UnreadableFileError, match="line 3 begins a row of more than"):
        texts(b'a\nb\n"' + b"x\n" * 20)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ('"a""b" ,"",c', ['a"b', "", "c"]),
        ('"a" b"c,d', ['"a" b"c', "d"]),
        ('"a" b\r', ['"a" b\r']),
        ('"a" b,"c\rd"', []),
        ('"a" b,"c\nd"', []),
        ('"a,b""', []),
        ("", [""]),
    ],
)
def test_a_record_with_a_long_value_is_split_as_any_other(end: str, expected: list[str]) -> None:
    long = "x" * (1 << 18)
    assert values_of(f"{long},{end}") == ([long, *expected] if expected else [])


def test_doubled_quotes_take_no_memory_of_their_own() -> None:
    text = '"' + '""' * 200_000 + '"'
    tracemalloc.start()
    try:
        assert values_of(text) == ['"' * 200_000]
        assert tracemalloc.get_traced_memory()[1] < 5 * len(text)
    finally:
        tracemalloc.stop()


def test_rows_are_found_in_the_lines_that_an_editor_shows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'\n{HEADER}\n\n{order(1)}\n"a\nb"\n \n{order(2)}\n')
    assert lines_of(path, {1, 2, 3}) == {1: 4, 2: 5, 3: 8}


@pytest.mark.parametrize(
    ("content", "records", "skipped", "last"),
    [
        (lines(order(1), order(2)), 2, 0, None),
        (lines(order(1), "", " \t", order(2), end="\r\n"), 2, 0, None),
        (f"\r\n{lines(order(1))}", 1, 1, None),
        (f"\n{lines(order(1))}", 1, 0, None),
        (f"{lines(order(1))}{order(2)}", 2, 0, 2),
        (f"{lines(order(1))} ", 1, 0, None),
        (f'{lines(order(1))}"a"', 2, 0, 2),
        (f'{lines(order(1))}"a"\n', 2, 0, None),
        (f'{lines(order(1))}"a\n', 2, 0, 2),
        (f'{lines(order(1))}""\n" "\n', 3, 0, None),
        (HEADER, 0, 0, None),
    ],
)
def test_what_is_in_a_file_is_told_by_its_bytes(
    tmp_path: Path, content: str, records: int, skipped: int, last: int | None
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode())
    found = inspect(path, ORDERS)
    assert (found.records, found.skipped, found.last) == (records, skipped, last)


@pytest.mark.parametrize(
    ("value", "is_plain", "is_composed"),
    [
        ("x", True, True),
        ("\t", False, True),
        ("\0", False, True),
        ("a\rb", False, True),
        ("ü", False, True),
        ("u\u0308", False, False),
        ("\u00a0", False, True),
    ],
)
def test_text_that_needs_a_closer_look_is_noticed(
    tmp_path: Path, value: str, is_plain: bool, is_composed: bool
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(lines(order(value), order(2), end="\r\n").encode())
    found = inspect(path, ORDERS)
    assert (found.is_plain, found.is_composed) == (is_plain, is_composed)

from pathlib import Path

import pytest
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import UnreadableFileError
from order_tracking.files.inspection import Content, check_path
from order_tracking.files.inspection import inspect as inspect_file
from order_tracking.parameters import NewColumns
from pipeline import HEADER, lines, order


def inspect(path: Path) -> Content:
    return inspect_file(path, ORDERS)


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
        (f"{HEADER},address\u200b\n", "its header names address more than once"),
        (f"{HEADER}\n".encode("utf-16"), "it is UTF-16, not UTF-8 text"),
        (f"{HEADER}\n".encode("utf-16-le"), "it is UTF-16, not UTF-8 text"),
        (
            f"{HEADER}\n{order(1)}\n".encode() + b"T2,O2,Z\xfcrich,,,,2026-01-01\n",
            "it is not UTF-8 text: line 3 has the byte 0xFC, which is Windows-1252 if the line reads 'T2,O2,Zürich",
        ),
        (f"{HEADER}\r{order(1)}\r", "its lines end in a lone carriage return"),
        (f"{HEADER}\r{order(1)}\n{order(2)}\n{order(3)}\n", "its lines end in a lone carriage return"),
        (lines(order(1)).replace(",", ";"), "its values are separated by semicolons; separate them by commas"),
        (lines(order(1)).replace(",", "\t"), "its values are separated by tabs; separate them by commas"),
        (
            lines(header=HEADER.replace(",", '";"').join('""')),
            "its values are separated by semicolons; separate them by commas",
        ),
        (
            lines(header=HEADER.replace(",", '"\t"').join('""')),
            "its values are separated by tabs; separate them by commas",
        ),
        (
            lines(header=";".join([HEADER.replace(",", ";"), *map(str, range(300))])),
            "its values are separated by semicolons; separate them by commas",
        ),
        (f"sep=,\n{lines(order(1))}", "its first line is 'sep=,', which only Excel knows"),
        (b"PK\x03\x04....xl/workbook.xml", "it is an Excel workbook; save it as CSV"),
        (b"PK\x03\x04....orders.csv", "it is a zip archive; send the files that are in it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is an Excel workbook; save it as CSV"),
        (b"\x1f\x8b\x08\x00", "it is compressed; send it as plain CSV"),
        (lines(header=",".join([HEADER, *map(str, range(21_000))])), "its header has 21007 columns"),
        (lines(header=f"{HEADER},{'x' * 300}"), "its header has a name of 300 characters"),
        (f'{HEADER}\nT1,"{"x" * (17 << 20)}', "line 2 (begins a row of more|is longer) than 16 MiB"),
        (
            f'"{HEADER}\n{order(1)}\n',
            r"its header is not valid CSV \(unexpected end of data\): its first line is '\"track",
        ),
        (f"{HEADER}\n".encode("utf-32"), "it is UTF-32, not UTF-8 text"),
        (b"\0" * 50, "it has nothing but NUL bytes"),
        (b"\xfd7zXZ\0\0", "it is compressed; send it as plain CSV"),
        (
            f"{HEADER}\n{order(1)}".encode() + b"\xe2\x82",
            "it ends in the middle of a character: it is cut, or not UTF-8",
        ),
        (
            "\ufeff\ufeff" + lines(order(1), header=HEADER.replace("tracking_num", '"tracking_num"')),
            r"its header lacks tracking_num; .* its first line is '\\ufeff\"tracking_num\",",
        ),
        (lines(header=HEADER.replace("status", "st\u0430tus")), r"its header lacks status; .*st\\u0430tus"),
        ('[{"tracking_num": "T1"}]\n', "its first line is .*, which looks like JSON"),
        ("<!DOCTYPE html>\n", "its first line is '<!DOCTYPE html>', which looks like HTML or XML"),
        (f"Orders of today\n{lines(order(1))}", "its first line is 'Orders of today'"),
        (lines(order(1), f'{order(2)},5"', header=f'{HEADER},"note'), "a quote in its header is not closed there, and"),
        (
            lines('T1,O1,SHIPPED,Unit 5",2026-01-01,,2026-01-02 10:00:00,x', header=f'{HEADER},"note'),
            "it has no rows, and its header spans lines: a quote in it that is not closed there may have swallowed",
        ),
        (
            lines(f"{order(1)},x", 'T2,O2,SHIPPED,Unit 5",2026-01-01,,2026-01-02,x', header=f'{HEADER},"note'),
            "it has no rows, and its header spans lines",
        ),
        (lines(order(1), order("\uffff")), "line 3 has U\\+FFFF"),
        (lines(order(1).replace("Main", "x" * (17 << 20)), order(2)), "line 2 is longer than 16 MiB"),
        (lines(order(1)) + "\0" * (17 << 20), "line 3 is longer than 16 MiB"),
        (lines(order(1), ",".join(['"' + "x" * 100_000 + '\n"'] * 200)), "line 3 begins a row of more than 16 MiB"),
        (lines(header=f"{HEADER},{'x' * 200_000}"), "its header has a name of more than 255 characters"),
    ],
)
def test_a_file_that_cannot_be_loaded_says_why(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        inspect(written(tmp_path, content))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a.csv.GZ", "it is compressed"),
        ("10:00.csv", "has a colon"),
        ("10:00/[a].csv", "has a colon"),
        ("b/a\udcff.csv", "is not UTF-8"),
        ("a\udcff/b.csv", "is not UTF-8"),
    ],
)
def test_a_path_that_spark_cannot_read_says_why(path: str, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        check_path(path)


def test_a_header_may_have_lines_and_commas(tmp_path: Path) -> None:
    header = inspect(written(tmp_path, lines(f"{order(1)},5", header=f'{HEADER},"Weight, net\n(kg)"'))).header
    assert header.unknown_names() == ("Weight, net\n(kg)",)


@pytest.mark.parametrize("names", ["note,note", "Ship-To,Ship To"])
def test_columns_are_not_added_where_two_names_make_one(tmp_path: Path, names: str) -> None:
    file = written(tmp_path, lines(f"{order(1)},x,,y,", header=f"{HEADER},{names.replace(',', ',,')},"))
    refused = f"its header has {names.replace(',', ', ')}, which would be the same column; name each column once"
    with pytest.raises(UnreadableFileError, match=refused):
        inspect_file(file, ORDERS, NewColumns.ADD)
    assert inspect(file).records == 1  # They are not loaded, then.


@pytest.mark.parametrize("names", ["Order-Num,Order.Num", "Valid From,valid-from", "€,£"])
def test_two_names_may_make_one_that_no_added_column_can_have(tmp_path: Path, names: str) -> None:
    file = written(tmp_path, lines(f"{order(1)},x,y", header=f"{HEADER},{names}"))
    assert inspect_file(file, ORDERS, NewColumns.ADD).header.unknown_names() == tuple(names.split(","))


def test_a_folder_that_spark_can_read_is_none_to_refuse() -> None:
    for path in ("10:00/a.csv", "a.gz/b.csv", "[a]/b.csv", "ü/b.csv"):
        check_path(path)


def test_columns_are_found_by_name_in_any_order_and_spelling(tmp_path: Path) -> None:
    header = inspect_file(written(tmp_path, "\ufeffSTATUS, Tracking Num ,x,,LastUpdateTimestamp,x\n"), ORDERS).header
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
    content = inspect(written(tmp_path, lines(row, order(2))))
    assert (content.well_quoted, content.records) == (
        well_quoted,
        1 if row.count('"') == 1 and well_quoted is False else 2,
    )


def test_bytes_after_a_broken_quote_must_be_text_too(tmp_path: Path) -> None:
    content = lines('T1,O1,S,"a" b,,,2026-01-01', *map(order, range(50_000))).encode() + b"\xff\n"
    with pytest.raises(UnreadableFileError, match="it is not UTF-8 text"):
        inspect(written(tmp_path, content))

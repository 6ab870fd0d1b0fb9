"""Which records of a file are an order's, by their bytes."""

from pathlib import Path

import pytest
from order_tracking.contract.orders import ORDERS
from order_tracking.files.order_records import OrderRecords
from pipeline import HEADER, lines, order


def found(tmp_path: Path, text: str | bytes, key: str = "T1") -> list[tuple[int, int | None]]:
    file = tmp_path / "a.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return [(record.line, record.number) for record in OrderRecords(ORDERS, key).find(file)]


def rewritten(tmp_path: Path, text: str, key: str = "T1") -> bytes:
    (tmp_path / "a.csv").write_bytes(text.encode())
    OrderRecords(ORDERS, key).rewrite(tmp_path / "a.csv", tmp_path / "b.csv")
    return (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize(
    "row",
    [
        order(1),
        f"  {order(1)}",
        order(1).replace("T1", '"T1 "'),
        order(1).replace("T1", "\u00a0T1\u200b"),
        order(1).replace("T1", "T\x011"),
        "T1,too few",
        ",T1,SHIPPED,,,,2026-01-01",
        f"{order(1)},too many",
        'T1,"a quote that is never closed',
        'T2,O2,SHIPPED,2 Main Street,2026-01-01,,"a quote that is never closed by T1',
        'T2,O2,SHIPPED,"Main" Street,2026-01-01,,"2026-01-02\nT1"',
        "T1,too few".encode("utf-16-le").decode(),
        f'T2,O2,SHIPPED,"2 Main Street,2026-01-01,,2026-01-02 10:00:00\n{order(1)}\nT3,O3,SHIPPED,3",,,2026-01-02',
        f'"T1,O1,SHIPPED,,,,2026-01-02\n{order(2)}\nT3",O3,SHIPPED,,,,2026-01-02',
        f'"T2,O2,SHIPPED,,,,2026-01-02\n{order(3)}\nT1",O1,SHIPPED,,,,2026-01-02',
        'T2,O2,SHIPPED,"2 Main Street,2026-01-01,,2026-01-02 10:00:00\nT1,O1,SHIPPED,1 Main Street",,,2026-01-02',
        'T2,O2,SHIPPED,"2 Main Street,2026-01-01,,2026-01-02 10:00:00\nT1,O1,SHIPPED,Main Street, 1",,,2026-01-02',
    ],
)
def test_a_record_is_the_orders(tmp_path: Path, row: str) -> None:
    assert found(tmp_path, lines("", order(2), row)) == [(4, 2)]


@pytest.mark.parametrize(
    "row",
    [
        order(11),
        order("1-2"),
        order(2).replace("2 Main Street", '"2 Main Street\nT1"'),
        order(2).replace("2 Main Street", '"2 Main Street\nT1, by the river\nSpringfield"'),
        order(2).replace("2 Main Street", '"Main Street, 12, rear\nRear building, Berlin, T1, 10115, DE"'),
        order(2).replace("O2", "T1"),
        order(2).replace("2 Main Street", '"Main" Street T1'),
        order(2).replace("2 Main Street", '"2 Main Street" ').replace("O2", '"T1 """'),
        order(2).replace("2 Main Street", "2 Main Street\rT1"),
        "T1-2,too few",
        "t1,O1,SHIPPED,,,,2026-01-01",
    ],
)
def test_a_record_is_another_orders(tmp_path: Path, row: str) -> None:
    assert found(tmp_path, lines(row)) == []


@pytest.mark.parametrize("end", [" T1", "\nT1"])
def test_a_long_value_is_split_as_any_other(tmp_path: Path, end: str) -> None:
    row = order(2).replace("2 Main Street", f'"{"Main Street " * 12_000}{end}"')
    assert found(tmp_path, lines(row)) == []


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (order(1).replace("T1", "T\tA"), "T A"),
        ("T\u00a0A,too few", "T A"),
        ("T\u00ad1,too few", "T1"),
        ('"T""1",too few', 'T"1'),
        ('T""1,too few', 'T""1'),
    ],
)
def test_a_key_is_found_however_it_is_written(tmp_path: Path, row: str, key: str) -> None:
    assert found(tmp_path, lines(order(2), row), key) == [(3, 2)]
    assert OrderRecords(ORDERS, key).may_be_in(row.encode())


def test_a_key_is_found_in_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    text = lines(order("\u00c41"), order(2), "T\u00c41,too few")
    assert found(tmp_path, text.encode("cp1252"), key="T\u00c41") == [(2, 1), (4, 3)]


def test_a_file_whose_lines_end_in_a_lone_carriage_return_keeps_the_lines_of_other_orders(tmp_path: Path) -> None:
    text = lines(order(1), "", order(2), "T1,too few", end="\r")
    assert rewritten(tmp_path, text) == lines(order(2), end="\r").encode()


@pytest.mark.parametrize("end", ["\r", "\r\r", "\r \r\n"])
def test_a_quoted_value_with_a_carriage_return_stays_in_one_line(tmp_path: Path, end: str) -> None:
    mine, other = (order(each).replace(f"{each} Main Street", f'"{each} Main Street\rBerlin"') for each in (1, 2))
    assert rewritten(tmp_path, f"{HEADER}\r{mine}\r\r{other}{end}") == f"{HEADER}\r{other}{end}".encode()


def test_a_line_that_a_value_swallowed_is_found_where_lines_end_in_a_carriage_return(tmp_path: Path) -> None:
    swallowed = f'T2,O2,SHIPPED,"2 Main Street,2026-01-01,,2026-01-02\r{order(1)}\rT3,O3,SHIPPED,3",,,2026-01-02'
    rest = rewritten(tmp_path, lines(order(4), swallowed, order(5), end="\r"))
    assert rest == lines(order(4), order(5), end="\r").encode()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_a_carriage_return_in_the_header_changes_no_line_of_other_orders(tmp_path: Path, end: str) -> None:
    header, others = f"{HEADER},no\rte", [f"{order(2)},a\rT1", f'{order(3)},"a\rT1"']
    text = lines(f"{order(1)},x", *others, header=header, end=end)
    assert rewritten(tmp_path, text) == lines(*others, header=header, end=end).encode()


def test_a_line_that_the_header_swallowed_is_found_where_others_end_in_a_line_feed(tmp_path: Path) -> None:
    assert found(tmp_path, lines(order(2), header=f"{HEADER}\r{order(1)}\r{order(3)}")) == [(1, None)]


@pytest.mark.parametrize("delimiter", ["\x01", "\x1c", "\x1f", "\t"])
def test_a_key_is_found_between_control_characters(tmp_path: Path, delimiter: str) -> None:
    rows = (delimiter.join(each.split(",")) for each in (order(11), order(1), order(2)))
    assert found(tmp_path, lines(*rows, header=delimiter.join(HEADER.split(",")))) == [(3, 2)]


def test_a_file_without_the_key_in_its_header_is_searched_for_the_word(tmp_path: Path) -> None:
    assert found(tmp_path, f"{order(1)}\n{order(2)}\nx,T1\n") == [(1, None), (3, 2)]


def test_a_file_whose_header_names_the_key_twice_is_searched_for_the_word(tmp_path: Path) -> None:
    text = lines("T2,T1,SHIPPED", "T1,T3,SHIPPED", "T2,T3,SHIPPED", header="tracking_num,Tracking Num,status")
    assert found(tmp_path, text) == [(2, 1), (3, 2)]


def test_a_key_is_compared_as_people_see_it(tmp_path: Path) -> None:
    assert found(tmp_path, lines(order(1).replace("T1", "Gro\u0308\u00dfe")), key="Gr\u00f6\u00dfe") == [(2, 1)]


def test_a_row_that_a_value_swallowed_is_found_wherever_the_key_is(tmp_path: Path) -> None:
    header = "order_num,tracking_num,status,last_update_timestamp"
    swallowed = '"O1,T1,SHIPPED,2026-01-02\nO3,T3,SHIPPED,2026-01-02\nO2",T2,SHIPPED,2026-01-02'
    for key in ("T1", "T2", "T3"):
        assert found(tmp_path, lines(swallowed, header=header), key) == [(2, 1)]
    assert found(tmp_path, lines(swallowed, header=header), "T4") == []
    odd = swallowed.replace("2026-01-02\nO2", "2026-01-02,\nO2")
    assert found(tmp_path, lines(odd, header=header), "T3") == [(2, 1)]
    address = "order_num,address,tracking_num,status,last_update_timestamp"
    swallowed = 'O1,"Main Street, 1,T1,SHIPPED,2026-01-02\nO2,Side Street, 2",T2,SHIPPED,2026-01-02'
    assert found(tmp_path, lines(swallowed, header=address)) == [(2, 1)]
    innocent = 'O2,"c/o Smith, T1, Main Street, Floor 2, left\nBerlin",T2,SHIPPED,2026-01-02'
    assert found(tmp_path, lines(innocent, header=address)) == []


def test_a_row_that_the_header_swallowed_is_found_wherever_the_key_is(tmp_path: Path) -> None:
    last = 'T2,O2,SHIPPED,Unit 5",2026-01-01,,2026-01-02,x'
    text = lines(f"{order(1)},x", last, header=f'{HEADER},"note')
    for key in ("T1", "T2"):
        assert found(tmp_path, text, key) == [(1, None)]
    assert found(tmp_path, text, "T3") == []

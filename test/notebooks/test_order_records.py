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
        "T1-2,too few",
        "t1,O1,SHIPPED,,,,2026-01-01",
    ],
)
def test_a_record_is_another_orders(tmp_path: Path, row: str) -> None:
    assert found(tmp_path, lines(row)) == []


def test_a_file_without_the_key_in_its_header_is_searched_for_the_word(tmp_path: Path) -> None:
    assert found(tmp_path, f"{order(1)}\n{order(2)}\nx,T1\n") == [(1, None), (3, 2)]


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

import errno
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from kernel import BYTES_OF_A_PART, ROWS_OF_A_PART, describe, in_json, in_parts, is_small, new_job_group
from pyspark.errors import PySparkException
from spark_session import UnreadableTableError


def test_no_client_gets_the_name_of_another_one_that_had_its_process_number() -> None:
    names = [new_job_group() for _ in range(100)]
    assert len(set(names)) == len(names)


def test_a_home_is_small_until_its_tables_or_files_are_not(tmp_path: Path) -> None:
    for name in ("tables/a.parquet", "volume/archive/a.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(bytes(1 << 20))
    assert is_small(tmp_path)
    (tmp_path / "more").write_bytes(b"x")
    assert not is_small(tmp_path)


def test_a_file_that_cannot_be_looked_at_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a folder that lists its names and lets nobody in, or where a disk fails."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(2 << 20))
    look = Path.lstat

    def look_at_all_but_a(path: Path) -> os.stat_result:
        if path.name == "a":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return look(path)

    monkeypatch.setattr(Path, "lstat", look_at_all_but_a)
    assert is_small(tmp_path)


def test_a_map_may_have_keys_of_any_type() -> None:
    assert in_json({date(2026, 1, 1): Decimal("1.5"), 2**53 + 1: 1}) == {
        "2026-01-01": Decimal("1.5"),
        str(2**53 + 1): 1,
    }


def test_what_json_lacks_or_its_readers_round_is_text() -> None:
    value = {"row": [1, 2.5, True, None, float("nan"), -float("inf"), 2**53, 2**53 + 1, "x"]}
    assert in_json(value) == {"row": [1, 2.5, True, None, "nan", "-inf", 2**53, str(2**53 + 1), "x"]}


@pytest.mark.parametrize("rows", [0, 1, ROWS_OF_A_PART - 1, ROWS_OF_A_PART, 2 * ROWS_OF_A_PART + 1])
def test_many_rows_come_in_parts_and_the_last_one_is_the_answer(rows: int) -> None:
    *first, last = in_parts({"result": {"columns": ["n"], "rows": list(range(rows))}})
    sizes = [len(part["rows"]) for part in first]
    assert sizes == [ROWS_OF_A_PART] * (rows // ROWS_OF_A_PART)
    assert last["result"]["columns"] == ["n"]
    assert [n for part in [*first, last["result"]] for n in part["rows"]] == list(range(rows))


def test_long_rows_come_in_parts_of_fewer_rows() -> None:
    rows = [{"raw_row": "\x01" * (BYTES_OF_A_PART // 8)} for _ in range(5)]  # As JSON, each is six times as long.
    *first, last = in_parts({"result": {"columns": ["raw_row"], "rows": rows}})
    assert [len(part["rows"]) for part in first] == [2, 2]
    assert [row for part in [*first, last["result"]] for row in part["rows"]] == rows


@pytest.mark.parametrize("answer", [{"result": None}, {"result": {"output": "x"}}, {"error": {"message": "no"}}])
def test_an_answer_without_rows_is_one_part(answer: dict[str, Any]) -> None:
    assert list(in_parts(answer)) == [answer]


def test_an_error_is_told_with_what_java_says_and_without_where_it_was_raised() -> None:
    error = UnreadableTableError("orders.orders_table", Path("/home/tables/orders.db/orders_table"))
    error.__cause__ = PySparkException(
        "An error occurred while calling o1.sql.\n: java.io.IOException: no log\n\tat a.b.C(C.scala:1)\n"
        "\tSuppressed: a.Full: stack\n\t\tat d.E\n\t\t... 9 more\nCaused by: java.lang.Error: no disk\n"
    )
    assert describe(error) == (
        "the table orders.orders_table in /home/tables/orders.db/orders_table cannot be read"
        "\n    caused by java.io.IOException: no log\n    Caused by: java.lang.Error: no disk"
    )

from datetime import date
from decimal import Decimal
from pathlib import Path

from kernel import describe, in_json, is_small, new_job_group
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


def test_a_map_may_have_keys_of_any_type() -> None:
    assert in_json({date(2026, 1, 1): Decimal("1.5"), 2**53 + 1: 1}) == {
        "2026-01-01": Decimal("1.5"),
        str(2**53 + 1): 1,
    }


def test_what_json_lacks_or_its_readers_round_is_text() -> None:
    value = {"row": [1, 2.5, True, None, float("nan"), -float("inf"), 2**53, 2**53 + 1, "x"]}
    assert in_json(value) == {"row": [1, 2.5, True, None, "nan", "-inf", 2**53, str(2**53 + 1), "x"]}


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

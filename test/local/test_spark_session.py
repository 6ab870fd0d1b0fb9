from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from spark_session import UnreadableTableError, are_replaced, register_tables

LOG, VIEW = "orders.db/orders_table/_delta_log", "orders.db/orders_history.view.sql"
KNOWN = {LOG: (7, 100), VIEW: (8, 100)}


def test_tables_that_only_grew_are_the_same_ones_and_a_view_may_be_made_anew() -> None:
    assert not are_replaced(KNOWN, KNOWN)
    assert not are_replaced(KNOWN, {LOG: (7, 200), VIEW: (9, 200), "orders.db/more/_delta_log": (10, 200)})
    assert not are_replaced(KNOWN, {LOG: (7, 100)})


def test_tables_that_are_gone_or_others_in_their_place_are_replaced() -> None:
    assert are_replaced(KNOWN, {})
    assert are_replaced(KNOWN, {LOG: (11, 100), VIEW: (8, 100)})


class SparkThatReadsNothing:
    """A session in which a table cannot be made known, and what happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.meanwhile = meanwhile

    def sql(self, statement: str) -> None:
        if statement.startswith("CREATE TABLE"):
            self.meanwhile()
            raise PySparkException("java.io.IOException: Permission denied")


def test_a_table_that_is_there_and_cannot_be_read_lets_nobody_in_and_one_that_was_just_removed_does(
    tmp_path: Path,
) -> None:
    commit = tmp_path / "orders.db" / "orders_table" / "_delta_log" / "00000000000000000000.json"
    commit.parent.mkdir(parents=True)
    commit.touch()
    with pytest.raises(UnreadableTableError, match=r"^the table orders\.orders_table in .* cannot be read$") as raised:
        register_tables(SparkThatReadsNothing(lambda: None), tmp_path)  # type: ignore[arg-type]
    assert "Permission denied" in str(raised.value.__cause__)
    register_tables(SparkThatReadsNothing(commit.unlink), tmp_path)  # type: ignore[arg-type]

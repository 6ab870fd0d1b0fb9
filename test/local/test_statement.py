"""What a statement's names mean on a laptop; no Spark."""

import pytest
from statement import on_this_machine

CATALOGS = ["orders_dev"]


@pytest.mark.parametrize(
    ("query", "here"),
    [
        ("SELECT * FROM orders_dev.s.t", "SELECT * FROM spark_catalog.s.t"),
        ("SELECT * FROM `orders_dev`.`s` . t", "SELECT * FROM spark_catalog.`s` . t"),
        ("SELECT a.b FROM ORDERS_DEV.s.t AS a", "SELECT a.b FROM spark_catalog.s.t AS a"),
    ],
)
def test_a_name_with_the_workspaces_catalog_means_the_table_that_is_here(query: str, here: str) -> None:
    assert on_this_machine(query, CATALOGS) == here


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'orders_dev.s.t'",
        'SELECT "it\'s orders_dev.s.t"',
        "SELECT 1 -- orders_dev.s.t",
        "SELECT 1 /* orders_dev.s.t */",
        "SELECT orders_dev.column FROM s.t AS orders_dev",
        "SELECT * FROM orders_prod.s.t",
        "SELECT * FROM `not orders_dev`.s.t",
    ],
)
def test_what_is_no_such_name_stays(query: str) -> None:
    assert on_this_machine(query, CATALOGS) == query

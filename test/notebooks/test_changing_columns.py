"""Columns that come, go, change their names or their types."""

from dataclasses import replace

import pytest
from order_tracking.contract.contract import Column
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import ContractError
from order_tracking.parameters import NewColumns
from order_tracking.tables import tables
from order_tracking.tasks.load_batch import Policy
from pipeline import HEADER, Pipeline, lines, order

LATER = "2026-01-03 10:00:00"


def test_new_columns_are_added_where_the_environment_says_so(pipeline: Pipeline) -> None:
    add = Policy(NewColumns.ADD)
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run(add)
    pipeline.drop(
        "b.csv", lines(f"{order(1, updated=LATER)},DHL,", f"{order(2)}, UPS ,3", header=f"{HEADER},Carrier,Weight (kg)")
    )
    staged, _ = pipeline.run(add)
    assert staged.warnings[0] == "new columns were added: carrier, weight_kg"
    pipeline.drop("c.csv", lines(order(3)))
    staged, _ = pipeline.run(add)
    assert staged.warnings == ()
    for name in ("orders_table", "stage_orders_table", "orders_history"):
        rows = {tuple(row) for row in pipeline.table(name, "tracking_num", "carrier", "weight_kg")}
        assert rows >= {("T1", "DHL", None), ("T2", "UPS", "3"), ("T3", None, None)}


@pytest.mark.parametrize("altered", [("stage",), ("stage", "orders")])
def test_a_run_that_died_while_it_added_a_column_is_finished_by_the_next(
    pipeline: Pipeline, altered: tuple[str, ...]
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    for name in altered:
        pipeline.spark.sql(f"ALTER TABLE {getattr(pipeline.tables, name)} ADD COLUMNS (carrier STRING)")
    # Whatever its files are like, and whatever the environment says by then.
    pipeline.drop("b.csv", lines(order(1, updated=LATER), order(2)))
    pipeline.run(Policy(NewColumns.REJECT))
    for name in ("orders_table", "orders_history"):
        assert {tuple(row) for row in pipeline.table(name, "tracking_num", "carrier")} == {("T1", None), ("T2", None)}


@pytest.mark.parametrize("name", ["orders_history", "job_runs_table"])
def test_a_run_that_died_while_it_made_the_views_is_finished_by_the_next(pipeline: Pipeline, name: str) -> None:
    pipeline.run()
    pipeline.spark.sql(f"DROP VIEW {pipeline.tables.history}").collect()
    pipeline.spark.sql(f"DROP VIEW IF EXISTS {pipeline.full_name(name)}").collect()
    pipeline.run()
    assert pipeline.table("orders_history") == []
    assert {row.status for row in pipeline.table("job_runs_table")} == {"SUCCESS"}


def test_a_file_with_new_columns_is_rejected_where_the_environment_says_so(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(f"{order(1)},DHL", header=f"{HEADER},carrier"))
    pipeline.drop("b.csv", lines(order(2)))
    staged, _ = pipeline.run(Policy(NewColumns.REJECT))
    outcomes = {file.path: (file.outcome, file.reason) for file in staged.files}
    assert outcomes["b.csv"] == ("staged", None)
    assert outcomes["a.csv"] == ("rejected", "its header has the unknown columns carrier; leave them out")
    assert set(pipeline.statuses()) == {"T2"}


def test_the_contract_may_have_a_new_column_and_a_wider_type(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    for type_name in ("int", "bigint"):
        pipeline.contract = replace(ORDERS, columns=(*ORDERS.columns, Column("weight", type_name)))
        tables.create_missing(pipeline.spark, pipeline.contract, pipeline.tables)
        for name in (pipeline.tables.stage, pipeline.tables.orders):
            assert dict(pipeline.spark.table(name).dtypes)["weight"] == type_name
    pipeline.drop("b.csv", lines(f"{order(2)},7", f"{order(3)},heavy", header=f"{HEADER},weight"))
    pipeline.run()
    assert pipeline.table("orders_table", "weight")[0].asDict() in ({"weight": 7}, {"weight": None})
    assert [row.weight for row in pipeline.table("quarantined_orders_table", "weight")] == ["heavy"]


def test_a_column_that_the_contract_no_longer_has_stays_as_it_was(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    fewer = tuple(column for column in ORDERS.columns if column.name != "delivery_date")
    made = []
    monkeypatch.setattr(tables, "replace_views", lambda *_: made.append("views"))
    tables.create_missing(pipeline.spark, replace(ORDERS, columns=fewer, rules=()), pipeline.tables)
    assert made == []
    monkeypatch.undo()
    pipeline.contract = replace(ORDERS, columns=fewer, rules=())
    for new_columns in (NewColumns.IGNORE, NewColumns.ADD):  # Nor is it one that a file brought.
        pipeline.drop("b.csv", lines(order(2).replace(",,", ",31/12/2026,")))
        staged, _ = pipeline.run(Policy(new_columns))
        assert [file.outcome for file in staged.files] == ["staged"]
        assert "delivery_date" in str(staged.warnings)
    staged_rows = sorted(tuple(row) for row in pipeline.table("stage_orders_table", "tracking_num", "delivery_date"))
    assert staged_rows == [("T1", None), ("T2", None), ("T2", None)]
    assert dict(pipeline.spark.table(pipeline.tables.orders).dtypes)["delivery_date"] == "date"


def test_a_type_that_cannot_hold_what_is_there_is_refused(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    narrower = tuple(replace(column, type="int") if column.name == "address" else column for column in ORDERS.columns)
    with pytest.raises(ContractError, match=r"the contract says that address is int, but .* has it as string"):
        tables.create_missing(pipeline.spark, replace(ORDERS, columns=narrower), pipeline.tables)

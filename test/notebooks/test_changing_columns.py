"""Columns that come, go, change their names or their types."""

from dataclasses import replace

import pytest
from crash_scenario import Crash
from order_tracking.contract.contract import Column
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import ContractError, QualityGateError
from order_tracking.parameters import NewColumns
from order_tracking.tables import tables
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.replay import replay
from order_tracking.tasks.upkeep import upkeep
from pipeline import HEADER, Pipeline, lines, order
from pyspark.errors import ParseException
from pyspark.sql import SparkSession

LATER = "2026-01-03 10:00:00"


def test_new_columns_are_added_where_the_environment_says_so(pipeline: Pipeline) -> None:
    add = Policy(NewColumns.ADD)
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.load(add)
    pipeline.drop(
        "b.csv", lines(f"{order(1, updated=LATER)},DHL,", f"{order(2)}, UPS ,3", header=f"{HEADER},Carrier,Weight (kg)")
    )
    staged = pipeline.stage(policy=add)
    assert staged.warnings[0] == "new columns were added: carrier, weight_kg"
    pipeline.drop("c.csv", lines(order(3)))
    staged = pipeline.stage(policy=add)
    assert staged.warnings == ()
    pipeline.merge()
    for name in ("orders_table", "stage_orders_table", "orders_history"):
        rows = {tuple(row) for row in pipeline.table(name, "tracking_num", "carrier", "weight_kg")}
        assert rows >= {("T1", "DHL", None), ("T2", "UPS", "3"), ("T3", None, None)}


def test_a_run_that_died_while_it_added_a_column_is_finished_by_the_next(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.load()
    for added, altered in {"carrier": ("stage",), "weight": ("stage", "orders")}.items():
        for name in altered:
            pipeline.spark.sql(f"ALTER TABLE {getattr(pipeline.tables, name)} ADD COLUMNS ({added} STRING)")
        # Whatever its files are like, and whatever the environment says by then.
        pipeline.drop("b.csv", lines(order(1, updated=LATER), order(2)))
        pipeline.load(Policy(NewColumns.REJECT))
        for name in ("orders_table", "orders_history"):
            assert {tuple(row) for row in pipeline.table(name, "tracking_num", added)} == {("T1", None), ("T2", None)}


def test_a_run_that_died_while_it_made_the_views_is_finished_by_the_next(pipeline: Pipeline) -> None:
    tables.create_missing(pipeline.spark, ORDERS, pipeline.tables)
    for missing in (["orders_history"], ["orders_history", "job_runs_table"]):
        for name in missing:
            pipeline.spark.sql(f"DROP VIEW {pipeline.full_name(name)}").collect()
        pipeline.run()
        assert pipeline.table("orders_history") == []
        assert {row.status for row in pipeline.table("job_runs_table")} == {"SUCCESS"}


def test_the_contract_may_have_a_new_column_and_a_wider_type_and_one_less(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.load()
    for type_name in ("int", "bigint"):
        weight = Column("weight", type_name)
        pipeline.contract = replace(ORDERS, columns=(*ORDERS.columns, weight))
        tables.create_missing(pipeline.spark, pipeline.contract, pipeline.tables)
        for name in (pipeline.tables.stage, pipeline.tables.orders):
            assert dict(pipeline.spark.table(name).dtypes)["weight"] == type_name
    pipeline.drop("b.csv", lines(f"{order(2)},7", f"{order(3)},heavy", header=f"{HEADER},weight"))
    pipeline.load()
    weights = {row.tracking_num: row.weight for row in pipeline.table("orders_table", "tracking_num", "weight")}
    assert weights == {"T1": None, "T2": 7}
    assert [row.weight for row in pipeline.table("quarantined_orders_table", "weight")] == ["heavy"]
    # A column that the contract no longer has stays as it was.
    fewer = tuple(column for column in ORDERS.columns if column.name != "delivery_date")
    pipeline.contract = replace(ORDERS, columns=(*fewer, weight), rules=())
    tables.create_missing(pipeline.spark, pipeline.contract, pipeline.tables)
    made = []
    monkeypatch.setattr(tables, "replace_views", lambda *_: made.append("views"))
    tables.create_missing(pipeline.spark, pipeline.contract, pipeline.tables)
    assert made == []
    monkeypatch.undo()
    for new_columns in (NewColumns.IGNORE, NewColumns.ADD):  # Nor is it one that a file brought.
        pipeline.drop("c.csv", lines(order(4).replace(",,", ",31/12/2026,")))
        staged = pipeline.stage(policy=Policy(new_columns))
        assert [file.outcome for file in staged.files] == ["staged"]
        assert "delivery_date" in str(staged.warnings)
    pipeline.merge()
    staged_rows = sorted(tuple(row) for row in pipeline.table("stage_orders_table", "tracking_num", "delivery_date"))
    assert staged_rows == [("T1", None), ("T2", None), ("T4", None), ("T4", None)]
    assert dict(pipeline.spark.table(pipeline.tables.orders).dtypes)["delivery_date"] == "date"


def test_a_column_is_loaded_without_the_contract_only_where_the_environment_adds_columns(pipeline: Pipeline) -> None:
    # Where it does not, a file with one is rejected if the environment says so, be the column in the tables or not.
    reject, header = Policy(NewColumns.REJECT), f"{HEADER},carrier"
    pipeline.drop("a.csv", lines(f"{order('rejected')},DHL", header=header))
    pipeline.drop("b.csv", lines(order(2)))
    staged = pipeline.stage(policy=reject)
    assert {file.path: (file.outcome, file.reason) for file in staged.files} == {
        "a.csv": ("rejected", "its header has the unknown columns carrier; leave them out"),
        "b.csv": ("staged", None),
    }
    pipeline.drop("a.csv", lines(f"{order(1)},DHL", header=header))
    pipeline.load(Policy(NewColumns.ADD))
    # One came with a file, the other one was the contract's.
    fewer = tuple(column for column in ORDERS.columns if column.name != "address")
    pipeline.contract = replace(ORDERS, columns=fewer)
    for new_columns in NewColumns:
        row = order(new_columns.value)
        pipeline.drop(f"{new_columns.value}.csv", lines(f"{row},UPS", header=header))
        pipeline.stage(policy=Policy(new_columns))
    pipeline.merge()
    loaded = {row.tracking_num: (row.address, row.carrier) for row in pipeline.table("orders_table")}
    assert loaded == {
        "T1": ("1 Main Street", "DHL"),
        "T2": ("2 Main Street", None),
        "Tignore": (None, None),
        "Tadd": ("add Main Street", "UPS"),  # And of the files that are rejected nothing.
    }


def test_a_contract_that_would_compare_orders_by_other_columns_or_narrow_a_type_is_refused(pipeline: Pipeline) -> None:
    later = replace(ORDERS, columns=(*ORDERS.columns, Column("seen_at", "timestamp")))
    tables.create_missing(pipeline.spark, later, pipeline.tables)
    before = pipeline.versions()
    # The key and the sequence keep their names.
    for role, name in (("key", "tracking_num"), ("sequence", "last_update_timestamp")):
        renamed = (
            replace(column, name="renamed", aliases=(name,)) if column.name == name else column
            for column in later.columns
        )
        contract = replace(later, columns=tuple(renamed), **{role: "renamed"})
        with pytest.raises(ContractError, match=rf"has .*renamed as the {role}.* be an alias"):
            tables.create_missing(pipeline.spark, contract, pipeline.tables)
    # Nor are they other columns that the tables have.
    required = tuple(replace(column, required=True) for column in later.columns)
    for role, name in (("key", "order_num"), ("sequence", "seen_at")):
        moved = replace(later, columns=required, **{role: name})
        with pytest.raises(ContractError, match=rf"has .*{name} as the {role}"):
            tables.create_missing(pipeline.spark, moved, pipeline.tables)
    assert pipeline.versions() == before
    # A type holds what is there.
    narrower = tuple(replace(column, type="int") if column.name == "address" else column for column in later.columns)
    with pytest.raises(ContractError, match=r"the contract says that address is int, but .* has it as string"):
        tables.create_missing(pipeline.spark, replace(later, columns=narrower), pipeline.tables)


def test_a_contract_that_is_refused_leaves_the_columns_as_they_were(pipeline: Pipeline) -> None:
    count = Column("count", "int")
    pipeline.contract = replace(ORDERS, columns=(*ORDERS.columns, count))
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.load()
    both = (pipeline.tables.stage, pipeline.tables.orders)
    before = [pipeline.spark.table(each).dtypes for each in both]
    others = {"count": "bigint", "address": "int"}
    changed = (replace(each, type=others.get(each.name, each.type)) for each in pipeline.contract.columns)
    refused = replace(ORDERS, columns=(Column("weight", "double"), *changed))
    with pytest.raises(ContractError, match=r"address is int, .* count is bigint, but .* has it as int\."):
        tables.create_missing(pipeline.spark, refused, pipeline.tables)
    assert [pipeline.spark.table(each).dtypes for each in both] == before
    pipeline.drop("b.csv", lines(order(1, updated=LATER), order(2)))
    pipeline.load()
    assert set(pipeline.statuses()) == {"T1", "T2"}


def test_a_version_before_goes_on_where_a_run_died_that_followed_a_new_contract(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.load()
    alter, altered = tables.alter, 0

    def dying(spark: SparkSession, table: str, change: str) -> None:
        nonlocal altered
        if altered == survived:
            raise Crash
        altered += 1
        alter(spark, table, change)

    for survived, name in enumerate(("weight", "height", "width")):
        new = replace(ORDERS, columns=(*ORDERS.columns, Column(name, "double")))
        altered = 0
        with monkeypatch.context() as patch, pytest.raises(Crash):
            patch.setattr(tables, "alter", dying)
            tables.create_missing(pipeline.spark, new, pipeline.tables)
        pipeline.drop("b.csv", lines(order(1, updated=f"2026-01-0{3 + survived} 10:00:00"), order(f"new{survived}")))
        assert pipeline.load()[1].updated == 1
        of_orders = dict(pipeline.spark.table(pipeline.tables.orders).dtypes)
        assert of_orders.get(name) == ("double" if survived else None)


def test_a_contract_that_is_refused_is_told_in_a_job_log_of_an_earlier_version(pipeline: Pipeline) -> None:
    tables.create_missing(pipeline.spark, ORDERS, pipeline.tables)
    job_log = pipeline.tables.job_log
    pipeline.spark.sql(f"DROP TABLE {job_log}").collect()
    pipeline.spark.sql(f"CREATE TABLE {job_log} (run_id STRING, task STRING) USING DELTA").collect()
    required = tuple(replace(column, required=True) for column in ORDERS.columns)
    pipeline.contract = replace(ORDERS, columns=required, key="order_num")
    with pytest.raises(ContractError):
        pipeline.stage("1")
    with pytest.raises(QualityGateError, match=r"source_to_stage failed: .*order_num as the key"):
        pipeline.gate("1")
    statuses = {row.task: row.status for row in pipeline.table("job_log_table") if row.run_id == "1"}
    assert statuses == {"source_to_stage": "FAILED", "quality_gate": "FAILED"}


def test_a_table_that_somebody_dropped_is_made_again_but_never_the_orders_without_what_they_had(
    pipeline: Pipeline,
) -> None:
    names, sql = pipeline.tables, pipeline.spark.sql
    pipeline.drop("a.csv", lines(order(1), "bad"))
    pipeline.stage("1")
    pipeline.merge("1")
    sql(f"DROP TABLE {names.job_log}").collect()
    pipeline.gate("1", max_quarantined_percent=100)
    assert pipeline.states() == {"a.csv": ["MERGED"]}
    sql(f"DROP TABLE {names.quarantine}").collect()
    upkeep(pipeline.spark, names, 7)
    assert pipeline.quarantine() == []
    sql(f"DROP TABLE {names.orders}").collect()
    pipeline.drop("b.csv", lines(order(2)))
    pipeline.stage("2")
    for again in (lambda: pipeline.merge("2"), lambda: upkeep(pipeline.spark, names, 7)):
        with pytest.raises(ContractError, match=r"orders_table is gone.*UNDROP TABLE.*replay --from archive"):
            again()
    # After a week, as the message says.
    sql(f"DROP TABLE {names.stage}").collect()
    sql(f"DROP VIEW {names.history}").collect()
    pipeline.load()
    replay(pipeline.spark, names, str(pipeline.volume), str(pipeline.checkpoint), "archive")
    pipeline.load()
    assert pipeline.statuses() == {"T1": "SHIPPED", "T2": "SHIPPED"}
    sql(f"DROP TABLE {names.stage}").collect()
    with pytest.raises(ContractError, match=r"stage_orders_table is gone.*orders_table has rows of it: UNDROP TABLE"):
        upkeep(pipeline.spark, names, 7)


def test_the_first_contract_may_have_columns_of_which_delta_keeps_no_statistics(pipeline: Pipeline) -> None:
    pipeline.contract = replace(
        ORDERS, columns=(*ORDERS.columns, Column("is_fragile", "Boolean"), Column("label", "binary"))
    )
    pipeline.drop("a.csv", lines(f"{order(1)},true,x", f"{order(2)},maybe,x", header=f"{HEADER},is_fragile,label"))
    pipeline.load()
    assert [tuple(row) for row in pipeline.table("orders_table", "is_fragile", "label")] == [(True, b"x")]
    assert [reasons for _, _, reasons in pipeline.quarantine()] == [[("is_fragile", "type")]]


def test_a_run_that_cannot_create_the_tables_is_in_the_job_log(pipeline: Pipeline) -> None:
    pipeline.contract = replace(ORDERS, columns=(*ORDERS.columns, Column("weight", "kilograms")))
    with pytest.raises(ParseException):
        pipeline.stage("1")
    with pytest.raises(QualityGateError, match=r"source_to_stage failed: .*KILOGRAMS"):
        pipeline.gate("1")
    statuses = {row.task: row.status for row in pipeline.table("job_log_table")}
    assert statuses == {"source_to_stage": "FAILED", "quality_gate": "FAILED"}

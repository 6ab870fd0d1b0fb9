"""What the contract declares, as rows meet it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from order_tracking.contract.contract import Column, Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.contract.rule import Rule, at_most, between, matching, not_before, one_of
from order_tracking.contract.rules import parse
from order_tracking.rows.order_rows import check_rules
from pipeline import HEADER, Pipeline, csv_text, lines, order
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

LATER = "2026-01-03 10:00:00"


def contract_with(*declared: Rule, **columns: dict[str, object]) -> Contract:
    """The contract of the orders with these rules, and with changes of its columns."""
    changed = tuple(replace(column, **columns.get(column.name, {})) for column in ORDERS.columns)
    return replace(ORDERS, columns=changed, rules=declared)


def test_each_kind_of_rule_and_of_type_quarantines_the_rows_that_break_it(pipeline: Pipeline) -> None:
    pipeline.contract = contract_with(
        one_of("status", "SHIPPED", "IT'S \\ HERE {x}"),
        matching("tracking_num", "T[0-9]{1,2}"),
        at_most("address", 15),
        between("received_date", "DATE'2020-01-01'", "DATE'2030-01-01'"),
        not_before("delivery_date", "received_date"),
    )
    bad = {
        "allowed": order(2, "LOST"),
        "pattern": order(333),
        "length": order(4).replace("Main", "Very Main"),
        "range": order(5).replace("2026-01-01", "2019-12-31"),
        "order": order(6).replace("2026-01-01,", "2026-01-01,2025-12-31"),
    }
    pipeline.drop("a.csv", lines(order(1), order(7, "IT'S \\ HERE {x}"), *bad.values()))
    # A day that does not exist is told from another way to write one.
    changes = [("2026-01-01", "2026-02-30"), ("2026-01-01", "01/02/2026"), ("10:00:00", "25:00:00")]
    pipeline.drop("days.csv", lines(*(order(8).replace(*change) for change in changes)))
    pipeline.stage()
    assert {row.tracking_num for row in pipeline.table("stage_orders_table", "tracking_num")} == {"T1", "T7"}
    quarantined = sorted(
        (row._source_file, row._row_number, [(reason.rule, reason.message) for reason in row.reasons])
        for row in pipeline.table("quarantined_orders_table")
    )
    of_rules = [[rule for rule, _ in reasons] for file, _, reasons in quarantined if file == "a.csv"]
    assert of_rules == [[name] for name in bad]
    assert [reasons for file, _, reasons in quarantined if file == "days.csv"] == [
        [("type", "received_date is a date that does not exist: 2026-02-30")],
        [("type", "received_date is not a date such as 2026-11-21: 01/02/2026")],
        [("type", "last_update_timestamp is a timestamp that does not exist: 2026-01-02 25:00:00")],
    ]


def rule(condition: str, **more: bool) -> Rule:
    return Rule("rule", "order_num", condition, "no", **more)


def test_a_rule_is_understood_though_it_fails_for_a_value_that_was_made_up(spark: SparkSession) -> None:
    conditions = (
        "CAST(substr({order_num}, 2) AS INT) > 0",
        "element_at(split({order_num}, '-'), 2) = 'x'",
        "to_date({order_num}) > {received_date}",
        "1 / CAST({order_num} AS INT) > 1",
    )
    check_rules(spark, contract_with(*map(rule, conditions)))


@pytest.mark.parametrize(
    "contract",
    [
        contract_with(rule("is_known({order_num})")),
        contract_with(rule("{order_num} >> > 1")),
        contract_with(matching("order_num", "[A-Z", warn_only=True)),
        contract_with(rule("regexp_replace({order_num}, '(', '') = 'x'")),
        contract_with(rule("to_timestamp({order_num}, 'foo') > {received_date}")),
        contract_with(rule("to_date({order_num}) > {received_date}"), rule("{order_num} RLIKE '('")),
        contract_with(between("received_date", "'01/01/2026'", "'31/12/2026'")),
        contract_with(received_date={"formats": ("dd.MM.QQQQQQ",)}),
        contract_with(received_date={"formats": ("YYYY-MM",)}),
    ],
)
def test_a_rule_or_a_format_that_spark_does_not_understand_is_found(spark: SparkSession, contract: Contract) -> None:
    with pytest.raises(PySparkException):
        check_rules(spark, contract)


def test_a_number_that_its_type_cannot_hold_as_it_is_is_quarantined(pipeline: Pipeline) -> None:
    numbers = {
        "price": (
            "Decimal(10, 2)",
            ["1.23", "1.2300", "-.5", "1.239e1", "1E3", "1.5E+003", "1.", "+1", "007", "100E-2", "1000e-3"],
            ["1.239", "1e-3", "1E10", "99999999.999", "nan"],
        ),
        # Spark takes seconds for such exponents, or fails.
        "cost": ("decimal(10,2)", ["1"], ["1e-2147483648", "1.5e-2147483647", "1e-100000000", "1e2147483647"]),
        "total": ("decimal(38,2)", ["1.230", "1E30"], ["1.239", "\uff11.\uff12\uff13\uff19"]),
        "items": ("dec", ["3", "3.0"], ["3.5"]),
        "weight": ("double", ["1.239", "-1e300"], ["nan", "Infinity", "-inf", "1e400", "12d", "0x1p3"]),
        "volume": ("float", ["0.5"], ["NaN", "1e39", "5F"]),
    }
    added = tuple(Column(name, type_name) for name, (type_name, *_) in numbers.items())
    pipeline.contract = replace(ORDERS, columns=(*ORDERS.columns, *added))
    for name, (_, good, bad) in numbers.items():
        rows = [f"{order(f'{name}{number}')},{value}" for number, value in enumerate((*good, *bad))]
        pipeline.drop(f"{name}.csv", lines(*rows, header=f"{HEADER},{name}"))
    pipeline.load()
    expected = [
        (f"{name}.csv", len(good) + number, [(name, "type")])
        for name, (_, good, bad) in sorted(numbers.items())
        for number, _ in enumerate(bad, start=1)
    ]
    assert pipeline.quarantine() == expected
    rows = pipeline.table("orders_table", "tracking_num", *numbers)
    loaded = {key: next(filter(None, values)) for key, *values in rows}
    assert loaded == {
        f"T{name}{number}": float(value) if name in ("weight", "volume") else Decimal(value)
        for name, (_, good, _) in numbers.items()
        for number, value in enumerate(good)
    }


def test_a_time_that_python_does_not_have_is_quarantined_however_it_is_written(pipeline: Pipeline) -> None:
    at = {"type": "timestamp", "formats": ("dd.MM.yyyy HH:mmXXX",)}
    contract = contract_with(delivery_date=at, received_date={"formats": ("dd.MM.yyyy",)})
    pipeline.contract = replace(contract, future_tolerance=None)
    good = ["0001-01-02", "9999-12-31 23:59:59.999999", "9999-12-31T23:59:59+05:00", "31.12.9999 23:59Z"]
    bad = ["0000-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-05:00", "31.12.9999 23:59-05:00"]
    rows = [order(1).replace(",,", f",{time},") for time in (*good, *bad)]
    days = [order(2).replace("2026-01-01", day) for day in ("0001-01-02", "31.12.9999", "0000-12-31", "31.12.0000")]
    pipeline.drop("a.csv", lines(*rows, *days))
    pipeline.stage()
    quarantined = pipeline.table("quarantined_orders_table", "_row_number", "reasons.message")
    day = "received_date is a date that does not exist:"
    assert dict(map(tuple, quarantined)) == {
        **{n: [f"delivery_date is a timestamp that does not exist: {time}"] for n, time in enumerate(bad, 5)},
        11: [f"{day} 0000-12-31"],
        12: [f"{day} 31.12.0000"],
    }
    staged = pipeline.table("stage_orders_table", "delivery_date", "received_date")
    assert sorted(time.year for time, _ in staged if time) == [1, 9999, 9999, 9999]
    assert sorted(day.year for _, day in staged) == [1, *[2026] * 4, 9999]


def test_nothing_is_a_decimal_however_it_is_written(spark: SparkSession) -> None:
    type_names = ["decimal(10,2)", "decimal(38,38)", "decimal"]
    written = spark.createDataFrame([(zero,) for zero in ("0", "-0", "0.000", "0E-8", "0.00E-8")], "number STRING")
    parsed = (parse(Column("number", type_name)) for type_name in type_names)
    numbers = written.selectExpr(*(f"{number} AS number_{i}" for i, number in enumerate(parsed))).collect()
    assert [tuple(row) for row in numbers] == [(0, 0, 0)] * 5


def test_a_rule_may_only_warn(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1).replace("2026-01-01,", "2026-01-01,2025-12-31"), order(2), "bad"))
    staged, _ = pipeline.run()
    assert staged.warnings == ("1 rows: delivery_date is before received_date",)
    assert set(pipeline.statuses()) == {"T1", "T2"}
    [run] = pipeline.spark.table(pipeline.tables.runs).where("task = 'source_to_stage'").collect()
    assert run.warnings == list(staged.warnings)


def test_values_are_cleansed_as_their_columns_say(pipeline: Pipeline) -> None:
    pipeline.contract = contract_with(
        *ORDERS.rules,
        status={"case": "upper"},
        received_date={"formats": ("dd.MM.yyyy", "MM/dd/yyyy")},
        last_update_timestamp={"formats": ("dd.MM.yyyy HH:mm",)},
        tracking_num={"aliases": ("shipment no",)},
    )
    header = ["Shipment_No", *ORDERS.names[1:]]
    rows = [
        [" T1 ", "", " shipped", "  ", "31.12.2025", "", "02.01.2026 10:00"],
        ["T2", "O2", "Shipped", "x", "12/31/2025", "", "2026-01-02 10:00:00"],
        ["T3", "O3", "x", "x", "2025-31-12", "", "2026-01-02 10:00:00"],
    ]
    pipeline.drop("a.csv", csv_text(rows, header))
    pipeline.stage()
    staged = pipeline.table("stage_orders_table", *(f"CAST({name} AS string)" for name in ORDERS.names))
    assert {row[0]: tuple(row) for row in staged} == {
        "T1": ("T1", None, "SHIPPED", None, "2025-12-31", None, "2026-01-02 10:00:00"),
        "T2": ("T2", "O2", "SHIPPED", "x", "2025-12-31", None, "2026-01-02 10:00:00"),
    }
    assert pipeline.quarantine() == [("a.csv", 3, [("received_date", "type")])]

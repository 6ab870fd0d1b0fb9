from dataclasses import replace

import pytest
from order_tracking.contract.contract import Column, Contract, Progress, column_name, is_reserved, spelling
from order_tracking.contract.orders import ORDERS
from order_tracking.contract.rule import Rule, at_most
from order_tracking.errors import ContractError


def test_header_names_match_without_case_spaces_and_underscores() -> None:
    names = ("tracking_num", "Tracking Num", " TRACKING__NUM ", "trackingNum", "Tracking\u00a0Num", "\uff54racking num")
    unseen = ("\ufefftracking_num", "tracking\u200bnum", "\u200eTracking Num", "tracking\u00adnum", "tracking_num\0")
    assert {spelling(name) for name in (*names, *unseen)} == {"trackingnum"}


@pytest.mark.parametrize("name", ["valid_from", "is_current", "raw_row", "_sent", "Status", "a b", "1st", "a`b"])
def test_a_column_must_have_a_name_that_is_free_and_plain(name: str) -> None:
    with pytest.raises(ContractError, match="the contract has a column"):
        replace(ORDERS, columns=(*ORDERS.columns, Column(name, "string")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "parcel"}, "speaks of parcel"),
        ({"rules": (at_most("weight", 3),)}, "speaks of weight"),
        ({"columns": (*ORDERS.columns, Column("state", "string", aliases=("Status",)))}, "one name or alias: status"),
        ({"columns": (*ORDERS.columns, ORDERS.columns[0])}, "two columns of the contract have one name"),
        ({"key": "order_num"}, "key order_num must be a string that is required"),
        ({"columns": (*ORDERS.columns, Column("id", "bigint", required=True)), "key": "id"}, "must be a string"),
        ({"columns": (*ORDERS.columns, Column("seen", "TIMESTAMP_NTZ"))}, "seen as timestamp_ntz"),
        ({"columns": (*ORDERS.columns, Column("zip", "VARCHAR(3)"))}, r"zip as varchar\(3\); a text is a string"),
        ({"columns": (*ORDERS.columns, Column("zip", "character(3)"))}, r"zip as char\w*\(3\); a text is a string"),
        ({"rules": (Rule("known", "address", "{addres} <> 'x'", "no"),)}, "rule 'known' of address .*'addres'"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        replace(ORDERS, **change)


@pytest.mark.parametrize("case", ["UPPER", "title", ""])
def test_a_case_is_one_that_sql_can_write(case: str) -> None:
    with pytest.raises(ContractError, match=f"has status in the case '{case}'; it is 'upper' or 'lower'"):
        Column("status", "string", case=case)


def test_a_progress_has_values() -> None:
    with pytest.raises(ContractError, match="progress of status has no values"):
        Progress("status", ())


def test_a_type_is_known_however_it_is_written() -> None:
    assert Column("price", " Decimal(10,2) ").type == "decimal(10,2)"


def test_a_contract_is_of_any_columns() -> None:
    contract = Contract((Column("parcel", "string", required=True), Column("seen", "timestamp")), "parcel", "seen")
    assert (contract.known_as(" PARCEL "), contract.known_as("status"), contract.names) == (
        "parcel",
        None,
        ("parcel", "seen"),
    )


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Weight (kg)", "weight_kg"),
        ("Größe", "grösse"),
        ("GRO\u0308SSE", "grösse"),
        ("\u0131d", "id"),
        ("_hidden_", "hidden"),
        ("deli\u200bvery_\u00adnote", "delivery_note"),
        ("Order\nDate", "order_date"),
        ("€", ""),
        ("a`; DROP TABLE x", "a_drop_table_x"),
    ],
)
def test_an_added_column_has_a_name_that_a_catalog_cannot_take_for_another(header: str, name: str) -> None:
    assert column_name(header) == name


def test_the_pipelines_own_names_are_reserved() -> None:
    assert all(map(is_reserved, ("_batch_id", "_state", "valid_from", "valid_to", "is_current", "reasons", "raw_row")))
    assert not any(map(is_reserved, ("this", "current", "newest", "state", "carrier")))

from pathlib import Path

import pytest
from order_tracking.errors import ParameterError
from order_tracking.parameters import read_parameters, retention_days
from order_tracking.tables.tables import Tables


def test_parameters_are_read_by_name() -> None:
    assert read_parameters({"catalog": " main ", "schema": "s", "x": ""}.__getitem__, "catalog", "schema") == {
        "catalog": "main",
        "schema": "s",
    }


def test_fails_for_parameters_without_a_value() -> None:
    with pytest.raises(ParameterError, match="no value for schema, volume; run the job"):
        read_parameters({"catalog": "main", "schema": "", "volume": " "}.__getitem__, "catalog", "schema", "volume")


@pytest.mark.parametrize("text", ["0", "6.9", "-1", "nan", "soon", ""])
def test_no_version_is_deleted_that_a_write_under_way_may_need(text: str) -> None:
    assert retention_days("7") == 7
    with pytest.raises(ParameterError, match="retention_days is"):
        retention_days(text)


@pytest.mark.parametrize("name", ["erase", "upkeep"])
def test_each_notebook_that_deletes_versions_refuses_to_delete_young_ones(name: str) -> None:
    text = (Path(__file__).parents[2] / "notebooks" / f"{name}.py").read_text()
    assert 'retention_days(dbutils.widgets.get("retention_days"))' in text


def test_orders_and_what_the_pipeline_needs_itself_are_in_two_schemas() -> None:
    Tables("orders_prod", "order_tracking", "operations")
    with pytest.raises(ParameterError, match=r"schema and operations_schema are both 'Operations'"):
        Tables("orders_prod", "Operations", "operations")

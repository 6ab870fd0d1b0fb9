import pytest
from order_tracking.errors import ParameterError
from order_tracking.parameters import read_parameters


def test_parameters_are_read_by_name() -> None:
    assert read_parameters({"catalog": " main ", "schema": "s", "x": ""}.__getitem__, "catalog", "schema") == {
        "catalog": "main",
        "schema": "s",
    }


def test_fails_for_parameters_without_a_value() -> None:
    with pytest.raises(ParameterError, match="no value for schema, volume; run the job"):
        read_parameters({"catalog": "main", "schema": "", "volume": " "}.__getitem__, "catalog", "schema", "volume")

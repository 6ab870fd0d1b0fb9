"""The notebook kernel's reading of Databricks source format; no Spark."""

import ast

import pytest
from notebook import Dbutils, cells

HEADER = "# Databricks notebook source\n"


def test_cells_keep_the_line_numbers_of_the_file() -> None:
    source = HEADER + "a = 1\n\n# COMMAND ----------\n\nb = 2\n# COMMAND ----------\nc = 3\n"
    lines = [[node.lineno for node in cell.body] for cell in cells(source, "n.py")]
    assert lines == [[2], [6], [8]]


def test_markdown_cells_are_passed_over() -> None:
    source = HEADER + "# MAGIC %md\n# MAGIC # Title\n# COMMAND ----------\nx = 1\n"
    assert [ast.unparse(cell) for cell in cells(source, "n.py")] == ["", "x = 1"]


def test_fails_for_a_magic_command_that_only_a_workspace_has() -> None:
    with pytest.raises(ValueError, match="Python and %md cells only, not '%pip install x'"):
        cells(HEADER + "# MAGIC %pip install x\n", "n.py")


def test_fails_for_a_file_that_is_no_notebook() -> None:
    with pytest.raises(ValueError, match=r"n\.py: a notebook starts with the line"):
        cells("print(1)\n", "n.py")


def test_a_parameter_wins_over_the_default_of_its_widget() -> None:
    dbutils = Dbutils({"schema": "given"})
    dbutils.widgets.text("schema", "default")
    dbutils.widgets.text("other", "default")
    dbutils.widgets.dropdown("source", "quarantine", ["quarantine", "archive"])
    assert dbutils.widgets.get("schema") == "given"
    assert dbutils.widgets.get("other") == "default"
    assert dbutils.widgets.get("source") == "quarantine"


def test_fails_for_a_widget_that_nobody_declared() -> None:
    with pytest.raises(KeyError, match="'volume'"):
        Dbutils({}).widgets.get("volume")

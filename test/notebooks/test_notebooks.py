from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_in_source_format_and_ends_with_its_result(notebook: Path) -> None:
    text = notebook.read_text()
    assert text.startswith("# Databricks notebook source\n# MAGIC %md\n")
    assert text.rstrip().endswith("dbutils.notebook.exit(summary.to_json())")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_declares_every_parameter_of_the_job(notebook: Path) -> None:
    for name in ("catalog", "schema", "volume", "run_id"):
        assert f'dbutils.widgets.text("{name}", "")' in notebook.read_text()

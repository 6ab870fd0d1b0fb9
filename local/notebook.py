"""Runs one notebook in Databricks source format, as a job's task does."""

import ast
import contextlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from pyspark.sql import SparkSession

HEADER = "# Databricks notebook source"
CELL_SEPARATOR = "# COMMAND ----------"


class NotebookExit(Exception):
    """Ends a notebook early and successfully, as `dbutils.notebook.exit` does."""


class Widgets:
    """`dbutils.widgets`: the task's parameters; a widget's default holds where the task gives none."""

    def __init__(self, parameters: dict[str, str]) -> None:
        """Hold the task's parameters."""
        self._values = dict(parameters)

    def text(self, name: str, defaultValue: str, label: str = "") -> None:
        """Declare a widget."""
        self._values.setdefault(name, defaultValue)

    def dropdown(self, name: str, defaultValue: str, choices: Sequence[str], label: str = "") -> None:
        """Declare a widget with choices; a task's parameter may be another value, and the notebook has to check it."""
        self._values.setdefault(name, defaultValue)

    def get(self, name: str) -> str:
        """A widget's value.

        Raises:
            KeyError: the notebook declared no such widget and the task gives no such parameter.
        """
        if name not in self._values:
            raise KeyError(f"no widget and no parameter of the task is named {name!r}")
        return self._values[name]


class Notebook:
    """`dbutils.notebook`."""

    def exit(self, value: str) -> None:
        """End the notebook; `value` is the task's output."""
        raise NotebookExit(value)


class Dbutils:
    """The parts of `dbutils` that a notebook of this project may use."""

    def __init__(self, parameters: dict[str, str]) -> None:
        """Offer the task's parameters as widgets."""
        self.widgets = Widgets(parameters)
        self.notebook = Notebook()


def run_notebook(spark: SparkSession, path: str, parameters: dict[str, str], log: str) -> dict[str, str | None]:
    """Run every cell of the notebook at `path`; what it prints, and the stack of a failure, go to the file `log`.

    Returns:
        `output`: what the notebook handed to `dbutils.notebook.exit`, or None.
    """
    notebook = Path(path)
    with (
        Path(log).open("w", encoding="utf-8", errors="backslashreplace") as log_file,
        contextlib.redirect_stdout(log_file),
        workspace_folder(notebook.parent),
    ):
        try:
            return {"output": run_cells(spark, notebook, parameters, log_file)}
        except BaseException:
            traceback.print_exc(file=log_file)
            raise


def run_cells(spark: SparkSession, notebook: Path, parameters: dict[str, str], log_file: TextIO) -> str | None:
    """Execute the cells one after the other in one namespace, as the notebook's kernel does."""
    namespace: dict[str, Any] = {"__name__": "__main__", "spark": spark, "dbutils": Dbutils(parameters)}
    try:
        for cell in cells(notebook.read_text(encoding="utf-8"), str(notebook)):
            exec(compile(cell, str(notebook), "exec"), namespace)
            log_file.flush()
    except NotebookExit as notebook_exit:
        return str(notebook_exit)
    return None


def cells(source: str, name: str) -> list[ast.Module]:
    """The Python cells of a notebook in source format, with the line numbers of the file.

    Raises:
        ValueError: the text is not a notebook, or a cell uses a magic command that only a workspace has.
    """
    lines = source.splitlines()
    if not lines or lines[0].strip() != HEADER:
        raise ValueError(f"{name}: a notebook starts with the line {HEADER!r}")
    modules = []
    start = 0
    for end in [number for number, line in enumerate(lines) if line.strip() == CELL_SEPARATOR] + [len(lines)]:
        magic = next((line for line in lines[start:end] if line.startswith("# MAGIC %")), None)
        if magic is not None and not magic.startswith("# MAGIC %md"):
            raise ValueError(
                f"{name}: the laptop runs Python and %md cells only, not {magic.removeprefix('# MAGIC ')!r}"
            )
        module = ast.parse("\n".join(lines[start:end]), filename=name)
        modules.append(ast.increment_lineno(module, start))
        start = end
    return modules


@contextlib.contextmanager
def workspace_folder(folder: Path) -> Iterator[None]:
    """Run in the notebook's folder, importable and freshly imported, as on Databricks (runtime 14 and newer)."""
    before = Path.cwd()
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            source = getattr(sys.modules[name], "__file__", None)
            if source is not None and folder in Path(source).parents:
                del sys.modules[name]

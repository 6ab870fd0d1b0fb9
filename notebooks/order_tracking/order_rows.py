"""The rows of order files as Spark reads them: matched to the contract by the names in each file's header."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from order_tracking.claimed_files import TakenFile
from order_tracking.contract import COLUMNS, Column
from order_tracking.inspection import Header, column_name
from order_tracking.rule import quoted
from order_tracking.rules import broken_rules, clean

_UNSPLIT = "_unsplit"


@dataclass(frozen=True)
class ReadableFile(TakenFile):
    """A file of a batch that can be loaded."""

    header: Header


def read_order_rows(
    spark: SparkSession, files: Sequence[ReadableFile], added_columns: tuple[str, ...] = ()
) -> DataFrame:
    """Read every row of the files, good or bad, blank lines left out.

    Args:
        spark: The session.
        files: The files.
        added_columns: The columns to read beside the contract's.

    Returns:
        The contract's columns and the added ones as cleaned text, `_source_file`, `reasons` (what the row
        broke, empty if nothing), `raw_row` (the row as JSON by the file's own names, or its text where it could not be
        split) and `_row_id` (in the order of the rows of a file).
    """
    by_shape = groupby(sorted(files, key=_shape), key=_shape)
    return reduce(
        DataFrame.unionByName, (_read_files_of_one_shape(spark, list(group), added_columns) for _, group in by_shape)
    )


def _shape(readable: ReadableFile) -> tuple[Path, tuple[str, ...], bool]:
    return readable.directory, readable.header.names, readable.header.well_quoted


def _read_files_of_one_shape(
    spark: SparkSession, files: Sequence[ReadableFile], added_columns: tuple[str, ...]
) -> DataFrame:
    directory, header = files[0].directory, files[0].header
    # Positions instead of names, which a file may repeat or leave empty. The unsplit row makes Spark check each row's
    # number of values, which it would otherwise cut or fill up.
    positions = [f"_{i}" for i in range(len(header.names))]
    raw = (
        spark.read.schema(", ".join(f"{name} STRING" for name in [*positions, _UNSPLIT]))
        .options(header=True, multiLine=True, lineSep="\n", escape='"')
        .options(mode="PERMISSIVE", columnNameOfCorruptRecord=_UNSPLIT)
        .csv([_escaped(directory / each.file.path) for each in files])
    )
    values = raw.where(f"{_UNSPLIT} IS NULL OR {clean(_UNSPLIT)} IS NOT NULL").selectExpr(
        *(f"{_value_of(column, header)} AS {column.name}" for column in COLUMNS),
        *(f"{_added_value_of(name, header)} AS `{name}`" for name in added_columns),
        f"{_malformed(header)} AS _malformed",
        f"coalesce({_UNSPLIT}, {_as_json(header)}) AS raw_row",
        f"{_path_below(directory)} AS _source_file",
        "monotonically_increasing_id() AS _row_id",
    )
    return values.selectExpr("* EXCEPT (_malformed)", f"{broken_rules('_malformed')} AS reasons")


def _value_of(column: Column, header: Header) -> str:
    position = header.position_of(column.name)
    return "CAST(NULL AS string)" if position is None else clean(f"_{position}", column.case)


def _added_value_of(name: str, header: Header) -> str:
    # Of two names that make one column, the first with a value.
    unknown = header.unknown_names()
    values = [clean(f"_{i}") for i, each in enumerate(header.names) if each in unknown and column_name(each) == name]
    return f"coalesce({', '.join([*values, 'CAST(NULL AS string)'])})"


def _malformed(header: Header) -> str:
    cases = f"WHEN {_UNSPLIT} IS NOT NULL THEN 'the row does not have the {len(header.names)} values of the header'"
    if not header.well_quoted:
        spans_lines = " OR ".join(rf"contains({clean(f'_{i}')}, '\n')" for i in range(len(header.names)))
        cases += f" WHEN {spans_lines} THEN 'a quote is not closed: this row may have swallowed the rows after it'"
    return f"CASE {cases} END"


def _as_json(header: Header) -> str:
    fields = ", ".join(f"{quoted(name)}, _{i}" for i, name in enumerate(header.names))
    return f"to_json(named_struct({fields}), map('ignoreNullFields', 'false'))"


def _path_below(directory: Path) -> str:
    # Spark gives a URL, in which a plus sign is a plus sign.
    path = "url_decode(replace(_metadata.file_path, '+', '%2B'))"
    return f"substring_index({path}, {quoted(f'{directory}/')}, -1)"


def _escaped(path: Path) -> str:
    """Take the meaning from the characters that Spark would read as a pattern."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))

"""The stage: every row that was loaded. The merge takes the batches that wait for it, the history takes them all."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from order_tracking.contract.contract import Contract
from order_tracking.contract.rules import breaks, is_unknown, typed
from order_tracking.rows import few_bad_rows
from order_tracking.rows.few_bad_rows import BadRowSeen
from order_tracking.sql import identifier, literal, time_of_run
from order_tracking.tables.conflicts import run_again_on_conflict
from order_tracking.tables.tables import Tables

#: Each row is compared with the name of each file. A query takes as long as some hundred thousand such rows.
_MAX_OBSERVED_FILES = 20

_GOOD = "size(reasons) = 0"


@dataclass(frozen=True)
class RowCounts:
    """What became of the rows that were read, and between which keys the staged ones lie.

    Attributes:
        staged_of: How many are staged of each file; None where the table has to be asked.
        quarantined: How many are bad; None if that is not known.
        bad_rows: The bad rows themselves, where a file is alone and there are one or two, and not too long.
    """

    staged_of: Mapping[str, int] | None = None
    quarantined: int | None = 0
    first_key: str | None = None
    last_key: str | None = None
    warnings: tuple[str, ...] = ()
    bad_rows: tuple[BadRowSeen, ...] = ()


def write_stage(
    rows: DataFrame,
    contract: Contract,
    stage: str,
    batch_id: str,
    attempt: int,
    added_columns: tuple[str, ...],
    now: datetime,
    files: Sequence[str],
) -> RowCounts:
    """Write a batch's good rows in one commit; a later attempt replaces what an earlier one may have left.

    Returns:
        What Spark observed of the rows while it wrote them. A row that it computes twice it observes twice: how many
        there are, only the table tells.
    """
    names_of = {path: f"staged_{i}" for i, path in enumerate(files)} if len(files) <= _MAX_OBSERVED_FILES else {}
    observed = {**_observed(contract), **{name: _staged_of(path) for path, name in names_of.items()}}
    if len(files) == 1:
        observed |= few_bad_rows.observed(contract)

    def write() -> dict[str, Any]:
        counts = Observation()
        staged = (
            rows.observe(counts, *(F.expr(f"{value} AS {name}") for name, value in observed.items()))
            .where(_GOOD)
            .selectExpr(
                *(f"{typed(column)} AS {identifier(column.name)}" for column in contract.columns),
                *(identifier(name) for name in added_columns),
                "_source_file",
                "_sent",
                "_row_id",
                f"{time_of_run(now, '_row_id >= 0')} AS _ingested_at",
            )
            .withColumn("_batch_id", F.lit(batch_id))
        )
        if attempt == 1:
            staged.writeTo(stage).append()
        else:
            staged.writeTo(stage).overwrite(F.col("_batch_id") == batch_id)
        return counts.get

    seen = run_again_on_conflict(write)
    if not seen:
        # Spark Connect's server waits only a moment for what was observed; the rows are written all the same.
        ends = ends_of(rows.sparkSession, contract, stage, batch_id)
        return RowCounts(None, None, *ends, warnings=("Spark did not tell which rows have something to warn of",))
    return RowCounts(
        staged_of={path: seen[name] for path, name in names_of.items()} if names_of else None,
        quarantined=seen["quarantined"],
        first_key=seen["first_key"],
        last_key=seen["last_key"],
        warnings=tuple(_warnings(contract, seen)),
        bad_rows=few_bad_rows.seen_in(seen, seen["quarantined"]),
    )


def count_by_file(spark: SparkSession, table: str, batch_id: str) -> dict[str, int]:
    """Count a batch's rows in the stage or in the quarantine by the file they came from."""
    rows = spark.table(table).where(F.col("_batch_id") == batch_id)
    return {row._source_file: row["count"] for row in rows.groupBy("_source_file").count().collect()}


def are_of(files: Iterable[tuple[str, str]]) -> str:
    """Tell, as SQL, whether a row is of one of these files, named by batch and path."""
    named = sorted(set(files))
    batch_ids = ", ".join(map(literal, sorted({batch_id for batch_id, _ in named})))
    paths = ", ".join(literal(f"{batch_id}/{path}") for batch_id, path in named)
    return f"(_batch_id IN ({batch_ids}) AND concat(_batch_id, '/', _source_file) IN ({paths}))" if named else "false"


def discard_everywhere(spark: SparkSession, tables: Tables, files: Collection[tuple[str, str]]) -> None:
    """Delete the rows of files from the stage and the quarantine.

    Not before the orders are made again that have such rows: these are how they are found.
    """
    for table in (tables.stage, tables.quarantine):
        discard_files(spark, table, files)


def discard_files(spark: SparkSession, table: str, files: Iterable[tuple[str, str]], condition: str = "true") -> None:
    """Delete the rows of files, or those that meet a condition, from the stage or the quarantine, in one commit."""
    query = f"DELETE FROM {table} WHERE {are_of(files)} AND {condition}"
    run_again_on_conflict(lambda: spark.sql(query).collect())


def discard_batch(spark: SparkSession, table: str, batch_id: str) -> None:
    """Delete what an attempt that did not come to its end may have left of a batch, from the stage or the quarantine.

    A row of nothing else is written first: to delete none would succeed where nothing can be written.
    """
    mark = f"INSERT INTO {table} (_batch_id) VALUES (:batch_id)"
    discard = f"DELETE FROM {table} WHERE _batch_id = :batch_id"
    for query in (mark, discard):
        run_again_on_conflict(partial(spark.sql, query, args={"batch_id": batch_id}))


def ends_of(spark: SparkSession, contract: Contract, stage: str, batch_id: str) -> tuple[str | None, str | None]:
    """Ask the stage for the least and the greatest key of a batch; None if it has no row."""
    key = identifier(contract.key)
    rows = spark.table(stage).where(F.col("_batch_id") == batch_id)
    [[first, last]] = rows.selectExpr(f"min({key})", f"max({key})").collect()
    return first, last


def _observed(contract: Contract) -> dict[str, str]:
    """What is counted while the rows are written."""
    key = identifier(contract.key)
    observed = {
        "quarantined": "count_if(size(reasons) > 0)",
        "first_key": f"min(CASE WHEN {_GOOD} THEN {key} END)",
        "last_key": f"max(CASE WHEN {_GOOD} THEN {key} END)",
    }
    for i, rule in enumerate(contract.warnings):
        observed[f"warning_{i}"] = f"count_if({_GOOD} AND {breaks(contract, rule)})"
    if contract.progress and not contract.progress.only_known:
        unknown, value = f"{_GOOD} AND {is_unknown(contract.progress)}", identifier(contract.progress.column)
        observed["unknown"] = f"count_if({unknown})"
        observed["first_unknown"] = f"min(CASE WHEN {unknown} THEN {value} END)"
        observed["last_unknown"] = f"max(CASE WHEN {unknown} THEN {value} END)"
    return observed


def _staged_of(path: str) -> str:
    return f"count_if({_GOOD} AND _source_file = {literal(path)})"


def _warnings(contract: Contract, seen: dict[str, Any]) -> Iterator[str]:
    for i, rule in enumerate(contract.warnings):
        if seen[f"warning_{i}"]:
            yield f"{seen[f'warning_{i}']} rows: {rule.message}"
    if contract.progress and seen.get("unknown"):
        examples = dict.fromkeys((seen["first_unknown"], seen["last_unknown"]))
        named = ", ".join(_with_nearest(each, contract.progress.values) for each in examples)
        yield f"{seen['unknown']} rows: {contract.progress.column} is none that is known, such as {named}"


def _with_nearest(value: str, known: tuple[str, ...]) -> str:
    nearest = difflib.get_close_matches(value.upper(), known, n=1)
    return f"{value[:100]} (is it {nearest[0]}?)" if nearest else value[:100]

"""Trace one order: its rows as they were sent, where they stand in which file, and what the pipeline made of them.

Of old rows that say the same, only the one that upkeep left is there; see `docs/decisions/folded-stage.md`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from order_tracking.clock import use_utc
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.contract.state_order import LAST_ROW, leading, values
from order_tracking.errors import UnreadableFileError
from order_tracking.files.batch import claimed_at
from order_tracking.files.order_records import OrderRecords
from order_tracking.files.volume import Volume
from order_tracking.sql import identifier
from order_tracking.tables.tables import Tables, added_columns
from order_tracking.tasks.summary import Summary


@dataclass(frozen=True)
class TracedRow:
    """A row that was sent of the order.

    Attributes:
        file: The path that its file arrived with.
        line: The line that it begins in; None where the file is not there any more, or is another one, or where nobody
            can tell, since an order was erased from it and so its rows have other numbers, or since it has more rows of
            the order than are staged: old ones that others repeat are deleted.
        decision: `inserted` (it brought the order), `updated` (it brought a newer state), `outdated` (it says otherwise
            than the order's state then), `unchanged` (it says the same), `quarantined` or `staged` (it waits for its
            merge).
        reasons: Why it is in quarantine.
        is_current: Whether the order's state now is this row's.
        run_id: The run that decided, or that staged it; None where it was cut short before it told of that.
        commit: The version of `orders_table` that the decision is in; None where no version tells of it any more.
        decided_at: When that run's task ended, in UTC; None where nothing tells of it yet.
        values: The row's values as texts, by column.
    """

    file: str
    line: int | None
    batch_id: str
    decision: str
    reasons: tuple[str, ...]
    is_current: bool
    run_id: str | None
    commit: int | None
    decided_at: str | None
    values: dict[str, str | None]


@dataclass(frozen=True)
class Trace(Summary):
    """The rows of an order that are staged or in quarantine, in the order in which they were decided on."""

    rows: tuple[TracedRow, ...]

    def __str__(self) -> str:
        """Return the trace for people."""
        return "\n".join(
            f"{row.decided_at or '':19} {row.decision:11} {row.file}, line {row.line or '?'}, batch {row.batch_id}, "
            f"run {row.run_id}, commit {row.commit}{''.join(f': {reason}' for reason in row.reasons)}"
            for row in self.rows
        )


#: Lines by batch and file, and by the row's id where it is staged, its number where it is in quarantine.
_Lines = dict[tuple[str, str, int | None, int | None], int]


@dataclass(frozen=True)
class _Merge:
    """A run of `stage_to_final` that merged something; of one that did not tell of it, no more than that it did."""

    run_id: str | None
    ended_at: datetime | None
    batch_ids: frozenset[str]
    commit: int | None


def trace(spark: SparkSession, tables: Tables, volume: str, tracking_num: str, contract: Contract = ORDERS) -> Trace:
    """Say of each row of an order that is staged or in quarantine what became of it.

    What was decided follows from the rows and from the order of the merges, as the merge itself does. So the trace of
    an order after a file was withdrawn is the one of an order that never was in that file. Which row is the current one
    says the order itself, since the contract may have had another order of statuses when it was merged.
    """
    use_utc(spark)
    staged, order = _staged_rows(spark, tables, contract, tracking_num)
    quarantined = _quarantined_rows(spark, tables, contract, tracking_num)
    batch_ids = sorted({row._batch_id for row in (*staged, *quarantined)})
    if not batch_ids:
        return Trace(())
    files = spark.table(tables.ledger).where(F.col("batch_id").isin(*batch_ids))
    ledger = {
        (row.batch_id, row.path): row for row in files.select("batch_id", "path", "run_id", "size_bytes").collect()
    }
    runs = {file: row.run_id for file, row in ledger.items()}
    sizes = {file: row.size_bytes for file, row in ledger.items()}
    lines = _lines(Volume(Path(volume)), OrderRecords(contract, tracking_num), staged, quarantined, sizes)
    merges = _merges(spark, tables, batch_ids)
    merges += _untold_merge(staged, order, merges)
    traced = [
        *_decide(staged, order, merges, lines, runs, contract),
        *(
            TracedRow(
                file=row._source_file,
                line=lines.get((row._batch_id, row._source_file, None, row._row_number)),
                batch_id=row._batch_id,
                decision="quarantined",
                reasons=tuple(row._reasons),
                is_current=False,
                run_id=runs.get((row._batch_id, row._source_file)),
                commit=None,
                decided_at=f"{row._quarantined_at:%Y-%m-%d %H:%M:%S}",
                values=_values(row, contract),
            )
            for row in quarantined
        ),
    ]
    return Trace(tuple(sorted(traced, key=lambda row: (row.decided_at is None, row.decided_at, row.line or 0))))


def _staged_rows(spark: SparkSession, tables: Tables, contract: Contract, key: str) -> tuple[list[Row], Row | None]:
    """List the staged rows of an order, and return its own row, if it has one, with its place and state among them."""
    state = values(contract, added_columns(spark, contract, tables.stage))
    texts = ", ".join(f"CAST({identifier(name)} AS STRING) AS {identifier(name)}" for name in contract.names)
    columns = f"{identifier(contract.key)}, {state}, _sent, _source_file, _batch_id"
    query = f"""
        SELECT {texts}, _source_file, _batch_id, _row_id, _is_order,
               dense_rank() OVER (ORDER BY struct({leading(contract)}, _row_id, {state})) AS _place,
               dense_rank() OVER (ORDER BY struct({state})) AS _state
        FROM (
            SELECT {columns}, coalesce(_row_id, -1) AS _row_id, false AS _is_order FROM {tables.stage}
            UNION ALL
            SELECT {columns}, {LAST_ROW} AS _row_id, true AS _is_order FROM {tables.orders}
        )
        WHERE {identifier(contract.key)} = :key"""
    rows = spark.sql(query, args={"key": key}).collect()
    return [row for row in rows if not row._is_order], next((row for row in rows if row._is_order), None)


def _quarantined_rows(spark: SparkSession, tables: Tables, contract: Contract, key: str) -> list[Row]:
    rows = spark.table(tables.quarantine).where(F.col(contract.key) == key)
    return rows.selectExpr("* EXCEPT (reasons, raw_row)", "reasons.message AS _reasons").collect()


def _merges(spark: SparkSession, tables: Tables, batch_ids: Sequence[str]) -> list[_Merge]:
    """List the merges that took these batches, in their order, with the versions of the orders that they made."""
    # No merge begins before its batch is claimed; by when tasks began, Delta skips files of the job log.
    since_claimed = F.col("started_at") >= claimed_at(min(batch_ids))
    of_batches = since_claimed & F.arrays_overlap("batch_ids", F.array(*map(F.lit, batch_ids)))
    runs = spark.table(tables.runs).where((F.col("task") == "stage_to_final") & (F.col("status") == "SUCCESS"))
    merges = runs.where(of_batches).select("run_id", "started_at", "ended_at", "batch_ids").sort("ended_at").collect()
    history = spark.sql(f"DESCRIBE HISTORY {tables.orders}").where("operation = 'MERGE'")
    commits = history.select("version", "timestamp").collect() if merges else []
    return [
        _Merge(
            merge.run_id,
            merge.ended_at,
            frozenset(merge.batch_ids),
            max(
                (each.version for each in commits if merge.started_at <= each.timestamp <= merge.ended_at), default=None
            ),
        )
        for merge in merges
    ]


def _untold_merge(staged: Sequence[Row], order: Row | None, merges: Sequence[_Merge]) -> list[_Merge]:
    """Find the merge of a run that was cut short before it was in the job log: the order's state is of its batch."""
    waiting = {row._batch_id for row in staged}.difference(*(merge.batch_ids for merge in merges))
    return [_Merge(None, None, frozenset({order._batch_id}), None)] if order and order._batch_id in waiting else []


def _decide(
    staged: Sequence[Row],
    order: Row | None,
    merges: Sequence[_Merge],
    lines: _Lines,
    runs: Mapping[tuple[str, str], str],
    contract: Contract,
) -> list[TracedRow]:
    waiting = list(staged)
    current: Row | None = None
    place = (False, 0)  # Of the last row so far that says what the current one says.
    decided: list[tuple[Row, TracedRow]] = []

    def place_of(row: Row) -> tuple[bool, int]:
        """Put the row that the order has after all others: none of them has replaced it."""
        is_of_order = order is not None and (
            (row._state, row._batch_id, row._source_file) == (order._state, order._batch_id, order._source_file)
        )
        return is_of_order, row._place

    def add(row: Row, decision: str, merge: _Merge | None) -> None:
        traced = TracedRow(
            file=row._source_file,
            line=lines.get((row._batch_id, row._source_file, row._row_id, None)),
            batch_id=row._batch_id,
            decision=decision,
            reasons=(),
            is_current=False,
            run_id=merge.run_id if merge else runs.get((row._batch_id, row._source_file)),
            commit=merge.commit if merge else None,
            decided_at=f"{merge.ended_at:%Y-%m-%d %H:%M:%S}" if merge and merge.ended_at else None,
            values=_values(row, contract),
        )
        decided.append((row, traced))

    for merge in merges:
        taken = [row for row in waiting if row._batch_id in merge.batch_ids]
        if not taken:
            continue
        waiting = [row for row in waiting if row not in taken]
        greatest = max(taken, key=place_of)
        brings = "inserted" if current is None else "updated"
        if current is None or (place_of(greatest) > place and greatest._state != current._state):
            current = greatest
        place = max([place, *(place_of(row) for row in taken if row._state == current._state)])
        for row in taken:
            add(row, brings if row is current else "unchanged" if row._state == current._state else "outdated", merge)
    for row in waiting:
        add(row, "staged", None)
    is_there = current is not None and order is not None and current._state == order._state
    return [replace(traced, is_current=is_there and row is current) for row, traced in decided]


def _lines(
    volume: Volume,
    records: OrderRecords,
    staged: Sequence[Row],
    quarantined: Sequence[Row],
    sizes: Mapping[tuple[str, str], int],
) -> _Lines:
    """Find the lines of rows: of those in quarantine by their numbers, of the others by their order in the file.

    The numbers are those of the file as it was loaded. Where an order was erased from it, it is smaller since, and a
    number may be that of another row.
    """
    ids, numbers = defaultdict(set), defaultdict(set)
    for row in staged:
        ids[row._batch_id, row._source_file].add(row._row_id)
    for row in quarantined:
        numbers[row._batch_id, row._source_file].add(row._row_number)
    lines: _Lines = {}
    for file in {*ids, *numbers}:
        batch_id, path = file
        location = volume.archive_of(batch_id) / path
        try:
            if numbers[file] and file in sizes and location.stat().st_size < sizes[file]:
                continue
            found = {each.number: each.line for each in records.find(location)}
        except (FileNotFoundError, UnreadableFileError):
            continue
        lines.update({(*file, None, number): line for number, line in found.items() if number in numbers[file]})
        good = [line for number, line in found.items() if number and number not in numbers[file]]
        if len(good) == len(ids[file]):
            lines.update({(*file, row_id, None): line for row_id, line in zip(sorted(ids[file]), good, strict=True)})
    return lines


def _values(row: Row, contract: Contract) -> dict[str, str | None]:
    return {name: row[name] for name in contract.names if name != contract.key}

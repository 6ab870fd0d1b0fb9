"""The file ledger: an append-only log with one row for each step of a file's way.

A file's state in a batch is its furthest step. Claiming files is the lock that keeps two runs apart; see
`docs/decisions/append-only-file-ledger.md`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from order_tracking.batch import Batch, batch_number, new_batch_id
from order_tracking.landing import ArrivedFile
from order_tracking.tables import LEDGER_SCHEMA

#: How far back in the ledger's history a claim looks for itself: more commits than runs at once could add meanwhile.
_COMMITS_SINCE_CLAIM = 20

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class State(str, Enum):
    """The steps of a file's way, in their order: of two steps in one batch, the later one holds."""

    CLAIMED = "CLAIMED"  # a batch has it, and will load it even if this run dies
    DROPPED = "DROPPED"  # it changed or vanished before it could be loaded
    REJECTED = "REJECTED"  # it could not be loaded at all and was moved to rejected/
    STAGED = "STAGED"  # its rows are staged or quarantined, and it was moved to archive/
    MERGED = "MERGED"  # its rows are in orders_table


@dataclass(frozen=True)
class Step:
    """What happened to a file."""

    file: ArrivedFile
    state: State
    reason: str | None = None
    unknown_columns: tuple[str, ...] = ()
    moved_to: str | None = None
    rows_read: int | None = None
    rows_staged: int | None = None
    rows_quarantined: int | None = None
    first_key: str | None = None
    last_key: str | None = None


@dataclass(frozen=True)
class StagedBatches:
    """The batches that wait to be merged: how many rows they have, and between which keys these lie."""

    batches: tuple[Batch, ...]
    rows: int
    first_key: str | None
    last_key: str | None


@dataclass(frozen=True)
class OpenBatches:
    """What the ledger says is not finished, oldest batch first, and the number of the last claim."""

    claimed: tuple[Batch, ...]
    staged: StagedBatches
    last_number: int


def read_open_batches(spark: SparkSession, ledger: str) -> OpenBatches:
    """Read the ledger once.

    In one task: the log is small, and moving its rows between several would take most of the time.
    """
    ranks = ", ".join(f"'{state.value}'" for state in State)
    [row] = spark.sql(
        f"""
        SELECT max(batch_id) AS last_batch_id,
               collect_list(CASE WHEN step.state IN ('{State.CLAIMED.value}', '{State.STAGED.value}')
                                 THEN struct(batch_id, file_id, step.*) END) AS steps
        FROM (SELECT batch_id, file_id,
                     max(struct(array_position(array({ranks}), state) AS rank, state, path, size_bytes,
                                unix_micros(modified_at) AS modified_micros, rows_staged, first_key, last_key)) AS step
              FROM (SELECT /*+ COALESCE(1) */ * FROM {ledger})
              GROUP BY batch_id, file_id)
        """
    ).collect()
    staged = [step for step in row.steps if step.state == State.STAGED.value]
    with_rows = [step for step in staged if step.rows_staged]
    return OpenBatches(
        claimed=_batches(step for step in row.steps if step.state == State.CLAIMED.value),
        staged=StagedBatches(
            batches=_batches(staged),
            rows=sum(step.rows_staged for step in with_rows),
            first_key=min((step.first_key for step in with_rows), default=None),
            last_key=max((step.last_key for step in with_rows), default=None),
        ),
        last_number=batch_number(row.last_batch_id) if row.last_batch_id else 0,
    )


def claim(
    spark: SparkSession, ledger: str, files: tuple[ArrivedFile, ...], number: int, run_id: str, now: datetime
) -> Batch | None:
    """Claim files as the batch of a number; None if another run has that number.

    Delta commits at most one transaction of each number: of two claims at once, one fails on commit, and one that
    starts too late is skipped without a word. So the claim holds only if the table's history has it.
    """
    batch = Batch(new_batch_id(number, now), files)
    rows = _rows(spark, {batch.id: [Step(file, State.CLAIMED) for file in files]}, run_id, now)
    claims = rows.write.format("delta").mode("append").option("txnAppId", "claims").option("txnVersion", number)
    try:
        claims.option("userMetadata", batch.id).saveAsTable(ledger)
    except Exception as error:
        # By its error class: the exception's Python class depends on how the session is connected.
        if "DELTA_CONCURRENT_TRANSACTION" in str(error):
            return None
        raise
    commits = spark.sql(f"DESCRIBE HISTORY {ledger} LIMIT {_COMMITS_SINCE_CLAIM}").select("userMetadata").collect()
    return batch if batch.id in {commit.userMetadata for commit in commits} else None


def record(
    spark: SparkSession, ledger: str, steps_by_batch: Mapping[str, Sequence[Step]], run_id: str, now: datetime
) -> None:
    """Append steps to the ledger in one commit."""
    _rows(spark, steps_by_batch, run_id, now).writeTo(ledger).append()


def _rows(spark: SparkSession, steps_by_batch: Mapping[str, Sequence[Step]], run_id: str, now: datetime) -> DataFrame:
    rows = [_row(batch_id, step, run_id, now) for batch_id, steps in steps_by_batch.items() for step in steps]
    # A literal, because a data frame of Python objects costs more here than the commit that writes it.
    literal = F.from_json(F.lit(json.dumps(rows)), f"ARRAY<STRUCT<{LEDGER_SCHEMA}>>")
    return spark.range(0, 1, 1, 1).select(F.inline(literal))


def _row(batch_id: str, step: Step, run_id: str, now: datetime) -> dict[str, Any]:
    row = asdict(step)
    file = row.pop("file")
    return {
        **row,
        **file,
        "modified_at": step.file.modified_at.isoformat(),
        "state": step.state.value,
        "batch_id": batch_id,
        "run_id": run_id,
        "occurred_at": now.isoformat(),
    }


def _batches(steps: Iterable[Row]) -> tuple[Batch, ...]:
    files: dict[str, list[ArrivedFile]] = defaultdict(list)
    for step in sorted(steps, key=lambda step: (step.batch_id, step.path)):
        modified_at = _EPOCH + timedelta(microseconds=step.modified_micros)
        files[step.batch_id].append(ArrivedFile(step.path, step.size_bytes, modified_at, step.file_id))
    return tuple(Batch(batch_id, tuple(of_batch)) for batch_id, of_batch in files.items())

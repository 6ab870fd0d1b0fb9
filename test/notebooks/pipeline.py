"""The pipeline as the tests drive it: files in, tasks run, tables out."""

import csv
import io
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.tables.tables import Tables
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.quality_gate import quality_gate
from order_tracking.tasks.source_to_stage import source_to_stage
from order_tracking.tasks.stage_to_final import stage_to_final
from order_tracking.tasks.summary import QualityGateSummary, SourceToStageSummary, StageToFinalSummary
from pyspark.sql import Row, SparkSession

COLUMNS = [
    "tracking_num",
    "order_num",
    "status",
    "address",
    "received_date",
    "delivery_date",
    "last_update_timestamp",
]
HEADER = ",".join(COLUMNS)


def order(number: int | str, status: str = "SHIPPED", updated: str = "2026-01-02 10:00:00") -> str:
    """A good row of an order file."""
    return f"T{number},O{number},{status},{number} Main Street,2026-01-01,,{updated}"


def lines(*rows: str, header: str = HEADER, end: str = "\n") -> str:
    """The text of an order file."""
    return end.join([header, *rows, ""])


@dataclass
class Pipeline:
    spark: SparkSession
    schema: str
    volume: Path
    contract: Contract = ORDERS

    @property
    def checkpoint(self) -> Path:
        return self.volume.with_name(f"{self.volume.name}_checkpoint")

    @property
    def tables(self) -> Tables:
        return Tables("spark_catalog", self.schema, f"{self.schema}_operations")

    def full_name(self, name: str) -> str:
        """The full name of the table or view that has this name in one of the two schemas."""
        schema = self.tables.of_orders if name in ("orders_table", "orders_history") else self.tables.of_operations
        return f"{schema}.{name}"

    @property
    def landing(self) -> Path:
        return self.volume / "file_arrival"

    def drop(self, path: str, content: str | bytes, minutes_ago: float = 0) -> Path:
        """Put a file into the landing directory, as one that was sent some minutes ago."""
        file = self.landing / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        if minutes_ago:
            sent = time.time() - 60 * minutes_ago
            os.utime(file, (sent, sent))
        return file

    def stage(self, run_id: str = "run", policy: Policy | None = None) -> SourceToStageSummary:
        places = (str(self.volume), str(self.checkpoint))
        return source_to_stage(self.spark, self.tables, *places, run_id, policy, self.contract)

    def merge(self, run_id: str = "run") -> StageToFinalSummary:
        return stage_to_final(self.spark, self.tables, str(self.checkpoint), run_id, self.contract)

    def gate(
        self, run_id: str = "run", max_quarantined_percent: float = 100, max_rejected_files: float = 1000
    ) -> QualityGateSummary:
        limits = (max_quarantined_percent, max_rejected_files)
        return quality_gate(self.spark, self.tables, str(self.checkpoint), run_id, *limits, self.contract)

    def run(self, policy: Policy | None = None) -> tuple[SourceToStageSummary, StageToFinalSummary]:
        """Run the tasks of the job; its gate lets everything pass, and writes the run tracker and the ledger."""
        run_id = uuid4().hex[:8]
        result = self.load(policy, run_id)
        self.gate(run_id)
        return result

    def load(
        self, policy: Policy | None = None, run_id: str = "run"
    ) -> tuple[SourceToStageSummary, StageToFinalSummary]:
        """Run the tasks that change the orders, without the gate, so neither run tracker nor ledger tells of it."""
        return self.stage(run_id, policy), self.merge(run_id)

    def table(self, name: str, *columns: str) -> list[Row]:
        return self.spark.table(self.full_name(name)).selectExpr(*columns or "*").collect()

    def orders(self) -> dict[str, tuple[str | None, ...]]:
        """The contract's columns of every order as text, by tracking number."""
        return {
            row[0]: tuple(row) for row in self.table("orders_table", *(f"CAST({name} AS string)" for name in COLUMNS))
        }

    def statuses(self) -> dict[str, str]:
        return {row.tracking_num: row.status for row in self.table("orders_table", "tracking_num", "status")}

    def quarantine(self) -> list[tuple[str, int, list[tuple[str | None, str]]]]:
        """File, record number and broken rules of every quarantined row."""
        rows = self.table("quarantined_orders_table", "_source_file", "_row_number", "reasons")
        return sorted((row[0], row[1], [(reason.column, reason.rule) for reason in row.reasons]) for row in rows)

    def states(self) -> dict[str, list[str]]:
        """How far every file came in each of its batches, by the ledger."""
        ways: dict[str, list[str]] = {}
        for row in sorted(self.table("loaded_files_table"), key=lambda row: row.batch_id):
            ways.setdefault(row.path, []).append(row.state)
        return ways

    def versions(self) -> dict[str, int]:
        """The Delta version of each table."""
        names = ("stage_orders_table", "orders_table", "quarantined_orders_table", "job_log_table")
        history = "DESCRIBE HISTORY {} LIMIT 1"
        return {name: self.spark.sql(history.format(self.full_name(name))).collect()[0].version for name in names}

    def files(self, directory: str) -> dict[str, bytes]:
        """Content by path below the batch directories of `archive` or `rejected`, or below the landing directory."""
        root = self.volume / directory
        depth = 0 if directory == "file_arrival" else 4
        return {
            Path(*path.relative_to(root).parts[depth:]).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


@contextmanager
def session_settings(spark: SparkSession, settings: Mapping[str, object]) -> Iterator[None]:
    """Let the session, which other tests have as well, work with other settings for a while.

    To unset one would give it Spark's own default, and not what the server was started with.
    """
    before = {name: spark.conf.get(name) for name in settings}
    for name, setting in settings.items():
        spark.conf.set(name, str(setting))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, value)


def csv_text(rows: Iterable[Iterable[object]], header: Iterable[str] = COLUMNS) -> str:
    """The text of an order file with values quoted as needed."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()

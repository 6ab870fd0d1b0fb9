"""Load one batch: take its files, stage their good rows, and quarantine the bad ones.

Each step gives the same result when it is done again, so a batch that was cut short anywhere is finished by loading it
again.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import SparkSession

from order_tracking.checkpoint import Checkpoint, Claim, FileOutcome, StagedBatch, State
from order_tracking.claimed_files import outcome, reject, take
from order_tracking.inspection import UnreadableFileError, column_name, inspect
from order_tracking.landing import REPLAY_FOLDER
from order_tracking.order_rows import ReadableFile, read_order_rows
from order_tracking.parameters import NewColumns
from order_tracking.quarantine import quarantine_rows
from order_tracking.stage import RowCounts, count_by_file, discard_file, write_stage
from order_tracking.tables import Tables, add_columns, added_columns
from order_tracking.volume import Volume

#: A file that changes each time it is read is still being written.
_MAX_ATTEMPTS_IN_A_ROW = 3


@dataclass(frozen=True)
class Policy:
    """What the environment says of files that are not as the contract has them."""

    new_columns: NewColumns = NewColumns.IGNORE
    max_bad_rows_percent: float = 100


@dataclass(frozen=True)
class LoadedBatch:
    """What became of a batch, and what people should know of it."""

    staged: StagedBatch
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class BatchLoader:
    """What it takes to load a batch.

    Attributes:
        step: Times a step of the run, by its name.
    """

    spark: SparkSession
    tables: Tables
    volume: Volume
    checkpoint: Checkpoint
    policy: Policy
    step: Callable[[str], AbstractContextManager[None]]

    def load(self, claim: Claim, now: datetime) -> LoadedBatch:
        """Load a batch to its end.

        Raises:
            OSError: If one of its files is still being written to.
        """
        for _ in range(_MAX_ATTEMPTS_IN_A_ROW):
            with self.step("take"):
                readable, aside = self._open(claim)
            added, warnings = self._columns_beside_contract(readable)
            total = self._write_rows(claim, readable, added, now)
            # A file that was written while it was read may have been read in part.
            if all(each.is_unchanged() for each in readable):
                loaded = self._file_away(claim.batch_id, readable, total)
                batch = StagedBatch(claim.batch_id, (*loaded, *aside), total.first_key, total.last_key)
                self.checkpoint.stage(batch)
                return LoadedBatch(batch, (*warnings, *total.warnings))
            claim = self.checkpoint.begin_again(claim)
        raise OSError(f"a file of batch {claim.batch_id} changed each time it was read; it is still being written")

    def _open(self, claim: Claim) -> tuple[list[ReadableFile], list[FileOutcome]]:
        """Take the files, and set aside what cannot be read."""
        readable: list[ReadableFile] = []
        aside: list[FileOutcome] = []
        for file in claim.files:
            taken = take(self.volume, claim, file)
            if isinstance(taken, FileOutcome):
                aside.append(taken)
                continue
            try:
                header = inspect(taken.directory / file.path, self.policy.new_columns is not NewColumns.REJECT)
            except UnreadableFileError as error:
                aside.append(reject(self.volume, claim.batch_id, taken.file, str(error)))
                continue
            readable.append(ReadableFile(taken.file, taken.directory, header))
        return readable, aside

    def _columns_beside_contract(self, files: Sequence[ReadableFile]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Name the columns to load beside the contract's, and say which of them are new."""
        unknown = {column_name(name) for each in files for name in each.header.unknown_names()} - {""}
        if not unknown:
            return (), ()
        present = added_columns(self.spark, self.tables.stage)
        new = sorted(unknown - set(present)) if self.policy.new_columns is NewColumns.ADD else []
        if not new:
            return present, ()
        with self.step("add columns"):
            add_columns(self.spark, self.tables, new)
        return tuple(sorted({*present, *new})), (f"new columns were added: {', '.join(new)}",)

    def _write_rows(
        self, claim: Claim, files: Sequence[ReadableFile], added: tuple[str, ...], now: datetime
    ) -> RowCounts:
        """Write the good rows to the stage and the bad ones to the quarantine."""
        if not files:
            return RowCounts()
        rows = read_order_rows(self.spark, files, added)
        with self.step("stage"):
            total = write_stage(rows, self.tables.stage, claim.batch_id, claim.attempt, added, now)
        if total.quarantined or claim.attempt > 1:
            with self.step("quarantine"):
                quarantine_rows(rows, self.tables.quarantine, claim.batch_id, claim.attempt, now)
        return total

    def _file_away(self, batch_id: str, files: Sequence[ReadableFile], total: RowCounts) -> list[FileOutcome]:
        """Leave each loaded file in the archive; reject it with all its rows where too many of them are bad."""
        if len(files) == 1:
            path = files[0].file.path
            staged, quarantined = {path: total.staged}, {path: total.quarantined}
        else:
            with self.step("count"):
                staged = count_by_file(self.spark, self.tables.stage, batch_id) if total.staged else {}
                quarantined = count_by_file(self.spark, self.tables.quarantine, batch_id) if total.quarantined else {}
        return [
            self._file_one_away(batch_id, each, staged.get(each.file.path, 0), quarantined.get(each.file.path, 0))
            for each in files
        ]

    def _file_one_away(self, batch_id: str, readable: ReadableFile, good: int, bad: int) -> FileOutcome:
        file = readable.file
        # Replayed rows were all bad once; those that still are go back to where they came from.
        limit = 100 if file.path.startswith(REPLAY_FOLDER) else self.policy.max_bad_rows_percent
        if bad * 100 > (good + bad) * limit:
            with self.step("reject"):
                for table in (self.tables.stage, self.tables.quarantine):
                    discard_file(self.spark, table, batch_id, file.path)
            reason = f"{bad} of its {good + bad} rows are bad, more than the {limit:g} % that are allowed"
            return reject(self.volume, batch_id, file, reason, rows_read=good + bad)
        return outcome(
            batch_id,
            file,
            State.STAGED,
            unknown_columns=readable.header.unknown_names(),
            moved_to=self.volume.relative(readable.directory / file.path),
            rows_read=good + bad,
            rows_staged=good,
            rows_quarantined=bad,
        )

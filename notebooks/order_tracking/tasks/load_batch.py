"""Load one batch: take its files, stage their good rows, and quarantine the bad ones.

Each step gives the same result when it is done again, so a batch that was cut short anywhere is finished by loading it
again. What is wrong with one file is that file's matter: it is set aside, and the others are loaded.
"""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession

from order_tracking.contract.contract import Contract, column_name
from order_tracking.errors import LoadError, UnreadableFileError
from order_tracking.files.batch import claimed_at, larger_batches
from order_tracking.files.checkpoint import Checkpoint, Claim, ReplayedFile, StagedBatch
from order_tracking.files.claimed_files import TakenFile, outcome, put_back, reject, take
from order_tracking.files.inspection import check_path, find_row, inspect, lines_of
from order_tracking.files.landing import ArrivedFile, look_at_or_say
from order_tracking.files.pool import map_in_pool
from order_tracking.files.replay_folder import ROWS_FOLDER, withdrawn_with
from order_tracking.files.volume import Volume
from order_tracking.parameters import CutRows, NewColumns
from order_tracking.rows import few_bad_rows
from order_tracking.rows.few_bad_rows import BadRowSeen
from order_tracking.rows.order_rows import ReadableFile, check_rules, is_divisible, read_order_rows
from order_tracking.rows.quarantine import first_bad_rows, quarantine_rows
from order_tracking.rows.replayed_files import are_known_bad_rows
from order_tracking.rows.stage import (
    RowCounts,
    count_by_file,
    discard_batch,
    discard_everywhere,
    discard_files,
    ends_of,
    write_stage,
)
from order_tracking.sql import literal
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tables.tables import Tables, add_columns, added_types
from order_tracking.tasks.summary import named

#: A file that changes each time it is read, and whose place in the landing directory is taken, cannot be loaded.
_MAX_READS = 3

#: Each column takes its part of every merge, and a sender who invents names would add them for ever.
_MAX_ADDED_COLUMNS = 200

#: What is wrong with a file that cannot be moved: its path is too long for another directory, it may not be read, or is
#: a link or of no possible year by now.
_CANNOT_BE_TAKEN = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EOVERFLOW)

#: So many bad rows are told of where a file is rejected for them, and so many of these to those who only read a line.
_TOLD_ROWS, _TOLD_IN_A_LINE = 100, 3

#: What is told of an error is cut there.
MAX_DESCRIBED_CHARACTERS = 500


@dataclass(frozen=True)
class Policy:
    """What the environment says of files that are not as the contract has them, and how much is loaded at once.

    Attributes:
        max_files_of_a_batch: What arrives is divided into batches of so many files, each of which stays done.
        max_bytes_of_a_batch: A larger file is a batch of its own.
    """

    new_columns: NewColumns = NewColumns.IGNORE
    max_bad_rows_percent: float = 100
    cut_rows: CutRows = CutRows.LOAD
    max_files_of_a_batch: int = 1_000
    max_bytes_of_a_batch: int = 8 << 30


@dataclass(frozen=True)
class LoadedBatch:
    """What became of a batch, and what people should know of it, or must look at."""

    staged: StagedBatch
    warnings: tuple[str, ...]
    alarms: tuple[str, ...]


@dataclass(frozen=True)
class BatchLoader:
    """What it takes to load a batch.

    Attributes:
        replayed: What `replay` has put into the landing directory, by path.
        step: Times a step of the run, by its name.
    """

    spark: SparkSession
    contract: Contract
    tables: Tables
    volume: Volume
    checkpoint: Checkpoint
    policy: Policy
    replayed: Mapping[str, ReplayedFile]
    step: Callable[[str], AbstractContextManager[None]]

    def load(self, claim: Claim, now: datetime) -> LoadedBatch:
        """Load a batch to its end.

        Raises:
            LoadError: If one of its files is still being written to, and cannot be put back; or if another run goes on
                with the batch, or has ended it.
        """
        aside: dict[str, FileOutcome] = {}
        alarms: list[str] = []
        changes = dict.fromkeys((file.path for file in claim.files), 0)
        doubted: set[str] = set()
        while True:
            with self.step("take"):
                readable = self._open(claim, aside, now)
            added, warnings = self._columns_beside_contract(readable)
            self.checkpoint.check_newest(claim)
            try:
                total, counts = self._write_rows(claim, readable, added, now)
                self.checkpoint.check_newest(claim)
            except Exception:
                if not self.checkpoint.is_newest(claim):
                    self._take_back_rows(claim, readable, now)
                    self.checkpoint.check_newest(claim)  # Whatever failed: the other run has moved the files by now.
                raise
            # A file that was written while it was read may have been read in part.
            are_unchanged = map_in_pool(TakenFile.is_unchanged, readable)
            changed = [each for each, is_unchanged in zip(readable, are_unchanged, strict=True) if not is_unchanged]
            unaccounted = [
                each for each in readable if not changed and counts[each.file.path].rows != each.content.records
            ]
            if not changed and not unaccounted:
                loaded = self._file_away(claim, readable, counts)
                batch = StagedBatch(
                    *(claim.batch_id, (*loaded, *aside.values()), total.first_key, total.last_key),
                    supersedes=self._superseded_by(loaded),
                )
                self.checkpoint.check_newest(claim)
                self.checkpoint.stage(batch)
                return LoadedBatch(batch, (*warnings, *_warnings(readable), *total.warnings), tuple(alarms))
            for each in changed:
                changes[each.file.path] += 1
                if not put_back(self.volume, each) and changes[each.file.path] == _MAX_READS:
                    raise _changing(each.file)
            # Another attempt may have written at the same moment: written anew, the rows are there once.
            certain = [each for each in unaccounted if each.file.path in doubted]
            doubted |= {each.file.path for each in unaccounted}
            for each in certain:
                of_file = counts[each.file.path]
                reason = (
                    f"it has {each.content.records} rows, but {of_file.staged} were staged and {of_file.quarantined} "
                    "quarantined; nothing of it is loaded"
                )
                alarms.append(f"{each.file.path}: {reason}")
                aside[each.file.path] = reject(
                    self.volume, claim.batch_id, each.file, reason, rows_read=each.content.records
                )
            claim = self.checkpoint.begin_again(claim)

    def give_up(self, claim: Claim, error: Exception) -> LoadedBatch:
        """Reject the only file of a batch that could not be loaded however often it was tried.

        One that cannot even be taken stays in the landing directory, and people are told at each run.
        """
        self.clear(claim)
        self.checkpoint.check_newest(claim)
        [file] = claim.files
        reason = f"it could not be loaded in {claim.attempt} attempts: {describe(error)}"
        try:
            taken = take(self.volume, self.checkpoint, claim, file)
        except OSError as refused:
            if refused.errno not in _CANNOT_BE_TAKEN or self._may_be_taken(claim, file, refused):
                raise
            taken = outcome(claim.batch_id, file, State.DROPPED, reason=f"{reason}; it stays where it is")
        rejected = (
            reject(self.volume, claim.batch_id, self._as_sent(taken), reason) if isinstance(taken, TakenFile) else taken
        )
        batch = StagedBatch(claim.batch_id, (rejected,))
        self.checkpoint.check_newest(claim)
        self.checkpoint.stage(batch)
        return LoadedBatch(batch, (), (f"{file.path}: {reason}",))

    def _may_be_taken(self, claim: Claim, file: ArrivedFile, refused: OSError) -> bool:
        """Tell whether a file may have left the landing directory for a batch all the same."""
        archives = [self.volume.archive_of(each) for each in (claim.batch_id, *larger_batches(claim.batch_id))]
        # Not by `Path`, which fails for a path that is too long, where nothing can be.
        if any(os.path.exists(archive / file.path) for archive in archives):  # noqa: PTH110
            return True
        return refused.errno != errno.ENAMETOOLONG and not look_at_or_say(self.volume.landing, file.path)

    def clear(self, claim: Claim) -> None:
        """Delete what attempts have left of a batch that could not be loaded, so that its files can be set apart.

        Raises:
            Exception: If this cannot be done either, or Spark does not understand the contract's rules: then no file is
                to blame. Nor is one where another run goes on with the batch, or has ended it.
        """
        check_rules(self.spark, self.contract)
        self.checkpoint.check_newest(claim)
        self._discard_rows(claim)

    def _take_back_rows(self, claim: Claim, files: Sequence[ReadableFile], now: datetime) -> None:
        """Delete from the stage what this run wrote that the batch does not have, or has from another run already.

        A first attempt appends. A later one has replaced what was there, but for files that are set aside by now, or
        whose batch was divided.
        """
        all_of_them = claim.attempt == 1 or self.checkpoint.is_divided(claim.batch_id)
        of_files = [(claim.batch_id, each.file.path) for each in files if all_of_them or not each.location.exists()]
        if not of_files:
            return
        by_this_run = f"_ingested_at = CAST({literal(now.isoformat())} AS TIMESTAMP)"
        discard_files(self.spark, self.tables.stage, of_files, by_this_run)

    def _discard_rows(self, claim: Claim) -> None:
        for table in (self.tables.stage, self.tables.quarantine):
            discard_batch(self.spark, table, claim.batch_id)

    def _open(self, claim: Claim, aside: dict[str, FileOutcome], now: datetime) -> list[ReadableFile]:
        """Take the files, and set aside what cannot be read, or was withdrawn."""
        withdrawn = self._withdrawn(claim, now)

        def open_one(file: ArrivedFile) -> ReadableFile | FileOutcome:
            for _ in range(_MAX_READS):
                taken = take(self.volume, self.checkpoint, claim, file)
                if not isinstance(taken, TakenFile):
                    return taken
                if file.path in withdrawn:
                    self.checkpoint.check_newest(claim)
                    return reject(self.volume, claim.batch_id, self._as_sent(taken), withdrawn[file.path])
                try:
                    return self._readable(taken)
                except UnreadableFileError as error:
                    self.checkpoint.check_newest(claim)
                    if taken.is_unchanged():
                        with suppress(LoadError):  # It was written while it was moved.
                            return reject(self.volume, claim.batch_id, self._as_sent(taken), str(error))
                put_back(self.volume, taken)  # What was read is a part of it, and the whole may be readable.
            raise _changing(file)

        opened = map_in_pool(open_one, [file for file in claim.files if file.path not in aside])
        aside.update((each.path, each) for each in opened if isinstance(each, FileOutcome))
        return [each for each in opened if isinstance(each, ReadableFile)]

    def _withdrawn(self, claim: Claim, now: datetime) -> dict[str, str]:
        """Say of files that were put back, and whose earlier reading was withdrawn meanwhile, why none is loaded.

        What is in the landing directory, or claimed, before the withdrawal is noted lets that be refused; what is put
        there later meets the note, at each attempt and whoever claimed it.
        """
        noted = [self.replayed[file.path] for file in claim.files if file.path in self.replayed]
        readings = {each.path: reading for each in noted if (reading := withdrawn_with(each))}
        if not readings:
            return {}
        withdrawn = self.checkpoint.withdrawn_files(now)
        return {
            path: (
                f"the file of its rows, {'/'.join(reading)}, was withdrawn while these were put back; `replay` can "
                "load them after all"
                if path.startswith(ROWS_FOLDER)
                else "what was read of it before was withdrawn while it was put back; `replay` can load the withdrawn "
                f"file, {'/'.join(reading)}"
            )
            for path, reading in readings.items()
            if reading in withdrawn
        }

    def _readable(self, taken: TakenFile) -> ReadableFile:
        check_path(taken.file.path)
        content = inspect(taken.location, self.contract, self.policy.new_columns)
        first = self.replayed.get(taken.file.path)
        sent_as = first.sent_as if first else taken.file.path
        cut_is_bad = self.policy.cut_rows is CutRows.QUARANTINE
        return ReadableFile(self._as_sent(taken), taken.directory, taken.found, content, sent_as, cut_is_bad)

    def _as_sent(self, taken: TakenFile) -> ArrivedFile:
        """What a file was when it was sent, which may be long before it was put back."""
        first = self.replayed.get(taken.file.path)
        return replace(taken.file, modified_at=first.sent_at) if first else taken.file

    def _columns_beside_contract(self, files: Sequence[ReadableFile]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Name the columns to load beside the contract's, and say which of them are new, and which cannot be added."""
        unknown = {column_name(name) for each in files for name in each.content.header.unknown_names()} - {""}
        if not unknown or self.policy.new_columns is not NewColumns.ADD:
            return (), ()
        added = added_types(self.spark, self.contract, self.tables.stage)
        # A value need not fit into another type, and would break its whole file.
        present = tuple(name for name, type_name in added.items() if type_name == "string")
        possible = sorted(filter(self.contract.may_add, unknown - set(added)))
        new = possible[: max(0, _MAX_ADDED_COLUMNS - len(added))]
        refused = sorted(unknown - set(added) - set(new))
        of_other_type = sorted(unknown & (set(added) - set(present)))
        warnings: list[str] = []
        if of_other_type:
            warnings.append(
                f"columns were not loaded, since the tables have them with a type that the contract gave them before: "
                f"{named(of_other_type)}"
            )
        if refused:
            warnings.append(
                f"columns were not added, since the tables need their names or have {_MAX_ADDED_COLUMNS} added ones "
                f"already: {named(refused)}"
            )
        if new:
            with self.step("add columns"):
                warnings += add_columns(self.spark, self.contract, self.tables, new)
            warnings.append(f"new columns were added: {', '.join(new)}")
        return tuple(sorted({*present, *new})), tuple(warnings)

    def _write_rows(
        self, claim: Claim, files: Sequence[ReadableFile], added: tuple[str, ...], now: datetime
    ) -> tuple[RowCounts, dict[str, "FileCounts"]]:
        """Write the good rows to the stage and the bad ones to the quarantine, and count those of each file."""
        if not files:
            if claim.attempt > 1:
                self._discard_rows(claim)
            return RowCounts(), {}

        def read(files: Sequence[ReadableFile], numbered: bool) -> DataFrame:
            return read_order_rows(self.spark, self.contract, files, claimed_at(claim.batch_id), added, numbered)

        with self.step("stage"):
            rows = read(files, numbered=False)
            paths = [each.file.path for each in files]
            batch = (claim.batch_id, claim.attempt)
            total = write_stage(rows, self.contract, self.tables.stage, *batch, added, now, paths)
        staged = total.staged_of if total.staged_of is not None else self._count(self.tables.stage, claim)
        quarantined: dict[str, int] = {}
        bad = {each.file.path: each.content.records - staged.get(each.file.path, 0) for each in files}
        expected = sum(bad.values()) if total.quarantined is None else total.quarantined
        if expected != 0 or claim.attempt > 1:
            with_bad = [each for each in files if bad[each.file.path]]
            if sum(bad.values()) != expected or not with_bad:
                with_bad = list(files)  # Where it does not add up, all that Spark sees is to be told.
            with self.step("quarantine"):
                few = self._few_bad_rows(files[0], total.bad_rows)
                rows = read(with_bad, numbered=True) if few is None else few
                quarantine_rows(rows, self.contract, self.tables.quarantine, claim.batch_id, claim.attempt, now)
            known = total.quarantined if len(files) == 1 else None
            quarantined = self._count(self.tables.quarantine, claim) if known is None else {paths[0]: known}
        found = [staged.get(path, 0) + quarantined.get(path, 0) for path in paths]
        if found != [each.content.records for each in files]:
            # No reason to reject a file: Spark may have observed a row twice that is in the table once.
            staged, quarantined = (self._count(each, claim) for each in (self.tables.stage, self.tables.quarantine))
            first_key, last_key = ends_of(self.spark, self.contract, self.tables.stage, claim.batch_id)
            total = replace(total, first_key=first_key, last_key=last_key)
        return total, {path: FileCounts(staged.get(path, 0), quarantined.get(path, 0)) for path in paths}

    def _few_bad_rows(self, file: ReadableFile, bad_rows: Sequence[BadRowSeen]) -> DataFrame | None:
        """Number the bad rows of a file that were seen already; None if they have to be looked for."""
        numbered = {}
        for row in bad_rows:
            if is_divisible([file]):
                found = find_row(file.location, row.part_at, row.number_in_part)
                # A task that read several parts has numbered the rows of them all.
                if not found or found[0] in numbered or not row.is_in(found[1]):
                    return None
                numbered[found[0]] = row
            else:
                numbered[row.number_in_part] = row
        return few_bad_rows.as_rows(self.spark, self.contract, numbered, file.file.path) if numbered else None

    def _count(self, table: str, claim: Claim) -> dict[str, int]:
        with self.step("count"):
            return count_by_file(self.spark, table, claim.batch_id)

    def _file_away(
        self, claim: Claim, files: Sequence[ReadableFile], counts: Mapping[str, "FileCounts"]
    ) -> list[FileOutcome]:
        """Leave the loaded files in the archive; reject those, with all their rows, of which too many are bad."""

        def loaded(each: ReadableFile) -> FileOutcome:
            of_file = counts[each.file.path]
            return outcome(
                claim.batch_id,
                each.file,
                State.STAGED,
                unknown_columns=each.content.header.unknown_names(),
                moved_to=self.volume.relative(each.location),
                rows_read=of_file.rows,
                rows_staged=of_file.staged,
                rows_quarantined=of_file.quarantined,
            )

        too_bad = [each for each in files if self._is_too_bad(each, counts[each.file.path])]
        rejected = self._reject_for_bad_rows(claim, too_bad, counts) if too_bad else {}
        return [rejected.get(each.file.path) or loaded(each) for each in files]

    def _superseded_by(self, loaded: Sequence[FileOutcome]) -> tuple[FileOutcome, ...]:
        """List the earlier readings of files that were loaded again; of one that is rejected now the earlier counts."""
        again = [self.replayed.get(file.path) for file in loaded if file.state is State.STAGED]
        return tuple(each.supersedes for each in again if each and each.supersedes)

    def _is_too_bad(self, file: ReadableFile, of_file: "FileCounts") -> bool:
        """Tell whether more rows of a file are bad than may be, but for those that were let through before."""
        if are_known_bad_rows(self.replayed.get(file.file.path), of_file.quarantined):
            return False
        return of_file.is_too_bad(self.policy.max_bad_rows_percent)

    def _reject_for_bad_rows(
        self, claim: Claim, files: Sequence[ReadableFile], counts: Mapping[str, "FileCounts"]
    ) -> dict[str, FileOutcome]:
        def reject_one(each: ReadableFile) -> FileOutcome:
            path, of_file = each.file.path, counts[each.file.path]
            lines = lines_of(each.location, {row.number for row in bad[path]})
            told = [f"line {lines.get(row.number, '?')}: {row.reason}" for row in bad[path]]
            reason = (
                f"{of_file.quarantined} of its {of_file.rows} rows are bad, more than the "
                f"{self.policy.max_bad_rows_percent:g} % that are allowed; {'; '.join(told[:_TOLD_IN_A_LINE])}"
            )
            details = "".join(f"{line}\n" for line in told[_TOLD_IN_A_LINE:])
            return reject(self.volume, claim.batch_id, each.file, reason, details, rows_read=of_file.rows)

        with self.step("reject"):
            named = [(claim.batch_id, each.file.path) for each in files]
            bad = first_bad_rows(self.spark, self.tables.quarantine, named, _TOLD_ROWS)
            self.checkpoint.check_newest(claim)
            discard_everywhere(self.spark, self.tables, named)
            self.checkpoint.check_newest(claim)
            return {each.path: each for each in map_in_pool(reject_one, files)}


@dataclass(frozen=True)
class FileCounts:
    """How many rows of a file went where."""

    staged: int
    quarantined: int

    @property
    def rows(self) -> int:
        """All of them."""
        return self.staged + self.quarantined

    def is_too_bad(self, allowed_percent: float) -> bool:
        """Tell whether more of them are bad than may be."""
        return self.quarantined * 100 > self.rows * allowed_percent


def describe(error: BaseException) -> str:
    """Say in a line what went wrong: Spark's errors without their plan and stack."""
    text = str(error).split("\n\nJVM stacktrace", maxsplit=1)[0].split("; line ", maxsplit=1)[0].strip()
    return f"{type(error).__name__}: {' '.join(text.split())[:MAX_DESCRIBED_CHARACTERS]}"


def _changing(file: ArrivedFile) -> LoadError:
    return LoadError(f"{file.path} changed each time it was read; it is still being written")


def _warnings(files: Sequence[ReadableFile]) -> list[str]:
    warnings = []
    cut = [each.file.path for each in files if each.content.last is not None]
    if cut:
        warnings.append(f"no line end follows the last row, which may be cut: {named(cut)}")
    by_unknown: dict[tuple[str, ...], list[str]] = {}
    for each in files:
        by_unknown.setdefault(each.content.header.unknown_names(), []).append(each.file.path)
    for unknown, paths in by_unknown.items():
        if unknown:
            warnings.append(f"columns that the contract does not know: {named(unknown)}, in {named(paths)}")
    return warnings

"""Withdraw files: orders, history and counts are as if they had never come."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import RemovalError
from order_tracking.files.batch import claimed_at, new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Withdrawal
from order_tracking.files.claimed_files import reject
from order_tracking.files.erased_files import finish_rewriting
from order_tracking.files.landing import ArrivedFile
from order_tracking.files.pool import map_in_pool
from order_tracking.files.replay_folder import FILES_FOLDER, ROWS_FOLDER, being_replayed, first_reading, readings_before
from order_tracking.files.volume import Volume, open_volume
from order_tracking.rows.fold_stage import kept_since
from order_tracking.rows.remake import remake_orders
from order_tracking.rows.replayed_files import later_readings, rows_without_file
from order_tracking.rows.stage import discard_everywhere
from order_tracking.sql import as_stored
from order_tracking.tables.job_log import FileOutcome, State, without_rows
from order_tracking.tables.ledger import read_ledger
from order_tracking.tables.tables import Tables, create_missing
from order_tracking.tasks.replay import named_files
from order_tracking.tasks.summary import Summary
from order_tracking.tasks.task_run import TaskRun, task_run, write_job_log

#: Why a file cannot be withdrawn, by how far it came.
_WHY_NOT = {
    State.DROPPED: "it was never loaded",
    State.REJECTED: "it was rejected, so none of its rows was loaded",
    State.STAGED: "it is not merged yet; run the load job first",
    State.SUPERSEDED: "it was loaded again since; withdraw that reading",
    State.WITHDRAWN: "it was withdrawn before",
}
_AGAIN = "it is about to be loaded or merged again; run the load job first"


@dataclass(frozen=True)
class WithdrawSummary(Summary):
    """What `withdraw` did.

    Attributes:
        files: The files that do not count any more, as `BATCH/PATH`.
        moved_to: Where they are now, from the volume on; None for one that was not in the archive any more.
        rows: How many of their rows were staged, and in quarantine.
    """

    files: tuple[str, ...]
    moved_to: tuple[str | None, ...]
    rows: int

    def __str__(self) -> str:
        """Return the summary for people."""
        moved = [f"  {file} -> {moved_to}" for file, moved_to in zip(self.files, self.moved_to, strict=True)]
        return "\n".join([f"{len(self.files)} files with {self.rows} rows were withdrawn.", *moved])


def withdraw(
    spark: SparkSession,
    tables: Tables,
    volume: str,
    checkpoint: str,
    run_id: str,
    files: str,
    contract: Contract = ORDERS,
    now: Clock = utc_now,
) -> WithdrawSummary:
    """Take files back: their rows leave all tables, and they go to `rejected/`, where `replay` finds them.

    With a file go those of its rows that were loaded again without it, since it was not in the archive any more. What
    is cut short is finished by the next run of the load job.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the landing directory.
        checkpoint: The path of the checkpoint.
        run_id: Names the run in the run tracker and the ledger.
        files: Paths as the ledger has them, or `BATCH/PATH` where several batches had one of that path; see
            `replay.named_files`.
        contract: The contract.
        now: The clock.

    Returns:
        What was withdrawn.

    Raises:
        RemovalError: If one of the files cannot be withdrawn: then none is.
    """
    use_utc(spark)
    create_missing(spark, contract, tables)
    directories, notes = open_volume(volume), Checkpoint(Path(checkpoint))
    try:
        with task_run(notes, run_id, "withdraw", now) as run:
            named = named_files(files)
            again = _counting_again(directories, notes)
            # Only then: what was merged meanwhile is in the ledger, and what was not is about to be.
            write_job_log(spark, tables.job_log, notes)
            chosen = _choose(spark, tables, named, again)
            # Once more, since questions take a while.
            _refuse_what_counts_again(chosen, _counting_again(directories, notes))
            withdrawal = Withdrawal(
                new_batch_id(now()), tuple(chosen), f"it was withdrawn at {now():%Y-%m-%d %H:%M} UTC"
            )
            notes.withdraw(withdrawal)
            # And once more: only what is put back from now on meets the note for certain, and is not loaded.
            try:
                _refuse_what_counts_again(chosen, _counting_again(directories, notes))
            except RemovalError:
                notes.forget_withdrawal(withdrawal.withdrawal_id)
                raise
            moved = carry_out(spark, contract, tables, directories.probed(), notes, [withdrawal], run, now)
        note_done(notes, [withdrawal])
    finally:
        write_job_log(spark, tables.job_log, notes)
    return WithdrawSummary(
        files=tuple(f"{file.batch_id}/{file.path}" for file in chosen),
        moved_to=tuple(file.moved_to for file in moved),
        rows=sum(file.rows_staged + file.rows_quarantined for file in chosen),
    )


def carry_out(
    spark: SparkSession,
    contract: Contract,
    tables: Tables,
    volume: Volume,
    checkpoint: Checkpoint,
    withdrawals: Sequence[Withdrawal],
    run: TaskRun,
    now: Clock,
) -> list[FileOutcome]:
    """Do what is noted, whatever of it was done before: each step changes nothing when it is done again.

    Returns:
        What became of the files. Once that is kept elsewhere, note that it is done.
    """
    files = [(file.batch_id, file.path) for withdrawal in withdrawals for file in withdrawal.files]
    if not files:
        return []
    with run.step("make orders again"):
        remake_orders(spark, contract, tables, checkpoint, files, (), now)
    with run.step("discard"):
        discard_everywhere(spark, tables, files)
    # Each once: to withdraw a file may have been tried twice, and no two threads may move the same one.
    reasons = {(file.batch_id, file.path): (file, each.reason) for each in withdrawals for file in each.files}
    finish_rewriting(volume)  # What an erasure has left of a file would be moved away from its rest.
    moved = map_in_pool(lambda each: _put_aside(volume, *each), reasons.values())
    run.files += moved
    return moved


def note_done(checkpoint: Checkpoint, withdrawals: Sequence[Withdrawal]) -> None:
    """Note that nothing is left to do."""
    for withdrawal in withdrawals:
        checkpoint.withdraw(replace(withdrawal, is_done=True))


def _counting_again(volume: Volume, checkpoint: Checkpoint) -> dict[tuple[str, str], str]:
    """Say of readings, by batch and path, that another one is about to count in their place, or has just come to.

    A reading is named as well where rows that a replay took out of its quarantine are about to count beside it.
    """
    put_back = being_replayed(volume, checkpoint)
    # Those of a batch that was merged and not closed, or is found again, would be merged once more.
    under_way = [(batch.batch_id, file.path) for batch in checkpoint.under_way() for file in batch.files]
    coming = [path for _, path in (*put_back, *under_way) if ROWS_FOLDER in path]
    rows_of = [reading for path in coming for reading in readings_before(path)]
    again = dict.fromkeys([*put_back, *under_way, *rows_of], _AGAIN)
    for batches, why_not in ((checkpoint.staged(), _AGAIN), (checkpoint.loaded(), _WHY_NOT[State.SUPERSEDED])):
        again.update(((file.batch_id, file.path), why_not) for batch in batches for file in batch.supersedes)
    return again


def _refuse_what_counts_again(files: Sequence[FileOutcome], again: Mapping[tuple[str, str], str]) -> None:
    refused = [f"{file.path}: {again[key]}" for file in files if (key := (file.batch_id, file.path)) in again]
    if refused:
        raise RemovalError(f"nothing was withdrawn: {'; '.join(refused)}")


def _put_aside(volume: Volume, file: FileOutcome, reason: str) -> FileOutcome:
    """Move a file to the rejected ones, unless it is there, or is nowhere any more."""
    arrived = ArrivedFile(file.path, file.size_bytes, file.modified_at, file.file_id)
    rejected = reject(volume, file.batch_id, arrived, reason)
    is_there = (volume.rejected_of(file.batch_id) / file.path).exists()
    return without_rows(file, State.WITHDRAWN, reason=reason, moved_to=rejected.moved_to if is_there else None)


def _first_claimed_at(file: FileOutcome, ledger: Mapping[tuple[str, str], FileOutcome]) -> datetime:
    """Tell when a file was loaded first, of the readings whose place in the orders this one took."""
    earlier = [ledger[each] for each in readings_before(file.path) if each in ledger]
    superseded = [each for each in earlier if each.state is State.SUPERSEDED]
    return min(claimed_at(each.batch_id) for each in (file, *superseded))


def _loaded_again_as(
    spark: SparkSession, tables: Tables, files: Sequence[FileOutcome]
) -> dict[tuple[str, str], list[str]]:
    """Name, by batch and path, the later readings that count of files which do not count themselves any more."""
    not_counting = [(file.batch_id, file.path) for file in files if file.state is not State.MERGED]
    first = {each: first_reading(*each) for each in not_counting}
    later = later_readings(spark, tables, first.values()) if first else ()
    counting = [(row.batch_id, row.path) for row in later if row.state == State.MERGED.value]
    return {
        # The tables have paths as Spark stores them.
        each: ["/".join(row) for row in counting if first_reading(*row) == (batch_id, as_stored(path))]
        for each, (batch_id, path) in first.items()
    }


def _choose(
    spark: SparkSession, tables: Tables, named: Sequence[str], again: Collection[tuple[str, str]]
) -> list[FileOutcome]:
    if not named:
        raise RemovalError("name the files to withdraw")
    since = kept_since(spark, tables)
    paths = [*named, *(each.split("/", 1)[-1] for each in named)]
    earlier = [path for each in paths for _, path in readings_before(each)]
    ledger = read_ledger(spark, tables, paths=[*paths, *earlier])
    found_by = {
        name: [file for file in ledger.values() if name in (file.path, f"{file.batch_id}/{file.path}")]
        for name in dict.fromkeys(named)
    }
    again_as = _loaded_again_as(spark, tables, [file for found in found_by.values() for file in found])
    chosen, refused = {}, []
    for name, found in found_by.items():
        counting = [file for file in found if file.state is State.MERGED]
        names = [f"{file.batch_id}/{file.path}" for file in counting]
        later = {each for file in found for each in again_as.get((file.batch_id, file.path), ())} - set(names)
        several = [*names, *sorted(later)]
        if any((file.batch_id, file.path) in again for file in counting):
            refused.append(f"{name}: {_AGAIN}")
        elif len(several) > 1:
            refused.append(f"{name}: several files of that name were loaded; name one of {', '.join(several)}")
        elif later:
            refused.append(f"{name}: {_WHY_NOT[State.SUPERSEDED]}, {later.pop()}")
        elif counting and since and _first_claimed_at(counting[0], ledger) < since:
            refused.append(
                f"{name}: it was loaded before {since:%Y-%m-%d %H:%M} UTC, and of what is that old not every row is "
                "kept, so nobody can tell any more what its orders would be without it"
            )
        elif counting:
            chosen[counting[0].batch_id, counting[0].path] = counting[0]
        else:
            last = max(found, key=lambda file: file.batch_id, default=None)
            refused.append(f"{name}: {_WHY_NOT[last.state] if last else 'no file of that name was ever loaded'}")
    if refused:
        raise RemovalError(f"nothing was withdrawn: {'; '.join(refused)}")
    # Bad rows may have been loaded by themselves: those of this reading, or of one whose place it took.
    with_bad_rows = [key for key, file in chosen.items() if file.rows_quarantined]
    readings = [*with_bad_rows, *(each for _, path in chosen for each in readings_before(path, FILES_FOLDER))]
    for file in rows_without_file(spark, tables, readings) if readings else ():
        chosen[file.batch_id, file.path] = file
    return list(chosen.values())

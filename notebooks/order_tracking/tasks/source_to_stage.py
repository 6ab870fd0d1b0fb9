"""The first task of the job: load what has arrived into the stage."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from pyspark.sql import SparkSession

from order_tracking.clock import Clock, use_utc, utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import LoadError, TakenOverError
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, ReplayedFile, Withdrawal
from order_tracking.files.erased_files import finish_rewriting
from order_tracking.files.landing import ArrivedFile, list_arrivals, remove_emptied, why_unfinished
from order_tracking.files.pool import map_in_pool
from order_tracking.files.recovery import recover
from order_tracking.files.replay_folder import finish_replays
from order_tracking.files.volume import Volume, open_volume
from order_tracking.rows.replayed_files import leave_quarantine
from order_tracking.tables.job_log import FileOutcome
from order_tracking.tables.tables import Tables, create_missing
from order_tracking.tasks import erase, withdraw
from order_tracking.tasks.late_writes import put_back_what_grew
from order_tracking.tasks.load_batch import BatchLoader, LoadedBatch, Policy
from order_tracking.tasks.summary import FileSummary, SourceToStageSummary
from order_tracking.tasks.task_run import TaskRun, count_files, task_run

#: A batch that was begun so often is divided, until what breaks it is alone.
_MAX_ATTEMPTS = 3
#: How often a file that is alone is tried at once, and how often it may be begun if the task always ends meanwhile.
_MAX_ATTEMPTS_ALONE, _MAX_BEGUN_ALONE = 3, 15
#: A file of this size may be why a task always ends at its time limit.
_LARGE_FILE_BYTES = 1 << 30

#: How long a run begins batches of what is new, and how long those of earlier runs: a task has an hour, and each batch
#: that came to its end stays done.
_TIME_FOR_NEW, _TIME_FOR_LEFT_BEHIND = timedelta(minutes=20), timedelta(minutes=40)
_NO_TIME = "this run has no more time for it; the next run, which the sweep starts at the latest, loads it"
_NO_SPARK = "Spark does not answer this run any more; the next run, which the sweep starts at the latest, loads it"

#: So many of the files that are left alone are named.
_NAMED_LEFT_ALONE = 50


def source_to_stage(
    spark: SparkSession,
    tables: Tables,
    volume: str,
    checkpoint: str,
    run_id: str,
    policy: Policy | None = None,
    contract: Contract = ORDERS,
    now: Clock = utc_now,
) -> SourceToStageSummary:
    """Load every file in the landing directory, then every batch that an earlier run claimed and did not finish.

    In this order, so that what takes too long, or fails, takes no time from what is new. Batch after batch, for as long
    as the task has time; the rest stays where it is, for the next run.

    Args:
        spark: The session.
        tables: The names of the tables.
        volume: The path of the directory that holds the landing directory.
        checkpoint: The path of the checkpoint.
        run_id: Names the run of the job in the run tracker and the ledger.
        policy: What to do with files that are not as the contract has them.
        contract: The contract.
        now: The clock.

    Returns:
        What became of each file.

    Raises:
        LoadError: If a batch was not loaded to its end; the others were.
    """
    use_utc(spark)
    directories = open_volume(volume)
    open_batches = Checkpoint(Path(checkpoint))
    with task_run(open_batches, run_id, "source_to_stage", now) as run:
        warnings, run.alarms[:] = recover(open_batches, directories, run_id)
        run.warnings += warnings
        with run.step("create missing tables"):
            run.warnings += create_missing(spark, contract, tables)
        is_erasing = bool(open_batches.erasures())
        if is_erasing:  # What is put back of archived files must not be a part of them.
            finish_rewriting(directories.probed())
        else:  # The files that an erasure writes anew would seem to be cut, or to have grown.
            _look_for_late_writes(directories, open_batches, run, now)
        work = _find_work(directories, open_batches, run, now)
        replayed = work.replayed
        if work.ready or work.left_behind:
            with run.step("probe"):
                directories = directories.probed()
        twice = [file.path for file in work.ready if file.path in replayed and replayed[file.path].in_quarantine]
        if twice:
            leave_quarantine(spark, tables, twice)
        loader = BatchLoader(spark, contract, tables, directories, open_batches, policy or Policy(), replayed, run.step)
        batches = _Batches(loader, run, now)
        claimed, deferred = batches.load_new(work.ready, run_id)
        resumed = batches.load_left_behind(work.left_behind)
        cut_short = _finish_removals(spark, contract, tables, directories, open_batches, run, now)
        if is_erasing and not open_batches.erasures():
            _look_for_late_writes(directories, open_batches, run, now)
        batches.raise_failures()
        summary = SourceToStageSummary(
            batch_ids=tuple(claim.batch_id for claim in claimed),
            resumed_batch_ids=tuple(claim.batch_id for claim in resumed),
            files=tuple(_summaries(run.files, work.unfinished | deferred, work.left_alone)),
            warnings=(*run.alarms, *run.warnings),
            rows_read=run.counts.get("rows_read", 0),
            rows_staged=run.counts.get("rows_staged", 0),
            rows_quarantined=run.counts.get("rows_quarantined", 0),
        )
    # Only now, when what became of the files is kept elsewhere.
    withdraw.note_done(open_batches, cut_short)
    return summary


@dataclass(frozen=True)
class _Work:
    """What there is to load.

    Attributes:
        left_behind: The batches that earlier runs did not finish, the least often begun first.
        ready: The files in the landing directory that can be loaded.
        unfinished: Those that may still be on their way, with the reason.
        left_alone: What is there and is not loaded, with the reason.
        replayed: What was put into the landing directory to be loaded again, by path.
    """

    left_behind: list[Claim]
    ready: list[ArrivedFile]
    unfinished: dict[str, str]
    left_alone: Mapping[str, str]
    replayed: Mapping[str, ReplayedFile]


def _find_work(volume: Volume, checkpoint: Checkpoint, run: TaskRun, now: Clock) -> _Work:
    left_behind = sorted(checkpoint.claimed(), key=lambda claim: claim.attempt)
    run.alarms += finish_replays(volume, checkpoint)
    arrivals = list_arrivals(volume.landing)
    run.alarms += [f"{path}: {reason}" for path, reason in arrivals.unreadable.items()]
    remove_emptied(arrivals.empty_folders, now())
    checkpoint.forget_replays(volume.landing)
    # Not where nothing waits: each look at the checkpoint costs a round trip, of every run.
    replayed = checkpoint.replayed() if arrivals.files or left_behind else {}
    unfinished = _unfinished(volume.landing, arrivals.files, replayed, now())
    # A file that an open batch has named, and not taken yet, is that batch's.
    taken = {file for claim in left_behind for file in claim.files}
    ready = [file for file in arrivals.files if file.path not in unfinished and file not in taken]
    return _Work(left_behind, ready, unfinished, arrivals.left_alone, replayed)


class _Batches:
    """Loads batches one after the other, and keeps what is wrong with one from the others."""

    def __init__(self, loader: BatchLoader, run: TaskRun, now: Clock) -> None:
        self._loader, self._run, self._now, self._began_at = loader, run, now, now()
        self._failed: list[tuple[Claim, Exception]] = []
        self._begun: set[str] = set()
        self._is_spark_dead = False

    def load_new(self, files: Sequence[ArrivedFile], run_id: str) -> tuple[list[Claim], dict[str, str]]:
        """Load files that nobody has claimed, the first batch of them however late it is.

        Returns:
            The batches, and the files that are left to the next run, with the reason.
        """
        claimed: list[Claim] = []
        deferred: dict[str, str] = {}
        for part in _parts(files, self._loader.policy):
            if self._is_spark_dead or (claimed and self._now() - self._began_at > _TIME_FOR_NEW):
                left = _NO_SPARK if self._is_spark_dead else _NO_TIME
                deferred.update((file.path, left) for file in part)
                continue
            claim = self._loader.checkpoint.claim_new(Claim(new_batch_id(self._now()), run_id, part))
            if claim.files:
                claimed.append(claim)
                self._load(claim)
        return claimed, deferred

    def load_left_behind(self, claims: Sequence[Claim]) -> list[Claim]:
        """Load batches that earlier runs did not finish, and return those that were begun."""
        resumed: list[Claim] = []
        for claim in claims:
            if not self._is_spark_dead and self._now() - self._began_at <= _TIME_FOR_LEFT_BEHIND:
                resumed.append(claim)
                self._resume(claim)
        return resumed

    def _load(self, claim: Claim) -> None:
        """Load a batch; one that was begun too often is divided, and a file that is alone then is rejected."""
        self._begun.add(claim.batch_id)
        self._run.batch_ids.append(claim.batch_id)
        attempts = 1 if claim.attempt < _MAX_ATTEMPTS or len(claim.files) > 1 else _MAX_ATTEMPTS_ALONE
        error: Exception = LoadError("not tried")
        for attempt in range(attempts):
            if attempt:
                claim = self._loader.checkpoint.begin_again(claim)
            self._run.log("loading", batch_id=claim.batch_id, attempt=claim.attempt, files=len(claim.files))
            try:
                self._keep(self._loader.load(claim, self._now()))
                return
            except Exception as raised:
                error = raised
                self._run.log("not loaded", batch_id=claim.batch_id, attempt=claim.attempt, error=str(error)[:1000])
                self._note_failed(claim)
                if self._is_spark_dead or not self._may_go_on(claim):
                    self._fail(claim, error)
                    return
        if claim.attempt < _MAX_ATTEMPTS:
            self._fail(claim, error)
        elif len(claim.files) > 1:
            self._divide(claim)
        else:
            self._give_up(claim, error)

    def _may_go_on(self, claim: Claim) -> bool:
        """Tell whether to try a batch again, which is not for this run where another one has it or nobody can tell."""
        try:
            return self._loader.checkpoint.is_newest(claim)
        except OSError:
            return False

    def _note_failed(self, claim: Claim) -> None:
        """Note that an attempt did not die, so that no file is rejected however long an outage takes.

        Where Spark does not answer any more, the attempt took it along, which is how a task dies, too: nothing else is
        begun then, since it would count as one that died as well.
        """
        try:
            self._loader.spark.sql("SELECT 1").collect()
        except Exception:
            self._is_spark_dead = True
            return
        with suppress(OSError):
            self._loader.checkpoint.note_failed(claim)

    def _resume(self, claim: Claim) -> None:
        if claim.batch_id in self._begun:
            return  # A half that was there already when its whole was divided.
        again = self._loader.checkpoint.begin_again(claim)
        if not self._loader.checkpoint.is_newest(again):
            return  # It was listed a while ago, and another run has ended it since.
        if again.attempt > _MAX_ATTEMPTS and len(again.files) > 1:
            self._divide(again)
        elif len(again.files) == 1 and (deaths := self._loader.checkpoint.count_without_end(again)) >= _MAX_BEGUN_ALONE:
            self._give_up(again, _died_of(again.files[0], deaths))
        else:
            self._load(again)

    def raise_failures(self) -> None:
        """Let the task fail if a batch was not loaded.

        Raises:
            LoadError: If so.
        """
        if not self._failed:
            return
        names = ", ".join(f"{claim.batch_id} ({len(claim.files)} files)" for claim, _ in self._failed)
        raise LoadError(
            f"batch {names} was not loaded to its end; no row is lost: the next run loads it, and what breaks it is "
            f"rejected after {_MAX_ATTEMPTS} attempts"
        ) from self._failed[0][1]

    def _divide(self, claim: Claim) -> None:
        halves = claim.halves()
        try:
            # Before the halves are there: what the whole has left in the tables would be there twice.
            self._loader.clear(claim)
        except Exception as error:
            self._note_failed(claim)
            self._fail(claim, error)
            return
        for half in halves:
            self._loader.checkpoint.claim(half)
        self._loader.checkpoint.close(claim.batch_id)
        for half in halves:
            if not self._is_spark_dead:
                self._load(half)

    def _give_up(self, claim: Claim, error: Exception) -> None:
        try:
            self._keep(self._loader.give_up(claim, error))
        except Exception as raised:  # Not the file's fault, then.
            self._note_failed(claim)
            self._fail(claim, raised)

    def _fail(self, claim: Claim, error: Exception) -> None:
        """Leave a batch to the next run, or to one that took this run for dead: that has it, so nothing failed."""
        if isinstance(error, TakenOverError):
            self._run.warnings.append(
                f"batch {claim.batch_id} was not loaded by this run: another one took it for dead, and has begun the "
                "batch again or ended it"
            )
        else:
            self._failed.append((claim, error))

    def _keep(self, loaded: LoadedBatch) -> None:
        self._run.files += loaded.staged.files
        self._run.warnings += loaded.warnings
        self._run.alarms += loaded.alarms
        self._run.counts.update(count_files(self._run.files))


def _finish_removals(
    spark: SparkSession,
    contract: Contract,
    tables: Tables,
    volume: Volume,
    checkpoint: Checkpoint,
    run: TaskRun,
    now: Clock,
) -> list[Withdrawal]:
    """Carry out what of withdrawals and erasures was cut short.

    Returns:
        The withdrawals. Once what became of their files is kept elsewhere, note that they are done.
    """
    cut_short = [each for each in checkpoint.withdrawals(now()) if not each.is_done]
    if cut_short:
        withdraw.carry_out(spark, contract, tables, volume.probed(), checkpoint, cut_short, run, now)
    if checkpoint.claimed():
        return cut_short  # Files are about to be loaded, and may have rows of an order that is erased.
    for erasure in checkpoint.erasures():
        staged = {batch.batch_id for batch in checkpoint.staged()}
        erased = erase.carry_out(spark, contract, tables, volume.probed(), checkpoint, erasure, run)
        run.alarms += [
            f"an erasure could not look through {path}: {reason}" for path, reason in erased.unsearched.items()
        ]
        # Otherwise another run that has begun meanwhile erases what it may have brought.
        if not checkpoint.claimed() and staged >= {batch.batch_id for batch in checkpoint.staged()}:
            checkpoint.forget_erasure(erasure.erasure_id)
    return cut_short


def _look_for_late_writes(volume: Volume, checkpoint: Checkpoint, run: TaskRun, now: Clock) -> None:
    warnings, alarms = put_back_what_grew(volume, checkpoint, now())
    run.warnings += warnings
    run.alarms += alarms


def _unfinished(
    landing: Path, files: Sequence[ArrivedFile], replayed: Mapping[str, ReplayedFile], now: datetime
) -> dict[str, str]:
    """Say of files that may still be on their way why."""

    def why(file: ArrivedFile) -> str | None:
        # A file that was put back is as young as its sender's last write, whenever it was copied.
        again = replayed.get(file.path)
        return why_unfinished(landing, replace(file, modified_at=again.sent_at) if again else file, now)

    reasons = map_in_pool(why, files)
    return {file.path: reason for file, reason in zip(files, reasons, strict=True) if reason}


def _died_of(file: ArrivedFile, times: int) -> LoadError:
    reason = f"{times} times the task ended before the file was loaded"
    if file.size_bytes >= _LARGE_FILE_BYTES:
        size = f"{file.size_bytes / (1 << 30):.1f} GiB"
        reason += f"; it has {size}, and may take longer than the time limit of a task: send it in parts"
    return LoadError(reason)


def _parts(files: Sequence[ArrivedFile], policy: Policy) -> Iterator[tuple[ArrivedFile, ...]]:
    part: list[ArrivedFile] = []
    size = 0
    for file in files:
        size += file.size_bytes
        if part and (len(part) == policy.max_files_of_a_batch or size > policy.max_bytes_of_a_batch):
            yield tuple(part)
            part, size = [], file.size_bytes
        part.append(file)
    if part:
        yield tuple(part)


def _summaries(
    files: Sequence[FileOutcome], deferred: Mapping[str, str], left_alone: Mapping[str, str]
) -> Iterator[FileSummary]:
    for file in files:
        yield FileSummary(
            path=file.path,
            outcome=file.state.value.lower(),
            batch_id=file.batch_id,
            destination=file.moved_to,
            reason=file.reason,
            unknown_columns=file.unknown_columns,
            rows_read=file.rows_read,
            rows_staged=file.rows_staged,
            rows_quarantined=file.rows_quarantined,
        )
    for path, reason in deferred.items():
        yield FileSummary(path, "deferred", reason=reason)
    for path, reason in islice(left_alone.items(), _NAMED_LEFT_ALONE):
        yield FileSummary(path, "left alone", reason=reason)

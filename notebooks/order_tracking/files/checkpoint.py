"""The checkpoint: what is under way, in small files that only the pipeline reads and writes.

Like the checkpoint of a stream, it is read and written on every run and holds only what is not finished, so it stays
small and costs no query; see `docs/decisions/checkpoint-in-the-volume.md`.

    batches/<batch id>.claimed.json    the files of a batch, before the first of them is touched
    batches/<batch id>.attempt<n>      it was begun once more; with `.failed` at the end: that attempt met an error
    batches/<batch id>.staged.json     what became of them; their rows wait to be merged
    records/<record id>.json           what a task did, until `quality_gate` writes it to the job log
    loaded/<batch id>.json             what became of the files of a batch that is merged, for an hour and one look more
    replays/<folder>.json              what `replay` put into that folder of the landing directory
    withdrawals/<id>.json              files whose rows are about to leave the tables, and for an hour or more after
    erasures/<id>.json                 the key of an order that is about to be erased, until it is and nothing is loaded
    unreadable/                        files that were damaged, for people to look at
    format                             what an earlier version kept beside the landing directory was taken over
"""

import contextlib
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from order_tracking.errors import CheckpointError, TakenOverError
from order_tracking.files.batch import claimed_at, halves_of, is_batch_id
from order_tracking.files.landing import ArrivedFile, is_path_below
from order_tracking.files.listing import paths_in, paths_in_any
from order_tracking.tables.job_log import FileOutcome, TaskRecord
from order_tracking.typed_json import from_json, to_json

T = TypeVar("T", "Claim", "StagedBatch", TaskRecord, "ReplayedFiles", "Withdrawal", "Erasure")

_CLAIMED, _STAGED, _JSON = ".claimed.json", ".staged.json", ".json"
_FAILED = ".failed"
_LEFT_BEHIND_SECONDS = 3600
#: No name that the pipeline gives a file is longer, and one that is could not be written aside, under a longer one.
_MAX_NAME_BYTES = 200
#: No key is greater.
_LAST_KEY = "\U0010ffff"
_JSON_ESCAPES = re.compile(r'(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
#: How long, and for how many batches, the checkpoint remembers what it has no more use for than a second look.
_KEPT_LOADED, _MAX_LOADED = timedelta(hours=1), 50


@dataclass(frozen=True)
class Claim:
    """The files of a batch as they were listed, and how often the batch was begun.

    Attributes:
        attempt: Counts how often it was begun, as a part of a larger batch as well.
    """

    batch_id: str
    run_id: str
    files: tuple[ArrivedFile, ...]
    attempt: int = 1

    def halves(self) -> tuple["Claim", "Claim"]:
        """Divide it into two batches."""
        first, second = halves_of(self.batch_id)
        middle = len(self.files) // 2
        return (
            Claim(first, self.run_id, self.files[:middle], self.attempt),
            Claim(second, self.run_id, self.files[middle:], self.attempt),
        )


@dataclass(frozen=True)
class StagedBatch:
    """A batch that waits to be merged: its files, and between which keys its rows lie.

    Attributes:
        supersedes: Earlier readings of its files, which do not count any more.
    """

    batch_id: str
    files: tuple[FileOutcome, ...]
    first_key: str | None = None
    last_key: str | None = None
    supersedes: tuple[FileOutcome, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows are staged."""
        return sum(file.rows_staged for file in self.files)


@dataclass(frozen=True)
class ReplayedFile:
    """A file that `replay` puts into the landing directory, and what it was when it was sent.

    Attributes:
        path: Its path below the landing directory.
        sent_as: The path that it arrived with at first.
        may_be_bad: Whether any share of its rows may be bad: they come out of the quarantine, or were loaded before,
            and then as many as in the reading that it supersedes.
        supersedes: The earlier reading of it that does not count any more once this one is merged.
        in_quarantine: Whether its rows may still be in quarantine as well: `replay` has not come to its end.
    """

    path: str
    sent_as: str
    sent_at: datetime
    may_be_bad: bool
    supersedes: FileOutcome | None = None
    in_quarantine: bool = False


@dataclass(frozen=True)
class ReplayedFiles:
    """What `replay` puts into one folder of the landing directory."""

    files: tuple[ReplayedFile, ...]


@dataclass(frozen=True)
class Withdrawal:
    """Files that do not count any more.

    Attributes:
        withdrawal_id: Names it, and sorts by time as the names of batches do.
        reason: Why, for whoever finds the files.
        is_done: Whether nothing of them is left in the tables.
    """

    withdrawal_id: str
    files: tuple[FileOutcome, ...]
    reason: str
    is_done: bool = False


@dataclass(frozen=True)
class Erasure:
    """An order that is to be nowhere any more."""

    erasure_id: str
    key: str


class Checkpoint:
    """The checkpoint in one directory."""

    def __init__(self, directory: Path) -> None:
        """Create its directories where they are missing."""
        self._directory = directory
        kept = [directory / name for name in ("batches", "records", "loaded", "replays", "withdrawals", "erasures")]
        for each in kept:
            each.mkdir(parents=True, exist_ok=True)
        self._batches, self._records, self._loaded, self._replays, self._withdrawals, self._erasures = kept
        self._unreadable = directory / "unreadable"
        #: The last attempts that were begun here, by batch.
        self._begun: dict[str, int] = {}

    def claim(self, claim: Claim) -> None:
        """Note a batch's files."""
        _write(self._batches / f"{claim.batch_id}{_CLAIMED}", to_json(claim))
        if claim.attempt > 1:  # A part of a batch that others may be dividing as well.
            self._mark(claim)

    def claim_new(self, claim: Claim) -> Claim:
        """Note the files of a new batch, and return it without those that another open batch names.

        Two runs may have listed a file at once. Both write and then look, so one of them at least sees the other; what
        both leave waits for the next run. A batch that has no file left is forgotten.
        """
        self.claim(claim)
        of_others = {file for each in self.claimed() if each.batch_id != claim.batch_id for file in each.files}
        kept = replace(claim, files=tuple(file for file in claim.files if file not in of_others))
        if not kept.files:
            self.close(kept.batch_id)
        elif kept != claim:
            self.claim(kept)
        return kept

    def claimed(self) -> list[Claim]:
        """List the batches that are claimed and not staged, the oldest first; damaged ones are left out."""
        names = self._names()
        ids = sorted(name.removesuffix(_CLAIMED) for name in names if name.endswith(_CLAIMED))
        open_ids = [each for each in ids if f"{each}{_STAGED}" not in names]
        claims = _read_all(Claim, (self._batches / f"{each}{_CLAIMED}" for each in open_ids))
        return [_with_attempts(claim, names) for claim in claims]

    def begin_again(self, claim: Claim) -> Claim:
        """Note that a batch is begun once more, and number the attempt after all that others began."""
        newest = _with_attempts(claim, self._names())
        again = replace(newest, attempt=newest.attempt + 1)
        self._mark(again)
        self._begun[again.batch_id] = again.attempt
        return again

    def is_newest(self, claim: Claim) -> bool:
        """Tell whether a batch is open, and nobody else has begun it since, as a run does that takes this one for dead.

        Where it is false, the batch is no matter of this run any more.

        Raises:
            OSError: If the checkpoint cannot be listed.
        """
        names = self._names()
        is_open = f"{claim.batch_id}{_CLAIMED}" in names and f"{claim.batch_id}{_STAGED}" not in names
        return is_open and _with_attempts(claim, names).attempt <= self._last_begun(claim)

    def is_divided(self, batch_id: str) -> bool:
        """Tell whether a batch's files are in two others now; one of them may have been loaded meanwhile."""
        half = halves_of(batch_id)[0]
        return any(path.name.startswith(half) for path in (*paths_in(self._batches), *paths_in(self._loaded)))

    def check_newest(self, claim: Claim) -> None:
        """Stop an attempt before it changes anything of a batch that is not its own any more.

        A run that was taken for dead may be alive. What it wrote, moved or deleted would be missing, or there twice, in
        what the newer attempt tells.

        Raises:
            TakenOverError: If `is_newest` is false.
        """
        if not self.is_newest(claim):
            raise TakenOverError(f"another run goes on with batch {claim.batch_id}, or has ended it")

    def note_failed(self, claim: Claim) -> None:
        """Note that an attempt ended by an error, and any that it began itself.

        Each version takes the number of the next attempt from the names of the marks, so that is a file beside them; an
        empty one, since on a full disk there may be no place for a word. Of all that failed the last one is enough: an
        outage of days would leave thousands, and each look at the checkpoint lists them.
        """
        last = self._last_begun(claim)
        self._attempt(claim, last, _FAILED).touch()
        failed = _attempts(claim.batch_id, self._names(), _FAILED)
        # Not the marks of later ones, by which another run numbers its attempts.
        for number in {*range(claim.attempt, last), *(each for each in failed if each < last)}:
            self._attempt(claim, number).unlink(missing_ok=True)
            self._attempt(claim, number, _FAILED).unlink(missing_ok=True)

    def count_without_end(self, claim: Claim) -> int:
        """Count the attempts that nobody noted the end of, as where the task died.

        The first one has no mark; the one that begins now stands for it.
        """
        names = self._names()
        return len(_attempts(claim.batch_id, names) - _attempts(claim.batch_id, names, _FAILED))

    def _names(self) -> set[str]:
        """Name what tells of open batches."""
        return {path.name for path in paths_in(self._batches)}

    def _last_begun(self, claim: Claim) -> int:
        return max(claim.attempt, self._begun.get(claim.batch_id, 1))

    def _mark(self, claim: Claim) -> None:
        self._attempt(claim, claim.attempt).touch()

    def _attempt(self, claim: Claim, number: int, ending: str = "") -> Path:
        return self._batches / f"{claim.batch_id}.attempt{number}{ending}"

    def under_way(self) -> list["Claim | StagedBatch"]:
        """List the batches that are claimed, then those that are staged: one that is staged meanwhile is found."""
        return [*self.claimed(), *self.staged()]

    def stage(self, staged: StagedBatch) -> None:
        """Note what became of a batch's files."""
        _write(self._batches / f"{staged.batch_id}{_STAGED}", to_json(staged))

    def staged(self) -> list[StagedBatch]:
        """List the batches that are staged and not closed, the oldest first; damaged ones are left out."""
        return _read_all(StagedBatch, paths_in(self._batches, _STAGED))

    def close(self, batch_id: str) -> None:
        """Forget a batch.

        Its claim goes first: without the marks of its attempts it would pass for one that was begun once. That it is
        staged goes last: until then no claim is loaded again, and all is found.
        """

        def place(path: Path) -> tuple[bool, bool]:
            return path.name.endswith(_STAGED), not path.name.endswith(_CLAIMED)

        of_batch = [path for path in paths_in(self._batches) if path.name.startswith(f"{batch_id}.")]
        for path in sorted(of_batch, key=place):
            with contextlib.suppress(FileNotFoundError):
                if path.name.endswith(_STAGED):
                    _move(path, self._loaded / f"{batch_id}{_JSON}")
                else:
                    path.unlink()

    def loaded(self) -> list[StagedBatch]:
        """List the batches that were merged of late, the newest first."""
        return _read_all(StagedBatch, reversed(paths_in(self._loaded, _JSON)))

    def forget_loaded(self, batches: Sequence[StagedBatch], now: datetime) -> None:
        """Forget those of the batches that are old, or too many: each was looked at once, however late that was."""
        for place, batch in enumerate(sorted(batches, key=lambda batch: batch.batch_id, reverse=True)):
            if place >= _MAX_LOADED or now - claimed_at(batch.batch_id) >= _KEPT_LOADED:
                (self._loaded / f"{batch.batch_id}{_JSON}").unlink(missing_ok=True)

    def note_loaded(self, batch: StagedBatch) -> None:
        """Note what is known by now of a batch that was merged of late."""
        _write(self._loaded / f"{batch.batch_id}{_JSON}", to_json(batch))

    def record(self, record: TaskRecord) -> None:
        """Keep what a task did."""
        _write(self._records / f"{record.record_id}{_JSON}", to_json(record))

    def records(self) -> list[TaskRecord]:
        """List what tasks did since the job log was last written, of this run and of runs that were cut short."""
        return _read_all(TaskRecord, paths_in(self._records, _JSON))

    def forget_records(self, record_ids: Sequence[str]) -> None:
        """Forget what the job log has."""
        for record_id in record_ids:
            (self._records / f"{record_id}{_JSON}").unlink(missing_ok=True)

    def note_replay(self, folder: str, files: ReplayedFiles) -> None:
        """Note what is about to be put into a folder of the landing directory."""
        _write(self._replays / f"{folder}{_JSON}", to_json(files))

    def replayed(self) -> dict[str, ReplayedFile]:
        """List the files that `replay` has put into the landing directory, by their paths there."""
        found = _read_all(ReplayedFiles, paths_in(self._replays, _JSON))
        return {file.path: file for each in found for file in each.files}

    def forget_replays(self, landing_directory: Path) -> None:
        """Forget the folders that are not in the landing directory any more, unless a batch of them is open."""
        if self.under_way():
            return
        for folder in self.old_replays():
            if not (landing_directory / folder).exists():
                (self._replays / f"{folder}{_JSON}").unlink(missing_ok=True)

    def old_replays(self) -> list[str]:
        """Name the folders that nobody is about to put anything into any more."""
        notes = [path for path in paths_in(self._replays, _JSON) if path.is_file()]
        old = [path for path in notes if time.time() - path.stat().st_mtime > _LEFT_BEHIND_SECONDS]
        return [path.name.removesuffix(_JSON) for path in old]

    def forget_attempts(self) -> None:
        """Forget the attempts of batches that are gone: a run died while it closed one that it had divided."""
        for path in paths_in(self._batches):
            batch_id, *attempt = path.name.split(".attempt")
            if attempt and not any((self._batches / f"{batch_id}{ending}").exists() for ending in (_CLAIMED, _STAGED)):
                path.unlink(missing_ok=True)

    def withdraw(self, withdrawal: Withdrawal) -> None:
        """Note what is about to leave the tables, or that it has."""
        _write(self._withdrawals / f"{withdrawal.withdrawal_id}{_JSON}", to_json(withdrawal))

    def withdrawals(self, now: datetime) -> list[Withdrawal]:
        """List what is about to leave the tables, and what has of late, the oldest first; forget the others."""
        found, old = [], {}
        for path in paths_in(self._withdrawals, _JSON):
            withdrawal = _read(Withdrawal, path)
            if withdrawal:
                found.append(withdrawal)
                if withdrawal.is_done and _age(path, now) > _KEPT_LOADED:
                    old[withdrawal.withdrawal_id] = withdrawal
        # A file that is put back, and may not be loaded yet, may take the place of one that is withdrawn.
        replayed = self.replayed().values() if old else ()
        met = {(each.supersedes.batch_id, each.supersedes.path) for each in replayed if each.supersedes}
        # Each path also tells the reading that is put back, as `replay_folder.reading_of` reads it: rows that come
        # without their file, and rejected files, supersede none.
        met |= {(parts[1], parts[2]) for each in replayed if len(parts := each.path.split("/", 2)) == 3}
        for withdrawal_id, withdrawal in old.items():
            if met.isdisjoint((file.batch_id, file.path) for file in withdrawal.files):
                self.forget_withdrawal(withdrawal_id)
                found.remove(withdrawal)
        return found

    def withdrawn_files(self, now: datetime) -> set[tuple[str, str]]:
        """Name, by batch and path, the files whose rows are about to leave the tables, or left them of late."""
        return {(file.batch_id, file.path) for withdrawal in self.withdrawals(now) for file in withdrawal.files}

    def forget_withdrawal(self, withdrawal_id: str) -> None:
        """Forget what left the tables long ago, or is not to leave them after all."""
        (self._withdrawals / f"{withdrawal_id}{_JSON}").unlink(missing_ok=True)

    def erase(self, erasure: Erasure) -> None:
        """Note what is about to be erased."""
        _write(self._erasures / f"{erasure.erasure_id}{_JSON}", to_json(erasure))

    def erasures(self) -> list[Erasure]:
        """List what is about to be erased, the oldest first."""
        return _read_all(Erasure, paths_in(self._erasures, _JSON))

    def forget_erasure(self, erasure_id: str) -> None:
        """Forget an order that is erased, and by that its key."""
        (self._erasures / f"{erasure_id}{_JSON}").unlink(missing_ok=True)

    def forget_key(
        self,
        key: str,
        is_word_of: Callable[[str], bool],
        erased: Callable[[FileOutcome], FileOutcome],
    ) -> int:
        """Forget that batches begin or end with a key, what reasons tell of its order, and what is damaged and has it.

        Args:
            key: The key of an order.
            is_word_of: Tells whether a text has the key.
            erased: Takes what it tells of the order out of the reason why a file was rejected that had it.

        Returns:
            In how many files it was.
        """
        changed = 0
        for directory, ending in ((self._batches, _STAGED), (self._loaded, _JSON)):
            for path in paths_in(directory, ending):
                batch = _read(StagedBatch, path)
                if not batch:
                    continue
                # Wider bounds are as right as narrow ones.
                first = "" if batch.first_key == key else batch.first_key
                last = _LAST_KEY if batch.last_key == key else batch.last_key
                forgotten = replace(batch, files=tuple(map(erased, batch.files)), first_key=first, last_key=last)
                if forgotten != batch:
                    _write(path, to_json(forgotten))
                    changed += 1
        for path in paths_in_any(self._unreadable):
            text = path.read_text(encoding="utf-8", errors="replace")
            # As JSON it cannot be read; its escapes may be a part of the key, or stand before it like a letter.
            plain = _JSON_ESCAPES.sub(lambda escapes: json.loads(f'"{escapes[0]}"'), text)
            if is_word_of(text) or is_word_of(plain):
                path.unlink()
                changed += 1
        return changed

    def note_rewritten(
        self, batch_id: str, path: str, reason: Callable[[str], str], size_bytes: int, new_size_bytes: int
    ) -> None:
        """Note that the pipeline itself writes a file anew: its sender did not, and its reason is another one.

        Where its sender did as well, what is noted stays, which is another size but for a coincidence: so it is loaded
        again.
        """
        for note in (self._batches / f"{batch_id}{_STAGED}", self._loaded / f"{batch_id}{_JSON}"):
            batch = _read(StagedBatch, note) if note.exists() else None
            if batch:
                files = tuple(
                    replace(
                        each,
                        size_bytes=new_size_bytes if each.size_bytes == size_bytes else each.size_bytes,
                        reason=each.reason and reason(each.reason),
                    )
                    if each.path == path
                    else each
                    for each in batch.files
                )
                _write(note, to_json(replace(batch, files=files)))

    def files_not_counting(self, ended: Sequence[StagedBatch], now: datetime) -> frozenset[tuple[str, str]]:
        """Name the files, by batch and path, whose rows may still be in the tables and do not count any more.

        Args:
            ended: The batches that are staged, or were loaded of late.
            now: The time.
        """
        superseded = {(file.batch_id, file.path) for batch in ended for file in batch.supersedes}
        return frozenset(superseded | self.withdrawn_files(now))

    def set_aside_unreadable(self) -> dict[Path, str]:
        """Copy damaged files to where nothing reads them.

        Each is found until `remove_damaged`: what it told of is to be claimed again first, by a run that may die.

        Returns:
            What is wrong with each.
        """
        found = {}
        for directory, ending, kind in self._kinds():
            for path in paths_in(directory, ending):
                with contextlib.suppress(FileNotFoundError):  # Another run was faster.
                    error = _damage(kind, path)
                    if error:
                        found[path] = error
                        self._unreadable.mkdir(exist_ok=True)
                        copy = self._unreadable / f"{path.name}.{secrets.token_hex(3)}"
                        copy.write_bytes(path.read_bytes())
            for path in paths_in(directory, ".tmp"):  # A crash left it.
                with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                    if time.time() - path.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                        path.unlink()
        return found

    def remove_damaged(self, path: Path) -> None:
        """Remove a damaged file, unless it was written anew."""
        for directory, ending, kind in self._kinds():
            if path.parent == directory and path.name.endswith(ending):
                with contextlib.suppress(FileNotFoundError):
                    if _damage(kind, path):
                        path.unlink()

    def knows(self, batch_id: str) -> bool:
        """Tell whether a batch is under way by a file that is not damaged."""
        claim, staged = self._batches / f"{batch_id}{_CLAIMED}", self._batches / f"{batch_id}{_STAGED}"
        return bool(_read(Claim, claim) or _read(StagedBatch, staged))

    def _kinds(self) -> tuple[tuple[Path, str, Any], ...]:
        """List where each kind of file is, and how its name ends."""
        return (
            (self._batches, _CLAIMED, Claim),
            (self._batches, _STAGED, StagedBatch),
            (self._records, _JSON, TaskRecord),
            (self._loaded, _JSON, StagedBatch),
            (self._replays, _JSON, ReplayedFiles),
            (self._withdrawals, _JSON, Withdrawal),
            (self._erasures, _JSON, Erasure),
        )

    def take_over(self, old_directory: Path) -> None:
        """Take over, once, what an earlier version kept in a directory that clients can write to.

        Everything is checked like the checkpoint's own files; what is damaged stays there.
        """
        done = self._directory / "format"
        if done.exists():
            return
        taken = []
        for name, target in (("batches", self._batches), ("records", self._records)):
            for path in paths_in_any(old_directory / name):
                kind = _kind_of(path.name) if name == "batches" else TaskRecord
                attempt = re.fullmatch(r"(.+)\.attempt\d+", path.name)
                try:
                    if len(os.fsencode(path.name)) > _MAX_NAME_BYTES or not path.is_file():
                        continue
                    if attempt and is_batch_id(attempt[1]):
                        text = ""
                    elif kind and path.name.endswith(_JSON):
                        text = to_json(_parse(kind, path))
                    else:
                        continue
                except (CheckpointError, OSError):
                    continue
                _write(target / path.name, text)
                taken.append(path)
        _write(done, "2\n")
        for path in taken:
            path.unlink(missing_ok=True)


def _age(path: Path, now: datetime) -> timedelta:
    batch_id = path.name.removesuffix(_JSON)
    return now - claimed_at(batch_id) if is_batch_id(batch_id) else _KEPT_LOADED


def _kind_of(name: str) -> Any:
    return Claim if name.endswith(_CLAIMED) else StagedBatch if name.endswith(_STAGED) else None


def _read(kind: type[T], path: Path) -> T | None:
    try:
        return _parse(kind, path)
    # Another run was faster; a tool that restores files made a folder; or it will be set aside.
    except (FileNotFoundError, IsADirectoryError, CheckpointError):
        return None


def _read_all(kind: type[T], paths: Iterable[Path]) -> list[T]:
    return [content for path in paths if (content := _read(kind, path))]


def _damage(kind: Any, path: Path) -> str | None:
    """Say what is wrong with a file, if anything is.

    Raises:
        FileNotFoundError: If it is gone.
    """
    try:
        _parse(kind, path)
    except CheckpointError as error:
        return str(error)
    except IsADirectoryError:  # It tells of nothing.
        return None
    return None


def _parse(kind: type[T], path: Path) -> T:
    """Read a file, and check all that is about to become a part of a path.

    Raises:
        CheckpointError: If it is not what the pipeline writes.
        FileNotFoundError: If it is gone.
        IsADirectoryError: If it is no file.
    """
    try:
        content = from_json(kind, path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} cannot be read: {error}") from error
    paths: list[str] = []
    if isinstance(content, (Claim, StagedBatch)):
        if not path.name.startswith(f"{content.batch_id}.") or not is_batch_id(content.batch_id):
            raise CheckpointError(f"{path.name} speaks of the batch {content.batch_id!r}")
        paths = [each.path for each in content.files]
        if isinstance(content, StagedBatch):
            paths += [each.path for each in content.supersedes]
            batch_ids = [each.batch_id for outcomes in (content.files, content.supersedes) for each in outcomes]
            unnamed = [each for each in batch_ids if not is_batch_id(each)]
            if unnamed:
                raise CheckpointError(f"{path.name} speaks of the batch {unnamed[0]!r}")
    elif isinstance(content, ReplayedFiles):
        paths = [each for file in content.files for each in (file.path, file.sent_as)]
    elif isinstance(content, Erasure):
        if path.name != f"{content.erasure_id}{_JSON}":
            raise CheckpointError(f"{path.name} speaks of the erasure {content.erasure_id!r}")
    elif isinstance(content, Withdrawal):
        if path.name != f"{content.withdrawal_id}{_JSON}":
            raise CheckpointError(f"{path.name} speaks of the withdrawal {content.withdrawal_id!r}")
        paths = [file.path for file in content.files]
    elif path.name != f"{content.record_id}{_JSON}":
        raise CheckpointError(f"{path.name} speaks of the record {content.record_id!r}")
    outside = [each for each in paths if not is_path_below(each)]
    if outside:
        raise CheckpointError(f"{path.name} speaks of {outside[0]!r}, which is not below the landing directory")
    return content


def _write(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all.

    Where nothing can be renamed, a crash may leave a part of it. That is damaged, and set aside: what it was to tell of
    had not begun.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_text(text, encoding="utf-8")
    _move(unfinished, path)


def _move(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except FileNotFoundError:
        raise
    except OSError:
        target.write_bytes(source.read_bytes())
        source.unlink()


def _with_attempts(claim: Claim, names: set[str]) -> Claim:
    return replace(claim, attempt=max({claim.attempt, *_attempts(claim.batch_id, names)}))


def _attempts(batch_id: str, names: set[str], ending: str = "") -> set[int]:
    """Return the numbers of the attempts at a batch that files with this ending tell of."""
    pattern = re.compile(rf"{re.escape(batch_id)}\.attempt(\d+){re.escape(ending)}")
    return {int(match[1]) for name in names if (match := pattern.fullmatch(name))}

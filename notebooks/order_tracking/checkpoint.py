"""The checkpoint: what is under way, in small files beside the landing directory.

Like the checkpoint of a stream, it is read and written on every run and holds only what is not finished, so it stays
small and costs no query; see `docs/decisions/checkpoint-in-the-volume.md`.

    checkpoint/batches/<batch id>.claimed.json    the files of a batch, before the first of them is touched
    checkpoint/batches/<batch id>.attempt<n>      it was begun once more
    checkpoint/batches/<batch id>.staged.json     what became of them; their rows wait to be merged
    checkpoint/records/<record id>.json           what a task did, until `quality_gate` writes it to the job log
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from order_tracking.landing import ArrivedFile


class State(str, Enum):
    """What became of a file, in the order of its way."""

    DROPPED = "DROPPED"  # it changed or vanished before it could be loaded
    REJECTED = "REJECTED"  # it could not be loaded and was moved to rejected/
    STAGED = "STAGED"  # its rows are staged or quarantined, and it is in archive/
    MERGED = "MERGED"  # its rows are in orders_table


@dataclass(frozen=True)
class Claim:
    """The files of a batch as they were listed, and how often the batch was begun."""

    batch_id: str
    run_id: str
    files: tuple[ArrivedFile, ...]
    attempt: int = 1


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file of a batch."""

    batch_id: str
    path: str
    state: State
    file_id: str
    size_bytes: int
    modified_at: str
    reason: str | None = None
    unknown_columns: tuple[str, ...] = ()
    moved_to: str | None = None
    rows_read: int = 0
    rows_staged: int = 0
    rows_quarantined: int = 0


@dataclass(frozen=True)
class StagedBatch:
    """A batch that waits to be merged: its files, and between which keys its rows lie."""

    batch_id: str
    files: tuple[FileOutcome, ...]
    first_key: str | None = None
    last_key: str | None = None

    @property
    def rows(self) -> int:
        """How many rows are staged."""
        return sum(file.rows_staged for file in self.files)


class Checkpoint:
    """The checkpoint of one volume."""

    def __init__(self, directory: Path) -> None:
        """Create its directories where they are missing."""
        self._batches, self._records = directory / "batches", directory / "records"
        for each in (self._batches, self._records):
            each.mkdir(parents=True, exist_ok=True)

    def claim(self, claim: Claim) -> None:
        """Note a batch's files."""
        _write(self._batches / f"{claim.batch_id}.claimed.json", asdict(claim))

    def claimed(self) -> list[Claim]:
        """List the batches that are claimed and not staged, the oldest first."""
        names = {path.name for path in self._batches.iterdir()}
        ids = sorted(name.removesuffix(".claimed.json") for name in names if name.endswith(".claimed.json"))
        texts = (
            self._read(self._batches / f"{each}.claimed.json") for each in ids if f"{each}.staged.json" not in names
        )
        return [_claim_of(text, names) for text in texts if text]

    def begin_again(self, claim: Claim) -> Claim:
        """Note that a batch is begun once more, and number the attempt."""
        again = Claim(claim.batch_id, claim.run_id, claim.files, claim.attempt + 1)
        (self._batches / f"{again.batch_id}.attempt{again.attempt}").touch()
        return again

    def stage(self, staged: StagedBatch) -> None:
        """Note what became of a batch's files."""
        _write(self._batches / f"{staged.batch_id}.staged.json", asdict(staged))

    def staged(self) -> list[StagedBatch]:
        """List the batches that are staged and not closed, the oldest first."""
        texts = [self._read(path) for path in sorted(self._batches.glob("*.staged.json"))]
        return [_staged_of(text) for text in texts if text]

    def close(self, batch_id: str) -> None:
        """Forget a batch, and last that it is staged: until then no claim is loaded again, and all is found."""
        for path in sorted(self._batches.glob(f"{batch_id}.*"), key=lambda path: path.name.endswith(".staged.json")):
            path.unlink(missing_ok=True)

    def record(self, record_id: str, record: dict[str, Any]) -> None:
        """Keep what a task did."""
        _write(self._records / f"{record_id}.json", record)

    def records(self) -> list[dict[str, Any]]:
        """List what tasks did since the job log was last written, of this run and of runs that were cut short."""
        texts = [self._read(path) for path in sorted(self._records.glob("*.json"))]
        return [json.loads(text) for text in texts if text]

    def forget_records(self, record_ids: Sequence[str]) -> None:
        """Forget what the job log has."""
        for record_id in record_ids:
            (self._records / f"{record_id}.json").unlink(missing_ok=True)

    @staticmethod
    def _read(path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:  # Another run was faster.
            return None


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write a file so that it is there as a whole or not at all; what a crash leaves half-written is never read."""
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_text(json.dumps(content, default=str), encoding="utf-8")
    unfinished.replace(path)


def _claim_of(text: str, names: set[str]) -> Claim:
    content = json.loads(text)
    files = tuple(
        ArrivedFile(**{**file, "modified_at": datetime.fromisoformat(file["modified_at"])}) for file in content["files"]
    )
    attempts = 1 + sum(name.startswith(f"{content['batch_id']}.attempt") for name in names)
    return Claim(content["batch_id"], content["run_id"], files, attempts)


def _staged_of(text: str) -> StagedBatch:
    content = json.loads(text)
    files = (
        FileOutcome(**{**file, "state": State(file["state"]), "unknown_columns": tuple(file["unknown_columns"])})
        for file in content["files"]
    )
    return StagedBatch(content["batch_id"], tuple(files), content["first_key"], content["last_key"])

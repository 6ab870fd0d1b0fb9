"""Take the files of a batch out of the landing directory: a rename, which of two runs only one can do."""

from dataclasses import dataclass
from pathlib import Path

from order_tracking.checkpoint import Claim, FileOutcome, State
from order_tracking.landing import REASON_ENDING, ArrivedFile, look_at
from order_tracking.volume import Volume

_CHANGED = "it was written again before it could be loaded; the next run loads what it is now"
_VANISHED = "it was removed, or taken by another run, before it could be loaded"


@dataclass(frozen=True)
class TakenFile:
    """A file of a batch as it is in the batch's directory of the archive."""

    file: ArrivedFile
    directory: Path

    def is_unchanged(self) -> bool:
        """Tell whether nobody wrote to it since."""
        return look_at(self.directory, self.file.path) == self.file


def take(volume: Volume, claim: Claim, file: ArrivedFile) -> TakenFile | FileOutcome:
    """Move a file into the batch's directory of the archive, unless an earlier attempt did.

    Nothing else is ever in that directory, so nothing can be overwritten but a copy of this file that was cut short:
    not every file system renames in one step.
    """
    directory = volume.archive_of(claim.batch_id)
    rejected = volume.rejected_of(claim.batch_id) / file.path
    if rejected.exists():  # An earlier attempt did that, and did not come to its end.
        rejected.replace(directory / file.path)
    landed = look_at(volume.landing, file.path)
    if landed == file:
        target = directory / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            (volume.landing / file.path).replace(target)
        except FileNotFoundError:
            landed = None
    # As it is now: between the two steps its sender may have written it once more.
    taken = look_at(directory, file.path)
    if taken:
        return TakenFile(taken, directory)
    return outcome(claim.batch_id, file, State.DROPPED, reason=_CHANGED if landed else _VANISHED)


def reject(volume: Volume, batch_id: str, file: ArrivedFile, reason: str, rows_read: int = 0) -> FileOutcome:
    """Move a taken file from the archive to the rejected files, with the reason beside it."""
    destination = volume.rejected_of(batch_id) / file.path
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.with_name(destination.name + REASON_ENDING).write_text(f"{reason}\n", encoding="utf-8")
    (volume.archive_of(batch_id) / file.path).replace(destination)
    moved_to = volume.relative(destination)
    return outcome(batch_id, file, State.REJECTED, reason=reason, moved_to=moved_to, rows_read=rows_read)


def outcome(batch_id: str, file: ArrivedFile, state: State, **details: object) -> FileOutcome:
    """Say what became of a file."""
    return FileOutcome(
        batch_id=batch_id,
        path=file.path,
        state=state,
        file_id=file.file_id,
        size_bytes=file.size_bytes,
        modified_at=file.modified_at.isoformat(),
        **details,  # type: ignore[arg-type]
    )

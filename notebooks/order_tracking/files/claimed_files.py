"""Take the files of a batch out of the landing directory, in a way that of two runs only one can."""

from dataclasses import dataclass
from pathlib import Path

from order_tracking.errors import LoadError
from order_tracking.files.batch import larger_batches
from order_tracking.files.checkpoint import Checkpoint, Claim
from order_tracking.files.landing import ArrivedFile, look_at, reason_of
from order_tracking.files.moving import MOST_LOOKS, is_left
from order_tracking.files.volume import Volume
from order_tracking.tables.job_log import FileOutcome, State

_CHANGED = "it was written again before it could be loaded; the next run loads what it is now"
_VANISHED = "it was removed, or taken by another run, before it could be loaded"


@dataclass(frozen=True)
class TakenFile:
    """A file of a batch as it is in the batch's directory of the archive.

    Attributes:
        file: The file as it was sent.
        found: The file as it is there.
    """

    file: ArrivedFile
    directory: Path
    found: ArrivedFile

    @property
    def location(self) -> Path:
        """Where it is."""
        return self.directory / self.file.path

    def is_unchanged(self) -> bool:
        """Tell whether nobody wrote to it since."""
        return look_at(self.directory, self.file.path) == self.found


def take(volume: Volume, checkpoint: Checkpoint, claim: Claim, file: ArrivedFile) -> TakenFile | FileOutcome:
    """Move a file into the batch's directory of the archive, unless another attempt did.

    Nothing else is ever in that directory, so nothing can be overwritten but a copy of this file that was cut short:
    not every file system renames in one step.

    Raises:
        LoadError: If another attempt moved it just now, so that nobody can tell yet where it ends, or if it was set
            aside and another run goes on with the batch, or has ended it.
    """
    directory = volume.archive_of(claim.batch_id)
    target = directory / file.path
    for earlier in _where_attempts_left_it(volume, claim.batch_id, file):
        checkpoint.check_newest(claim)  # A newer one has put it there.
        _move_back(volume, earlier, target)
    landed, is_moved = look_at(volume.landing, file.path), False
    if landed == file:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            is_moved = volume.move(volume.landing / file.path, target)
        except PermissionError:
            if volume.copies and look_at(volume.landing, file.path) == file:
                target.unlink(missing_ok=True)  # Each run would leave another copy of what cannot be deleted.
            raise
        if not is_moved:
            landed = look_at(volume.landing, file.path)
    # As it is now: between the two steps its sender may have written it once more.
    taken = look_at(directory, file.path)
    if taken:
        may_be_part = volume.copies and not is_moved and taken.size_bytes < file.size_bytes
        if not may_be_part or not is_left(target):
            # A copy has a time of its own, which is not when the file was sent.
            return TakenFile(file if taken.size_bytes == file.size_bytes else taken, directory, taken)
    elif _where_attempts_left_it(volume, claim.batch_id, file) or look_at(directory, file.path):
        raise LoadError(f"{file.path} was moved by another attempt just now; the next attempt finds it")
    return outcome(claim.batch_id, file, State.DROPPED, reason=_CHANGED if landed else _VANISHED)


def reject(
    volume: Volume, batch_id: str, file: ArrivedFile, reason: str, details: str = "", rows_read: int = 0
) -> FileOutcome:
    """Move a taken file from the archive to the rejected files, with the reason, and what more there is, beside it.

    Raises:
        LoadError: If it could not be moved since its sender still writes to it.
    """
    archived, destination = volume.archive_of(batch_id) / file.path, volume.rejected_of(batch_id) / file.path
    destination.parent.mkdir(parents=True, exist_ok=True)
    reason_of(destination).write_text(f"{reason}\n{details}", encoding="utf-8")
    if not volume.move(archived, destination) and archived.exists():
        reason_of(destination).unlink(missing_ok=True)
        raise LoadError(f"{file.path} cannot be rejected, since it is still being written; the next run tries it again")
    moved_to = volume.relative(destination)
    return outcome(batch_id, file, State.REJECTED, reason=reason, moved_to=moved_to, rows_read=rows_read)


def put_back(volume: Volume, taken: TakenFile) -> bool:
    """Move a file that its sender still writes to back into the landing directory, unless another one is there."""
    landed = volume.landing / taken.file.path
    if landed.exists():
        return False
    landed.parent.mkdir(parents=True, exist_ok=True)
    return volume.move(taken.location, landed)


def outcome(batch_id: str, file: ArrivedFile, state: State, **details: object) -> FileOutcome:
    """Say what became of a file."""
    return FileOutcome(
        batch_id=batch_id,
        path=file.path,
        state=state,
        file_id=file.file_id,
        size_bytes=file.size_bytes,
        modified_at=file.modified_at,
        **details,  # type: ignore[arg-type]
    )


def _where_attempts_left_it(volume: Volume, batch_id: str, file: ArrivedFile) -> list[Path]:
    """Name the places where a file may be that was rejected by an attempt without end, or taken for a larger batch."""
    places = [volume.rejected_of(batch_id)]
    for larger in larger_batches(batch_id):
        places += [volume.archive_of(larger), volume.rejected_of(larger)]
    return [place / file.path for place in places if (place / file.path).exists()]


def _move_back(volume: Volume, source: Path, target: Path) -> None:
    """Move a file back, unless it is there.

    Where a move is a copy, both places have it while another attempt moves it there or back, and where one was cut
    short. So neither is deleted as long as somebody may be about to delete the other.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(MOST_LOOKS):
        if not (volume.copies and source.exists() and target.exists()) or is_left(source, target):
            break
    else:
        return
    try:
        # What is whole is at least as long.
        if target.exists() and target.stat().st_size >= source.stat().st_size:
            source.unlink()
        elif not volume.move(source, target):
            return
    except FileNotFoundError:
        return  # Another attempt was faster.
    reason_of(source).unlink(missing_ok=True)

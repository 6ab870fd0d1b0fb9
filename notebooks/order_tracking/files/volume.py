"""The volume's directories."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from order_tracking.files.batch import batch_date, is_batch_id
from order_tracking.files.landing import REASON_ENDING
from order_tracking.files.listing import paths_in_any, walk
from order_tracking.files.moving import Move, copy_verify_delete, probe, rename


@dataclass(frozen=True)
class Volume:
    """The directory that holds the landing directory, the archive and the rejected files.

    Attributes:
        move: How its files are moved.
    """

    path: Path
    move: Move = rename

    @property
    def copies(self) -> bool:
        """Whether a file is moved by a copy, of which a part may be left."""
        return self.move is copy_verify_delete

    @property
    def landing(self) -> Path:
        """Where clients write files."""
        return self.path / "file_arrival"

    def archive_of(self, batch_id: str) -> Path:
        """Where the files of a batch are loaded from and stay, under the paths they arrived with."""
        return self._directory_of("archive", batch_id)

    def rejected_of(self, batch_id: str) -> Path:
        """Where the files of a batch end that could not be loaded."""
        return self._directory_of("rejected", batch_id)

    def batches_of(self, name: str) -> Iterator[Path]:
        """List the directories of all batches in `archive` or `rejected`, the oldest first; each is named by its id."""
        days = [self.path / name]
        for _ in ("years", "months", "days"):
            days = [below for each in days for below in paths_in_any(each)]
        return (batch for day in days for batch in paths_in_any(day) if is_batch_id(batch.name))

    def relative(self, path: Path) -> str:
        """Write a path as people see it in summaries and in the ledger: from the volume on."""
        return path.relative_to(self.path).as_posix()

    def probed(self) -> "Volume":
        """Find out how its files can be moved."""
        return replace(self, move=probe(self.path))

    def _directory_of(self, name: str, batch_id: str) -> Path:
        return self.path / name / f"{batch_date(batch_id):%Y/%m/%d}" / batch_id


def files_below(batch_directory: Path) -> Iterator[str]:
    """List the files in a batch's directory by the paths they arrived with, without reasons for a rejection."""
    for folder, names in walk(batch_directory):
        below = folder.relative_to(batch_directory)
        yield from ((below / name).as_posix() for name in names if not name.endswith(REASON_ENDING))


def open_volume(path: str) -> Volume:
    """Return the volume at `path`, with its directories created where they are missing."""
    volume = Volume(Path(path))
    for directory in (volume.landing, volume.path / "archive", volume.path / "rejected"):
        directory.mkdir(parents=True, exist_ok=True)
    return volume

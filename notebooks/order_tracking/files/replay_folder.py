"""Folders of the landing directory for files that are loaded again.

Such a folder is made by `replay`, and for a file that its sender wrote to after it had been loaded. What is put into it
has the path `replay-files-<time>-<random>/<batch>/<path>` below the landing directory: behind the folder's name stand
the batch and the path of the earlier reading that the file takes the place of. That path may begin with such a folder
too, since a file can be loaded again more than once; so a path alone tells all readings that came before it. Rows that
are loaded again without their file are in a folder `replay-rows-<time>-<random>`, and take the place of no reading.

What is about to be in a folder is noted in the checkpoint first, and only what is noted is loaded as a replay: clients
can write to the landing directory, and could make a folder of such a name themselves. Its files count as any others.
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path

from order_tracking.files.batch import is_batch_id
from order_tracking.files.checkpoint import Checkpoint, ReplayedFile, ReplayedFiles
from order_tracking.files.landing import REPLAY, reason_of, unfinished_of
from order_tracking.files.listing import walk
from order_tracking.files.moving import copy_verify_delete
from order_tracking.files.pool import map_in_pool
from order_tracking.files.volume import Volume

#: Begin the names of folders for whole files, and for rows of a file; an earlier version made no difference.
FILES_FOLDER, ROWS_FOLDER = f"{REPLAY}files-", f"{REPLAY}rows-"
#: For those of the first kind whose bad rows were let through before.
ARCHIVED_FILES_FOLDER = f"{FILES_FOLDER}archive-"

#: Azure has no name of more than 1,024 characters, and a file's is longer than that in the landing directory by the
#: directories of its volume and its batch, by its reason's ending, and while an order is erased from it.
_MAX_PATH_LENGTH = 850


class ReplayFolder:
    """A new folder of the landing directory for files that are loaded again.

    Attributes:
        name: Its name.
    """

    def __init__(self, volume: Volume, checkpoint: Checkpoint, now: datetime, kind: str = FILES_FOLDER) -> None:
        """Name it; it is made with the first file. How files can be moved must have been probed.

        Args:
            volume: The volume with the landing directory.
            checkpoint: Where its files are noted.
            now: The time in its name.
            kind: How its name begins.
        """
        self.name = f"{kind}{now.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._volume, self._checkpoint = volume, checkpoint

    def path_of(self, batch_id: str, path: str) -> str:
        """Name the path below the landing directory of the file that takes the place of a reading: see `reading_of`.

        Raises:
            OSError: If it would be too long, since each reading makes it longer.
        """
        replayed = f"{self.name}/{batch_id}/{path}"
        if len(replayed) > _MAX_PATH_LENGTH:
            why = (
                f"its path would be too long ({len(replayed)} characters; each reading makes it longer): have it sent "
                "anew under a shorter one"
            )
            raise OSError(errno.ENAMETOOLONG, why)
        return replayed

    def note(self, files: Iterable[ReplayedFile]) -> None:
        """Note all the files that are about to be put there."""
        self._checkpoint.note_replay(self.name, ReplayedFiles(tuple(files)))

    def write(self, path: str, write: Callable[[Path], None]) -> None:
        """Have a file written, which is left alone until it is whole: until then it is a hidden one beside its place.

        Args:
            path: Its path below the landing directory.
            write: Writes a file.

        Raises:
            OSError: If it cannot be written.
        """
        unfinished, target = self._places_of(path)
        write(unfinished)
        self._volume.move(unfinished, target)

    def copy(self, source: Path, path: str) -> None:
        """Write a copy of a file, which stays; see `write`.

        Raises:
            OSError: If it cannot be copied.
        """
        self.write(path, lambda unfinished: _copy(source, unfinished))

    def move(self, source: Path, path: str) -> bool:
        """Move a file there, by way of a hidden one as in `write`.

        Returns:
            Whether it was moved: another run may have been faster.

        Raises:
            OSError: If it cannot be moved.
        """
        unfinished, target = self._places_of(path)
        try:
            is_moved = self._volume.move(source, unfinished)
        except OSError:
            if source.exists():  # A part would pass for a file that is on its way.
                unfinished.unlink(missing_ok=True)
            raise
        if not is_moved:
            unfinished.unlink(missing_ok=True)
            return False
        self._volume.move(unfinished, target)
        return True

    def _places_of(self, path: str) -> tuple[Path, Path]:
        """Tell where a file is until it is whole, and where it is then, in a directory that is there."""
        target = self._volume.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return unfinished_of(target), target


def finish_replays(volume: Volume, checkpoint: Checkpoint) -> list[str]:
    """Finish what was cut short an hour ago or longer while a file was put into its folder.

    A hidden file beside a shorter one is whole, and was being copied; so is one whose source has gone. Another one may
    be a part. One of an archived file is copied again, and one of a rejected file moved again, since others take it for
    one that is on its way; one of rows is removed: they are still in quarantine.

    Returns:
        What people must look at.
    """
    alarms = []
    hidden: set[Path] = set()
    for folder in checkpoint.old_replays():
        try:
            for directory, names in walk(volume.landing / folder):
                hidden.update(directory / name for name in names if name.startswith("."))
        except OSError as error:
            alarms.append(f"{volume.relative(volume.landing / folder)}/ cannot be listed: {error.strerror or error}")
    # Only files that were noted: a hidden name need not tell that of the file beside it.
    for replayed in checkpoint.replayed() if hidden else ():
        target = volume.landing / replayed
        unfinished = unfinished_of(target)
        if unfinished not in hidden:
            continue
        batch_id, path = reading_of(replayed)
        is_of_rows = replayed.startswith(ROWS_FOLDER)
        archived, rejected = volume.archive_of(batch_id) / path, volume.rejected_of(batch_id) / path
        try:
            if target.exists():
                is_whole = target.stat().st_size < unfinished.stat().st_size
            elif archived.exists() and not is_of_rows:
                _copy(archived, unfinished)
                is_whole = True
            elif rejected.exists() and not is_of_rows:
                if not copy_verify_delete(rejected, unfinished):
                    continue  # Another run does the same, and was faster.
                is_whole = True
            else:
                is_whole = not is_of_rows
            if is_whole:
                if not rejected.exists():
                    reason_of(rejected).unlink(missing_ok=True)  # It may have been left when its file was moved.
                copy_verify_delete(unfinished, target)
            else:
                unfinished.unlink(missing_ok=True)
        except OSError as error:  # Of one file, which stops no other.
            alarms.append(f"{volume.relative(target)} cannot be put back to its end: {error.strerror or error}")
    return alarms


def being_replayed(volume: Volume, checkpoint: Checkpoint) -> set[tuple[str, str]]:
    """Name all readings, by batch and path, of files that are on their way to the orders once more."""

    def is_in_landing(path: str) -> bool:
        target = volume.landing / path
        # Not by `Path`, which fails for a name that is too long, where nothing can be. The hidden one comes first.
        return any(map(os.path.exists, (unfinished_of(target), target)))

    replayed = [each for each in checkpoint.replayed().values() if each.path.startswith(FILES_FOLDER)]
    have_landed = map_in_pool(lambda each: is_in_landing(each.path), replayed)
    # In the order of a file's way: one that is claimed meanwhile is found.
    taken = {file.path for batch in checkpoint.under_way() for file in batch.files}
    readings: set[tuple[str, str]] = set()
    for each, has_landed in zip(replayed, have_landed, strict=True):
        if has_landed or each.path in taken:
            readings.update(readings_before(each.path, FILES_FOLDER))
            if each.supersedes:
                readings.add((each.supersedes.batch_id, each.supersedes.path))
    return readings


def reading_of(replayed: str) -> tuple[str, str]:
    """Name, by batch and path, the reading that a file in such a folder takes the place of.

    Args:
        replayed: The file's path below the landing directory, as `ReplayFolder.path_of` makes it.
    """
    _, batch_id, path = replayed.split("/", 2)
    return batch_id, path


def withdrawn_with(replayed: ReplayedFile) -> tuple[str, str] | None:
    """Name, by batch and path, the reading with which a file is withdrawn that is on its way; None if there is none.

    Rows that are loaded again without their file take the place of no reading, but are a part of one.
    """
    if replayed.path.startswith(ROWS_FOLDER):
        return reading_of(replayed.path)
    return (replayed.supersedes.batch_id, replayed.supersedes.path) if replayed.supersedes else None


def readings_before(path: str, folder: str = REPLAY) -> list[tuple[str, str]]:
    """Name, by batch and path, what a file was before it was loaded again, which may have been more than once.

    Args:
        path: The file's path below the landing directory.
        folder: How the names of folders begin that count.

    Returns:
        The readings, the latest first; none if the path is in no such folder.
    """
    readings = []
    # Clients can name a folder like one of these, but what is in theirs is in no folder of a batch.
    while (in_folder := re.match(rf"{folder}[^/]+/([^/]+)/(.+)", path, re.DOTALL)) and is_batch_id(in_folder[1]):
        batch_id, path = in_folder.groups()
        readings.append((batch_id, path))
    return readings


def first_path(path: str) -> str:
    """Return the path that a file had when it was sent, which may have been loaded again before."""
    return [path, *(earlier for _, earlier in readings_before(path))][-1]


def first_reading(batch_id: str, path: str) -> tuple[str, str]:
    """Name, by batch and path, what a file was read as first: of all readings of one file, which share it, one counts.

    Rows that were loaded again without their file are a file of their own.
    """
    return [(batch_id, path), *readings_before(path, FILES_FOLDER)][-1]


def _copy(source: Path, target: Path) -> None:
    """Copy a file, or leave nothing."""
    try:
        shutil.copyfile(source, target)
    except OSError:
        target.unlink(missing_ok=True)  # A part would pass for a file that is on its way.
        raise

"""Move files within a volume: by a rename where there is one, otherwise by copy, verify and delete."""

import contextlib
import filecmp
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from order_tracking.errors import VolumeError

#: Moves a file, in the place of whatever a cut short move left there. Tells whether it did: of two at once only one
#: does, and a file that is not there, or is written meanwhile, stays as it is.
Move = Callable[[Path, Path], bool]

_LEFT_BEHIND_SECONDS = 3600

#: Whoever copies a file writes to it more often than that.
_GOES_ON_WITHIN_SECONDS = 2

#: After that whoever waits leaves it to another attempt, so that one file does not hold all others.
MOST_LOOKS = 30

_CHUNK_BYTES = 4 << 20


def rename(source: Path, target: Path) -> bool:
    """Move a file in one step."""
    try:
        source.replace(target)
    except FileNotFoundError:
        return False
    return True


def copy_verify_delete(source: Path, target: Path) -> bool:
    """Move a file in three steps. To delete it is what only one of two can do, and it comes last: nothing is lost.

    The other one leaves its copy, since nobody knows where that one has moved it: it may be to the same place. For the
    same reason nobody writes to a copy that is whole, or that somebody else is still writing, and each removes only its
    own: by then, it may be the only one. And nobody deletes the file where the copy is gone, or is being written again,
    by the end of the comparison.
    """
    try:
        before = source.stat()
        made = _copy(source, target)
    except FileNotFoundError:
        return False  # What is at the target may be this very file, moved there before.
    with contextlib.suppress(FileNotFoundError):
        is_whole = filecmp.cmp(source, target, shallow=False)
        is_whole = is_whole and target.stat().st_size == before.st_size
        # The last look, right before: who sends a file of that name in between would send it for nobody.
        if is_whole and identity(before) == identity(source.stat()):
            source.unlink()
            return True
        if target.stat().st_size == made:
            target.unlink()
    return False


def is_left(*paths: Path) -> bool:
    """Tell whether nobody writes to files any more, nor removes one; which takes a while.

    Where it is false, another run goes on with them; where it is true, one that did was cut short.
    """
    try:
        before = [identity(path.stat()) for path in paths]
        time.sleep(_GOES_ON_WITHIN_SECONDS)
        return before == [identity(path.stat()) for path in paths]
    except FileNotFoundError:
        return False


def probe(directory: Path) -> Move:
    """Find out by trying how files of a directory can be moved.

    Raises:
        VolumeError: If what is written there cannot be found again, which no way of moving makes up for.
    """
    trials = directory / ".probe"
    trials.mkdir(parents=True, exist_ok=True)
    name = secrets.token_hex(4)
    first, second = trials / f"{name}.1", trials / f"{name}.2"
    try:
        first.write_text(name)
        if first not in trials.iterdir() or first.stat() != first.stat() or first.read_text() != name:
            raise VolumeError(f"what is written to {directory} cannot be found, or changes by itself")
        try:
            first.replace(second)
            first.write_text("again")
            first.replace(second)
            renames = second.read_text() == "again" and not first.exists()
        except OSError:
            renames = False
    finally:
        for each in trials.iterdir():
            with contextlib.suppress(FileNotFoundError):  # Another run that tries at this moment was faster.
                if each in (first, second) or time.time() - each.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                    each.unlink()
    return rename if renames else copy_verify_delete


def identity(file: os.stat_result) -> tuple[int, int]:
    """What of a file is another one once it was written to; a volume's client may number the same file anew."""
    return file.st_size, file.st_mtime_ns


def _copy(source: Path, target: Path) -> int | None:
    """Copy a file, unless a whole copy is there; what is there otherwise is replaced once nobody writes to it.

    Returns:
        The bytes of what was made; None where nothing was.

    Raises:
        FileNotFoundError: If the file is gone.
    """
    # It is opened first: where another run that copies it as well is done in between, it can still be read.
    with source.open("rb") as content:
        copy = _open_place(source, target)
        if copy is None:
            return None
        with copy:
            shutil.copyfileobj(content, copy, _CHUNK_BYTES)
            return copy.tell()


def _open_place(source: Path, target: Path) -> BinaryIO | None:
    """Open the place of a copy to write it; None where it is whole, or somebody else goes on writing to it.

    Raises:
        FileNotFoundError: If the file, or what was in the place, is gone.
    """
    with contextlib.suppress(FileExistsError):
        return target.open("xb")
    for _ in range(MOST_LOOKS):
        if filecmp.cmp(source, target, shallow=False):
            return None
        # A copy is never longer than its source. What is longer is a file that is put right in its place.
        is_no_copy = target.stat().st_size > source.stat().st_size
        if is_no_copy or (is_left(target) and source.exists()):
            return target.open("wb")
    return None

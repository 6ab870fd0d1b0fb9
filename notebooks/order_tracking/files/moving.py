"""Move files within a volume: by a rename where there is one, otherwise by copy, verify and delete."""

import contextlib
import filecmp
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from order_tracking.errors import VolumeError

#: Moves a file, in the place of whatever a cut short move left there. Tells whether it did: of two at once only one
#: does, and a file that is not there, or is written meanwhile, stays as it is.
Move = Callable[[Path, Path], bool]

_LEFT_BEHIND_SECONDS = 3600


def rename(source: Path, target: Path) -> bool:
    """Move a file in one step."""
    try:
        source.replace(target)
    except FileNotFoundError:
        return False
    return True


def copy_verify_delete(source: Path, target: Path) -> bool:
    """Move a file in three steps. To delete it is what only one of two can do, and it comes last: nothing is lost.

    The other one leaves its copy, since nobody knows where that one has moved it: it may be to the same place. A copy
    that is whole is not written again: for whoever made it, it may be the only one by then, and to write would cut it.
    """
    try:
        before = source.stat()
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            shutil.copyfile(source, target)
    except FileNotFoundError:
        return False  # What is at the target may be this very file, moved there before.
    try:
        copied = filecmp.cmp(source, target, shallow=False)
        after = source.stat()
        if copied and (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            source.unlink()
            return True
    except FileNotFoundError:
        return False
    target.unlink(missing_ok=True)
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

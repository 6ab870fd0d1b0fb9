"""The landing directory: which files have arrived, and whether one is still what it was."""

import errno
import hashlib
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path, PurePosixPath
from stat import S_ISLNK, S_ISREG

from order_tracking.files.pool import map_in_pool

#: A cloud upload shows as an empty file until it is complete, and other writers leave a line without its end: such a
#: file may just be on its way while it is young.
UNFINISHED_GRACE = timedelta(minutes=10)

#: An empty folder of that age is nobody's who is about to write into it.
_EMPTY_FOLDER_GRACE = timedelta(hours=1)

#: Begins the name of a folder of files that are loaded again.
REPLAY = "replay-"

#: Ends the name of the file that says why the file beside it was rejected.
REASON_ENDING = ".reason.txt"

_MAX_NAME_BYTES = 255

#: Files that their writers rename once they are complete, and reasons that came back with a rejected file.
_IGNORED_ENDINGS = {
    ".tmp": "its name ends in .tmp, so it is not finished: its writer renames it",
    "._COPYING_": "its name ends in ._COPYING_, so it is not finished: its writer renames it",
    REASON_ENDING: "it is the reason why a file was rejected",
}
_HIDDEN = "its name, or a folder's, starts with . or _"
_LINK = "it is a link; put there what it leads to"
_NO_FILE = "it is no file that could be read to its end"

#: The deployment puts it there, so that the directory exists.
_KEEP = ".keep"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class ArrivedFile:
    """A file as it was found. Written again, it is another file: size or modification time give it another id."""

    path: str
    size_bytes: int
    modified_at: datetime
    file_id: str


@dataclass(frozen=True)
class Arrivals:
    """What is in the landing directory.

    Attributes:
        files: The files to load, by path.
        left_alone: The files, and hidden folders, that are not, with the reason.
        unreadable: The files and folders that cannot even be looked at, with the reason.
        empty_folders: Folders with nothing in them.
    """

    files: list[ArrivedFile] = field(default_factory=list)
    left_alone: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    empty_folders: list[Path] = field(default_factory=list)


def list_arrivals(landing_directory: Path) -> Arrivals:
    """Look through the landing directory and its folders, once.

    Raises:
        OSError: If it cannot be listed; a folder in it that cannot be is told of.
    """
    found = Arrivals()
    paths: list[str] = []

    def tell(error: OSError) -> None:
        if Path(error.filename) == landing_directory:
            raise error
        if not isinstance(error, FileNotFoundError):
            folder = Path(error.filename).relative_to(landing_directory)
            found.unreadable[f"{folder.as_posix()}/"] = f"it cannot be listed: {error.strerror}"

    for folder, folders, names in os.walk(landing_directory, onerror=tell):
        below = Path(folder).relative_to(landing_directory)
        if not folders and not names and Path(folder) != landing_directory:
            found.empty_folders.append(Path(folder))
        for name in sorted(folders):
            if _is_hidden(name):
                found.left_alone[f"{(below / name).as_posix()}/"] = _HIDDEN
            elif (Path(folder) / name).is_symlink():  # Nobody walks into it: it may lead to a folder above.
                found.unreadable[f"{(below / name).as_posix()}/"] = _LINK
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        is_replay = below.parts[:1] != () and below.parts[0].startswith(REPLAY)
        unfinished = {name for name in names if is_replay and name.startswith(".")}
        for name in sorted(names):
            path = (below / name).as_posix()
            reason = _why_left_alone(name)
            if unfinished and unfinished_of(Path(name)).name in unfinished:
                reason = "it is being put back"
            if reason:
                found.left_alone[path] = reason
            elif name != _KEEP:
                paths.append(path)
    for path, file in zip(paths, map_in_pool(partial(look_at_or_say, landing_directory), paths), strict=True):
        if isinstance(file, str):
            found.unreadable[path] = file
        elif file:
            found.files.append(file)
    return found


def look_at_or_say(directory: Path, path: str) -> ArrivedFile | str | None:
    """Describe the file at `path` below `directory`, or say why that cannot be done; None if there is none."""
    try:
        return look_at(directory, path)
    except OSError as error:
        return f"it cannot be looked at: {error.strerror}"


def look_at(directory: Path, path: str) -> ArrivedFile | None:
    """Describe the file at `path` below `directory` as it is now; None if there is none.

    Raises:
        OSError: If it cannot be looked at, or is only a link: what is moved to the archive would not be the file.
    """
    try:
        stat = (directory / path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not S_ISREG(stat.st_mode):
        raise OSError(errno.ELOOP, _LINK if S_ISLNK(stat.st_mode) else _NO_FILE, path)
    identity = f"{path}\n{stat.st_size}\n{stat.st_mtime_ns}"
    try:
        modified_at = _EPOCH + timedelta(microseconds=stat.st_mtime_ns // 1000)
    except OverflowError:
        raise OSError(errno.EOVERFLOW, "it was written in no year that a date can have", path) from None
    return ArrivedFile(
        path=path,
        size_bytes=stat.st_size,
        modified_at=modified_at,
        file_id=hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:16],
    )


def why_unfinished(landing_directory: Path, file: ArrivedFile, now: datetime) -> str | None:
    """Say why a young file's content may still be on its way; None if nothing speaks for that."""
    if abs(now - file.modified_at) >= UNFINISHED_GRACE:  # A time to come is none at which anybody wrote it.
        return None
    if file.size_bytes == 0:
        return "it is empty and new, so it may still be on its way; a later run loads or rejects it"
    try:
        with (landing_directory / file.path).open("rb") as content:
            start = content.read(4096)
            content.seek(-1, os.SEEK_END)
            end = content.read()
    except OSError:
        return None  # It is gone, or will be told as what it is.
    if end == b"\n" or not _is_text(start):
        return None
    return "its last line has no end and it is new, so it may still be on its way; a later run loads it"


def reason_of(rejected: Path) -> Path:
    """Name the file beside a rejected one that says why. No name may have more than 255 bytes."""
    name = os.fsencode(rejected.name)
    if len(name) + len(REASON_ENDING) <= _MAX_NAME_BYTES:
        return rejected.with_name(rejected.name + REASON_ENDING)
    return rejected.with_name(f"{rejected.name[:40]}-{hashlib.sha256(name).hexdigest()[:16]}{REASON_ENDING}")


def unfinished_of(replayed: Path) -> Path:
    """Name the hidden file beside one that is loaded again, as which it is written until it is whole.

    No name may have more than 255 bytes.
    """
    name = os.fsencode(replayed.name)
    if len(name) < _MAX_NAME_BYTES:
        return replayed.with_name(f".{replayed.name}")
    return replayed.with_name(f".{replayed.name[:40]}-{hashlib.sha256(name).hexdigest()[:16]}")


def remove_emptied(folders: list[Path], now: datetime) -> None:
    """Remove folders that have been empty for a while, or they would be walked for ever."""
    for folder in folders:
        try:
            if now.timestamp() - folder.stat().st_mtime > _EMPTY_FOLDER_GRACE.total_seconds():
                folder.rmdir()
        except OSError:
            continue  # Somebody has put something into it, or was faster.


def is_path_below(path: str) -> bool:
    """Tell whether a path leads to a place below the directory that it is joined to."""
    parts = PurePosixPath(path).parts
    return bool(parts) and "\0" not in path and not path.startswith("/") and ".." not in parts


def _why_left_alone(name: str) -> str | None:
    if name == _KEEP:
        return None
    if _is_hidden(name):
        return _HIDDEN
    return next((reason for ending, reason in _IGNORED_ENDINGS.items() if name.endswith(ending)), None)


def _is_text(start: bytes) -> bool:
    """Tell whether the start of a file may be that of a text, cut anywhere."""
    if b"\0" in start:
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(start) - 3
    return True


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))

"""The landing directory: which files have arrived, and whether one is still what it was."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

#: A cloud upload shows as an empty file until it is complete, so a young empty file may just be on its way.
EMPTY_FILE_GRACE = timedelta(minutes=10)

#: Ends the name of the file that says why the file beside it was rejected.
REASON_ENDING = ".reason.txt"

#: Files that their writers rename once they are complete, and reasons that came back with a rejected file.
IGNORED_ENDINGS = (".tmp", "._COPYING_", REASON_ENDING)

#: Starts the name of the folder that a replay puts into the landing directory.
REPLAY_FOLDER = "replay-"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class ArrivedFile:
    """A file as it was found. Written again, it is another file: size or modification time give it another id."""

    path: str
    size_bytes: int
    modified_at: datetime
    file_id: str


def list_arrivals(landing_directory: Path) -> list[ArrivedFile]:
    """List the files in the landing directory and its folders, hidden and ignored ones left out, by path."""
    found = (look_at(landing_directory, path) for path in _visible_paths(landing_directory))
    return [file for file in found if file]


def look_at(directory: Path, path: str) -> ArrivedFile | None:
    """Describe the file at `path` below `directory` as it is now; None if there is none."""
    try:
        stat = (directory / path).stat()
    except FileNotFoundError:
        return None
    identity = f"{path}\n{stat.st_size}\n{stat.st_mtime_ns}"
    return ArrivedFile(
        path=path,
        size_bytes=stat.st_size,
        modified_at=_EPOCH + timedelta(microseconds=stat.st_mtime_ns // 1000),
        file_id=hashlib.sha256(identity.encode()).hexdigest()[:16],
    )


def may_be_unfinished(file: ArrivedFile, now: datetime) -> bool:
    """Tell whether a file is empty and so young that its content may still be on its way."""
    return file.size_bytes == 0 and now - file.modified_at < EMPTY_FILE_GRACE


def _visible_paths(landing_directory: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(landing_directory):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(names):
            if not _is_hidden(name) and not name.endswith(IGNORED_ENDINGS):
                yield (Path(folder) / name).relative_to(landing_directory).as_posix()


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))

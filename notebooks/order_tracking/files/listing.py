"""List directories: one that cannot be listed is an error, since what is in it would be taken for nothing.

Python's own patterns differ in that: `Path.glob` passes over such a directory, from 3.12 on whatever the error is.
"""

import os
from collections.abc import Iterator
from pathlib import Path


def paths_in(directory: Path, ending: str = "") -> list[Path]:
    """List what is in a directory in the order of the names.

    Args:
        directory: The directory.
        ending: How the names end that count.

    Raises:
        OSError: If it cannot be listed, or is not there.
    """
    return sorted(path for path in directory.iterdir() if path.name.endswith(ending))


def paths_in_any(directory: Path) -> list[Path]:
    """List what is in a directory that need not be there, or be one.

    Raises:
        OSError: If it cannot be listed.
    """
    try:
        return paths_in(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def walk(directory: Path) -> Iterator[tuple[Path, list[str]]]:
    """List all directories from one on in the order of the paths, each with the names of the files in it.

    To ask each one whether it is a file would be a round trip for each.

    Raises:
        OSError: If one cannot be listed.
    """
    for folder, folders, names in os.walk(directory, onerror=_raise_unless_gone):
        folders.sort()
        yield Path(folder), sorted(names)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error

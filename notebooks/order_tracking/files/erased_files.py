"""Erase an order from archived and rejected files: search all of them, and write those anew that have it."""

import contextlib
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from order_tracking.errors import RemovalError, UnreadableFileError
from order_tracking.files.inspection import COMPRESSED_ENDINGS, check_signature
from order_tracking.files.landing import REASON_ENDING, reason_of
from order_tracking.files.listing import walk
from order_tracking.files.moving import identity, is_left
from order_tracking.files.order_records import OrderRecords
from order_tracking.files.pool import map_in_pool
from order_tracking.files.volume import Volume, files_below

_CHUNK_BYTES = 4 << 20
#: How a file begins tells whether it is text.
_START_BYTES = 1 << 12

#: Beside the directories, so that nobody takes an unfinished file for one that was sent.
_UNFINISHED = ".erasing"

#: What a reason shows of a file's rows begins with one of these; the last one is before a name that is too long, which
#: is a row's value where a row was taken for the header.
_SHOWN = re.compile(
    r"(; line |: its first line is |, which is Windows-1252 if the line reads |(?<= characters), (?=['\"])).*",
    re.DOTALL,
)


@dataclass(frozen=True)
class FoundFile:
    """A file with records of the order.

    Attributes:
        location: Where it is.
        batch_id: Its batch.
        path: Its path below the batch's directory.
        records: The order's records, as they are in it.
    """

    location: Path
    batch_id: str
    path: str
    records: tuple[bytes, ...]


@dataclass(frozen=True)
class Search:
    """What a search of all files came to.

    Attributes:
        searched: The files that were looked through, from the volume on, with their paths below the batch's directory.
        found: Those that have records of the order.
        unsearched: Those that nobody can look through, from the volume on, with the reason.
    """

    searched: dict[str, str]
    found: tuple[FoundFile, ...]
    unsearched: dict[str, str]


def search_files(volume: Volume, directory: str, records: OrderRecords) -> Search:
    """Look through all files of `archive` or `rejected`."""
    in_batches = map_in_pool(_files_of, volume.batches_of(directory))
    files = [file for of_batch in in_batches for file in of_batch]

    results = map_in_pool(lambda file: look_through(records, *file), files)
    return Search(
        {volume.relative(location): path for location, _, path in files},
        tuple(result for result in results if isinstance(result, FoundFile)),
        {
            volume.relative(file[0]): result
            for file, result in zip(files, results, strict=True)
            if isinstance(result, str)
        },
    )


def look_through(records: OrderRecords, location: Path, batch_id: str, path: str) -> FoundFile | str | None:
    """Look through one file; None if it has none of the order's records, a text that says why if nobody can look."""
    try:
        texts = tuple(each.text for each in records.find(location)) if _may_have(location, records) else ()
    except UnreadableFileError as error:
        return str(error)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return FoundFile(location, batch_id, path, texts) if texts else None


def rewrite_file(
    volume: Volume,
    file: FoundFile,
    records: OrderRecords,
    erased: Callable[[str], str],
    note: Callable[[int, int], None],
) -> None:
    """Write a file anew without the order's records, and its reason without what it tells of them.

    Args:
        volume: The volume.
        file: The file.
        records: Tells the order's records.
        erased: Takes out of a text what it tells of them.
        note: Is told the file's size, and its new one before it is in its place; where it does not get there, this one
            and that of the file which is in the place instead, or 0 where its sender wrote to it.

    Raises:
        FileNotFoundError: If it is not there any more, as where it was withdrawn meanwhile.
        RemovalError: If it is written by another run, and what is there may be a part of a copy.
    """
    reason = reason_of(file.location)
    if reason.exists():
        reason.write_text(f"{erased(reason.read_text(encoding='utf-8')).rstrip()}\n", encoding="utf-8")
    is_done = False
    while not is_done:
        before = file.location.stat()
        folder = volume.path / _UNFINISHED / secrets.token_hex(4)
        unfinished = folder / file.location.relative_to(volume.path)
        unfinished.parent.mkdir(parents=True)
        try:
            records.rewrite(file.location, unfinished)
            size = unfinished.stat().st_size
            note(before.st_size, size)
            # What was moved away meanwhile would be there twice, and what another erasure took out would be back.
            now = file.location.stat()
            is_same = identity(now) == identity(before)
            if not is_same:
                # A longer one is its sender's, which is loaded again where another size is noted than it has then.
                note(size, 0 if now.st_size > before.st_size else now.st_size)
                if volume.copies:
                    shutil.rmtree(folder)  # It has what the other run takes out, and nobody may put it into the place.
                    raise RemovalError(
                        f"{file.path} is being written by another run; the next run of the load job goes on"
                    )
            while is_same and not is_done and unfinished.exists():
                # It is the only whole one where another run has put it into its place at the same time. A file that was
                # moved away since would be there twice.
                file.location.stat()
                is_done = volume.move(unfinished, file.location)
        except FileNotFoundError:
            # A run of the load job that finishes the same erasure has taken this one for cut short.
            if not file.location.exists():
                raise
        shutil.rmtree(folder)


def clean_lone_reasons(
    volume: Volume,
    files: Iterable[tuple[str, str]],
    is_of_order: Callable[[str], bool],
    erased: Callable[[str], str],
) -> None:
    """Take what is told of the order out of reasons whose files are gone, as where a replay of them was cut short.

    Args:
        volume: The volume.
        files: Files that had the order, by batch and path, whether or not their reasons name it.
        is_of_order: Tells whether a text has the order's key.
        erased: Takes out of a text what it tells of the order.
    """
    of_order = {reason_of(volume.rejected_of(batch_id) / path) for batch_id, path in files}
    for batch in volume.batches_of("rejected"):
        for folder, names in walk(batch):
            of_files = {reason_of(Path(name)).name for name in names}
            for name in names:
                reason = Path(folder, name)
                if not name.endswith(REASON_ENDING) or name in of_files:
                    continue
                with contextlib.suppress(FileNotFoundError):  # A replay of its file removes it.
                    text = reason.read_text(encoding="utf-8")
                    if reason in of_order or is_of_order(text):
                        reason.write_text(f"{erased(text).rstrip()}\n", encoding="utf-8")


def without_shown_rows(reason: str) -> str:
    """Take out of the reason why a file was rejected what it shows of the file's rows."""
    return _SHOWN.sub("", reason)


def shown_rows(reason: str) -> str:
    """What the reason why a file was rejected shows of the file's rows."""
    shown = _SHOWN.search(reason)
    return shown[0].removeprefix(shown[1]) if shown else ""


def finish_rewriting(volume: Volume) -> None:
    """Finish what was cut short while a file was written, or put into its place.

    It has to be done before anybody moves or reads such a file. One in its place that is a part of the one which was to
    come there is a copy that was cut short, or one that another run is about to make once nobody writes to the place.
    Any other is whole, whatever its length: it has the order still, or lacks another one that was erased since.
    """
    for folder, names in walk(volume.path / _UNFINISHED):
        for unfinished in (folder / name for name in names):
            place = volume.path.joinpath(*unfinished.relative_to(volume.path / _UNFINISHED).parts[1:])
            # Another run may be about to do the same.
            with contextlib.suppress(FileNotFoundError):
                if place.exists() and (_is_part(place, unfinished) or (volume.copies and not is_left(place))):
                    volume.move(unfinished, place)
                else:
                    unfinished.unlink()


def _files_of(batch: Path) -> list[tuple[Path, str, str]]:
    return [(batch / path, batch.name, path) for path in files_below(batch)]


def check_text(path: Path) -> None:
    """Refuse a file that nobody can look through.

    Raises:
        UnreadableFileError: If it is compressed, or no text otherwise.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        _check_start(file.read(_START_BYTES), path.name)


def _check_start(start: bytes, name: str) -> None:
    if start:
        check_signature(start, name)
    if name.lower().endswith(COMPRESSED_ENDINGS):
        raise UnreadableFileError("it is compressed, or named as if it were")


def _is_part(path: Path, whole: Path) -> bool:
    """Tell whether a file is the beginning of a longer one."""
    if path.stat().st_size >= whole.stat().st_size:
        return False
    with path.open("rb") as part, whole.open("rb") as file:
        return all(chunk == file.read(len(chunk)) for chunk in iter(lambda: part.read(_CHUNK_BYTES), b""))


def _may_have(path: Path, records: OrderRecords) -> bool:
    """Tell whether a closer look, which takes ten times as long, could find anything.

    Of most files this is the only look, which is a few round trips where a volume is far away.

    Raises:
        UnreadableFileError: If nobody can look through it.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        chunk = file.read(_CHUNK_BYTES)
        _check_start(chunk[:_START_BYTES], path.name)
        before = b""
        while chunk:
            text = before + chunk
            if records.may_be_in(text):
                return True
            before = text[-len(records.key_bytes) :]
            chunk = file.read(_CHUNK_BYTES)
    return False

"""Look into a file before Spark reads it: its header, and what makes it unreadable as a whole."""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from order_tracking.contract import COLUMNS, Column, normalised

#: Spark unpacks files with these endings, whatever is in them.
COMPRESSED_ENDINGS = (".gz", ".bz2", ".zst", ".lz4", ".snappy", ".deflate")


@dataclass(frozen=True)
class Header:
    """A file's column names, in the file's order, and whether its quotes can be trusted.

    Attributes:
        names: The names as the file has them.
        well_quoted: False if a quote somewhere in the file is not closed, or closed in the middle of a value. A value
            that spans lines may then have swallowed other rows.
    """

    names: tuple[str, ...]
    well_quoted: bool

    def position_of(self, column: str) -> int | None:
        """Return where the file has one of the contract's columns; None if it does not."""
        return next((i for i, name in enumerate(self.names) if _known_as(name) == column), None)

    def unknown_names(self) -> tuple[str, ...]:
        """Return the names that the contract does not know."""
        return tuple(name for name in self.names if not _known_as(name))


def column_name(header_name: str) -> str:
    """Name the column that takes the values of a header's unknown name."""
    return re.sub(r"\W+", "_", header_name.strip().casefold()).strip("_")


def _known_as(header_name: str) -> str | None:
    """Return the contract's column that a header's name means."""
    return _COLUMNS_BY_NAME.get(normalised(header_name))


def names_by_spelling(columns: Iterable[Column]) -> dict[str, str]:
    """Map every name that a header may give a column, normalised, to the column's own."""
    return {normalised(name): column.name for column in columns for name in (column.name, *column.aliases)}


_COLUMNS_BY_NAME = names_by_spelling(COLUMNS)


class UnreadableFileError(Exception):
    """A file that cannot be loaded; the message says why, and what its sender has to change."""


def inspect(path: Path, allow_new_columns: bool = True) -> Header:
    """Read a file through once and return its header.

    Args:
        path: The file.
        allow_new_columns: Whether the header may name columns that the contract does not know.

    Raises:
        UnreadableFileError: If no row of it could be loaded.
        FileNotFoundError: If it is not there any more.
    """
    _check_name(path.name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            header = _read_header(text)
            if text.newlines == "\r":
                raise UnreadableFileError("its lines end in a lone carriage return; end them in LF or CRLF")
    except UnicodeDecodeError:
        raise UnreadableFileError("it is not UTF-8 text; save it as UTF-8") from None
    _check_columns(header)
    if not allow_new_columns and header.unknown_names():
        raise UnreadableFileError(
            f"its header has the unknown columns {', '.join(header.unknown_names())}; leave them out"
        )
    return header


def _check_name(name: str) -> None:
    if name.lower().endswith(COMPRESSED_ENDINGS):
        raise UnreadableFileError("it is compressed, or named as if it were; send it as plain CSV")
    if ":" in name:
        raise UnreadableFileError("its name has a colon, which Spark cannot read; name it otherwise")


def _read_header(text: TextIO) -> Header:
    records = csv.reader(text, strict=True)
    try:
        names = next((record for record in records if record), None)
    except csv.Error as error:
        raise UnreadableFileError(f"its header is not valid CSV: {error}") from None
    if names is None:
        raise UnreadableFileError("it is empty")
    try:
        for _ in records:
            pass
        well_quoted = True
    except csv.Error:
        well_quoted = False
        while text.read(1 << 20):  # The rest must be UTF-8 too.
            pass
    return Header(tuple(name.strip() for name in names), well_quoted)


def _check_columns(header: Header) -> None:
    counts = Counter(_known_as(name) for name in header.names)
    twice = [column.name for column in COLUMNS if counts[column.name] > 1]
    missing = [column.name for column in COLUMNS if column.required and not counts[column.name]]
    if twice:
        raise UnreadableFileError(f"its header names {', '.join(twice)} more than once; name each column once")
    if missing:
        raise UnreadableFileError(f"its header lacks {', '.join(missing)}; add what is missing")

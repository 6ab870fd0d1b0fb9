"""The records of one order in a file, found in its bytes without Spark: the lines that they begin in, or all else."""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from order_tracking.contract.contract import Contract
from order_tracking.files.records import Record, read_records

_CONTROLS = bytes({*range(32), 127} - set(b"\t\n\r"))
_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff]")


@dataclass(frozen=True)
class FoundRecord:
    """A record of the order.

    Attributes:
        line: The number of the line that it begins in, from 1, as an editor counts.
        number: Its number among the rows of the file, from 1, as the quarantine counts; None if it is the first line.
        text: Its bytes.
    """

    line: int
    number: int | None
    text: bytes


class OrderRecords:
    """Tells the records of an order from all others.

    A record that has a value for the key is of the order whose key it is, and of those whose rows another value of it
    swallowed. One that has none, or that cannot be split by the header, is of each order whose key is a word of it: it
    may be that order's, and nobody can tell. So is a header that spans lines.
    """

    def __init__(self, contract: Contract, key: str) -> None:
        """Look for the order with this key."""
        self._contract = contract
        self.key = _cleaned(key, contract)
        self.key_bytes = self.key.encode()
        self.pattern = rf"(?<![\w-]){re.escape(self.key)}(?![\w-])"
        self._word = re.compile(self.pattern, re.IGNORECASE if contract.column(contract.key).case else 0)

    def find(self, path: Path) -> Iterator[FoundRecord]:
        """List the order's records in a file.

        Raises:
            UnreadableFileError: If a record is too long to be one.
        """
        with path.open("rb") as file:
            for record, number, is_of_order in self._told_apart(file):
                if is_of_order:
                    yield FoundRecord(record.line, number, record.text)

    def may_be_in(self, text: bytes) -> bool:
        """Tell at a glance whether a part of a file could have the key, however it is written."""
        is_plain = text.isascii() and len(text.translate(None, _CONTROLS)) == len(text) and b'"' not in self.key_bytes
        return not is_plain or self.key_bytes.lower() in text.lower()

    def rewrite(self, path: Path, target: Path) -> None:
        """Write all records of a file but the order's, and no blank lines, to another file.

        Raises:
            UnreadableFileError: If a record is too long to be one.
        """
        # In one pass: what stands at the path may be another file by the next one.
        with path.open("rb") as file, target.open("wb") as rest:
            for record, _, is_of_order in self._told_apart(file):
                if not is_of_order:
                    rest.write(record.text + (b"\n" if record.ended else b""))

    def is_word_of(self, text: str) -> bool:
        """Tell whether the key is a word of a text."""
        return bool(self._word.search(_composed(text)))

    def _told_apart(self, file: BinaryIO) -> Iterator[tuple[Record, int | None, bool]]:
        """Each record but blank lines, with its number among the rows and whether it is the order's."""
        position, number = None, None
        for record in read_records(file):
            if record.is_blank:
                continue
            fields = values_of(record.text.decode(errors="replace"))
            if number is None:
                position = self._position_of_key(fields)
            # Names that span lines may have swallowed rows, and nobody can tell where the key is in these.
            may_be_rows = number is None and b"\n" in record.text
            if position is None or may_be_rows:
                is_of_order = self._is_word_of(record)
            else:
                is_of_order = self._is_of_order(record, fields, position)
            yield record, number, is_of_order
            number = (number or 0) + 1

    def _position_of_key(self, header: list[str]) -> tuple[int, int] | None:
        known = [self._contract.known_as(name) for name in header]
        return (known.index(self._contract.key), len(header)) if self._contract.key in known else None

    def _is_of_order(self, record: Record, fields: list[str], position: tuple[int, int]) -> bool:
        at, width = position
        value = _cleaned(fields[at], self._contract) if len(fields) == width else ""
        if not value:
            return self._is_word_of(record)
        return value == self.key or any(self._has_row(each, where, position) for where, each in enumerate(fields))

    def _has_row(self, value: str, where: int, position: tuple[int, int]) -> bool:
        """Tell whether a value swallowed a row of the order, as between two stray quotes in one column.

        It is the end of a row from that column on, then whole ones, then one up to that column.
        """
        at, width = position
        first, *lines = (line.split(",") for line in value.split("\n"))
        keys: list[str] = []
        for line in lines[:-1]:
            if len(line) == width:
                keys.append(line[at])
            elif len(line) > width:  # A value has commas of its own, and nobody knows which one is the key.
                keys += line
        # The column that both quotes are in may have commas, too: at the begin of the first line, and the end of the
        # last one. So the key is counted from the other end; if that column is the key's, it is in one of its parts.
        if lines and at >= where and len(first) >= width - where:
            keys += [first[at - width]] if at > where else first[: at - width + 1 or None]
        if lines and at <= where < len(lines[-1]):
            keys += [lines[-1][at]] if at < where else lines[-1][at:]
        return any(_cleaned(key, self._contract) == self.key for key in keys)

    def _is_word_of(self, record: Record) -> bool:
        return self.is_word_of(record.text.decode(errors="replace"))


def values_of(text: str) -> list[str]:
    """Split a record into its values; none where its quotes are not in order."""
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        return []


def _cleaned(value: str, contract: Contract) -> str:
    """Write a key as the tables have it, but for characters that nobody sees: with them, a row is never loaded."""
    text = re.sub(r"\s", " ", _composed(value))
    text = "".join(each for each in text if unicodedata.category(each) not in ("Cc", "Cf")).strip()
    case = contract.column(contract.key).case
    return text.upper() if case == "upper" else text.lower() if case == "lower" else text


def _composed(text: str) -> str:
    return _ZERO_WIDTH.sub("", unicodedata.normalize("NFC", text))

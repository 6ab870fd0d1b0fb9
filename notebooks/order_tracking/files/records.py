"""The records of an order file, found in its bytes without Spark: where each begins, and how many there are.

Spark ends a record at a line feed and nowhere else; a value in quotes may hold one. A carriage return is a part of the
value before it, so a file whose lines end in nothing else has one record. Lines without a character do not count;
neither do those of white space, but they are records to Spark, which matters where a header is looked for.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from order_tracking.errors import UnreadableFileError

#: A longer record is a quote that is never closed, or no text; to read it takes memory that nobody has planned for.
MAX_RECORD_BYTES = 16 << 20

#: A record of nothing else is blank.
BLANK = b" \t\f\r"

LINE_END = re.compile(r"[\r\n]")

_CHUNK_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_VALUE_END = re.compile(rb"[,\n]")
_AFTER_QUOTE = re.compile(rb"[\x00-\x09\x0b-\x20]*")
_TO_NEXT_VALUE = re.compile(r"[\x00-\x09\x0b-\x20]*(?=,|\Z)")
_CARRIAGE_RETURNS_AS_LINE_FEEDS = bytes.maketrans(b"\r\n", b"\n\r")
#: `csv` keeps each value of a record, in ten times the memory of its bytes.
_MAX_SPLIT_CHARACTERS = 1 << 20


@dataclass(frozen=True)
class Record:
    """A record of a file.

    Attributes:
        line: The number of the line that it begins in, from 1, as an editor counts.
        text: Its bytes, without the line feed.
        well_quoted: False if a quote is not closed, or closed in the middle of a value.
        ended: Whether a line feed ends it.
    """

    line: int
    text: bytes
    well_quoted: bool
    ended: bool

    @property
    def is_blank(self) -> bool:
        """Tell whether nothing but white space is in it."""
        return not self.text.strip(BLANK)


def read_records(file: BinaryIO) -> Iterator[Record]:
    """Split a file into its records, as Spark does.

    Raises:
        UnreadableFileError: If one is too long.
    """
    buffer, position, line, complete = file.read(_CHUNK_BYTES), 0, 1, False
    if buffer.startswith(_BYTE_ORDER_MARK):
        position = len(_BYTE_ORDER_MARK)
    while True:
        end, well_quoted = _end_of_record(buffer, position)
        if len(buffer) - position > MAX_RECORD_BYTES and not 0 <= end - position <= MAX_RECORD_BYTES:
            raise UnreadableFileError(
                f"line {line} begins a row of more than {MAX_RECORD_BYTES >> 20} MiB; a quote in it may not be closed"
            )
        if end < 0 and not complete:
            # A record may be as long as the file: twice as much each time, or it would be looked through for ever.
            more = file.read(max(_CHUNK_BYTES, 2 * (len(buffer) - position)))
            complete = not more
            buffer, position = buffer[position:] + more, 0
            continue
        text = buffer[position:] if end < 0 else buffer[position:end]
        if text:
            yield Record(line, text, well_quoted, end >= 0)
        if end < 0:
            return
        line += text.count(b"\n") + 1
        position = end + 1


def divided_at_carriage_returns(record: bytes) -> list[bytes]:
    """Divide a record as if a carriage return ended it, and not a line feed.

    Returns:
        Its lines, each with the carriage return that ends it.
    """
    text, lines, position = record.translate(_CARRIAGE_RETURNS_AS_LINE_FEEDS), [], 0
    while (end := _end_of_record(text, position)[0]) >= 0:
        lines.append(record[position : end + 1])
        position = end + 1
    return [*lines, record[position:]]


def _end_of_record(buffer: bytes, position: int) -> tuple[int, bool]:
    """Return where the line feed is that ends a record, -1 if there is none, and whether its quotes are in order."""
    well_quoted = True
    while True:
        if buffer.startswith(b'"', position):
            position, closed = _end_of_quotes(buffer, position + 1)
            well_quoted = well_quoted and closed
            if position < 0:
                return -1, well_quoted
        end = _VALUE_END.search(buffer, position)
        if end is None:
            return -1, well_quoted
        if end[0] == b"\n":
            return end.start(), well_quoted
        position = end.end()


def _end_of_quotes(buffer: bytes, position: int) -> tuple[int, bool]:
    """Return where a quoted value ends, whose content begins at a position (-1: with the text), and whether well."""
    while True:
        quote = buffer.find(b'"', position)
        if quote < 0:
            return -1, False
        if buffer.startswith(b'"', quote + 1):
            position = quote + 2
            continue
        blank = _AFTER_QUOTE.match(buffer, quote + 1)
        after = blank.end() if blank else quote + 1
        if after == len(buffer):
            return -1, True
        return after, buffer[after : after + 1] in (b",", b"\n")


def values_of(text: str) -> list[str]:
    """Split a record into its values, as Spark does.

    Returns:
        The values; none where a quote is not closed, or is closed early in a record of several lines, which may be
        other rows.
    """
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:  # It also refuses a long value, and a carriage return in the middle.
        return _values_closely(text)


def _values_closely(text: str) -> list[str]:
    values, position, spans_lines = [], 0, LINE_END.search(text.rstrip("\r\n"))
    while position <= len(text):
        begin = position
        if text.startswith('"', begin):
            quote = _closing_quote(text, begin + 1)
            after = _TO_NEXT_VALUE.match(text, quote + 1)
            if quote < 0 or (not after and spans_lines):
                return []
            if after:
                values.append(text[begin + 1 : quote].replace('""', '"'))
                position = after.end() + 1
                continue
            position = quote
        comma = text.find(",", position)
        end = len(text) if comma < 0 else comma
        values.append(text[begin:end])
        position = end + 1
    return values


def _closing_quote(text: str, position: int) -> int:
    """Return where the quote is that closes a value whose content begins at a position; -1 if there is none."""
    # By no pattern: a repeated group takes memory for each doubled quote.
    while (quote := text.find('"', position)) >= 0 and text.startswith('"', quote + 1):
        position = quote + 2
    return quote


def count_well_quoted(path: Path) -> tuple[int, bool, int] | None:
    """Count the records of a file that has quotes, blank ones left out; None if that takes a closer look.

    Returns:
        The number of records, whether one of them spans lines, and how many values the widest has.
    """
    length = 0

    def short_enough(lines: Iterable[str]) -> Iterator[str]:
        nonlocal length
        for line in lines:
            length += len(line)
            if length > _MAX_SPLIT_CHARACTERS:
                raise csv.Error("a record is too long to be split here")
            yield line

    with path.open(encoding="utf-8-sig", newline="\n") as text:
        reader = csv.reader(short_enough(text), strict=True)
        try:
            count = blank = widest = 0
            for record in reader:
                length = 0
                if len(record) == 1 and not record[0].strip(" \t\f"):
                    return None  # Blank, or quoted.
                if record:
                    count += 1
                    widest = max(widest, len(record))
                else:
                    blank += 1
            return count, reader.line_num > count + blank, widest
        except csv.Error:
            return None

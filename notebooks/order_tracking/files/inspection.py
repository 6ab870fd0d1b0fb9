"""Look into a file before Spark reads it: what makes it unreadable as a whole, its header, and how many rows it has."""

import codecs
import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from order_tracking.contract.contract import MAX_NAME_LENGTH, Contract, column_name
from order_tracking.errors import UnreadableFileError
from order_tracking.files.records import MAX_RECORD_BYTES, Record, count_well_quoted, read_records
from order_tracking.parameters import NewColumns

#: Spark unpacks files with these endings, whatever is in them.
COMPRESSED_ENDINGS = (".gz", ".bz2", ".zst", ".lz4", ".snappy", ".deflate")

#: Spark's reader takes so many values of a row if it is told nothing, and needs more memory with each.
DEFAULT_MAX_VALUES = 20_480
#: An order has a few.
MAX_COLUMNS = 1_000

#: Unicode keeps it for what is in no text. The reader is told to take it for what it would otherwise take a NUL for.
NO_CHARACTER = "\uffff"

#: What Spark would read in a path as a pattern.
PATTERN_CHARACTERS = r"([\\\[\]{}*?])"

_CHUNK_BYTES = 4 << 20
_BLANK_LINE = re.compile(rb"^[ \t\f\r]*\n", re.MULTILINE)
_CONTROLS = bytes({*range(32), 127} - set(b"\n\r"))

#: How files begin that are no CSV, and what to say of them.
_SIGNATURES = (
    (b"PK\x03\x04", "it is a zip archive; send the files that are in it"),
    (b"\xd0\xcf\x11\xe0", "it is an Excel workbook; save it as CSV (UTF-8)"),
    (b"\x1f\x8b", "it is compressed; send it as plain CSV"),
    (b"BZh", "it is compressed; send it as plain CSV"),
    (b"\xfd7zXZ", "it is compressed; send it as plain CSV"),
    (b"\x28\xb5\x2f\xfd", "it is compressed; send it as plain CSV"),
    (b"Rar!", "it is a RAR archive; send the files that are in it"),
    (b"7z\xbc\xaf", "it is a 7-Zip archive; send the files that are in it"),
    (b"PAR1", "it is a Parquet file; save it as CSV (UTF-8)"),
    (b"%PDF", "it is a PDF document; send the data as CSV (UTF-8)"),
    (b"\xff\xfe\0\0", "it is UTF-32, not UTF-8 text; save it as UTF-8"),
    (b"\0\0\xfe\xff", "it is UTF-32, not UTF-8 text; save it as UTF-8"),
    (b"\xff\xfe", "it is UTF-16, not UTF-8 text; save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16, not UTF-8 text; save it as UTF-8"),
)
_OTHER_FORMATS = {"{": "JSON", "[": "JSON", "<": "HTML or XML"}
#: So much of the line that was taken for the header is shown.
_SHOWN_CHARACTERS = 100
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Header:
    """A file's column names, in the file's order.

    Attributes:
        names: The names as the file has them.
        columns: The contract's column that each of them means; None if it knows none.
    """

    names: tuple[str, ...]
    columns: tuple[str | None, ...]

    def position_of(self, column: str) -> int | None:
        """Return where the file has one of the contract's columns; None if it does not."""
        return next((i for i, known in enumerate(self.columns) if known == column), None)

    def unknown_names(self) -> tuple[str, ...]:
        """Return the names that the contract does not know."""
        return tuple(name for name, known in zip(self.names, self.columns, strict=True) if not known)


@dataclass(frozen=True)
class Content:
    """What is in a file, by its bytes.

    Attributes:
        records: How many rows it has, blank ones left out.
        well_quoted: False if a quote somewhere in the file is not closed, or closed in the middle of a value. A value
            that spans lines may then have swallowed other rows.
        spans_lines: Whether a row may span lines.
        is_plain: Whether it is all ASCII without control characters, so that no value needs a closer look.
        is_composed: Whether its text is in Unicode's composed form (NFC).
        skipped: How many records of white space are before the header, which are none to people.
        max_values: How many values its widest row has, where that is more than Spark's reader expects.
        last: The last record's number, counted from 0 as Spark counts, if no line end follows it: it may be cut.
    """

    header: Header
    records: int
    well_quoted: bool = True
    spans_lines: bool = False
    is_plain: bool = True
    is_composed: bool = True
    skipped: int = 0
    last: int | None = None
    max_values: int = DEFAULT_MAX_VALUES


def check_path(path: str) -> None:
    """Refuse a file for its name, or those of its folders, below the landing directory.

    Raises:
        UnreadableFileError: If Spark cannot read it.
    """
    folder, _, name = path.rpartition("/")
    if name.lower().endswith(COMPRESSED_ENDINGS):
        raise UnreadableFileError("it is compressed, or named as if it were; send it as plain CSV")
    # A folder's colon only matters to it where it looks for a pattern.
    if ":" in name or (":" in folder and re.search(PATTERN_CHARACTERS, path)):
        raise UnreadableFileError("its name, or a folder's, has a colon, which Spark cannot read; name it otherwise")
    if not path.isprintable() and any(unicodedata.category(character) == "Cs" for character in path):
        raise UnreadableFileError("its name, or a folder's, is not UTF-8, which Spark cannot read; name it otherwise")


def inspect(path: Path, contract: Contract, new_columns: NewColumns = NewColumns.IGNORE) -> Content:
    """Read a file through once, a second time only if it has quotes.

    Args:
        path: The file.
        contract: The contract.
        new_columns: What happens to columns that the contract does not know.

    Raises:
        UnreadableFileError: If no row of it could be loaded.
        FileNotFoundError: If it is not there any more.
    """
    text = _read_through(path)
    with path.open("rb") as file:
        skipped, first = 0, None
        for record in read_records(file):
            if not record.is_blank:
                first = record
                break
            skipped += 1
    if first is None:
        raise UnreadableFileError("it is empty")
    header = _read_header(first, contract)
    _check_columns(header, first, contract)
    _check_new_columns(header, contract, new_columns)
    records, well_quoted, spans_lines, is_ended, widest = text.filled_lines, True, False, text.is_ended, 0
    if text.quotes:
        counted = count_well_quoted(path)
        if counted is None:
            records, well_quoted, is_ended, widest = _count_closely(path)
            spans_lines = True
        else:
            records, spans_lines, widest = counted
    if records == 1 and b"\n" in first.text:
        # Any row that is left tells of it, since it has another number of values. Where none is, nothing would.
        raise UnreadableFileError(
            "it has no rows, and its header spans lines: a quote in it that is not closed there may have swallowed "
            f"them; close it, or write the names in one line: {_as_read(first)}"
        )
    return Content(
        header,
        records - 1,
        well_quoted,
        spans_lines,
        text.is_plain,
        text.is_composed,
        skipped,
        None if is_ended or records == 1 else _count_for_spark(path) - 1,
        max(text.max_values, widest),
    )


def lines_of(path: Path, rows: set[int]) -> dict[int, int]:
    """Return the lines in which rows of a file begin, both counted from 1, the header left out of the rows."""
    with path.open("rb") as file:
        filled = (record for record in read_records(file) if not record.is_blank)
        return {row: record.line for row, record in enumerate(filled) if row in rows}


def find_row(path: Path, part_at: int, number_in_part: int) -> tuple[int, str] | None:
    """Find a row by its place in a part of a file whose lines are rows, as Spark divides files.

    A line that begins where a part does is read with the part before.

    Args:
        path: The file.
        part_at: The byte where the part begins.
        number_in_part: The row's number in it, from 1.

    Returns:
        Its number in the file, from 1 and without the header, and its line; None if there is none.
    """
    position, number, before = 0, -1, 0 if part_at == 0 else None
    with path.open("rb") as file:
        for line in file:
            if before is None and position > part_at:
                before = number
            text = line if position else line.removeprefix(codecs.BOM_UTF8)
            position += len(line)
            if not text.strip(b" \t\r\n"):
                continue
            number += 1
            if before is not None and number - before == number_in_part:
                return number, text.decode().removesuffix("\n")
    return None


@dataclass
class _Text:
    """What a file's bytes tell without a look at its values."""

    quotes: int = 0
    filled_lines: int = 0
    is_ended: bool = True
    is_plain: bool = True
    is_composed: bool = True
    max_values: int = DEFAULT_MAX_VALUES


def _read_through(path: Path) -> _Text:
    found, line = _Text(), 1
    for lines in _whole_lines(path):
        if line == 1:
            check_signature(lines, path.name)
        try:
            text = lines.decode()
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                raise UnreadableFileError(
                    "it ends in the middle of a character: it is cut, or not UTF-8; send it again"
                ) from None
            at = line + lines.count(b"\n", 0, error.start)
            raise UnreadableFileError(
                f"it is not UTF-8 text: line {at} has the byte 0x{lines[error.start]:02X}{_guess(lines, error.start)}; "
                "save it as UTF-8"
            ) from None
        if NO_CHARACTER in text:
            at = line + text.count("\n", 0, text.index(NO_CHARACTER))
            raise UnreadableFileError(f"line {at} has U+FFFF, which is no character; leave it out")
        ends = lines.count(b"\n")
        found.quotes += lines.count(b'"')
        found.is_ended = lines.endswith(b"\n")
        found.filled_lines += ends - len(_BLANK_LINE.findall(lines)) if _may_have_blanks(lines) else ends
        last = b"" if found.is_ended else lines[lines.rfind(b"\n") + 1 :].strip(b" \t\f\r")
        found.filled_lines += bool(last)
        found.is_ended = not last
        found.is_plain &= (
            lines.isascii()
            and len(lines.translate(None, _CONTROLS)) == len(lines)
            and lines.count(b"\r") == lines.count(b"\r\n")
        )
        found.max_values = max(found.max_values, _max_values(lines))
        found.is_composed &= lines.isascii() or unicodedata.is_normalized("NFC", text)
        line += ends
    return found


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Read a file in parts that end where a line does, without a byte order mark."""
    with path.open("rb") as file:
        rest, line = b"", 1
        chunk = file.read(_CHUNK_BYTES).removeprefix(codecs.BOM_UTF8)
        while chunk:
            first_end, end = chunk.find(b"\n"), chunk.rfind(b"\n") + 1
            # Of the lines that end in a chunk only the first may have begun before it.
            if len(rest) + (first_end if end else len(chunk)) > MAX_RECORD_BYTES:
                if line == 1:
                    check_signature(rest + chunk, path.name)
                raise UnreadableFileError(
                    f"line {line} is longer than {MAX_RECORD_BYTES >> 20} MiB; end each row with a line feed"
                )
            if end:
                yield rest + chunk[:end]
                line += (rest + chunk[:end]).count(b"\n")
                rest = b""
            rest += chunk[end:]
            chunk = file.read(_CHUNK_BYTES)
        if rest:
            yield rest


def _max_values(lines: bytes) -> int:
    """Count the values of the widest of the lines that are long enough to have more than Spark's reader expects."""
    most, start = 0, 0
    while len(lines) - start >= DEFAULT_MAX_VALUES:
        end = lines.rfind(b"\n", start, start + DEFAULT_MAX_VALUES)
        if end < 0:
            end = lines.find(b"\n", start)
            end = len(lines) if end < 0 else end
            most = max(most, lines.count(b",", start, end) + 1)
        start = end + 1
    return most


def _may_have_blanks(lines: bytes) -> bool:
    # To look for these five takes a fraction of the time of the regular expression.
    blanks = (b"\n\n", b"\n\r", b"\n ", b"\n\t", b"\n\f")
    return lines[:1] in b"\n\r \t\f" or any(each in lines for each in blanks)


def check_signature(start: bytes, name: str) -> None:
    """Refuse what is no text, by how it begins.

    Raises:
        UnreadableFileError: If it is none.
    """
    for signature, reason in _SIGNATURES:
        if start.startswith(signature):
            workbook = signature.startswith(b"PK") and (b"xl/" in start or name.lower().endswith((".xlsx", ".xlsm")))
            raise UnreadableFileError("it is an Excel workbook; save it as CSV (UTF-8)" if workbook else reason)
    if not start.strip(b"\0"):
        raise UnreadableFileError("it has nothing but NUL bytes; send it again")
    if start[:200].count(b"\0") * 3 > len(start[:200]):
        raise UnreadableFileError("it is UTF-16, not UTF-8 text; save it as UTF-8")


def _guess(lines: bytes, at: int) -> str:
    try:
        word = lines[max(0, lines.rfind(b"\n", 0, at) + 1) : at + 20].split(b"\n")[0].decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return f", which is Windows-1252 if the line reads {word[-60:].strip()!r}" if word.isprintable() else ""


def _read_header(record: Record, contract: Contract) -> Header:
    text = record.text.decode().removesuffix("\r")
    if re.search(r"\r(?!\n)", text):
        raise UnreadableFileError("its lines end in a lone carriage return; end them in LF or CRLF")
    if re.fullmatch(r"sep=.", text.strip(), re.IGNORECASE):
        raise UnreadableFileError(f"its first line is {text.strip()!r}, which only Excel knows; leave it out")
    _check_delimiter(text, contract)
    try:
        names = [name.strip() for name in next(csv.reader([text], strict=True))]
    except csv.Error as error:
        if len(text) > csv.field_size_limit():
            raise UnreadableFileError(f"its header has a name of more than {MAX_NAME_LENGTH} characters") from None
        raise UnreadableFileError(f"its header is not valid CSV ({error}): {_as_read(record)}") from None
    if len(names) > MAX_COLUMNS:
        raise UnreadableFileError(f"its header has {len(names)} columns; leave out all but {MAX_COLUMNS} of them")
    # From a quote in one name to a quote in the same column of a row there are as many commas as in a row. Closed in
    # another column, it leaves a header of another width, and no row that is left fits that.
    if any("\n" in name and name.count(",") >= len(names) - 1 > 0 for name in names):
        raise UnreadableFileError(f"a quote in its header is not closed there, and swallowed rows: {_as_read(record)}")
    long = next((name for name in names if len(name) > MAX_NAME_LENGTH), None)
    if long:
        raise UnreadableFileError(
            f"its header has a name of {len(long)} characters, {long[:40]!r}; {MAX_NAME_LENGTH} are allowed"
        )
    return Header(tuple(names), tuple(map(contract.known_as, names)))


def _check_delimiter(text: str, contract: Contract) -> None:
    """Refuse a header with other characters where commas should be, which no other refusal of it would tell."""
    required = {column.name for column in contract.columns if column.required}
    line = text.partition("\n")[0]
    for delimiter, name in _DELIMITERS.items():
        parts = line.split(delimiter, MAX_COLUMNS)
        if len(parts) > 1 and required.issubset(contract.known_as(part.strip('" \r')) for part in parts):
            raise UnreadableFileError(f"its values are separated by {name}; separate them by commas")


def _check_columns(header: Header, record: Record, contract: Contract) -> None:
    counts = Counter(header.columns)
    twice = [name for name in contract.names if counts[name] > 1]
    missing = [column.name for column in contract.columns if column.required and not counts[column.name]]
    if twice:
        raise UnreadableFileError(f"its header names {', '.join(twice)} more than once; name each column once")
    if missing:
        raise UnreadableFileError(f"its header lacks {', '.join(missing)}; add what is missing: {_as_read(record)}")


def _check_new_columns(header: Header, contract: Contract, new_columns: NewColumns) -> None:
    unknown = header.unknown_names()
    if unknown and new_columns is NewColumns.REJECT:
        raise UnreadableFileError(f"its header has the unknown columns {', '.join(unknown)}; leave them out")
    if new_columns is NewColumns.ADD:
        counts = Counter(filter(contract.may_add, map(column_name, unknown)))
        alike = [name for name in unknown if counts[column_name(name)] > 1]
        if alike:
            raise UnreadableFileError(
                f"its header has {', '.join(alike)}, which would be the same column; name each column once"
            )


def _as_read(record: Record) -> str:
    """Show the line that was taken for the header: it may be none, or have characters that nobody sees."""
    text = record.text.decode().strip()
    kind = next((kind for start, kind in _OTHER_FORMATS.items() if text.startswith(start)), None)
    looks = f", which looks like {kind}" if kind else ""
    return f"its first line is {text[:_SHOWN_CHARACTERS]!a}{looks}"


def _count_closely(path: Path) -> tuple[int, bool, bool, int]:
    """Count the records of a file, tell whether its quotes are in order and its last record has an end.

    Returns:
        These, and how many values the widest record has at most.
    """
    count, well_quoted, is_ended, widest = 0, True, True, 0
    with path.open("rb") as file:
        for record in read_records(file):
            count += not record.is_blank
            well_quoted &= record.well_quoted
            is_ended = record.ended or record.is_blank
            if len(record.text) > max(widest, DEFAULT_MAX_VALUES):
                widest = max(widest, record.text.count(b",") + 1)
    return count, well_quoted, is_ended, widest


def _count_for_spark(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in read_records(file))

"""The records of one order in a file, found in its bytes without Spark: the lines that they begin in, or all else."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from order_tracking.contract.contract import Contract
from order_tracking.files.records import BLANK, LINE_END, Record, divided_at_carriage_returns, read_records, values_of

_CONTROLS = bytes({*range(32), 127} - set(b"\t\n\r"))
#: What is a space to Java, which searches the tables, and the line end of two characters.
_SPACE = re.compile(r"\r\n|[^\S\x1c-\x1f]")


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
    may be that order's, and nobody can tell. So is a header that spans lines, or has a carriage return within, and each
    record of a file whose header does not name the key, or names it more than once.

    Attributes:
        key: The order's key, as the tables have it.
        pattern: A regular expression that finds it as a word of a text as people see it; its quotes may be doubled
            there, as in CSV, and its letters in either of Unicode's forms.
    """

    def __init__(self, contract: Contract, key: str, *, in_any_column: bool = False) -> None:
        """Look for the order with this key.

        Args:
            contract: The contract.
            key: The order's key.
            in_any_column: Whether a row is the order's that has the key as any of its values, in whatever case, and no
                other record is: for a file that another contract loaded.
        """
        self._contract, self._in_any_column = contract, in_any_column
        self.key = _cleaned(key, contract)
        self.key_bytes = self.key.encode()
        # How its blanks are written nobody can tell at a glance.
        self._longest_word = max(self.key_bytes.lower().split(b" "), key=len)
        forms = dict.fromkeys(re.escape(unicodedata.normalize(form, self.key)) for form in ("NFC", "NFD"))
        self.pattern = rf"(?<![\w-])(?:{'|'.join(forms)})(?![\w-])".replace('"', '""?')
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
        return not is_plain or self._longest_word in text.lower()

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
        """Tell whether the key is a word of a text, as people see it."""
        # A control character is nothing that people see in a word, or is what the values of a row are divided by.
        return any(self._word.search(seen) for seen in {_seen(text), _seen(text, control=" ")})

    def _told_apart(self, file: BinaryIO) -> Iterator[tuple[Record, int | None, bool]]:
        """Each record but blank lines, with its number among the rows and whether it is the order's."""
        position, number = None, None
        for record in _filled_records(file):
            texts = decoded(record.text)
            if number is None:
                position = self._position_of_key(values_of(texts[0]))
            # Names that span lines may have swallowed rows, and nobody can tell where the key is in these.
            may_be_rows = number is None and LINE_END.search(texts[0].rstrip())
            known = None if may_be_rows else position
            if self._in_any_column:
                is_of_order = number is not None and any(map(self._has_value, texts))
            else:
                is_of_order = any(self._is_of_order(text, known) for text in texts)
            yield record, number, is_of_order
            number = (number or 0) + 1

    def _has_value(self, text: str) -> bool:
        """Tell whether one of the values of a row is the key, in whatever case."""
        return self.key.casefold() in {_cleaned(value, self._contract).casefold() for value in values_of(text)}

    def _position_of_key(self, header: list[str]) -> tuple[int, int] | None:
        """Tell where the key is in a row, and how many values a row has; None where that is not one place.

        Of two columns that mean the key nobody can tell which one has it.
        """
        known = [self._contract.known_as(name) for name in header]
        return (known.index(self._contract.key), len(header)) if known.count(self._contract.key) == 1 else None

    def _is_of_order(self, text: str, position: tuple[int, int] | None) -> bool:
        """Tell whether a record is the order's; `rows/erased_rows.py` tells it of rows in quarantine, in SQL."""
        if position is None:
            return self.is_word_of(text)
        at, width = position
        fields = values_of(text)
        value = _cleaned(fields[at], self._contract) if len(fields) == width else ""
        if not value:
            return self.is_word_of(text)
        return value == self.key or any(self._has_row(each, where, position) for where, each in enumerate(fields))

    def _has_row(self, value: str, where: int, position: tuple[int, int]) -> bool:
        """Tell whether a value swallowed a row of the order, as between two stray quotes in one column.

        It is the end of a row from that column on, then whole ones, then one up to that column.
        """
        at, width = position
        first, *lines = (line.split(",") for line in LINE_END.split(value))
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


def decoded(record: bytes) -> list[str]:
    """Read a record as UTF-8, and as Windows-1252 as well where it is none: people are told of it as that."""
    try:
        return [record.decode()]
    except UnicodeDecodeError:
        return [record.decode(encoding, errors="replace") for encoding in ("utf-8", "cp1252")]


def _filled_records(file: BinaryIO) -> Iterator[Record]:
    """List the records that are not blank.

    To Spark, a file whose lines end in a lone carriage return is one record, the header, so nothing of it is loaded.
    Here it is divided at these: each order has its own lines. Where other records follow, a carriage return is a part
    of a name or a value, as it is to Spark.
    """
    filled = (record for record in read_records(file) if not record.is_blank)
    first, second = next(filled, None), next(filled, None)
    if first and not second:
        # What follows the last line without a character belongs to its end.
        content = first.text.rstrip(BLANK)
        *lines, last = divided_at_carriage_returns(content)
        yield from (replace(first, text=line, ended=False) for line in lines if line.strip(BLANK))
        yield replace(first, text=last + first.text[len(content) :])
    else:
        yield from (record for record in (first, second) if record)
        yield from filled


def _cleaned(value: str, contract: Contract) -> str:
    """Write a key as the tables have it, but for characters that nobody sees: with them, a row is never loaded."""
    text = _seen(value).strip()
    case = contract.column(contract.key).case
    return text.upper() if case == "upper" else text.lower() if case == "lower" else text


def _seen(text: str, control: str = "") -> str:
    """Write a text in Unicode's composed form, each space or line end as a blank, without what nobody sees.

    Args:
        text: The text.
        control: What stands for a control character.
    """
    text = _SPACE.sub(" ", unicodedata.normalize("NFC", text))
    if text.isprintable():
        return text
    unseen = {"Cc": control, "Cf": ""}
    return "".join(unseen.get(unicodedata.category(each), each) for each in text)

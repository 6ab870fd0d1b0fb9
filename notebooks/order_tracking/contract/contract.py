"""What a contract is: which columns the order files have, and what must be true of their rows.

The contract of the orders is in `orders.py`; every function takes the one that it is given.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta

from order_tracking.contract.rule import Rule
from order_tracking.errors import ContractError

#: Columns of the tables and views that the pipeline fills in and people read. Its other ones start with an underscore.
_OWN_COLUMNS = frozenset({"valid_from", "valid_to", "is_current", "raw_row", "reasons"})

#: Unicode's categories of what has no shape of its own: control characters, byte order marks, marks of direction.
_UNSEEN = ("Cc", "Cf")

#: Unity Catalog's limit.
MAX_NAME_LENGTH = 255


@dataclass(frozen=True)
class Column:
    """A column of the order files and of `orders_table`.

    Attributes:
        name: The column's name in the tables. A file's header may write it in any case, with spaces or underscores.
        type: A Spark SQL type, in any case. Dates are ISO (`2026-11-21`); timestamps are ISO with a space or a `T`
            (`2026-11-21 10:15:00`), in UTC unless they carry a zone. A decimal takes no value that it would have to
            round, as far as 38 digits tell, a float or a double no infinite one and no NaN.
        required: Whether every file must have the column, and every row a value in it.
        aliases: Other names that a header may give it. Once there are tables, the key and the sequence keep their
            names, and what senders call them by then is an alias.
        formats: Further formats of a date or timestamp, tried in this order where a value is not ISO:
            https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html
        case: `upper` or `lower`, to write every value so.
    """

    name: str
    type: str
    required: bool = False
    aliases: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    case: str | None = None

    def __post_init__(self) -> None:
        """Write the type as all that asks for it does, and refuse a case that SQL has no function for.

        Raises:
            ContractError: If it has one.
        """
        object.__setattr__(self, "type", self.type.strip().lower())
        if self.case not in (None, "upper", "lower"):
            raise ContractError(f"the contract has {self.name} in the case {self.case!r}; it is 'upper' or 'lower'")


@dataclass(frozen=True)
class Progress:
    """How far an order is on its way: of two states of one time the one that is further on is the order's.

    Attributes:
        column: The column that says it.
        values: The values that are known, in their order, without regard to case; any other one is before them all.
        only_known: Whether a row with another value is bad; if not, the run warns of it.
    """

    column: str
    values: tuple[str, ...]
    only_known: bool = False

    def __post_init__(self) -> None:
        """Refuse one that orders nothing.

        Raises:
            ContractError: If it has no values.
        """
        if not self.values:
            raise ContractError(f"the contract's progress of {self.column} has no values; list them, or leave it out")


@dataclass(frozen=True)
class Contract:
    """What the order files hold, and what must be true of it.

    Attributes:
        columns: The columns, in the order of the tables.
        key: Names an order: `orders_table` has one row for each. It is a required string.
        sequence: Orders the states of one order in time.
        progress: Decides first between two states of the same time.
        future_tolerance: How far a state may lie after its file's arrival; None if any state may.
        rules: What else must be true of a row, beside its types and required values.

    Raises:
        ContractError: If it contradicts itself or takes a name that the pipeline needs.
    """

    columns: tuple[Column, ...]
    key: str
    sequence: str
    progress: Progress | None = None
    rules: tuple[Rule, ...] = ()
    future_tolerance: timedelta | None = timedelta(days=1)
    _names_by_spelling: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work, before any table is touched."""
        for column in self.columns:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", column.name) or is_reserved(column.name):
                raise ContractError(
                    f"the contract has a column {column.name!r}; a name is lower-case letters, digits and underscores, "
                    f"a letter first, and none of the pipeline's own: {', '.join(sorted(_OWN_COLUMNS))}"
                )
        needed = {self.key, self.sequence, *(rule.column for rule in self.rules)}
        if self.progress:
            needed.add(self.progress.column)
        missing = sorted(needed - set(self.names))
        if missing:
            raise ContractError(f"the contract speaks of {', '.join(missing)}, which is none of its columns")
        key = self.column(self.key)
        if key.type != "string" or not key.required:
            raise ContractError(f"the contract's key {self.key} must be a string that is required: it names each order")
        for column in self.columns:
            if column.type.startswith("timestamp_"):
                raise ContractError(f"the contract has {column.name} as {column.type}; a time is a timestamp, in UTC")
            # Spark casts to one as to a string, and Delta refuses all rows of a write for one that is too long.
            if re.match(r"(var)?char", column.type):
                why = "a text is a string, and the rule at_most says how long it may be"
                raise ContractError(f"the contract has {column.name} as {column.type}; {why}")
        for rule in self.rules:
            try:
                rule.condition.format(**dict.fromkeys(self.names, ""))
            except (AttributeError, KeyError, IndexError, ValueError) as error:
                raise ContractError(
                    f"the contract's rule {rule.name!r} of {rule.column} has braces around what is none of its columns "
                    f"({error}); write other braces twice"
                ) from None
        spellings = [
            (spelling(name), column.name) for column in self.columns for name in (column.name, *column.aliases)
        ]
        object.__setattr__(self, "_names_by_spelling", dict(spellings))
        twice = sorted({name for key, name in spellings if self._names_by_spelling[key] != name})
        if twice or len(set(self.names)) < len(self.columns):
            raise ContractError(f"two columns of the contract have one name or alias: {', '.join(twice or self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def warnings(self) -> tuple[Rule, ...]:
        """The rules that only warn."""
        return tuple(rule for rule in self.rules if rule.warn_only)

    def may_add(self, name: str) -> bool:
        """Tell whether the tables may have a column of that name beside the contract's."""
        return 0 < len(name) <= MAX_NAME_LENGTH and not is_reserved(name) and name not in self.names

    def known_as(self, header_name: str) -> str | None:
        """Return the column that a header's name means."""
        return self._names_by_spelling.get(spelling(header_name))


def spelling(header_name: str) -> str:
    """Reduce a header's name to what is compared: without case, spaces, underscores and characters that nobody sees."""
    return re.sub(r"[\s_]+", "", _seen(unicodedata.normalize("NFKC", header_name))).casefold()


def column_name(header_name: str) -> str:
    """Name the column that takes the values of a header's unknown name; empty if no letter or digit is in it.

    Two names that differ only in what a catalog ignores, such as case, or in what nobody sees make one column.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _seen(header_name)).upper().casefold())
    return re.sub(r"\W+", "_", folded).strip("_")


def _seen(name: str) -> str:
    """Leave out the characters that nobody sees; line ends and tabs are control characters, but are seen as spaces."""
    return "".join(each for each in name if each.isspace() or unicodedata.category(each) not in _UNSEEN)


def is_reserved(name: str) -> bool:
    """Tell whether the pipeline needs a column's name for itself. This is the only place that decides it."""
    return name.startswith("_") or name in _OWN_COLUMNS

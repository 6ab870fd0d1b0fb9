"""What an order file holds, and what must be true of it. To load another column or add a rule, edit this file alone."""

import re
from dataclasses import dataclass

from order_tracking.rule import Rule, not_before


@dataclass(frozen=True)
class Column:
    """A column of the order files and of `orders_table`.

    Attributes:
        name: The column's name in the tables. A file's header may write it in any case, with spaces or underscores.
        type: A Spark SQL type. Dates are ISO (`2026-11-21`); timestamps are ISO with a space or a `T`
            (`2026-11-21 10:15:00`), in UTC unless they carry a zone.
        required: Whether every file must have the column, and every row a value in it.
        aliases: Other names that a header may give it, such as the one it had before it was renamed.
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


COLUMNS = (
    Column("tracking_num", "string", required=True),
    Column("order_num", "string"),
    Column("status", "string", required=True),
    Column("address", "string"),
    Column("received_date", "date"),
    Column("delivery_date", "date"),
    Column("last_update_timestamp", "timestamp", required=True),
)

#: What else must be true of a row, beside its types and required values.
RULES: tuple[Rule, ...] = (not_before("delivery_date", "received_date", warn_only=True),)

#: Names an order: `orders_table` has one row for each.
KEY = "tracking_num"

#: Orders the states of one order in time.
SEQUENCE = "last_update_timestamp"

#: Decide first between two states of the same time: a delivered order is further on than one that is not.
TIE_BREAKERS = ("delivery_date", "received_date")


def precedence(added_columns: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Name every column but the key, in the order in which two states of an order are compared: the greater wins.

    All columns take part, so two states tie only if they are equal, and the winner never depends on which came first.

    Args:
        added_columns: The columns that were added to the tables because a file had them.
    """
    leading = (SEQUENCE, *TIE_BREAKERS)
    others = tuple(column.name for column in COLUMNS if column.name not in (KEY, *leading))
    return leading + others + tuple(sorted(added_columns))


def normalised(header_name: str) -> str:
    """Reduce a header's name to what is compared: without case, spaces and underscores."""
    return re.sub(r"[\s_]+", "", header_name).casefold()

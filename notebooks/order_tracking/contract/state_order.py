"""Which of two states of an order is the later one, as SQL; see `docs/decisions/greatest-state-merge.md`.

The greatest wins, and the greatest of several does not depend on their order. They are compared by their time, by how
far the order is on its way, by the file that was sent later, and, within a file, by the row that comes later: all of
this is a property of what was sent, none of when it was loaded.
"""

from collections.abc import Sequence

from order_tracking.contract.contract import Contract
from order_tracking.sql import identifier, literal

#: An order's own row comes last of the rows of its file: it was the greatest of them.
LAST_ROW = 2**63 - 1


def place(contract: Contract, table: str | None = None) -> str:
    """Write when a state was and how far the order was then, as the expressions of a struct."""
    first = [_column(contract.sequence, table)]
    if contract.progress:
        known = ", ".join(literal(value.upper()) for value in contract.progress.values)
        first.append(f"array_position(array({known}), upper({_column(contract.progress.column, table)}))")
    return ", ".join(first)


def leading(contract: Contract) -> str:
    """Write what decides before the row's place in its file does, as the expressions of a struct."""
    return f"{place(contract)}, {identifier('_sent')}"


def comparable(contract: Contract, added_columns: Sequence[str]) -> str:
    """Write a state as a struct that can be compared with another one.

    What it holds after its leading part only decides between states of an earlier version, which kept no more.
    """
    return f"struct({leading(contract)}, {values(contract, added_columns)})"


def values(contract: Contract, added_columns: Sequence[str], table: str | None = None) -> str:
    """List the columns of a state: all but the key."""
    names = [name for name in contract.names if name != contract.key]
    return ", ".join(_column(name, table) for name in (*names, *sorted(added_columns)))


def _column(name: str, table: str | None) -> str:
    return identifier(table, name) if table else identifier(name)

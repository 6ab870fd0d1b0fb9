"""The parameters of the jobs, as their notebooks get them."""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from order_tracking.errors import ParameterError


class NewColumns(str, Enum):
    """What happens to a file's column that the contract does not know."""

    IGNORE = "ignore"  # its values are not loaded; the run's record names it
    ADD = "add"  # it is added to the tables, as a string
    REJECT = "reject"  # the file is rejected


class CutRows(str, Enum):
    """What happens to a file's last row if no line end follows it, so that a part of it may be missing."""

    LOAD = "load"  # the run warns of it
    QUARANTINE = "quarantine"


Choice = TypeVar("Choice", bound=Enum)

#: A write that takes longer is none that is under way, so no file of one is deleted.
_MIN_RETENTION_DAYS = 7


def read_parameters(read: Callable[[str], str], *names: str, optional: tuple[str, ...] = ()) -> dict[str, str]:
    """Read the named parameters, each of which must have a value, and the optional ones.

    Raises:
        ParameterError: If some have none.
    """
    values = {name: read(name).strip() for name in (*names, *optional)}
    missing = [name for name in names if not values[name]]
    if missing:
        raise ParameterError(f"no value for {', '.join(missing)}; run the job, or fill in the widgets at the top")
    return values


def number(name: str, text: str) -> float:
    """Read a parameter as a number that is not negative.

    Raises:
        ParameterError: If it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise ParameterError(f"{name} is {text!r}; it must be a number that is not negative")
    return value


def retention_days(text: str) -> float:
    """Read for how many days old versions of the tables are kept.

    Delta compares what it is asked to delete only with what it is told to keep, and both are this number.

    Raises:
        ParameterError: If it is none, or so small that files of writes that are under way would be deleted.
    """
    value = number("retention_days", text)
    if value < _MIN_RETENTION_DAYS:
        raise ParameterError(
            f"retention_days is {text!r}; it must be {_MIN_RETENTION_DAYS} or more, or files would be deleted that are "
            "still being written"
        )
    return value


def choice(kind: type[Choice], name: str, text: str) -> Choice:
    """Read a parameter that is one of a few words.

    Raises:
        ParameterError: If it is none of them.
    """
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(each.value for each in kind)
        raise ParameterError(f"{name} is {text!r}; it must be one of {known}") from None

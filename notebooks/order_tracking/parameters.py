"""The parameters of the jobs, as their notebooks get them."""

from collections.abc import Callable
from enum import Enum


class NewColumns(str, Enum):
    """What happens to a file's column that the contract does not know."""

    IGNORE = "ignore"  # its values are not loaded; the run's record names it
    ADD = "add"  # it is added to the tables, as a string
    REJECT = "reject"  # the file is rejected


def read_parameters(read: Callable[[str], str], *names: str, optional: tuple[str, ...] = ()) -> dict[str, str]:
    """Read the named parameters, each of which must have a value, and the optional ones.

    Raises:
        ValueError: If some have none.
    """
    values = {name: read(name).strip() for name in (*names, *optional)}
    missing = [name for name in names if not values[name]]
    if missing:
        raise ValueError(f"no value for {', '.join(missing)}; run the job, or fill in the widgets at the top")
    return values


def number(name: str, text: str) -> float:
    """Read a parameter as a number that is not negative.

    Raises:
        ValueError: If it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} is {text!r}; it must be a number that is not negative")
    return value


def new_columns(text: str) -> NewColumns:
    """Read the policy for new columns.

    Raises:
        ValueError: If there is no such policy.
    """
    try:
        return NewColumns(text)
    except ValueError:
        known = ", ".join(each.value for each in NewColumns)
        raise ValueError(f"new_columns is {text!r}; it must be one of {known}") from None

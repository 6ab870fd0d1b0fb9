"""Rules that a row must keep, as the contract declares them."""

from dataclasses import dataclass

from order_tracking.sql import literal


@dataclass(frozen=True)
class Rule:
    """Something that must be true of a row.

    Attributes:
        name: The rule's name in the quarantine.
        column: The column to look at first.
        condition: SQL over the columns in braces, as their types: `{delivery_date} >= {received_date}`. A row keeps the
            rule unless this is false: where a value is missing it is neither.
        message: What is wrong with a row that breaks it.
        warn_only: Whether such a row is loaded all the same, and only counted in the run's warnings.
    """

    name: str
    column: str
    condition: str
    message: str
    warn_only: bool = False


def one_of(column: str, *values: str, warn_only: bool = False) -> Rule:
    """Allow only these values."""
    listed = _without_braces(", ".join(map(literal, values)))
    message = f"{column} is none of {', '.join(values)}"
    return Rule("allowed", column, f"{{{column}}} IN ({listed})", message, warn_only)


def matching(column: str, pattern: str, warn_only: bool = False) -> Rule:
    """Allow only values that a Java regular expression matches from end to end."""
    whole = _without_braces(literal(f"^(?:{pattern})$"))
    return Rule("pattern", column, f"{{{column}}} RLIKE {whole}", f"{column} does not match {pattern}", warn_only)


def at_most(column: str, characters: int, warn_only: bool = False) -> Rule:
    """Allow only values up to a number of characters."""
    message = f"{column} is longer than {characters} characters"
    return Rule("length", column, f"length({{{column}}}) <= {characters}", message, warn_only)


def between(column: str, first: str, last: str, warn_only: bool = False) -> Rule:
    """Allow only values from one to another, both SQL literals of the column's type and both allowed."""
    message = f"{column} is not between {first} and {last}"
    bounds = _without_braces(f"{first} AND {last}")
    return Rule("range", column, f"{{{column}}} BETWEEN {bounds}", message, warn_only)


def _without_braces(sql: str) -> str:
    """Write out what would name a column in a condition."""
    return sql.replace("{", "{{").replace("}", "}}")


def not_before(column: str, earlier: str, warn_only: bool = False) -> Rule:
    """Allow only values that are not smaller than another column's."""
    return Rule("order", column, f"{{{column}}} >= {{{earlier}}}", f"{column} is before {earlier}", warn_only)

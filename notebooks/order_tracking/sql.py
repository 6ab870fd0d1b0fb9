"""Names, texts and times as SQL has them. Nothing else in the package puts quotes around them."""

from datetime import datetime


def identifier(*parts: str) -> str:
    """Write a name, or the parts of a full name, so that SQL takes every character as part of it."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def literal(text: str) -> str:
    """Write a text as a SQL literal; in any SQL, Spark replaces `${...}` by a setting or variable of its process."""
    escaped = as_stored(text).replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\u0024{")
    return f"'{escaped}'"


def as_stored(text: str) -> str:
    """Write a text as Spark stores it: bytes of a file's name that are no UTF-8, which Python keeps, become `?`."""
    return text.encode(errors="replace").decode()


def time_of_run(time: datetime, condition: str) -> str:
    """Write a time that is another one in each run; NULL where a condition on a column is not met.

    Spark writes a time into the code that it generates, and compiles what it has not compiled before: a tenth of a
    second for each run. What is looked up by a column's value is kept beside the code.
    """
    return f"element_at(map(true, CAST({literal(time.isoformat())} AS TIMESTAMP)), {condition})"

"""Names and texts as SQL has them. Nothing else in the package puts quotes around either."""


def identifier(*parts: str) -> str:
    """Write a name, or the parts of a full name, so that SQL takes every character as part of it."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def literal(text: str) -> str:
    """Write a text as a SQL literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

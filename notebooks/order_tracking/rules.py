"""The rules that each row must keep: one SQL expression that lists what a row broke, built from the contract.

The expressions are SQL text: Spark parses a long text in a fraction of the time that it takes to build the same from
Python, call by call.
"""

from order_tracking.contract import COLUMNS, Column

# A cast alone would also accept `2026`, or `10:15` as that time of today.
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE = " ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_TIME = "[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"

_EXPECTED = {
    "date": "a date such as 2026-11-21",
    "timestamp": "a timestamp such as 2026-11-21 10:15:00",
}


def clean(raw: str) -> str:
    """Trim white space, write line ends as LF, and turn what is left empty into NULL."""
    return rf"nullif(replace(btrim({raw}, ' \t\r\n'), '\r\n', '\n'), '')"


def parse(column: Column) -> str:
    """Read a cleaned value as its column's type; NULL if it is not of that type."""
    if column.type == "string":
        return column.name
    if column.type == "date":
        return f"CASE WHEN {column.name} RLIKE '^{_DATE}$' THEN try_cast({column.name} AS date) END"
    if column.type == "timestamp":
        accepted = f"{column.name} RLIKE '^{_DATE}({_TIME}({_ZONE})?)?$'"
        return f"CASE WHEN {accepted} THEN try_cast({_complete_timestamp(column.name)} AS timestamp) END"
    return f"try_cast({column.name} AS {column.type})"


def broken_rules(malformed: str) -> str:
    """List what is wrong with a row of cleaned values; empty if nothing is.

    Args:
        malformed: Says why the row could not be split into values; NULL if it could. Its values are not looked at then.
    """
    of_values = ", ".join(_broken_by(column) for column in COLUMNS)
    of_row = _reason("CAST(NULL AS string)", "malformed", malformed)
    return f"CASE WHEN {malformed} IS NOT NULL THEN array({of_row}) ELSE array_compact(array({of_values})) END"


def _broken_by(column: Column) -> str:
    cases = []
    if column.required:
        reason = _reason(f"'{column.name}'", "required", f"'{column.name} is empty'")
        cases.append(f"WHEN {column.name} IS NULL THEN {reason}")
    if column.type != "string":
        expected = _EXPECTED.get(column.type, column.type)
        message = f"concat('{column.name} is not {expected}: ', left({column.name}, 100))"
        reason = _reason(f"'{column.name}'", "type", message)
        cases.append(f"WHEN {column.name} IS NOT NULL AND {parse(column)} IS NULL THEN {reason}")
    return f"CASE {' '.join(cases)} END" if cases else "NULL"


def _reason(column: str, rule: str, message: str) -> str:
    return f"named_struct('column', {column}, 'rule', '{rule}', 'message', {message})"


def _complete_timestamp(value: str) -> str:
    """Write out what a timestamp leaves out: midnight, no seconds, UTC."""
    with_time = f"regexp_replace({value}, '^({_DATE})$', '$1 00:00:00')"
    with_seconds = f"regexp_replace({with_time}, '^({_DATE}.[0-9]{{2}}:[0-9]{{2}})(?!:)', '$1:00')"
    return f"concat({with_seconds}, CASE WHEN {value} RLIKE '^{_DATE}.+{_ZONE}$' THEN '' ELSE 'Z' END)"

"""The contract's rules as SQL: what a row broke, and how its cleaned values are read as their types.

The expressions are SQL text: Spark parses a long text in a fraction of the time that it takes to build the same from
Python, call by call.
"""

from order_tracking.contract import COLUMNS, RULES, Column
from order_tracking.rule import Rule, quoted

# A cast alone would also accept `2026`, or `10:15` as that time of today.
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE = " ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_TIME = "[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"

_EXPECTED = {
    "date": "a date such as 2026-11-21",
    "timestamp": "a timestamp such as 2026-11-21 10:15:00",
}

WARNINGS = tuple(rule for rule in RULES if rule.warn_only)


def clean(raw: str, case: str | None = None) -> str:
    """Trim white space, write line ends as LF and letters in one case, and turn what is left empty into NULL."""
    text = rf"nullif(replace(btrim({raw}, ' \t\r\n'), '\r\n', '\n'), '')"
    return f"{case}({text})" if case else text


def parse(column: Column) -> str:
    """Read a cleaned value as its column's type; NULL if it is not of that type."""
    if column.type == "string":
        return column.name
    if column.type == "date":
        iso = f"CASE WHEN {column.name} RLIKE '^{_DATE}$' THEN try_cast({column.name} AS date) END"
    elif column.type == "timestamp":
        accepted = f"{column.name} RLIKE '^{_DATE}({_TIME}({_ZONE})?)?$'"
        iso = f"CASE WHEN {accepted} THEN try_cast({_complete_timestamp(column.name)} AS timestamp) END"
    else:
        return f"try_cast({column.name} AS {column.type})"
    others = [f"CAST(try_to_timestamp({column.name}, {quoted(each)}) AS {column.type})" for each in column.formats]
    return f"coalesce({', '.join([iso, *others])})" if others else iso


def broken_rules(malformed: str) -> str:
    """List what is wrong with a row of cleaned values; empty if nothing is.

    Args:
        malformed: Says why the row could not be split into values; NULL if it could. Its values are not looked at then.
    """
    of_values = [_broken_by(column) for column in COLUMNS]
    of_rules = [
        f"CASE WHEN {breaks(rule)} THEN {_reason(quoted(rule.column), rule.name, quoted(rule.message))} END"
        for rule in RULES
        if not rule.warn_only
    ]
    of_row = _reason("CAST(NULL AS string)", "malformed", malformed)
    broken = f"array_compact(array({', '.join([*of_values, *of_rules])}))"
    return f"CASE WHEN {malformed} IS NOT NULL THEN array({of_row}) ELSE {broken} END"


def breaks(rule: Rule) -> str:
    """Tell whether a row of cleaned values breaks a rule."""
    return f"NOT ({rule.condition.format(**{column.name: parse(column) for column in COLUMNS})})"


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

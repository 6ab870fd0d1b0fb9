"""The contract's rules as SQL: what a row broke, and how its cleaned values are read as their types.

The expressions are SQL text: Spark parses a long text in a fraction of the time that it takes to build the same from
Python, call by call.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from order_tracking.contract.contract import Column, Contract, Progress
from order_tracking.contract.rule import Rule
from order_tracking.sql import identifier, literal, time_of_run

# A cast alone would also accept `2026`, or `10:15` as that time of today.
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE = " ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_TIME = "[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
# Python's dates have neither the year 0 nor the year 10000, so that nobody could read such a row with it. A zone takes
# times of the years beside them there, and what is in UTC on the first day of the year 1 Python does not read either.
_PYTHON_HAS = "BETWEEN TIMESTAMP'0001-01-02' AND TIMESTAMP'9999-12-31 23:59:59.999999'"

_ZERO_WIDTH = r"[\x{200B}\x{2060}\x{FEFF}]"
#: Every kind of space but line ends: LF, and CR where it is before one.
_SPACE = r"[\p{Z}\t\x{85}]"
_CONTROL = r"[\p{Cc}&&[^\n]]"
#: What nobody sees in a key would make it another one.
_CONTROL_IN_KEY = r"[\p{Cc}\p{Cf}]"

#: The type of what a row broke.
REASONS = "ARRAY<STRUCT<column: STRING, rule: STRING, message: STRING>>"

#: With its digits, 10 if it does not say how many, and those of them that are decimals, if any are.
_DECIMAL = re.compile(r"(?:decimal|dec|numeric)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?")
_MAX_DIGITS = 38
#: No decimal has so many digits, and to write out what is next to nothing as one takes Spark seconds, or fails.
_EXPONENT_OF_THREE_DIGITS = "[eE].*[^0+-].."
_FLOATING = ("float", "real", "double")

_EXPECTED = {
    "date": "a date such as 2026-11-21",
    "timestamp": "a timestamp such as 2026-11-21 10:15:00",
}


def clean(raw: str, is_plain: bool, case: str | None = None) -> str:
    """Trim white space, write line ends as LF and letters in one case, and turn what is left empty into NULL.

    Args:
        raw: The value.
        is_plain: Whether it is ASCII without control characters. If not, every kind of space is written as one, and
            those without a width are left out.
        case: `upper` or `lower`.
    """
    if not is_plain:
        raw = f"regexp_replace({raw}, {literal(_ZERO_WIDTH)}, '')"
        raw = f"regexp_replace({raw}, {literal(_SPACE)}, ' ')"
    text = rf"nullif(replace(btrim({raw}, ' \t\r\n'), '\r\n', '\n'), '')"
    return f"{case}({text})" if case else text


def typed(column: Column) -> str:
    """Name what a row has a cleaned value under that was read as its column's type, with `parse`, once."""
    return identifier(column.name if column.type == "string" else f"_typed_{column.name}")


def parse(column: Column) -> str:
    """Read a cleaned value as its column's type; NULL if it is none, or the type cannot hold it as it is."""
    value = identifier(column.name)
    if column.type not in _EXPECTED:
        return _parse_other(value, column.type)
    complete = _complete_timestamp(value) if column.type == "timestamp" else value
    iso = f"CASE WHEN {_is_iso(column)} THEN try_cast({complete} AS {column.type}) END"
    others = [f"CAST(try_to_timestamp({value}, {literal(each)}) AS {column.type})" for each in column.formats]
    return f"coalesce({', '.join([iso, *others])})" if others else iso


def _parse_other(value: str, type_name: str) -> str:
    decimal = _DECIMAL.fullmatch(type_name)
    if decimal:
        return _parse_decimal(value, type_name, int(decimal[1] or 10), int(decimal[2] or 0))
    cast = f"try_cast({value} AS {type_name})"
    if type_name in _FLOATING:  # NaN is greater than all, and what is too large becomes infinite.
        # Java's own ways to write one in code, such as `12d` and `0x1p3`, are no numbers to those who send files.
        return f"CASE WHEN abs({cast}) < double('Infinity') AND {value} NOT RLIKE '[dDfFxX]' THEN {cast} END"
    return cast


def _parse_decimal(value: str, type_name: str, digits: int, decimals: int) -> str:
    """Read a decimal; NULL if its type would have to round it, which the cast alone does.

    It is compared with the same value in a type of as many integer digits that has the rest of Spark's 38 digits for
    decimals; what a value has after these is not seen. Where the integer digits would leave few or none, the other type
    has fewer of them, and a value that is too large for it is not compared.
    """
    wide = f"decimal({_MAX_DIGITS}, {max(_MAX_DIGITS - digits + decimals, (_MAX_DIGITS + decimals) // 2)})"
    number = f"CASE WHEN {value} NOT RLIKE {literal(_EXPONENT_OF_THREE_DIGITS)} THEN {value} END"
    cast = f"try_cast({number} AS {type_name})"
    is_exact = f"coalesce(try_cast({cast} AS {wide}) = try_cast({number} AS {wide}), true)"
    return f"CASE WHEN {is_exact} THEN {cast} END"


def _is_iso(column: Column) -> str:
    """Tell whether a cleaned value is written as ISO 8601 has it; false of other types than dates and timestamps."""
    if column.type not in _EXPECTED:
        return "false"
    time = f"({_TIME}({_ZONE})?)?" if column.type == "timestamp" else ""
    return f"{identifier(column.name)} RLIKE '^{_DATE}{time}$'"


def broken_rules(
    contract: Contract, malformed: str, arrived_at: datetime, is_plain: bool, added_columns: Sequence[str] = ()
) -> str:
    """List what is wrong with a row of cleaned values, and of those in their types; empty if nothing is.

    Args:
        contract: The contract.
        malformed: Says why the row could not be split into values; NULL if it could. Its values are not looked at then.
        arrived_at: When the row's file was found.
        is_plain: Whether no value can have a control character.
        added_columns: The columns beside the contract's, which are text.
    """
    columns = (*contract.columns, *(Column(name, "string") for name in added_columns))
    of_values = [_broken_by(contract, column, is_plain) for column in columns]
    of_values += [_in_the_future(contract, arrived_at), _unknown(contract.progress)]
    of_rules = [
        f"CASE WHEN {breaks(contract, rule)} THEN {_reason(rule.column, rule.name, _with_value(rule))} END"
        for rule in contract.rules
        if not rule.warn_only
    ]
    of_row = _reason(None, "malformed", malformed)
    broken = f"array_compact(array({', '.join([*of_values, *of_rules])}))"
    return f"CASE WHEN {malformed} IS NOT NULL THEN array({of_row}) ELSE {broken} END"


def breaks(contract: Contract, rule: Rule) -> str:
    """Tell whether a row breaks a rule."""
    return f"NOT ({rule.condition.format(**{column.name: typed(column) for column in contract.columns})})"


def _broken_by(contract: Contract, column: Column, is_plain: bool) -> str:
    value, name = identifier(column.name), column.name
    cases = []
    if column.required:
        cases.append(f"WHEN {value} IS NULL THEN {_reason(name, 'required', literal(f'{name} is empty'))}")
    if column.type != "string":
        expected = literal(f"{name} is not {_EXPECTED.get(column.type, column.type)}: ")
        impossible = literal(f"{name} is a {column.type} that does not exist: ")
        is_impossible = f"{_is_iso(column)} OR {typed(column)} IS NOT NULL"
        reason = _reason(name, "type", f"concat(if({is_impossible}, {impossible}, {expected}), left({value}, 100))")
        is_none = f"{typed(column)} IS NULL"
        if column.type in _EXPECTED:
            is_none = f"({is_none} OR {typed(column)} NOT {_PYTHON_HAS})"
        cases.append(f"WHEN {value} IS NOT NULL AND {is_none} THEN {reason}")
    elif not is_plain:
        refused = _CONTROL_IN_KEY if name == contract.key else _CONTROL
        reason = _reason(name, "control", literal(f"{name} has a character that nobody sees"))
        cases.append(f"WHEN {value} RLIKE {literal(refused)} THEN {reason}")
    return f"CASE {' '.join(cases)} END" if cases else "NULL"


def _in_the_future(contract: Contract, arrived_at: datetime) -> str:
    """A state from then would be the newest until then."""
    column = contract.column(contract.sequence)
    if contract.future_tolerance is None or column.type not in ("date", "timestamp"):
        return "NULL"
    latest = time_of_run(arrived_at + contract.future_tolerance, f"{identifier(column.name)} IS NOT NULL")
    message = literal(f"{column.name} is in the future, seen from when its file arrived: ")
    reason = _reason(column.name, "future", f"concat({message}, {identifier(column.name)})")
    return f"CASE WHEN {typed(column)} > {latest} THEN {reason} END"


def is_unknown(progress: Progress) -> str:
    """Tell whether a row's cleaned value says nothing of how far the order is."""
    known = ", ".join(literal(value.upper()) for value in progress.values)
    return f"coalesce(upper({identifier(progress.column)}) NOT IN ({known}), false)"


def _unknown(progress: Progress | None) -> str:
    if not progress or not progress.only_known:
        return "NULL"
    value = identifier(progress.column)
    known = ", ".join(literal(each) for each in progress.values)
    nearest = (
        f"array_min(transform(array({known}), each -> struct(levenshtein(upper({value}), upper(each)), each))).each"
    )
    text = literal(f"{progress.column} is none that is known: ")
    message = f"concat({text}, left({value}, 100), '; is it ', {nearest}, '?')"
    return f"CASE WHEN {is_unknown(progress)} THEN {_reason(progress.column, 'unknown', message)} END"


def _with_value(rule: Rule) -> str:
    return f"concat({literal(rule.message)}, coalesce(concat(': ', left({identifier(rule.column)}, 100)), ''))"


def _reason(column: str | None, rule: str, message: str) -> str:
    name = literal(column) if column else "CAST(NULL AS string)"
    return f"named_struct('column', {name}, 'rule', {literal(rule)}, 'message', {message})"


def _complete_timestamp(value: str) -> str:
    """Write out what a timestamp leaves out: midnight, no seconds, UTC. By its places: patterns take longer."""
    end = f"substr({value}, 17)"
    seconds, zone = f"if({end} LIKE ':%', '', ':00')", f"if(translate({end}, 'Z+-', '') = {end}, 'Z', '')"
    with_time = f"concat(left({value}, 16), {seconds}, {end}, {zone})"
    return f"if(length({value}) = 10, concat({value}, ' 00:00:00Z'), {with_time})"

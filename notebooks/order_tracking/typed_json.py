"""Data classes as JSON and as columns of a table: their shape is said once, and what is read back is checked."""

import json
import types
import typing
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_COLUMN_TYPES = {str: "STRING", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", datetime: "TIMESTAMP"}


def to_json(value: Any) -> str:
    """Write a data class, or a list of them."""
    plain = [asdict(each) for each in value] if isinstance(value, list) else asdict(value)
    return json.dumps(plain, default=_plain)


def from_json(kind: type[T], text: str) -> T:
    """Read a data class.

    Raises:
        ValueError: If the text is not JSON, or not of that shape.
    """
    return typing.cast(T, _read(kind, json.loads(text)))


def _read(kind: Any, value: Any) -> Any:
    """Read what JSON holds as a type; ValueError if it is not of that type."""
    if isinstance(kind, types.UnionType):
        return None if value is None else _read(_without_none(kind), value)
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_read(typing.get_args(kind)[0], each) for each in value)
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, dict):
        hints = _hints_of(kind)
        given = {name: _read(_of_field(hints, name), each) for name, each in value.items()}
        try:
            return kind(**given)
        except TypeError as error:
            raise ValueError(str(error)) from error
    if isinstance(value, str) and isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(value, str) and kind is datetime:
        return datetime.fromisoformat(value.removesuffix("Z") + "+00:00" if value.endswith("Z") else value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise ValueError(f"{str(value)[:100]!r} is no {getattr(kind, '__name__', kind)}")


def columns_of(kind: Any) -> dict[str, str]:
    """Say a data class as the columns of a table."""
    hints = _hints_of(kind)
    return {field.name: _column_type(hints[field.name]) for field in fields(kind)}


@cache
def _hints_of(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _column_type(kind: Any) -> str:
    if isinstance(kind, types.UnionType):
        return _column_type(_without_none(kind))
    if typing.get_origin(kind) is tuple:
        return f"ARRAY<{_column_type(typing.get_args(kind)[0])}>"
    if is_dataclass(kind):
        return f"STRUCT<{', '.join(f'{name}: {each}' for name, each in columns_of(kind).items())}>"
    return "STRING" if issubclass(kind, Enum) else _COLUMN_TYPES[kind]


def _of_field(hints: dict[str, Any], name: str) -> Any:
    if name not in hints:
        raise ValueError(f"there is no field {name!r}")
    return hints[name]


def _without_none(kind: Any) -> Any:
    [only] = (each for each in typing.get_args(kind) if each is not types.NoneType)
    return only


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)

"""Tables into frozen classes: strict, and every complaint names the place, such as `isp[2].box[0].hop`.

A scenario is written by people, so an unknown or misspelt key is an error rather than ignored.  The class
is the schema: each field's type says what the table must hold, and ``metadata={"key": ...}`` names the key
where the field's Python name differs.
"""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


class ScenarioError(ValueError):
    """The scenario file is wrong: the message says where (`file: isp[2].box[0].hop: ...`) and why."""


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _kind(value: object) -> str:
    names = {str: "text", bool: "true/false", int: "a whole number", float: "a number", list: "a list"}
    return names.get(type(value), "a table")


def _scalar(expected: type, value: Any, where: str) -> Any:
    """Check one text, number or flag; whole numbers are accepted where a number is wanted."""
    if expected is float and type(value) is int:
        return float(value)
    # bool is a subclass of int, and `hop = true` is a slip.
    if type(value) is not expected:
        raise ScenarioError(f"{where}: expected {_kind(expected())}, found {_kind(value)}")
    return value


def _value(expected: Any, value: Any, where: str) -> Any:
    origin = get_origin(expected)
    if origin in (Union, types.UnionType):
        choices = [arg for arg in get_args(expected) if arg is not type(None)]
        # The last one complains: `text or true/false` may be either, and nothing else.
        return _value(next((arg for arg in choices if arg is type(value)), choices[-1]), value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise ScenarioError(f"{where}: expected a table, found {_kind(value)}")
        return {key: _value(get_args(expected)[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin in (tuple, frozenset):
        if not isinstance(value, list):
            raise ScenarioError(f"{where}: expected a list, found {_kind(value)}")
        inner = get_args(expected)[0]
        items = [_value(inner, item, f"{where}[{i}]") for i, item in enumerate(value)]
        return tuple(items) if origin is tuple else frozenset(items)
    if dataclasses.is_dataclass(expected):
        return decode(expected, value, where)  # type: ignore[arg-type]
    return _scalar(expected, value, where)


def decode(cls: type[_T], table: object, where: str) -> _T:
    """Build a frozen dataclass from a parsed TOML table; raises :class:`ScenarioError` with the place."""
    if not isinstance(table, dict):
        raise ScenarioError(f"{where}: expected a table, found {_kind(table)}")
    known: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if not field.init:
            continue
        key = field.metadata.get("key", field.name)
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if key in table:
            known[field.name] = _value(_hints(cast(Any, cls))[field.name], table[key], f"{where}.{key}")
        elif required:
            raise ScenarioError(f"{where}.{key}: missing")
    keys = {f.metadata.get("key", f.name) for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in keys:
            raise ScenarioError(f"{where}.{key}: unknown key; known are {', '.join(sorted(keys))}")
    return cls(**known)

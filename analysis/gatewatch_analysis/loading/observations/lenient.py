"""Reading a record that does not keep to its types: each odd value is left out, and told with its path.

The fast way reads a line in one go or not at all.  Years of data by many programs hold a number where a text
should be, or a text where a list should be; one such value must not cost the rest of its measurement.
"""

from __future__ import annotations

import json
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from gatewatch_analysis.loading.observations.shape import Record

# Told of one line, so that a line made of nothing but oddities does not fill the table of problems.
MOST_TOLD = 8


class _Unfit(Exception):
    """A value does not fit, and no part of it does."""


class _Told:
    """What was odd, up to a bound."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.more = 0

    def add(self, path: str, value: Any) -> None:
        if len(self.reasons) < MOST_TOLD:
            self.reasons.append(f"{path}: {_shown(value)} does not fit")
        else:
            self.more += 1


def read(data: Any) -> tuple[Record, list[str]]:
    """Make a record of parsed JSON, and say what was left out; raises TypeError for what is no object."""
    told = _Told()
    try:
        record: Record = _fit(Record, data, "$", told)
    except _Unfit as error:
        raise TypeError(f"{_shown(data)} is no measurement") from error
    return record, told.reasons + ([f"and {told.more} values more"] if told.more else [])


def cleaned(value: Any) -> Any:
    """Give parsed JSON in which all text can be written: halves of characters (RFC 8259 8.2) replaced."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _fit(kind: Any, value: Any, path: str, told: _Told) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        pass
    if get_origin(kind) in (Union, UnionType):
        return _fit_one_of(kind, value, path, told)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        hints = _hints(kind)
        return kind(
            **{
                name: _fit_or_none(hints[name], value[name], f"{path}.{name}", told)
                for name in hints
                if name in value
            }
        )
    if get_origin(kind) is list and isinstance(value, list):
        (inner,) = get_args(kind)
        return [
            item
            for number, raw in enumerate(value)
            if (item := _fit_or_none(inner, raw, f"{path}[{number}]", told)) is not None
        ]
    if get_origin(kind) is dict and isinstance(value, dict):
        inner = get_args(kind)[1]
        return {
            key: item
            for key, raw in value.items()
            if (item := _fit_or_none(inner, raw, f"{path}[{_shown(key)}]", told)) is not None
        }
    raise _Unfit


def _fit_one_of(kind: Any, value: Any, path: str, told: _Told) -> Any:
    for option in get_args(kind):
        if option is NoneType or get_origin(option) is Annotated:
            continue
        try:
            return _fit(option, value, path, told)
        except _Unfit:
            pass
    raise _Unfit


def _fit_or_none(kind: Any, value: Any, path: str, told: _Told) -> Any:
    if value is None:
        return None
    try:
        return _fit(kind, value, path, told)
    except _Unfit:
        told.add(path, value)
        return None


def _shown(value: Any) -> str:
    """Show a value in few characters, without writing a large one out first."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    text = json.dumps(value if not isinstance(value, str) else value[:40])
    return text if len(text) <= 40 else f"{text[:37]}..."

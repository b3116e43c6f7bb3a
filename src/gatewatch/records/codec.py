"""Records to JSON and back: exact on what we write, tolerant of what others wrote, losing neither.

Reading never raises on odd content.  A value of the wrong type is set aside in the record's ``extra`` under
its key (so that writing gives it back as it came) and reported as a :class:`Problem` with its JSON path; the
typed field then holds None.  Keys that are not ours are kept in ``extra`` too.  Bytes travel as
``{"format": "base64", "data": ...}``.  Source: OONI df-000; the tolerances are those of years of old data.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gatewatch.records.field import NO_EXTRA
from gatewatch.records.measurement import Measurement

R = TypeVar("R")


class _Unfit(Exception):
    """A value does not fit the field's type."""


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """Something odd that was read and kept: where (``$.test_keys.queries[3].t``) and what."""

    path: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Spec:
    name: str
    optional: bool
    default: Any
    nullable: bool
    decode: Callable[[Any, str, list[Problem]], Any]
    encode: Callable[[Any], Any] | None


def _bytes_out(value: bytes) -> dict[str, str]:
    return {"format": "base64", "data": base64.b64encode(value).decode("ascii")}


def _body_out(value: str | bytes) -> str | dict[str, str]:
    return value if isinstance(value, str) else _bytes_out(value)


def _bytes_in(value: Any, path: str, problems: list[Problem]) -> bytes:
    """Read binary data in OONI's object form; anything that would not be written back alike is unfit."""
    text = value.get("data") if isinstance(value, dict) and value.get("format") == "base64" else None
    if not isinstance(text, str):
        raise _Unfit
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error is one; text that is not ASCII is another
        raise _Unfit from error
    if len(value) != 2 or base64.b64encode(raw).decode("ascii") != text:
        raise _Unfit
    return raw


def _plain(*kinds: type) -> Callable[[Any, str, list[Problem]], Any]:
    def read(value: Any, path: str, problems: list[Problem]) -> Any:
        # bool is an int in Python, and never one in these formats.
        if isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds):
            return value
        raise _Unfit

    return read


def _codec(
    kind: Any,
) -> tuple[Callable[[Any, str, list[Problem]], Any], Callable[[Any], Any] | None]:
    """Give the reader and (unless the value is JSON already) the writer of a field's type."""
    if dataclasses.is_dataclass(kind):
        cls = cast("type[Any]", kind)
        return (lambda value, path, problems: _read(cls, value, path, problems)), encode
    origin = get_origin(kind)
    if origin is tuple:
        read_item, write_item = _codec(get_args(kind)[0])

        def read_all(value: Any, path: str, problems: list[Problem]) -> Any:
            if not isinstance(value, list):
                raise _Unfit
            return tuple(read_item(item, f"{path}[{i}]", problems) for i, item in enumerate(value))

        return read_all, (list if write_item is None else lambda items: [write_item(i) for i in items])
    if origin in (Union, types.UnionType):
        return _plain_or_bytes, _body_out
    if kind is bytes:
        return _bytes_in, _bytes_out
    if kind is float:
        return _plain(int, float), None
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _plain(dict), dict
    if kind is Any:
        return (lambda value, path, problems: value), None
    return _plain(kind), None


def _plain_or_bytes(value: Any, path: str, problems: list[Problem]) -> Any:
    return value if isinstance(value, str) else _bytes_in(value, path, problems)


@cache
def _specs(cls: Any) -> tuple[_Spec, ...]:
    hints = get_type_hints(cls)
    out = []
    for field in dataclasses.fields(cls):
        if field.name == "extra":
            continue
        kind, nullable = hints[field.name], False
        if get_origin(kind) in (Union, types.UnionType):
            rest = tuple(k for k in get_args(kind) if k is not type(None))
            nullable = len(rest) < len(get_args(kind))
            kind = rest[0] if len(rest) == 1 else str | bytes
        read, write = _codec(kind)
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        elif default is dataclasses.MISSING:
            default = None
        out.append(_Spec(field.name, field.metadata["optional"], default, nullable, read, write))
    return tuple(out)


def encode(record: Any) -> dict[str, Any]:
    """Turn a record into the dict that JSON writes: known keys in the order of the class, then the others."""
    out: dict[str, Any] = {}
    for spec in _specs(cast("Any", type(record))):
        value = getattr(record, spec.name)
        if value is None:
            if not spec.optional:
                out[spec.name] = None
        else:
            out[spec.name] = value if spec.encode is None else spec.encode(value)
    if record.extra:
        out.update(record.extra)
    return out


def _read(cls: type[R], value: Any, path: str, problems: list[Problem]) -> R:
    if not isinstance(value, dict):
        raise _Unfit
    known: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    rest = dict(value)
    for spec in _specs(cast("Any", cls)):
        if spec.name not in rest:
            known[spec.name] = spec.default
            if not spec.optional:
                problems.append(Problem(f"{path}.{spec.name}", "missing"))
            continue
        raw = rest.pop(spec.name)
        if raw is None and (spec.nullable or not spec.optional):
            known[spec.name] = None
            if spec.optional:
                kept[spec.name] = None
            continue
        if raw is False and spec.name == "failure":
            # Very old reports write false for "no failure".
            known[spec.name] = None
            kept[spec.name] = False
            continue
        try:
            known[spec.name] = spec.decode(raw, f"{path}.{spec.name}", problems)
        except _Unfit:
            problems.append(Problem(f"{path}.{spec.name}", f"{_shape(raw)} does not fit"))
            known[spec.name] = None
            kept[spec.name] = raw
    kept.update(rest)
    build: Callable[..., R] = cls
    return build(**known, extra=kept or NO_EXTRA)


def _shape(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 40 else text[:37] + "..."


def decode(cls: type[R], value: Any) -> tuple[R, tuple[Problem, ...]]:
    """Read a record from parsed JSON; raises TypeError only when it is no object at all."""
    problems: list[Problem] = []
    try:
        return _read(cls, value, "$", problems), tuple(problems)
    except _Unfit as error:
        raise TypeError(f"{_shape(value)} is no {cls.__name__}") from error


# One encoder for all lines: json.dumps would build one for each.
_JSON = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def dumps(measurement: Measurement) -> bytes:
    """Write one measurement as one line of JSON, newline included."""
    return (_JSON.encode(encode(measurement)) + "\n").encode("utf-8", "surrogatepass")


def loads(line: bytes | str) -> tuple[Measurement, tuple[Problem, ...]]:
    """Read one line; raises ValueError when it is not JSON and TypeError when it is not an object."""
    try:
        value = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return decode(Measurement, value)

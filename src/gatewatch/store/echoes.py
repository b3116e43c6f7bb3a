"""Where a measurement repeats what others said: bodies, headers, failure texts, the control's title."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, TypeVar, cast

from gatewatch.records import Connect, TestKeys, Transaction
from gatewatch.records.failure import VOCABULARY
from gatewatch.store.walk import Leaf, binary

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Blank:
    """What is done to a text, to binary data, and to a leaf that is neither."""

    text: Callable[[str], str]
    data: Callable[[bytes], bytes]
    leaf: Leaf


# Keys of a control's answer (OONI's test-helper protocol) whose text comes from the site or its network.
_ECHOING = frozenset({"failure", "headers", "title"})
_KNOWN = VOCABULARY | {None}
_FAILURE = attrgetter("failure")


def blanked(keys: TestKeys, blank: Blank) -> TestKeys:
    """Blank in every place that echoes; gives ``keys`` itself when nothing changed.

    What ``blank.text`` leaves alone when it is joined to others it leaves alone by itself, so tables are
    shown to it whole first, and taken apart only when something is in them.
    """
    changes: dict[str, Any] = {}
    for name in ("queries", "tls_handshakes", "network_events"):
        records = getattr(keys, name)
        if _odd(records):
            changes[name] = _each(records, lambda record: _failure(record, blank))
    if keys.tcp_connect and _odd(connect.status for connect in keys.tcp_connect):
        changes["tcp_connect"] = _each(keys.tcp_connect, lambda connect: _connect(connect, blank))
    _put(changes, keys, "requests", _each(keys.requests, lambda t: _transaction(t, blank)))
    said: list[Any] = []
    _collect(keys.extra, said)
    if said and _touched(said, blank):
        changes["extra"] = _notes(keys.extra, blank)
    return dataclasses.replace(keys, **changes) if changes else keys


def _put(changes: dict[str, Any], record: Any, name: str, new: Any) -> None:
    if new is not getattr(record, name):
        changes[name] = new


def _each(records: tuple[T, ...] | None, change: Callable[[T], T]) -> tuple[T, ...] | None:
    if not records:
        return records
    new = tuple(map(change, records))
    return records if all(a is b for a, b in zip(new, records, strict=True)) else new


def _odd(records: Iterable[Any] | None) -> bool:
    """Tell whether a failure is free text rather than a word of df-007."""
    return bool(records) and not _KNOWN.issuperset(map(_FAILURE, records or ()))


def _touched(value: Any, blank: Blank) -> bool:
    """Tell whether there is anything to blank in a table."""
    table = repr(value)
    # Binary data says nothing before it is decoded, and repr may have put an escape beside an address.
    if "\\" in table or "base64" in table or "raw_response" in table:
        return True
    return blank.text(table) != table


def _failure(record: Any, blank: Blank) -> Any:
    failure = record.failure
    if failure in _KNOWN:
        return record
    new = blank.text(failure)
    return record if new == failure else dataclasses.replace(record, failure=new)


def _connect(connect: Connect, blank: Blank) -> Connect:
    return dataclasses.replace(connect, status=_failure(connect.status, blank))


def _transaction(record: Transaction, blank: Blank) -> Transaction:
    changes: dict[str, Any] = {}
    _put(changes, record, "request", _message(record.request, blank))
    if record.response is not None:
        _put(changes, record, "response", _message(record.response, blank))
    new = dataclasses.replace(record, **changes) if changes else record
    return cast("Transaction", _failure(new, blank))


def _message(message: Any, blank: Blank) -> Any:
    changes: dict[str, Any] = {}
    if message.body:
        _put(changes, message, "body", _echo(message.body, blank))
    for name in ("headers", "headers_list"):
        table = getattr(message, name)
        if table and _touched(table, blank):
            changes[name] = _echo(table, blank)
    return dataclasses.replace(message, **changes) if changes else message


def _echo(value: Any, blank: Blank, name: Any = "") -> Any:
    """Blank in everything below a value; gives a string itself when nothing changed."""
    if isinstance(value, str) and name != "raw_response":
        new = blank.text(value)
        return value if new == value else new
    if isinstance(value, bytes):
        raw = blank.data(value)
        return value if raw == value else raw
    if isinstance(value, (list, tuple)):
        return type(value)(_echo(item, blank, name) for item in value)
    if isinstance(value, Mapping):
        inner = binary(value)
        if inner is not None:
            return {**value, "data": base64.b64encode(blank.data(inner)).decode("ascii")}
        return {_echo(key, blank): _echo(item, blank, key) for key, item in value.items()}
    return blank.leaf(value, name, False)


def _echoes(key: Any) -> bool:
    return key in _ECHOING or (isinstance(key, str) and key.endswith("_failure"))


def _collect(value: Mapping[Any, Any], said: list[Any]) -> None:
    """Gather what stands under an echoing key, at any depth."""
    for key, item in value.items():
        if item is None or item is True or item is False:
            continue
        if key in _ECHOING or (isinstance(key, str) and key.endswith("_failure")):
            if not isinstance(item, str) or item not in _KNOWN:
                said.append(item)
        # Asking for dict first spares the slow question whether it is any other mapping.
        elif isinstance(item, (dict, Mapping)):
            _collect(item, said)
        elif isinstance(item, (list, tuple)):
            _collect(dict(enumerate(item)), said)


def _notes(value: Any, blank: Blank) -> Any:
    """Blank what stands under an echoing key, at any depth."""
    if isinstance(value, Mapping):
        return {
            key: _echo(item, blank) if _echoes(key) else _notes(item, blank) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(_notes(item, blank) for item in value)
    return value

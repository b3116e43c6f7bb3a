"""A measurement as one text: every structured field, gathered at the speed of C.

Repeated words (addresses, tags, operations) are gathered once, and numbers not at all: a typed number holds
no address.  Mappings may hold anything and are written out whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, get_args, get_origin, get_type_hints

from gatewatch.records import Measurement

#: Fields that are looked at by themselves: what a site sent loses every address, binary data has its own
#: spellings.
APART = frozenset({"body", "headers", "headers_list", "raw_response", "peer_certificates"})

Get = Callable[[Any], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    """How to take a record of one class apart."""

    words: Get
    mappings: tuple[Get, ...]
    record: tuple[Get, ...]
    records: tuple[Get, ...]


@cache
def _shape(cls: Any) -> _Shape:
    words, mappings, record, records = [], [], [], []
    for name, hint in get_type_hints(cls).items():
        if name in APART:
            continue
        kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
        kind = hint if get_origin(hint) in (tuple, Mapping) else kinds[0]
        if dataclasses.is_dataclass(kind):
            record.append(attrgetter(name))
        elif get_origin(kind) is tuple and dataclasses.is_dataclass(get_args(kind)[0]):
            records.append(attrgetter(name))
        elif kind is str or get_origin(kind) is tuple:
            words.append(name)
        elif kind not in (int, float, bool):
            mappings.append(attrgetter(name))
    return _Shape(_all(words), tuple(mappings), tuple(record), tuple(records))


def _all(names: list[str]) -> Get:
    """Give a getter of a tuple; attrgetter gives one value bare."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _gather(records: Iterable[Any], words: set[Any], mappings: list[Any]) -> None:
    """Take records of one class apart, and what they hold."""
    records = list(filter(None, records))
    if not records:
        return
    kind: Any = type(records[0])
    shape = _shape(kind)
    words.update(*map(shape.words, records))
    for get in shape.mappings:
        mappings.extend(filter(None, map(get, records)))
    for get in shape.record:
        _gather(map(get, records), words, mappings)
    for get in shape.records:
        _gather(chain.from_iterable(filter(None, map(get, records))), words, mappings)


def flatten(measurement: Measurement) -> str:
    """Give every value but numbers and the fields of APART, in no order."""
    words: set[Any] = set()
    mappings: list[Any] = []
    _gather((measurement,), words, mappings)
    # repr, not JSON: it needs no setting up, and writes an address as it is just the same.
    return repr(words) + repr(mappings)

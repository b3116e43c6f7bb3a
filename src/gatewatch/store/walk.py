"""A walk through a record: every leaf may be changed, and what does not change is not copied."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

#: Called with a leaf, the name of the field or key it stands under, and whether the place holds free text.
Leaf = Callable[[Any, str, bool], Any]

# Where this machine, not the plan or the protocol, may have put text.
_FREE = frozenset(
    {
        "annotations",
        "extra",
        "failure",
        "options",
        "test_helpers",
        "x_gatewatch_target",
        "x_gatewatch_verdict",
    }
)


def mapped(
    value: Any, leaf: Leaf, skip: frozenset[str] = frozenset(), name: str = "", free: bool = False
) -> Any:
    """Give ``value`` with ``leaf`` applied to every string, number and byte string in it, keys too.

    ``skip`` names fields of records that are left as they are.  Base64 objects (df-000) are opened.
    """
    if isinstance(value, Mapping):
        return _mapping(value, leaf, skip, name, free)
    if isinstance(value, (tuple, list)):
        items = [mapped(item, leaf, skip, name, free) for item in value]
        return value if _same(items, value) else type(value)(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for field in dataclasses.fields(value):
            if field.name not in skip:
                old = getattr(value, field.name)
                new = mapped(old, leaf, skip, field.name, free or field.name in _FREE)
                if new is not old:
                    changed[field.name] = new
        return dataclasses.replace(value, **changed) if changed else value
    return leaf(value, name, free)


def _mapping(value: Mapping[Any, Any], leaf: Leaf, skip: frozenset[str], name: str, free: bool) -> Any:
    raw = binary(value)
    if raw is not None:
        new = leaf(raw, name, free)
        return value if new is raw else {**value, "data": base64.b64encode(new).decode("ascii")}
    # A key is a word of the format, or an address; never free text.
    pairs = [(leaf(k, "", False), mapped(v, leaf, skip, str(k), free)) for k, v in value.items()]
    unchanged = all(k is a and v is b for (k, v), (a, b) in zip(pairs, value.items(), strict=True))
    return value if unchanged else dict(pairs)


def binary(value: Mapping[Any, Any]) -> bytes | None:
    """Give the bytes of a ``{"format": "base64", "data": ...}`` object; None for any other mapping."""
    if value.get("format") != "base64" or not isinstance(value.get("data"), str):
        return None
    try:
        return base64.b64decode(value["data"])
    except (binascii.Error, ValueError):
        return None


def _same(new: Any, old: Any) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))

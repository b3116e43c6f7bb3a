"""Spoil a tree of values in every way that a table can be, each with the path that the error must name."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

#: (what was done, the path to the field, the whole tree after it)
Spoilt = tuple[str, str, Any]


def toml(tree: dict[str, Any]) -> bytes:
    """Write a tree as TOML: a table an entry, everything below inline."""
    lines = []
    for name, entry in tree.items():
        if isinstance(entry, dict):
            lines += [f"[{json.dumps(name)}]", *(f"{json.dumps(k)} = {_inline(v)}" for k, v in entry.items())]
        else:
            lines.insert(0, f"{json.dumps(name)} = {_inline(entry)}")
    return "\n".join(lines).encode()


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, float):
        return str(value)  # nan and inf are TOML, too
    return json.dumps(value)


def _paths(value: Any, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if keys:
        yield keys, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*keys, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _paths(item, (*keys, place))


def written(keys: tuple[str | int, ...]) -> str:
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def _put(tree: Any, keys: tuple[str | int, ...], value: Any) -> Any:
    spoilt = copy.deepcopy(tree)
    at = spoilt
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    return spoilt


def _drop(tree: Any, keys: tuple[str | int, ...]) -> Any:
    spoilt = copy.deepcopy(tree)
    at = spoilt
    for key in keys[:-1]:
        at = at[key]
    del at[keys[-1]]
    return spoilt


def wrong_types(tree: Any) -> Iterator[Spoilt]:
    """Replace each value by ones of other kinds, and texts by empty ones and ones that steer a terminal."""
    for keys, value in _paths(tree):
        swaps: list[Any] = [True, 7] if isinstance(value, str | list | dict) else ["seven"]
        swaps += [{"odd": 1}] if not isinstance(value, dict) else [["odd"]]
        if isinstance(value, str):
            swaps += ["", "a\x1b[31mb"]
        if isinstance(value, float):
            swaps += [float("nan"), float("inf"), -1e9, 1e9]
        for swap in swaps:
            yield f"{value!r:.40} becomes {swap!r}", written(keys), _put(tree, keys, swap)


def missing(tree: Any, optional: frozenset[str]) -> Iterator[Spoilt]:
    """Leave each required key out."""
    for keys, _ in _paths(tree):
        if isinstance(keys[-1], str) and len(keys) > 1 and keys[-1] not in optional:
            yield "left out", written(keys), _drop(tree, keys)


def misspelt(tree: Any) -> Iterator[Spoilt]:
    """Add a key that nobody reads to each table."""
    for keys, value in _paths(tree):
        if isinstance(value, dict):
            yield "a key more", written((*keys, "sorce")), _put(tree, (*keys, "sorce"), "x")

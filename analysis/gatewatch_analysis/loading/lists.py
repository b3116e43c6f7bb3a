"""Lists of results in one text, as RIPE Atlas' interface gives them unless it is asked for lines."""

from __future__ import annotations

import json

# Objects that a text may hold before it is taken apart: each costs some hundred bytes, whatever it is.
_MOST_OBJECTS = 2**19


def results(line: bytes) -> list[bytes]:
    """Give each result of a list as a line of its own; a line that is no list of objects stays as it is."""
    if not line.lstrip().startswith(b"[") or line.count(b"{") + line.count(b"[") > _MOST_OBJECTS:
        return [line]
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    if not found or not isinstance(found[0], dict):
        return [line]
    return [json.dumps(item).encode() for item in found]

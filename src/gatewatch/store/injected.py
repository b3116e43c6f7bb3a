"""Payloads of injected packets: a block page may tell whom it was shown to, as bodies do."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from gatewatch.records import TestKeys
from gatewatch.store.walk import binary

_KEYS = ("x_gatewatch_locate", "x_gatewatch_box")


def blanked(keys: TestKeys, blank: Callable[[bytes], bytes]) -> TestKeys:
    """Blank in every ``payload`` of deep mode's rows; gives ``keys`` itself when nothing changed."""
    changes = {}
    for name in _KEYS:
        rows = keys.extra.get(name)
        new = _in(rows, blank)
        if new is not rows:
            changes[name] = new
    return dataclasses.replace(keys, extra={**keys.extra, **changes}) if changes else keys


def _in(value: Any, blank: Callable[[bytes], bytes]) -> Any:
    if isinstance(value, (list, tuple)):
        new = [_in(item, blank) for item in value]
        return value if all(a is b for a, b in zip(new, value, strict=True)) else new
    if not isinstance(value, Mapping):
        return value
    changes = {}
    for key, item in value.items():
        if key == "payload" and isinstance(item, Mapping):
            raw = binary(item)
            said = raw if raw is None else blank(raw)
            if said is not None and said != raw:
                changes[key] = {**item, "data": base64.b64encode(said).decode("ascii")}
        elif (new := _in(item, blank)) is not item:
            changes[key] = new
    return {**value, **changes} if changes else value

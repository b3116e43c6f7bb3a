"""What an ``intercept`` measurement says: its own conclusion, read so that nothing in it can do harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewatch.records import Measurement
from gatewatch.verdict.evidence.control import number, text

KINDS = frozenset({"none", "proxy", "injector", "dropper", "resolver_lies", "unclear"})
# No path on the internet is longer (RFC 791: the TTL is a byte; traceroutes end at 64).
_FARTHEST = 64
_SIGNS = 4


def evidence(m: Measurement) -> dict[str, Any]:
    """Give the features about interception."""
    keys = m.test_keys
    raw = keys.extra.get("x_gatewatch_intercept") if keys else None
    found: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    kind = text(found.get("kind"))
    hop = number(found.get("hop"))
    signs = found.get("evidence")
    listed = [text(sign, 200) for sign in signs[:_SIGNS]] if isinstance(signs, (list, tuple)) else []
    forged = found.get("forged")
    return {
        "judged_test": True,
        "looked": kind in KINDS,
        "host": text(found.get("trigger")) or text(found.get("innocuous")),
        "intercept": kind if kind in KINDS else "",
        "intercept_hop": hop if 0 < hop <= _FARTHEST else 0,
        "intercept_link": _link(found, hop),
        "intercept_resolver": text(found.get("resolver")),
        "intercept_forged": bool(forged) and isinstance(forged, (list, tuple)),
        "intercept_signs": "; ".join(sign for sign in listed if sign),
    }


def _link(found: Mapping[str, Any], hop: int) -> str:
    """Name the link before a hop by the routers on both sides."""
    if not 0 < hop <= _FARTHEST:
        return "a hop that was not found"
    before, after = (text(found.get(side)) or "silent" for side in ("before", "after"))
    return f"hop {hop}, between {before} and {after}" if hop > 1 else f"hop 1, before {after}"

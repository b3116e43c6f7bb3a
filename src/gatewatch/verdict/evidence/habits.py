"""What is known of the line's own resolver beside this one name, and how many names share its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewatch.verdict.evidence.control import number, text
from gatewatch.verdict.evidence.scene import Scene

_MOST = 64


def evidence(scene: Scene, kind: str) -> dict[str, Any]:
    """Give the features about the resolver's habits; ``kind`` is what the system's lookup gave."""
    habits = _object(scene.extra.get("x_gatewatch_resolver"))
    shared = _object(scene.extra.get("x_gatewatch_shared")) if scene.depth == 0 else {}
    system = set(scene.system)
    rewrites = _addresses(habits.get("rewrites"))
    filters, advertiser = text(habits.get("filters")), _addresses(habits.get("filter_answers"))
    same_denial = kind in ("nxdomain", "no_answer") and filters == kind
    same_bogon = filters == "bogon" and bool(system & advertiser)
    return {
        "dns_rewritten": bool(system & rewrites),
        "dns_denies_random": habits.get("denies") is True and not rewrites,
        "dns_filters_alike": same_denial or same_bogon,
        "dns_shared": max((number(shared.get(a)) for a in system), default=0),
    }


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _addresses(value: Any) -> frozenset[str]:
    listed = value[:_MOST] if isinstance(value, (list, tuple)) else ()
    return frozenset(a for a in listed if isinstance(a, str))

"""Features that are known without a look, and what the table says of the others, remembered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from gatewatch.verdict.evidence.hops import depth_of
from gatewatch.verdict.expr import Compare, Expr, Joined, Not
from gatewatch.verdict.features import at_rest
from gatewatch.verdict.rules import RULES
from gatewatch_analysis.loading.measured.shape import Tags

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# What no record changes that has none of our own probe's keys: other tests' features, and second controls.
_OTHERS = ("app", "quic", "pace", "middlebox", "ports", "intercept", "contrast", "sni", "second", "single")
_OURS = (
    *("residue", "clock", "judged_test"),
    *("dns_rewritten", "dns_denies_random", "dns_filters_alike", "dns_shared"),
)
#: Features of every web_connectivity of other software.
SAME: Final[dict[str, Any]] = {
    **{name: value for name, value in at_rest().items() if name.startswith(_OTHERS) or name in _OURS},
    "test": "web_connectivity",
    "web": True,
    "looked": True,
    "dns_injected": False,
    "dns_two_senders": False,
}

# Combinations that are remembered: some dozens are common; what strangers send may have any number.
_MOST = 16_384


class Remembered(dict[K, V]):
    """Answers of a function, remembered; it begins anew when there are too many."""

    def __init__(self, ask: Callable[[K], V]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, key: K) -> V:
        if len(self) >= _MOST:
            self.clear()
        self[key] = found = self._ask(key)
        return found


#: Depths below zero: none is said, and what is no part of the visit, or said of it by our own probe alone.
NO_DEPTH, ASIDE = -1, -2


def _depth(tags: Tags) -> int:
    if tags and ("second" in tags or "isp" in tags):
        return ASIDE
    found = depth_of(tags)
    return NO_DEPTH if found is None else found


#: The depth that tags say: the same few stand in all records.
DEPTHS: Final[Remembered[Tags, int]] = Remembered(_depth)

_BESIDE = 99


def _place(tags: Tags) -> int:
    depth = DEPTHS[tags]
    return _BESIDE if depth == ASIDE else max(depth, 0)


#: The hop that a record belongs to by its tags: the first where they say none, past all others when aside.
PLACES: Final[Remembered[Tags, int]] = Remembered(_place)


def constants(feature: str) -> tuple[Any, ...]:
    """Give all that rules compare a feature with, in order."""
    found: set[Any] = set()

    def walk(part: Expr) -> None:
        if isinstance(part, Compare) and part.name == feature:
            found.add(part.constant)
        elif isinstance(part, Not):
            walk(part.inner)
        elif isinstance(part, Joined):
            walk(part.left)
            walk(part.right)

    for rule in RULES:
        walk(rule.when)
    return tuple(sorted(found))


class StandIn:
    """One number for all that rules cannot tell apart: a measured quantity must not make each row unique."""

    def __init__(self, feature: str) -> None:
        self._cuts = constants(feature)

    def __call__(self, value: float) -> float:
        """Give the number that stands for a value: between the same two constants of rules."""
        cuts = self._cuts
        at = bisect_left(cuts, value)
        if at == len(cuts):
            return float(cuts[-1] + 1.0) if cuts else 0.0
        if value == cuts[at]:
            return value
        return float(cuts[at - 1] + cuts[at]) / 2 if at else float(cuts[0] - 1.0)

"""How many flows find all branches: the stopping rule of multipath discovery, and what the flows found.

As MDA-Lite does (Vermeulen et al., "Multilevel MDA-Lite Paris Traceroute", IMC 2018) whole hops are looked at
and not single routers: flows are added until each hop has been met by so many that, were there one router
more than was seen, all spread evenly, it would have been missed with a chance of less than one minus the
confidence (Veitch et al., "Failure control in multipath route tracing", INFOCOM 2009).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import comb

from gatewatch.records import HopReply, TraceBranch, TraceLink

#: The most flows sent to one destination; enough for 15 branches at 95 %.
MOST_FLOWS = 96


@lru_cache
def enough(branches: int, confidence: float) -> int:
    """Give how many flows tell, with this confidence, that there are no more than these branches.

    95 %: 6 flows for one branch, 11 for two, 16 for three.
    """
    flows = branches + 1
    while _missed(branches + 1, flows) > 1 - confidence:
        flows += 1
    return flows


def _missed(branches: int, flows: int) -> float:
    """The chance that flows spread evenly over branches leave at least one of them out."""
    chances = (
        (-1) ** (left + 1) * comb(branches, left) * ((branches - left) / branches) ** flows
        for left in range(1, branches)
    )
    return float(sum(chances))


def branches(replies: Iterable[HopReply], confidence: float) -> tuple[TraceBranch, ...]:
    """Sum up the flows, TTL by TTL."""
    seen: dict[int, Counter[str]] = {}
    flows: dict[int, set[int]] = {}
    for reply in replies:
        if reply.address is not None:
            seen.setdefault(reply.ttl, Counter())[reply.address] += 1
            flows.setdefault(reply.ttl, set()).add(reply.flow)
    return tuple(
        TraceBranch(
            ttl=ttl,
            addresses=tuple(sorted(counts, key=lambda address: (-counts[address], address))),
            flows=len(flows[ttl]),
            complete=len(flows[ttl]) >= enough(len(counts), confidence),
        )
        for ttl, counts in sorted(seen.items())
    )


def wanting(found: Iterable[TraceBranch], confidence: float) -> tuple[int, int, int] | None:
    """Give how many flows more are needed, for which TTLs (first and last); None: enough have been sent."""
    missing = {b.ttl: enough(len(b.addresses), confidence) - b.flows for b in found if not b.complete}
    return (max(missing.values()), min(missing), max(missing)) if missing else None


def links(replies: Iterable[HopReply]) -> tuple[TraceLink, ...]:
    """Give which routers some flow met one behind the other."""
    ways: dict[int, dict[int, str]] = {}
    for reply in replies:
        if reply.address is not None:
            ways.setdefault(reply.flow, {}).setdefault(reply.ttl, reply.address)
    pairs = {pair for way in ways.values() for pair in _pairs(way)}
    return tuple(TraceLink(ttl=ttl, near=near, far=far) for ttl, near, far in sorted(pairs))


def _pairs(way: Mapping[int, str]) -> Iterable[tuple[int, str, str]]:
    return ((ttl, near, way[ttl + 1]) for ttl, near in way.items() if ttl + 1 in way)

"""Crossings: between which two routers paths leave a country, month by month, and where the far one stands.

The border link is that of :mod:`gatewatch_analysis.gateway.border`, by prefixes.  It is only the beginning:

- A tunnel or a run of equal times around it is one span, since its length may lie anywhere within.
- Where the border's own step is small and a large one lies just before it, the provider may have carried the
  packet abroad in its own addresses: the span begins before that step.
- Where light forbids all that is said of the first foreign router, it stands at home and wears a carrier's
  address; the span goes on to the first router behind it of which something is left.

So a crossing may be wider than a link, and is never narrower than what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.border import FOUND, borders
from gatewatch_analysis.paths.places import Stand, Vote, stand, votes
from gatewatch_analysis.paths.routes import Route, routes, whose
from gatewatch_analysis.paths.spans import EQUAL_MS, STEP_MS, Segment, segments
from gatewatch_analysis.paths.traces import Hop
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import VANTAGE

# How far the border may be pushed back or on.  More would leave the carrier that crosses it.
_BACK, _ON = 2, 3
# What is said of a router within so little time behind the far end is said of the same place: 100 km.
_SAME_PLACE_MS = EQUAL_MS
# Ours.  A word about a neighbour in the same place counts for somewhat less.
_OF_NEIGHBOUR = 0.8


@dataclass(slots=True)
class Crossing:
    """Where paths of one vantage leave its country in one month, by one border link.

    ``domestic``, ``foreign``: the two addresses of the border link; ``near_ms``, ``far_ms``: least times at
    the span's ends; ``far``: the address at its far end.  ``networks``: AS numbers of the border's domestic
    side, its foreign side, and of the routers from there to one behind the far end.  ``untold``: hops between
    the border's two sides that tell nothing.  ``words``: all that is said of where the far end stands.
    """

    vantage: tuple[Any, ...]
    month: str
    domestic: str
    foreign: str
    far: str
    near_ms: float | None
    far_ms: float | None
    domestic_asn: int | None
    foreign_asn: int | None
    behind: tuple[int, ...]
    untold: int
    why: str
    words: tuple[Vote, ...]
    first: date | None
    last: date | None
    destinations: set[str] = field(default_factory=set)

    @property
    def country(self) -> str:
        """The country that is left."""
        return str(self.vantage[0])

    @property
    def delta_ms(self) -> float | None:
        """How much further the far end is; None where that is not known or less than nothing."""
        if self.near_ms is None or self.far_ms is None or self.far_ms < self.near_ms - EQUAL_MS:
            return None
        return max(0.0, self.far_ms - self.near_ms)

    @property
    def stand(self) -> Stand:
        """Where its far end may stand, by the least time of all that merged into it."""
        return stand(self.words, self.country, self.far_ms)

    def merge(self, other: Crossing) -> None:
        """Take in the same crossing as another path saw it."""
        self.near_ms = _least(self.near_ms, other.near_ms)
        self.far_ms = _least(self.far_ms, other.far_ms)
        self.untold = min(self.untold, other.untold)
        self.words = tuple(dict.fromkeys((*self.words, *other.words)))
        self.behind = tuple(dict.fromkeys((*self.behind, *other.behind)))
        self.first = min(filter(None, (self.first, other.first)), default=None)
        self.last = max(filter(None, (self.last, other.last)), default=None)
        self.destinations |= other.destinations


def _least(*times: float | None) -> float | None:
    return min((time for time in times if time is not None), default=None)


def crossings(hops: pd.DataFrame, prefixes: Whereabouts) -> list[Crossing]:
    """Give the crossings of every vantage and month, those of several destinations as one."""
    found: dict[tuple[Any, ...], Crossing] = {}
    months = hops["start"].dt.strftime("%Y-%m").astype("string").fillna("")
    for month, own in hops.groupby(months):
        links = dict(_border_links(borders(own, prefixes)))
        for route in routes(own):
            border = links.get(route.keys[: len(VANTAGE) + 1])
            seen = None if border is None else _crossing(route, str(month), border, prefixes)
            if seen is None:
                continue
            key = (seen.vantage, seen.month, seen.domestic, seen.foreign, seen.far)
            if key in found:
                found[key].merge(seen)
            else:
                found[key] = seen
    return [found[key] for key in sorted(found, key=str)]


def _border_links(links: pd.DataFrame) -> Iterator[tuple[tuple[Any, ...], tuple[str, str]]]:
    """Give vantage with destination, and both ends; a destination itself is no router across a border."""
    usable = links[(links["state"] == FOUND) & ~links["at_destination"].fillna(False)]
    for row in usable[[*VANTAGE, "destination", "domestic_address", "foreign_address"]].itertuples(
        index=False
    ):
        yield tuple(row[:-2]), (str(row[-2]), str(row[-1]))


def _crossing(route: Route, month: str, border: tuple[str, str], prefixes: Whereabouts) -> Crossing | None:
    hops, (domestic, foreign) = route.hops, border
    ttl = {hop.address: hop.ttl for hop in reversed(hops)}
    if domestic not in ttl or foreign not in ttl or ttl[domestic] >= ttl[foreign]:
        return None  # another path of the month, where the border is elsewhere
    vantage, destination = route.keys[: len(VANTAGE)], str(route.keys[len(VANTAGE)])
    parts = segments(hops, destination)
    begin = next(i for i, part in enumerate(parts) if part.far.ttl > ttl[domestic])
    end = next(i for i, part in enumerate(parts) if part.far.ttl >= ttl[foreign])
    begin = _back(parts, begin, end)
    end = _on(parts, end, destination, str(vantage[0]), prefixes)
    near, far = parts[begin].near, parts[end].far
    routers = [hop for hop in hops if hop.ttl >= ttl[foreign] and hop.address != destination]
    beside = [hop for hop in routers if _same_place(hop, far)]
    words = [word for hop in beside for word in _words(hop, far, str(vantage[0]), prefixes)]
    between = [hop for hop in hops if ttl[domestic] < hop.ttl < ttl[foreign]]
    told = [hop for hop in between if whose(hop.address, prefixes) is not None]
    days = [trace.start.date() for trace in route.traces if trace.start is not None]
    behind = [hop for hop in hops if ttl[foreign] < hop.ttl <= far.ttl + 1]
    return Crossing(
        vantage=vantage,
        month=month,
        domestic=domestic,
        foreign=foreign,
        far=far.address,
        near_ms=near.rtt_ms,
        far_ms=far.rtt_ms,
        domestic_asn=_asn(domestic, prefixes),
        foreign_asn=_asn(foreign, prefixes),
        behind=tuple(dict.fromkeys(filter(None, (_asn(hop.address, prefixes) for hop in behind)))),
        untold=ttl[foreign] - ttl[domestic] - 1 - len(told),
        why=next((part.why for part in parts[begin : end + 1] if part.why), ""),
        words=tuple(dict.fromkeys(words)),
        first=min(days, default=None),
        last=max(days, default=None),
        destinations={destination},
    )


def _back(parts: Sequence[Segment], begin: int, end: int) -> int:
    """Begin before a large step that lies just before a border without one."""
    step = _step(parts[begin].near, parts[end].far)
    for i in range(begin - 1, max(-1, begin - 1 - _BACK), -1):
        if step < STEP_MS <= _step(parts[i].near, parts[i].far):
            return i
    return begin


def _on(parts: Sequence[Segment], end: int, destination: str, country: str, prefixes: Whereabouts) -> int:
    """Go on from a far end that, by light, stands nowhere that is said of it."""
    for i in range(end, min(len(parts), end + 1 + _ON)):
        far = parts[i].far
        if far.address == destination:
            break
        found = stand(votes(far.name, whose(far.address, prefixes), country), country, far.rtt_ms)
        if found.told or not found.rejected:
            return i
    return end


def _step(near: Hop, far: Hop) -> float:
    return far.rtt_ms - near.rtt_ms if near.rtt_ms is not None and far.rtt_ms is not None else 0.0


def _same_place(hop: Hop, far: Hop) -> bool:
    if hop.rtt_ms is None or far.rtt_ms is None or abs(hop.ttl - far.ttl) > _ON:
        return hop.address == far.address
    return abs(hop.rtt_ms - far.rtt_ms) <= _SAME_PLACE_MS


def _words(hop: Hop, far: Hop, country: str, prefixes: Whereabouts) -> Iterator[Vote]:
    """Give what is said of the far end, and of a router in the same place what its name and exchange say."""
    for word in votes(hop.name, whose(hop.address, prefixes), country):
        if hop.address == far.address:
            yield word
        elif word.source != "listing":
            yield Vote(word.place, word.source, word.weight * _OF_NEIGHBOUR)


def _asn(address: str, prefixes: Whereabouts) -> int | None:
    prefix = whose(address, prefixes)
    return (prefix.asn or None) if prefix else None

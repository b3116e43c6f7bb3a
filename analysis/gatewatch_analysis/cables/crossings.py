"""Crossings: between which two routers paths leave a country, month by month, and where the far one stands.

The border link is that of :mod:`gatewatch_analysis.gateway.border`, by prefixes.  It is only the beginning:

- A tunnel or a run of equal times around it is one span, since its length may lie anywhere within.
- Where the border's own step is small and a large one lies just before it, the provider may have carried the
  packet abroad in its own addresses: the span begins before that step.
- Where the border has no step, and light forbids all that is said of the first foreign router, it stands at
  home and wears a carrier's address: the span goes on to the step behind it, and if there is none, to the
  destination, of whose place nothing is said.

So a crossing may be wider than a link, and is never narrower than what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.border import FOUND, borders
from gatewatch_analysis.paths.places import (
    LISTING_OF_CARRIER,
    Stand,
    Times,
    Vote,
    box_of,
    least_times,
    stand,
    votes,
)
from gatewatch_analysis.paths.routes import Route, routes, whose
from gatewatch_analysis.paths.spans import EQUAL_MS, STEP_MS, Segment, segments
from gatewatch_analysis.paths.traces import Hop
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import VANTAGE
from gatewatch_targets.cables import distance, least_rtt
from gatewatch_targets.geography import borders_between

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
    the span's ends; ``far``: the address at its far end.  ``domestic_asn``, ``foreign_asn``: networks of the
    border's two sides; ``behind``: of the routers from there to one behind the far end.  ``untold``: hops
    between the border's two sides that tell nothing.  ``words``: all that is said of where the far end
    stands; ``times``: its least times from every country.
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
    times: Times
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
        """Where its far end may stand, by the least times from all countries that saw it."""
        return stand(self.words, self.times)

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
        times = least_times(own)
        for route in routes(own):
            border = links.get(route.keys[: len(VANTAGE) + 1])
            seen = None if border is None else _crossing(route, str(month), border, prefixes, times)
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


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said of routers on paths from a country."""

    country: str
    prefixes: Whereabouts
    times: Mapping[str, Times]

    def stand(self, hop: Hop) -> Stand:
        """Say where a router may stand, by its own words and time."""
        own = votes(hop.name, whose(hop.address, self.prefixes), self.country)
        return stand(own, self.times.get(hop.address, {}))

    def abroad(self, hop: Hop) -> bool:
        """Whether anything is said of a router that may stand at home: a mere listing only of a neighbour."""
        return any(
            option.sources != ("listing",) or borders_between(self.country, option.place.country) == 1
            for option in self.stand(hop).options
        )

    def of(self, hop: Hop, far: Hop) -> Iterator[Vote]:
        """Give the words about the far end; of a router in the same place all but a backbone's listing."""
        for word in votes(hop.name, whose(hop.address, self.prefixes), self.country):
            if hop.address == far.address:
                yield word
            elif word.weight > LISTING_OF_CARRIER:
                yield Vote(word.place, word.source, word.weight * _OF_NEIGHBOUR)


def _crossing(
    route: Route, month: str, border: tuple[str, str], prefixes: Whereabouts, times: Mapping[str, Times]
) -> Crossing | None:
    hops, (domestic, foreign) = route.hops, border
    ttl = {hop.address: hop.ttl for hop in reversed(hops)}
    if domestic not in ttl or foreign not in ttl or ttl[domestic] >= ttl[foreign]:
        return None  # another path of the month, where the border is elsewhere
    vantage, destination = route.keys[: len(VANTAGE)], str(route.keys[len(VANTAGE)])
    parts = segments(hops, destination)
    begin = next(i for i, part in enumerate(parts) if part.far.ttl > ttl[domestic])
    end = next(i for i, part in enumerate(parts) if part.far.ttl >= ttl[foreign])
    begin = _back(parts, begin, end)
    words = _Words(str(vantage[0]), prefixes, times)
    end, seen = _on(parts, begin, end, destination, words)
    near, far = parts[begin].near, parts[end].far
    routers = [hop for hop in hops if hop.ttl >= ttl[foreign] and hop.address != destination]
    beside = [hop for hop in routers if _same_place(hop, far)]
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
        far_ms=far.rtt_ms if seen else None,
        domestic_asn=_asn(domestic, prefixes),
        foreign_asn=_asn(foreign, prefixes),
        behind=tuple(dict.fromkeys(filter(None, (_asn(hop.address, prefixes) for hop in behind)))),
        untold=ttl[foreign] - ttl[domestic] - 1 - len(told),
        why=next((part.why for part in parts[begin : end + 1] if part.why), ""),
        words=tuple(dict.fromkeys(word for hop in beside for word in words.of(hop, far))),
        times=times.get(far.address, {}) if seen else {},
        first=min(days, default=None),
        last=max(days, default=None),
        destinations={destination},
    )


def _back(parts: Sequence[Segment], begin: int, end: int) -> int:
    """Begin before a large step that lies just before a border without one."""
    step = _step(parts[begin].near, parts[end].far)
    for i in range(begin - 1, max(-1, begin - 1 - _BACK), -1):
        # The step over the volunteer's own line is its access network.
        if parts[i].near.public and step < STEP_MS <= _step(parts[i].near, parts[i].far):
            return i
    return begin


def _on(parts: Sequence[Segment], begin: int, end: int, destination: str, words: _Words) -> tuple[int, bool]:
    """Go on from a far end that is as near as the near one and nowhere that is said of it.

    Says also whether the far end was found: behind routers that all stand at home there may be none.
    """
    home_ms = max(STEP_MS, _inside(words.country))
    for i in range(end, min(len(parts), end + 1 + _ON)):
        far = parts[i].far
        step = _step(parts[begin].near, far)
        if far.address == destination or step >= home_ms or words.abroad(far):
            return i, True
    return end, False


def _inside(country: str) -> float:
    """Give the time there and back over half of a country: no step that long lies within it."""
    box = box_of(country)
    return least_rtt(distance(box.south, box.west, box.north, box.east) / 2) if box else 0.0


def _step(near: Hop, far: Hop) -> float:
    return far.rtt_ms - near.rtt_ms if near.rtt_ms is not None and far.rtt_ms is not None else 0.0


def _same_place(hop: Hop, far: Hop) -> bool:
    if hop.rtt_ms is None or far.rtt_ms is None or abs(hop.ttl - far.ttl) > _ON:
        return hop.address == far.address
    return abs(hop.rtt_ms - far.rtt_ms) <= _SAME_PLACE_MS


def _asn(address: str, prefixes: Whereabouts) -> int | None:
    prefix = whose(address, prefixes)
    return (prefix.asn or None) if prefix else None

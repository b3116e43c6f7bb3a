"""Where a hop may stand: words of its exchange, its name and its prefix's listing, under light's law.

No word is the truth.  A prefix is listed under a registry's country, and a carrier's routers wear its
prefixes everywhere; an exchange's member may sit far away from it; a name may be old.  So each has a weight,
a place that light could not have reached in the hop's least time is out, and what is left over is "unknown".
Light is an upper bound only: a short time proves that a hop is near, a long one does not prove it far.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import pandas as pd

from gatewatch_analysis.paths.routes import routes, whose
from gatewatch_analysis.prefixes import Prefix, Whereabouts
from gatewatch_analysis.tables import VANTAGE, HopPlaces
from gatewatch_targets.cables import distance
from gatewatch_targets.cables.light import ELLIPSOID, TOWN_KM, least_rtt
from gatewatch_targets.carriers import carrier
from gatewatch_targets.geography import Box, borders_between, cities, city_named, hinted, lands

# On 13 suffixes confirmed by their operators, 94.0 % of names with a known hint were right (Luckie et al.,
# Learning to extract geographic information from Internet router hostnames, CoNEXT 2021).
NAME = 0.94
# 28 % of the interfaces at the exchanges studied were those of remote peers (Nomikos et al., O Peer, Where
# Art Thou?, IMC 2018; from memory).
EXCHANGE = 0.72
# Ours.  A listing is mostly right for networks at home and for whoever stands next door, and mostly an
# accident for carriers that run backbones in many countries.
LISTING, LISTING_OF_CARRIER = 0.6, 0.3
# Ours: in how many countries a hop may plausibly stand.  The more there are, the more it says that two agree.
PLAUSIBLE = 10


@dataclass(frozen=True, slots=True)
class Place:
    """A country, and a position in it where one is told; else it is anywhere in the country."""

    country: str
    name: str = ""
    lat: float | None = None
    lon: float | None = None

    def away(self, lat: float, lon: float) -> float:
        """Give the least distance in km to a position in degrees."""
        if self.lat is not None and self.lon is not None:
            return max(0.0, distance(self.lat, self.lon, lat, lon) - TOWN_KM)
        return box.distance(lat, lon) if (box := box_of(self.country)) else 0.0

    def away_from(self, country: str) -> float:
        """Give the least distance in km to anywhere in a country; 0 where its extent is not known."""
        if (box := box_of(country)) is None:
            return 0.0
        if self.lat is not None and self.lon is not None:
            return max(0.0, box.distance(self.lat, self.lon) - TOWN_KM)
        own = box_of(self.country)
        return box.between(own) if own else 0.0


@dataclass(frozen=True, slots=True)
class Vote:
    """Somebody's word: ``source`` is exchange, name or listing; ``weight`` how often such a word is right."""

    place: Place
    source: str
    weight: float


@dataclass(frozen=True, slots=True)
class Option:
    """A place that is left, with the chance that it is the one, and who says so."""

    place: Place
    weight: float
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a hop may stand: what is left, what light ruled out, and the chance of neither."""

    options: tuple[Option, ...]
    rejected: tuple[Vote, ...]
    unknown: float

    @property
    def told(self) -> bool:
        """Whether anybody's word is left."""
        return bool(self.options)


def box_of(country: str) -> Box | None:
    """Give the box that holds a country, or None."""
    land = lands().get(country)
    return land.box if land else None


def reachable(place: Place, vantage: str, rtt_ms: float | None) -> bool:
    """Whether light could go from somewhere in the vantage's country to a place and back in that time."""
    return rtt_ms is None or least_rtt(place.away_from(vantage) * (1 - ELLIPSOID)) <= rtt_ms


def votes(name: str | None, prefix: Prefix | None, vantage: str) -> list[Vote]:
    """Give the words about a hop of this name and this prefix, on a path from a country."""
    found = []
    if name and (city := hinted(name)):
        found.append(Vote(Place(city.country, city.name, city.lat, city.lon), "name", NAME))
    if prefix is None:
        return found
    if prefix.ixp:
        if at := city_named(prefix.ixp):
            found.append(Vote(Place(at.country, at.name, at.lat, at.lon), "exchange", EXCHANGE))
        elif prefix.country:
            found.append(Vote(_whole(prefix.country), "exchange", EXCHANGE))
    elif prefix.country:
        near = borders_between(vantage, prefix.country) in (0, 1)
        weight = LISTING if near or carrier(prefix.asn) is None else LISTING_OF_CARRIER
        found.append(Vote(_whole(prefix.country), "listing", weight))
    return found


def _whole(country: str) -> Place:
    """Give a country as a place; one that is a single city is that city."""
    own = [city for city in cities().values() if city.country == country]
    box = box_of(country)
    if box and len(own) == 1 and (box.north - box.south) < 1:
        return Place(country, own[0].name, own[0].lat, own[0].lon)
    return Place(country)


def stand(words: Iterable[Vote], vantage: str, rtt_ms: float | None) -> Stand:
    """Weigh the words about a hop that was reached from ``vantage`` (a country) in ``rtt_ms`` at the least.

    The words count as independent, and one that is wrong names any other of :data:`PLAUSIBLE` countries.  The
    position is that of the weightiest word for the country.
    """
    kept: dict[str, list[Vote]] = {}
    rejected = []
    for vote in words:
        if reachable(vote.place, vantage, rtt_ms):
            kept.setdefault(vote.place.country, []).append(vote)
        else:
            rejected.append(vote)
    heard = [vote for own in kept.values() for vote in own]

    def chance(country: str) -> float:
        return prod(
            vote.weight if vote.place.country == country else (1 - vote.weight) / (PLAUSIBLE - 1)
            for vote in heard
        )

    chances = {country: chance(country) for country in kept}
    nobody = max(0, PLAUSIBLE - len(kept)) * chance("")
    whole = nobody + sum(chances.values())
    options = []
    for country in sorted(chances, key=lambda c: (-chances[c], c)):
        best = max(kept[country], key=lambda vote: (vote.place.lat is not None, vote.weight))
        sources = tuple(dict.fromkeys(vote.source for vote in kept[country]))
        options.append(Option(best.place, chances[country] / whole, sources))
    return Stand(tuple(options), tuple(rejected), nobody / whole)


def places(hops: pd.DataFrame, prefixes: Whereabouts) -> pd.DataFrame:
    """Say where the hops may stand, by the least time over all traces of a vantage (table ``HopPlaces``)."""
    heard: dict[tuple[tuple[object, ...], str], tuple[float | None, str | None]] = {}
    for route in routes(hops):
        for hop in route.hops:
            key = (route.keys[: len(VANTAGE)], hop.address)
            rtt, name = heard.get(key, (None, None))
            times = [time for time in (rtt, hop.rtt_ms) if time is not None]
            heard[key] = (min(times, default=None), name or hop.name)
    rows: list[tuple[object, ...]] = []
    for (vantage, address), (rtt, name) in sorted(heard.items(), key=lambda i: (str(i[0][0]), i[0][1])):
        about = (*vantage, address, rtt)
        country = str(vantage[0])
        found = stand(votes(name, whose(address, prefixes), country), country, rtt)
        for option in found.options:
            rows.append((*about, *_told(option.place), " ".join(option.sources), option.weight, False))
        for vote in found.rejected:
            rows.append((*about, *_told(vote.place), vote.source, 0.0, True))
        rows.append((*about, None, None, None, None, "unknown", found.unknown, False))
    return HopPlaces.frame(rows)


def _told(place: Place) -> tuple[object, ...]:
    return place.country, place.name or None, place.lat, place.lon

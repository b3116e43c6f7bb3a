"""Where a hop may stand: words of its exchange, its name and its prefix's listing, under light's law.

No word is the truth.  A prefix is listed under a registry's country, and a carrier's routers wear its
prefixes everywhere; an exchange's member may sit far away from it; a name may be old.  So each has a weight,
a place that light could not have reached in the hop's least time is out, and what is left over is "unknown".
Light is an upper bound only: a short time proves that a hop is near, a long one does not prove it far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
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
# Ours.  A listing is mostly right for networks at home, for whoever stands next door, and for a carrier's
# prefix that is listed away from its seat; it mostly tells nothing for the other prefixes of backbones.
LISTING, LISTING_OF_CARRIER = 0.6, 0.3
# Ours: in how many countries a hop may plausibly stand.  The more there are, the more it says that two agree.
PLAUSIBLE = 10


#: Least time there and back in ms, by the country of the vantage.
Times = Mapping[str, float]


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
        return _away_from(self, country)

    def towns_from(self, country: str) -> float:
        """Give the least distance in km from anywhere in a country to a known city of this one.

        No bound, where only the country is told: routers stand in cities, but not all cities are known.
        """
        box = box_of(country)
        own = [city for city in cities().values() if city.country == self.country]
        if self.lat is not None or box is None or not own:
            return self.away_from(country)
        return max(0.0, min(box.distance(city.lat, city.lon) for city in own) - TOWN_KM)


@lru_cache(maxsize=65536)
def _away_from(place: Place, country: str) -> float:
    if (box := box_of(country)) is None:
        return 0.0
    if place.lat is not None and place.lon is not None:
        return max(0.0, box.distance(place.lat, place.lon) - TOWN_KM)
    own = box_of(place.country)
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


def reachable(place: Place, times: Times) -> bool:
    """Whether light could go to a place and back from somewhere in every country, in the least time there."""
    return all(least_rtt(place.away_from(c) * (1 - ELLIPSOID)) <= ms for c, ms in times.items())


def believable(vote: Vote, times: Times) -> bool:
    """Whether light allows a word; of a listing, also whether it allows a city of that country.

    A listing says so little that a corner of a large country on the other side of a mountain range is no
    reason to believe it.
    """
    if vote.source != "listing":
        return reachable(vote.place, times)
    return all(least_rtt(vote.place.towns_from(c) * (1 - ELLIPSOID)) <= ms for c, ms in times.items())


def least_times(hops: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Give for every router its least time from each country that traces come from, whichever the network.

    What several countries have seen is bounded from several sides.
    """
    known = hops[hops["rtt_ms"].notna() & hops["address"].notna()]
    least = known.groupby(["address", "country"], as_index=False, observed=True)["rtt_ms"].min()
    found: dict[str, dict[str, float]] = {}
    for address, country, time in least.itertuples(index=False, name=None):
        found.setdefault(str(address), {})[str(country)] = float(time)
    return found


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
        weight = LISTING if near or not _of_habit(prefix) else LISTING_OF_CARRIER
        found.append(Vote(_whole(prefix.country), "listing", weight))
    return found


def _of_habit(prefix: Prefix) -> bool:
    """Whether a listing is what a carrier's prefixes mostly bear wherever they are used.

    That is the country of its seat, and the United States, in whose registry many of the oldest blocks stand.
    """
    known = carrier(prefix.asn)
    return known is not None and prefix.country in (known.home, known.group_home, "US")


def _whole(country: str) -> Place:
    """Give a country as a place; one that is a single city is that city."""
    own = [city for city in cities().values() if city.country == country]
    box = box_of(country)
    if box and len(own) == 1 and (box.north - box.south) < 1:
        return Place(country, own[0].name, own[0].lat, own[0].lon)
    return Place(country)


def stand(words: Iterable[Vote], times: Times) -> Stand:
    """Weigh the words about a hop that was reached in these times at the least.

    The words count as independent, and one that is wrong names any other of :data:`PLAUSIBLE` countries.  The
    position is that of the weightiest word for the country.
    """
    kept: dict[str, list[Vote]] = {}
    rejected = []
    for vote in words:
        if believable(vote, times):
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
    """Say where the hops may stand, by the least times of all traces (table ``HopPlaces``)."""
    names: dict[tuple[tuple[object, ...], str], str | None] = {}
    for route in routes(hops):
        for hop in route.hops:
            key = (route.keys[: len(VANTAGE)], hop.address)
            names[key] = names.get(key) or hop.name
    times = least_times(hops)
    rows: list[tuple[object, ...]] = []
    for (vantage, address), name in sorted(names.items(), key=lambda i: (str(i[0][0]), i[0][1])):
        country, own = str(vantage[0]), times.get(address, {})
        about = (*vantage, address, own.get(country))
        found = stand(votes(name, whose(address, prefixes), country), own)
        for option in found.options:
            rows.append((*about, *_told(option.place), " ".join(option.sources), option.weight, False))
        for vote in found.rejected:
            rows.append((*about, *_told(vote.place), vote.source, 0.0, True))
        rows.append((*about, None, None, None, None, "unknown", found.unknown, False))
    return HopPlaces.frame(rows)


def _told(place: Place) -> tuple[object, ...]:
    return place.country, place.name or None, place.lat, place.lon

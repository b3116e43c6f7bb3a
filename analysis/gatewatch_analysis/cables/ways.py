"""Ways from a country to a place abroad: which systems may carry them, and what light, time and land forbid.

A way by sea is a system with a landing in the country, or behind a land border or two of it, and another one
in or near the place.  A way is out only where it cannot be: the system was not in service, no landing can be
reached, or even light would take longer over its length, and back the shortest way, than the least time that
was measured.  That the way back may be another one is why only the shortest way back is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from gatewatch_analysis.cables.knowledge import Knowledge
from gatewatch_analysis.paths.places import Place, box_of
from gatewatch_targets.cables import FIBRE_KM_PER_MS, Cable, Landing, cable_rtt
from gatewatch_targets.cables.light import ELLIPSOID, TOWN_KM
from gatewatch_targets.geography import borders_between, lands

Kind = Literal["sea", "land", "terrestrial", "unlisted", "abstain"]

# Land borders that a way may cross beside a cable, both ends together; and one that goes by land alone.
MOST_BESIDE, MOST_BY_LAND = 2, 4
# Ours: how much longer than the great circle fibres lie, for what is likely.  No bound stands on it.
SEA_DETOUR, LAND_DETOUR = 1.3, 1.4


@dataclass(frozen=True, slots=True)
class Way:
    """One way, by a system of ``kind``.

    ``system``: None for what is in no list.  ``borders``: land borders crossed in all.  ``here``, ``there``:
    landings, where known.  ``least_ms``: no answer from the far end can come sooner.  ``likely_ms``: as soon
    as it mostly comes on an idle line.  ``service``: None where it is not known whether it was in service.
    ``unlisted_landing``: how little it is believed: 0 where both landings are listed, 1 where one is not, 2
    where it is not although all of that country's are said to be.
    """

    kind: Kind
    system: Cable | None
    borders: int
    here: Landing | None
    there: Landing | None
    least_ms: float
    likely_ms: float
    service: bool | None = True
    unlisted_landing: int = 0


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two landings of one system as a way, whatever the dates."""

    borders: int
    least_ms: float
    likely_ms: float
    here: Landing | None
    there: Landing | None
    unlisted: int = 0


def ways(
    knowledge: Knowledge, country: str, place: Place, days: tuple[date, date], rtt_ms: float | None
) -> list[Way]:
    """Give every way from a country to a place that is not impossible, the likeliest pair of landings each.

    ``days``: the first and the last on which it was used.  ``rtt_ms``: the least time to the place and back.
    """
    found = []
    for index, system in enumerate(knowledge.systems):
        service = in_service(system, days)
        if service is False:
            continue
        pairs = _by_sea if system.kind == "submarine" else _by_land
        pair = next(
            (p for p in pairs(knowledge, index, country, place) if possible(p.least_ms, rtt_ms)), None
        )
        if pair is not None:
            found.append(_way(system, pair, service))
    crossed = borders_between(country, place.country)
    straight = place.away_from(country)
    least = _ms(2 * straight)
    if crossed is not None and 0 < crossed <= MOST_BY_LAND:
        likely = _ms(straight * LAND_DETOUR * 2)
        found.append(Way("terrestrial", None, crossed, None, None, least, likely))
    found.append(Way("unlisted", None, 0, None, None, least, _ms(straight * SEA_DETOUR * 2)))
    return found


def possible(least_ms: float, rtt_ms: float | None) -> bool:
    """Whether light could be there and back in the least time that was measured."""
    return rtt_ms is None or least_ms <= rtt_ms


def in_service(system: Cable, days: tuple[date, date]) -> bool | None:
    """Whether a system was in service on any of the days; None where that is not known."""
    first, last = days
    tried = {first, last}
    # Between two days a year apart a system may have come and gone.
    for fact in (system.in_service, system.seen):
        if fact is not None and first <= fact.value.last <= last:
            tried.add(fact.value.last)
    states = {system.works(day) for day in tried}
    if True in states:
        return True
    return None if None in states else False


def elsewhere(knowledge: Knowledge, country: str, days: tuple[date, date], rtt_ms: float | None) -> list[Way]:
    """Give a way by every system that may be reached from a country, to whichever of its landings is nearest.

    For a far end of which nobody can say where it stands; by land, too, where the country has a border.
    """
    found = []
    for index, pair in _out_of(knowledge, country):
        system = knowledge.systems[index]
        service = in_service(system, days)
        if service is not False and possible(pair.least_ms, rtt_ms):
            found.append(_way(system, pair, service))
    if country in lands() and lands()[country].neighbours:
        found.append(Way("terrestrial", None, 1, None, None, 0.0, 0.0))
    return found


def _way(system: Cable, pair: _Pair, service: bool | None) -> Way:
    kind: Kind = "sea" if system.kind == "submarine" else "land"
    return Way(
        kind,
        system,
        pair.borders,
        pair.here,
        pair.there,
        pair.least_ms,
        pair.likely_ms,
        service,
        pair.unlisted,
    )


@lru_cache(maxsize=512)
def _out_of(knowledge: Knowledge, country: str) -> tuple[tuple[int, _Pair], ...]:
    found = []
    for index, system in enumerate(knowledge.systems):
        pairs: list[_Pair] = []
        for there in system.landings:
            place = Place(there.country, there.place, there.lat, there.lon)
            find = _by_sea if system.kind == "submarine" else _by_land
            # A landing that no list has is no reason to name a system for a place that nobody names.
            pairs += [pair for pair in find(knowledge, index, country, place) if not pair.unlisted]
        if pairs:
            found.append((index, min(pairs, key=lambda pair: (pair.least_ms, pair.borders))))
    return tuple(found)


@lru_cache(maxsize=65536)
def _by_sea(knowledge: Knowledge, index: int, country: str, place: Place) -> tuple[_Pair, ...]:
    """Give the pairs of landings that may serve, the ones that cross the fewest land borders first."""
    system, found = knowledge.systems[index], []
    by_land = borders_between(country, place.country)
    # A way by sea crosses fewer land borders than one that goes by land alone.
    most = MOST_BESIDE if by_land is None else min(MOST_BESIDE, by_land - 1)
    for here in system.landings:
        before = borders_between(country, here.country)
        if before is None or before > most:
            continue
        for there in system.landings:
            if here.country in (there.country, place.country) or there.country == country:
                continue  # by land to where it goes, or back into the country
            behind = borders_between(there.country, place.country)
            if behind is None or before + behind > most:
                continue
            times = _times(system, country, here, there, place)
            found.append(_Pair(before + behind, *times, here, there))
    if not found and country != place.country:
        found += _unlisted_landing(knowledge, system, country, place, most)
    return tuple(sorted(found, key=lambda pair: (pair.borders, pair.least_ms)))


def _unlisted_landing(
    knowledge: Knowledge, system: Cable, country: str, place: Place, most: int
) -> Iterator[_Pair]:
    """Give ways to or from a landing that may exist and is not listed."""
    counted = system.landing_count
    if counted is not None and counted.value <= len(system.landings):
        return
    straight = place.away_from(country)
    times = _ms(2 * straight), _ms(2 * straight * SEA_DETOUR)
    for landing in system.landings:
        before = borders_between(country, landing.country)
        behind = borders_between(landing.country, place.country)
        if before is not None and before <= most:
            yield _Pair(before, *times, landing, None, 1 + knowledge.every_landing(place.country))
        elif behind is not None and behind <= most:
            yield _Pair(behind, *times, None, landing, 1 + knowledge.every_landing(country))


@lru_cache(maxsize=65536)
def _by_land(knowledge: Knowledge, index: int, country: str, place: Place) -> tuple[_Pair, ...]:
    """Give the pairs of ends of a link out of the country from which the place can be reached by land."""
    system, found = knowledge.systems[index], []
    straight = borders_between(country, place.country)
    for here in system.landings:
        for there in system.landings:
            if here.country != country or there.country == country:
                continue
            behind = borders_between(there.country, place.country)
            # No long way round: one border more than need be, at the most.
            if behind is None or straight is None or behind > min(straight, MOST_BY_LAND - 1):
                continue
            found.append(_Pair(1 + behind, *_times(system, country, here, there, place), here, there))
    return tuple(sorted(found, key=lambda pair: (pair.borders, pair.least_ms)))


def _times(system: Cable, country: str, here: Landing, there: Landing, place: Place) -> tuple[float, float]:
    """Give the least and the likely time there and back by a pair of landings, in ms.

    The least: to the one landing, along the system as bounded by its stated length, from the other one to the
    place, and straight back.
    """
    bounds = cable_rtt(system, here, there) if system.kind == "submarine" else None
    along = bounds[0] / 2 * FIBRE_KM_PER_MS if bounds else 0.0
    first, last = _to_country(here, country), _to_place(there, place)
    straight = place.away_from(country)
    least = _ms(max(first + along + last, straight) + straight)
    laid = min(along * SEA_DETOUR, bounds[1] / 2 * FIBRE_KM_PER_MS) if bounds else along
    likely = max(laid, along) + (first + last) * LAND_DETOUR
    return least, _ms(2 * max(likely, straight * LAND_DETOUR))


def _to_country(landing: Landing, country: str) -> float:
    box = box_of(country)
    if box is None or landing.lat is None or landing.lon is None:
        return 0.0
    return max(0.0, box.distance(landing.lat, landing.lon) - TOWN_KM)


def _to_place(landing: Landing, place: Place) -> float:
    if landing.lat is None or landing.lon is None:
        return Place(landing.country).away_from(place.country) if place.lat is None else 0.0
    return max(0.0, place.away(landing.lat, landing.lon) - TOWN_KM)


def _ms(km: float) -> float:
    """Give the time in ms over so many km of fibre; a bound must not be too high on the ellipsoid either."""
    return km * (1 - ELLIPSOID) / FIBRE_KM_PER_MS

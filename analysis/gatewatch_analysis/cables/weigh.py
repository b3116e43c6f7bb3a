"""Candidates of a crossing with their weights: one prior, stated here, times what is seen.

No source says how traffic spreads over systems, so the prior is ours.  It is coarse on purpose, and printed
with every result; what is answered "yes" or "no" for sure never hangs on it alone (see attributes).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from math import exp

from gatewatch_analysis.cables.crossings import Crossing
from gatewatch_analysis.cables.knowledge import Knowledge, companies_of
from gatewatch_analysis.cables.ways import Kind, Way, elsewhere, ways
from gatewatch_analysis.paths.places import Option, Place, reachable
from gatewatch_targets.cables import Cable
from gatewatch_targets.geography import cities


@dataclass(frozen=True, slots=True)
class Priors:
    """Odds of a way against a listed cable that lands in both countries; all ours, none measured.

    ``border``: for each land border beside a cable, and each after the first by land.  ``terrestrial``: by
    land over a single border, in fibres that no list holds.  ``service``: where it is not known whether it
    was in service.  ``landing``: where one landing is not listed.  ``owner``: for each side of the border
    whose network belongs to an owner, operator or landing party.  ``queue_ms``: the difference of a least
    time from the likely one that makes a way e times less likely.
    """

    border: float = 0.25
    terrestrial: float = 2.0
    service: float = 0.5
    landing: float = 0.1
    owner: float = 3.0
    queue_ms: float = 40.0

    def __str__(self) -> str:
        return ", ".join(f"{field.name} {getattr(self, field.name):g}" for field in fields(self))


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may carry a crossing: ``weight`` is its chance, 0 where only another place would allow it.

    ``matched``: companies on either side of the border that own, run or land it.
    """

    kind: Kind
    way: Way | None
    weight: float
    matched: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The system's id; of what is in no list, the word for it."""
        return self.way.system.id if self.way and self.way.system else self.kind

    @property
    def name(self) -> str:
        """The system's name, or what it is."""
        return self.way.system.name if self.way and self.way.system else _WORDS.get(self.kind, self.kind)


_WORDS = {
    "terrestrial": "by land, in fibres that no list holds",
    "unlisted": "a submarine system that no list holds",
    "abstain": "where the far end stands is not known",
}


class Weighing:
    """One crossing before what is known: candidates for one place of its far end, or for all of them."""

    def __init__(self, crossing: Crossing, knowledge: Knowledge, today: date, priors: Priors) -> None:
        self._crossing = crossing
        self._knowledge = knowledge
        self._priors = priors
        #: The day by which owners count, and the first and last on which it was used.
        self.on = crossing.last or today
        self._days = (crossing.first or date.min, self.on)
        self._stand = crossing.stand
        self._parts: dict[str, tuple[str, ...]] = {}

    def candidates(self) -> list[Candidate]:
        """Give what may carry it, with weights that add up to 1; the heaviest first."""
        found: dict[str, Candidate] = {}
        for option in self._abroad():
            for candidate in self.at(option.place):
                known = found.get(candidate.id)
                # The way of the likelier place is told, and the weights add up.
                weight = candidate.weight * option.weight + (known.weight if known else 0.0)
                way = known.way if known else candidate.way
                found[candidate.id] = Candidate(candidate.kind, way, weight, candidate.matched)
        country, rtt = self._crossing.country, self._crossing.far_ms
        for way in elsewhere(self._knowledge, country, self._days, rtt):
            candidate = Candidate(way.kind, way, 0.0, self._matched(way.system))
            found.setdefault(candidate.id, candidate)
        if "unlisted" not in found:
            found["unlisted"] = Candidate("unlisted", None, 0.0)
        found["abstain"] = Candidate("abstain", None, self.nowhere)
        return sorted(found.values(), key=lambda c: (-c.weight, c.id))

    @property
    def nowhere(self) -> float:
        """The chance that the far end stands at none of the places that are said of it."""
        return 1.0 - sum(option.weight for option in self._abroad())

    def _abroad(self) -> list[Option]:
        """Give the places that are said of it; at home it would be no far end, and the border behind it."""
        return [o for o in self._stand.options if o.place.country != self._crossing.country]

    def places(self) -> list[Place]:
        """Give every country abroad with a landing or a city in the tables that light can have been to."""
        known = set(self._knowledge.countries) | {city.country for city in cities().values()}
        abroad = (Place(country) for country in sorted(known - {self._crossing.country}))
        return [place for place in abroad if reachable(place, self._crossing.times)]

    def at(self, place: Place) -> list[Candidate]:
        """Give the candidates if the far end stands at a place; their weights add up to 1."""
        country, rtt = self._crossing.country, self._crossing.far_ms
        here = ways(self._knowledge, country, place, self._days, rtt)
        odds = [0.0 if way.kind == "unlisted" else self._odds(way) for way in here]
        by_sea = sum(odd for way, odd in zip(here, odds, strict=True) if way.kind == "sea")
        missing = self._knowledge.missing(country, place.country, self.on)
        # What no list holds is in proportion to what they hold, or to one cable where they hold none.
        unlisted = (by_sea or 1.0) * missing / (1 - missing)
        odds = [unlisted if way.kind == "unlisted" else odd for way, odd in zip(here, odds, strict=True)]
        whole = sum(odds)
        return [
            Candidate(way.kind, way, odd / whole, self._matched(way.system))
            for way, odd in zip(here, odds, strict=True)
        ]

    def _odds(self, way: Way) -> float:
        priors, rtt = self._priors, self._crossing.far_ms
        beside = way.borders if way.kind == "sea" else way.borders - 1
        odds = priors.border**beside * priors.owner ** len(self._matched(way.system))
        odds *= priors.landing**way.unlisted_landing
        if way.kind == "terrestrial":
            odds *= priors.terrestrial
        if way.service is None:
            odds *= priors.service
        if rtt is not None:
            odds *= exp(-abs(rtt - way.likely_ms) / priors.queue_ms)
        return odds

    def _matched(self, system: Cable | None) -> tuple[str, ...]:
        """Give the companies of the networks on both sides that have a part in a system, one a side at most.

        A border router may wear the address of the network across the border, so both sides count, and by
        whole names alone.
        """
        if system is None:
            return ()
        if system.id not in self._parts:
            shared = [
                companies_of(asn, self.on) & self._knowledge.parts(system, self.on)
                for asn in (self._crossing.domestic_asn, self._crossing.foreign_asn)
            ]
            self._parts[system.id] = tuple(dict.fromkeys(min(ids) for ids in shared if ids))
        return self._parts[system.id]


def candidates(
    crossing: Crossing, knowledge: Knowledge, today: date, priors: Priors | None = None
) -> list[Candidate]:
    """Give what may carry a crossing, with weights that add up to 1; the heaviest first.

    ``today`` stands for days that are not told.
    """
    return Weighing(crossing, knowledge, today, priors or Priors()).candidates()

"""Candidates of a crossing with their weights: one prior, stated here, times what is seen.

No source says how traffic spreads over systems, so the prior is ours.  It is coarse on purpose, and printed
with every result; what is answered "yes" or "no" for sure never hangs on it alone (see attributes).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from math import exp

from gatewatch_analysis.cables.crossings import Crossing
from gatewatch_analysis.cables.knowledge import Knowledge, companies_of
from gatewatch_analysis.cables.ways import Kind, Way, elsewhere, ways
from gatewatch_analysis.paths.places import Option
from gatewatch_targets.cables import Cable, ultimate
from gatewatch_targets.cables import companies as known_companies


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


def candidates(
    crossing: Crossing, knowledge: Knowledge, today: date, priors: Priors | None = None
) -> list[Candidate]:
    """Give what may carry a crossing, with weights that add up to 1; the heaviest first.

    ``today`` stands for days that are not told.
    """
    priors = priors or Priors()
    days = (crossing.first or date.min, crossing.last or today)
    stand = crossing.stand
    found: dict[str, Candidate] = {}
    abstain = stand.unknown
    for option in stand.options:
        if option.place.country == crossing.country:
            abstain += option.weight  # the border lies behind it
            continue
        for candidate in _of_option(crossing, option, days, knowledge, priors):
            known = found.get(candidate.id)
            # The way of the likelier place is told, and the weights add up.
            weight = candidate.weight + (known.weight if known else 0.0)
            way = known.way if known else candidate.way
            found[candidate.id] = Candidate(candidate.kind, way, weight, candidate.matched)
    for way in elsewhere(knowledge, crossing.country, days, crossing.far_ms):
        if way.system is not None and way.system.id not in found:
            matched = _matched(way.system, crossing, days[1])
            found[way.system.id] = Candidate(way.kind, way, 0.0, matched)
    if "unlisted" not in found:
        found["unlisted"] = Candidate("unlisted", None, 0.0)
    found["abstain"] = Candidate("abstain", None, abstain)
    return sorted(found.values(), key=lambda c: (-c.weight, c.id))


def _of_option(
    crossing: Crossing, option: Option, days: tuple[date, date], knowledge: Knowledge, priors: Priors
) -> Iterable[Candidate]:
    """Give the candidates if the far end stands there; their weights add up to the option's."""
    here = ways(knowledge, crossing.country, option.place, days, crossing.far_ms)
    odds = []
    for way in here:
        matched = _matched(way.system, crossing, days[1]) if way.system else ()
        odds.append((way, matched, _odds(way, len(matched), crossing, priors)))
    by_sea = sum(odd for way, _, odd in odds if way.kind == "sea")
    missing = knowledge.missing(crossing.country, option.place.country, days[1])
    # What no list holds is in proportion to what they hold, or to one cable where they hold none.
    unlisted = (by_sea or 1.0) * missing / (1 - missing)
    odds = [(way, m, unlisted if way.kind == "unlisted" else odd) for way, m, odd in odds]
    whole = sum(odd for _, _, odd in odds)
    return [Candidate(way.kind, way, option.weight * odd / whole, m) for way, m, odd in odds]


def _odds(way: Way, matched: int, crossing: Crossing, priors: Priors) -> float:
    if way.kind == "unlisted":
        return 0.0
    beside = way.borders if way.kind == "sea" else way.borders - 1
    odds = priors.border**beside * priors.owner ** min(matched, 2)
    if way.kind == "terrestrial":
        odds *= priors.terrestrial
    if way.service is None:
        odds *= priors.service
    odds *= priors.landing**way.unlisted_landing
    if crossing.far_ms is not None:
        odds *= exp(-abs(crossing.far_ms - way.likely_ms) / priors.queue_ms)
    return odds


def _matched(system: Cable, crossing: Crossing, on: date) -> tuple[str, ...]:
    """Give the companies of the networks on both sides that have a part in a system, one a side at most.

    A border router may wear the address of the network across the border, so both sides count, and by whole
    names alone.
    """
    roles = (*system.owners, *system.operators, *system.parties)
    parts = {role.company for role in roles if role.on(on) is not False}
    chains = parts.union(*(ultimate(part, on).chain for part in parts if part in known_companies()))
    found: list[str] = []
    for asn in (crossing.domestic_asn, crossing.foreign_asn):
        shared = companies_of(asn, on) & chains
        if shared and not set(found) & shared:
            found.append(min(shared))
    return tuple(found)

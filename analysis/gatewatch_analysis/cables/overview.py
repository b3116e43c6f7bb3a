"""Every table of the cables, from hops: crossings, candidates, and what of them is Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

import pandas as pd

from gatewatch_analysis.cables.attributes import ATTRIBUTES, Attribute, Chance, answer, carried, chances
from gatewatch_analysis.cables.crossings import Crossing, crossings
from gatewatch_analysis.cables.knowledge import Knowledge
from gatewatch_analysis.cables.shares import Draw, Share, share
from gatewatch_analysis.cables.weigh import Candidate, Priors, Weighing
from gatewatch_analysis.paths.vantages import placed
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import (
    Candidates,
    ChineseByCountry,
    ChineseByIsp,
    ChineseCrossings,
    Crossings,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A crossing with its candidates and, for each attribute, the bounds of the chance; ``on``: its day."""

    crossing: Crossing
    on: date
    candidates: tuple[Candidate, ...]
    chances: dict[Attribute, Chance]

    @property
    def group(self) -> tuple[Any, ...]:
        """The ISP in a month."""
        return (*self.crossing.vantage, self.crossing.month)

    @property
    def towards(self) -> str:
        """What its draw is known by: the country where the far end most likely stands, else its network."""
        told = self.crossing.stand.options
        return told[0].place.country if told else f"AS{self.crossing.foreign_asn}"


@dataclass(frozen=True, slots=True)
class Cables:
    """The tables, and the prior that they were made with."""

    crossings: pd.DataFrame
    candidates: pd.DataFrame
    chinese: pd.DataFrame
    by_isp: pd.DataFrame
    by_country: pd.DataFrame
    priors: Priors


def whose_cables(
    hops: pd.DataFrame,
    prefixes: Whereabouts,
    *,
    knowledge: Knowledge | None = None,
    today: date | None = None,
    priors: Priors | None = None,
) -> Cables:
    """Say of every crossing of the vantages' borders what may carry it, and how much of it is Chinese.

    ``today`` stands for days that the traces do not tell.  Traces that tell no vantage get that of their
    first known router.
    """
    hops = placed(hops, prefixes)
    priors, on = priors or Priors(), today or datetime.now(UTC).date()
    knowledge = knowledge or Knowledge.own()
    judged = judge(hops, prefixes, knowledge, on, priors)
    return Cables(
        Crossings.frame(_crossing_row(item.crossing) for item in judged),
        Candidates.frame(row for item in judged for row in _candidate_rows(item, knowledge)),
        ChineseCrossings.frame(
            (*_keys(item.crossing), *_bounds(attribute, share([Draw(item.chances[attribute], 1.0)])))
            for item in judged
            for attribute in ATTRIBUTES
        ),
        ChineseByIsp.frame(_by_isp(judged)),
        ChineseByCountry.frame(_by_country(judged)),
        priors,
    )


def judge(
    hops: pd.DataFrame, prefixes: Whereabouts, knowledge: Knowledge, today: date, priors: Priors
) -> list[Judged]:
    """Give every crossing with its candidates and chances."""
    found = []
    for crossing in crossings(hops, prefixes):
        weighing = Weighing(crossing, knowledge, today, priors)
        sure = {**chances(weighing, knowledge), "carrier": carried(crossing)}
        found.append(Judged(crossing, weighing.on, tuple(weighing.candidates()), sure))
    return found


def draws(judged: Iterable[Judged], attribute: Attribute, weight: float = 1.0) -> list[Draw]:
    """Give an ISP's crossings as draws: those to one country are one; their weights add up to ``weight``."""
    groups: dict[str, list[Judged]] = {}
    for item in judged:
        groups.setdefault(item.towards, []).append(item)
    counts = {key: sum(len(i.crossing.destinations) for i in own) for key, own in groups.items()}
    whole = sum(counts.values())
    found = []
    for key, own in groups.items():
        parts = [(len(i.crossing.destinations) / counts[key], i.chances[attribute]) for i in own]
        mean = Chance(sum(p * c.least for p, c in parts), sum(p * c.most for p, c in parts))
        found.append(Draw(mean, weight * counts[key] / whole))
    return found


def _by_isp(judged: Sequence[Judged]) -> Iterator[tuple[Any, ...]]:
    ordered = sorted(judged, key=lambda item: tuple(map(str, item.group)))
    for keys, group in groupby(ordered, key=lambda item: item.group):
        own = list(group)
        for attribute in ATTRIBUTES:
            found = draws(own, attribute)
            yield *keys, *_bounds(attribute, share(found)), *_counts(own), len(found)


def _by_country(judged: Sequence[Judged]) -> Iterator[tuple[Any, ...]]:
    def key(item: Judged) -> tuple[Any, ...]:
        country, _, _, lab = item.crossing.vantage
        return country, lab, item.crossing.month

    ordered = sorted(judged, key=lambda item: tuple(map(str, key(item))))
    for keys, group in groupby(ordered, key=key):
        own = list(group)
        isps: dict[tuple[Any, ...], list[Judged]] = {}
        for item in own:
            isps.setdefault(item.group, []).append(item)
        for attribute in ATTRIBUTES:
            # The unit is the ISP, never the measurement.
            found = [d for each in isps.values() for d in draws(each, attribute, 1 / len(isps))]
            yield *keys, len(isps), *_bounds(attribute, share(found)), *_counts(own), len(found)


def _counts(own: Sequence[Judged]) -> tuple[int, int]:
    return sum(len(item.crossing.destinations) for item in own), len(own)


def _bounds(attribute: Attribute, found: Share) -> tuple[Any, ...]:
    return attribute, found.least, found.most, found.low, found.high


def _keys(crossing: Crossing) -> tuple[Any, ...]:
    return (*crossing.vantage, crossing.month, crossing.domestic, crossing.foreign, crossing.far)


def _crossing_row(crossing: Crossing) -> tuple[Any, ...]:
    stand = crossing.stand
    best = stand.options[0] if stand.options else None
    return (
        *_keys(crossing),
        len(crossing.destinations),
        _day(crossing.first),
        _day(crossing.last),
        crossing.domestic_asn,
        crossing.foreign_asn,
        " ".join(map(str, crossing.behind)) or None,
        crossing.near_ms,
        crossing.far_ms,
        crossing.delta_ms,
        crossing.untold,
        crossing.why or None,
        best.place.country if best else None,
        (best.place.name or None) if best else None,
        best.weight if best else None,
        " ".join(best.sources) if best else None,
        " ".join(dict.fromkeys(vote.place.country for vote in stand.rejected)) or None,
    )


def _day(day: date | None) -> pd.Timestamp | None:
    return pd.Timestamp(day, tz="UTC") if day else None


def _candidate_rows(item: Judged, knowledge: Knowledge) -> Iterator[tuple[Any, ...]]:
    for candidate in item.candidates:
        way = candidate.way
        yield (
            *_keys(item.crossing),
            candidate.id,
            candidate.name,
            candidate.kind,
            candidate.weight,
            way.borders if way else None,
            way.here.place if way and way.here else None,
            way.there.place if way and way.there else None,
            way.least_ms if way else None,
            way.likely_ms if way else None,
            way.service if way and way.system else None,
            answer(candidate, "owned", knowledge, item.on),
            answer(candidate, "built", knowledge, item.on),
            answer(candidate, "operated", knowledge, item.on),
            " ".join(candidate.matched) or None,
        )

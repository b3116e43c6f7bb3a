"""Ways abroad that came to lead through one network at home: since when, on which ISPs, and who went past.

Several ISPs at once are dated by one model for all (:mod:`gatewatch_analysis.statistics.together`), an ISP
for itself by its own days (:mod:`gatewatch_analysis.statistics.changes`).  Which network it is comes from
the paths alone: every network at home that some ISP's ways lead through is tried.  Other destinations than
before have other ways: an ISP's change counts where the ways to the same ones changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.gateway.isps import Country, Isp, countries, of_country, titles
from gatewatch_analysis.gateway.node import places
from gatewatch_analysis.gateway.uniformity import agreement
from gatewatch_analysis.statistics import Change, changes, together
from gatewatch_analysis.statistics.changes import Segments
from gatewatch_analysis.statistics.jeffreys import jeffreys_lower
from gatewatch_analysis.switch.days import Abroad, Day, days_of, main_methods, ways_abroad
from gatewatch_analysis.tables import PassedDays, Passes, Switches

# An ISP's ways lead through a network when they do on most days, and past it when they do on less, at most.
_MOST = 0.5
# Groups settle in one or two; none would be worse than many.
_ROUNDS = 10
# An ISP's days choose between two common days only where one is at least so much likelier: 95 % against 5 %.
_CHOSEN = log(19)


@dataclass(frozen=True, slots=True)
class Switched:
    """What changed, what became of each ISP, and how it went day by day."""

    switches: pd.DataFrame
    passes: pd.DataFrame
    days: pd.DataFrame


@dataclass(frozen=True, slots=True)
class _Step:
    """A common change, in days counted from 0; ``either``: who came to it then or at another one."""

    at: int
    low: int
    high: int
    probability: float
    isps: tuple[Isp, ...]
    of: int
    either: tuple[Isp, ...] = ()


class _Node:
    """One network at home, and on which days which ISPs' ways abroad led through it."""

    def __init__(self, node: str, days: pd.DatetimeIndex, isps: Mapping[Isp, Mapping[Day, Abroad]]) -> None:
        self.node, self.days, self.isps = node, days, list(isps)
        self._ways = isps
        self._own: dict[int, Change | None] = {}
        shape = len(self.isps), len(days)
        self.hits, self.trials = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        place = {day: number for number, day in enumerate(days)}
        for row, isp in enumerate(self.isps):
            for day, seen in isps[isp].items():
                self.trials[row, place[day]] = 1
                self.hits[row, place[day]] = seen.through(node)

    def own(self, row: int) -> Change | None:
        """Give the surest change by which an ISP's ways came to lead through it; None where there is none."""
        if row not in self._own:
            found = changes(self.hits[row], self.trials[row]).found
            ups = [c for c in found if c.levels[1][0] > _MOST > c.levels[0][0] and self._leads(row, c.at)]
            self._own[row] = max(ups, key=lambda c: c.probability, default=None)
        return self._own[row]

    def _leads(self, row: int, at: int) -> bool:
        """Whether ways to the same destinations came to lead through it, not only those to others."""
        ways = self._ways[self.isps[row]]
        sides: list[tuple[Counter[str], Counter[str]]] = [(Counter(), Counter()), (Counter(), Counter())]
        for day, seen in ways.items():
            traced, through = sides[day >= self.days[at]]
            traced.update(seen.to)
            through.update({to: many for (to, node), many in seen.nodes_to.items() if node == self.node})
        (t0, h0), (t1, h1) = sides
        both = t0.keys() & t1.keys()
        if not both:
            return False
        same = sum(h1[to] / t1[to] - h0[to] / t0[to] for to in both) / len(both)
        whole = h1.total() / t1.total() - h0.total() / t0.total()
        return same >= _MOST * whole

    def steps(self) -> list[_Step]:
        """Give the days on which two ISPs or more came to it, as far as their days can tell.

        Each of them changed, by its own days.  Those that may have changed on one day are taken together,
        beginning with the day on which most may have; that day is then dated by all of them.  Whose days fit
        several such days alike is named with none: a gap in its traces may hold two of them.
        """
        own = {row: c for row in range(len(self.isps)) if (c := self.own(row)) is not None}
        groups = [rows for rows in self._settled(own, list(_stabbed(own))) if len(rows) > 1]
        days = [self._day(rows, own) for rows in groups]
        torn = {row: near for rows in groups for row in rows if len(near := self._near(row, own, days)) > 1}
        found = []
        for rows, day in zip(groups, days, strict=True):
            sure = [row for row in rows if row not in torn]
            if len(sure) > 1:
                seen = together(self.hits[sure], self.trials[sure])
                isps = tuple(self.isps[row] for row in sure)
                either = tuple(self.isps[row] for row, near in sorted(torn.items()) if day in near)
                step = _Step(seen.at, seen.low, seen.high, seen.together, isps, self._both(seen.at), either)
                found.append(step)
        return sorted(found, key=lambda step: step.at)

    def _near(self, row: int, own: Mapping[int, Change], days: Iterable[int]) -> list[int]:
        """Give those of some days that an ISP's own days fit about as well as the best of them."""
        fits = {day: self._fit(row, day) for day in days if own[row].low <= day <= own[row].high}
        return [day for day, fit in fits.items() if fit > max(fits.values()) - _CHOSEN]

    def _settled(self, own: Mapping[int, Change], groups: list[list[int]]) -> list[list[int]]:
        """Put each ISP to the group whose day fits its own days best, until none goes over to another."""
        for _ in range(_ROUNDS):
            days = [self._day(rows, own) for rows in groups]
            new: list[list[int]] = [[] for _ in groups]
            for rows in groups:
                for row in rows:
                    # Days outside an ISP's interval are none of its own.
                    near = [n for n, day in enumerate(days) if own[row].low <= day <= own[row].high]
                    best = max(near, key=lambda n: self._fit(row, days[n]), default=groups.index(rows))
                    new[best].append(row)
            settled = [sorted(rows) for rows in new if rows]
            if settled == groups:
                break
            groups = settled
        return groups

    def _day(self, rows: list[int], own: Mapping[int, Change]) -> int:
        return together(self.hits[rows], self.trials[rows]).at if len(rows) > 1 else own[rows[0]].at

    def _fit(self, row: int, day: int) -> float:
        """Give the log probability of an ISP's days with a change on a day, the shares unknown."""
        segments = Segments(self.hits[row], self.trials[row])
        cut = int(np.searchsorted(segments.places, day))
        return float(segments(0, cut) + segments(cut, segments.size))

    def _both(self, at: int) -> int:
        """Count the ISPs that were traced on both sides of a day."""
        return int((self.trials[:, :at].any(axis=1) & self.trials[:, at:].any(axis=1)).sum())

    def routers(self, isp: Isp, since: int) -> str | None:
        """Name the last router at home that most ways of an ISP have had since a day."""
        counts: Counter[str] = Counter()
        for day, seen in self._ways[isp].items():
            if day >= self.days[since]:
                counts.update(seen.routers)
        return min(counts, key=lambda address: (-counts[address], address)) if counts else None


def _stabbed(own: Mapping[int, Change]) -> Iterator[list[int]]:
    """Group the ISPs by days that lie in most of their intervals."""
    left = dict(own)
    while left:
        day = max(
            (day for c in left.values() for day in (c.low, c.high)),
            key=lambda day: (sum(c.low <= day <= c.high for c in left.values()), -day),
        )
        rows = [row for row, c in left.items() if c.low <= day <= c.high]
        yield rows
        for row in rows:
            del left[row]


def switched(
    hops: pd.DataFrame,
    measurements: pd.DataFrame,
    loci: pd.DataFrame,
    dead: pd.DataFrame,
    prefixes: Any,
) -> Switched:
    """Find them in every country (tables ``Switches``, ``Passes`` and ``PassedDays``).

    ``hops``, ``measurements`` and ``loci`` are a dataset's tables, ``dead`` the rows of
    ``blocking.everywhere_down``, and ``prefixes`` say whose addresses are.
    """
    switches: list[tuple[Any, ...]] = []
    passes: list[tuple[Any, ...]] = []
    daily: list[tuple[Any, ...]] = []
    for country in countries(hops):
        here, blocked = of_country(hops, country), of_country(measurements, country)
        days = days_of(here, blocked)
        if len(days) < 2:
            continue
        isps, names = ways_abroad(here, prefixes)
        nodes = [_Node(node, days, isps) for node in sorted(names)]
        changed = [(tried, steps) for tried in nodes if (steps := tried.steps())]
        # What costs most is only computed where something changed.
        methods = main_methods(blocked, dead) if changed else {}
        for tried, steps in changed:
            node = tried.node
            for step in steps:
                located = _located(of_country(loci, country), days[step.high], node, step.isps)
                switches.append(_switch(country, tried, names[node], step, methods, located))
            passes += [_passed(tried, isp, steps, methods.get(isp, {})) for isp in tried.isps]
            behind = [isp for step in steps for isp in step.isps]
            daily += [(*country, node, *row) for row in _daily(tried, behind, steps[-1].high, methods)]
    return Switched(Switches.frame(switches), Passes.frame(passes), PassedDays.frame(daily))


def _daily(
    tried: _Node, behind: Iterable[Isp], last: int, methods: Mapping[Isp, Mapping[Day, str]]
) -> Iterator[tuple[Any, ...]]:
    """Count the ISPs behind it, and those with the method of most ISPs behind it, day by day."""
    ends = (_around(methods.get(isp, {}), tried.days[last], tried.days[last])[1] for isp in behind)
    method = _commonest(main for main in ends if main is not None)
    for number, day in enumerate(tried.days):
        mains = [days[day] for days in methods.values() if day in days]
        traced, through = int(tried.trials[:, number].sum()), int(tried.hits[:, number].sum())
        yield day, traced, through, len(mains), method, sum(main == method for main in mains)


def _switch(
    country: Country,
    tried: _Node,
    name: str,
    step: _Step,
    methods: Mapping[Isp, Mapping[Day, str]],
    located: tuple[int, int],
) -> tuple[Any, ...]:
    days = tried.days
    routers = Counter(router for isp in step.isps if (router := tried.routers(isp, step.high)) is not None)
    router = min(routers, key=lambda address: (-routers[address], address)) if routers else None
    mains = [_around(methods.get(isp, {}), days[step.low], days[step.high]) for isp in step.isps]
    before = [main for main, _ in mains if main is not None]
    after = [main for _, main in mains if main is not None]
    return (
        *country,
        tried.node,
        name,
        *(days[step.at], days[step.low], days[step.high]),
        step.probability,
        len(step.isps),
        step.of,
        titles(step.isps),
        titles(step.either),
        router,
        routers[router] if router is not None else 0,
        agreement(before),
        agreement(after),
        *located,
    )


def _located(loci: pd.DataFrame, since: Day, node: str, isps: Iterable[Isp]) -> tuple[int, int]:
    """Count the ISPs on which interference was located since a day, and at the node."""
    found = places(loci[loci["start"] >= since])
    where: dict[Isp, set[str]] = {}
    for country, name, asn, lab, at in found[["country", "isp", "asn", "lab", "node"]].itertuples(
        index=False, name=None
    ):
        isp = Isp(str(country), str(name), int(asn or 0), bool(lab))
        where.setdefault(isp, set()).add("" if pd.isna(at) else str(at))
    mine = [where[isp] for isp in isps if isp in where]
    return len(mine), sum(node in nodes for nodes in mine)


def _passed(tried: _Node, isp: Isp, steps: list[_Step], methods: Mapping[Day, str]) -> tuple[Any, ...]:
    row, days = tried.isps.index(isp), tried.days
    hits, trials = tried.hits[row], tried.trials[row]
    last = max(step.high for step in steps)
    since, through = int(trials[last:].sum()), int(hits[last:].sum())
    at_most = 1 - jeffreys_lower(since - through, since)
    change = tried.own(row)
    dated: tuple[Any, ...] = (None,) * 4
    if change is not None:
        state = "since"
        dated = days[change.at], days[change.low], days[change.high], change.probability
    elif since and not through and at_most < _MOST:
        state = "not behind it"
    elif hits.sum() and hits.sum() == trials.sum():
        state = "all along"
    else:
        state = "cannot tell"
    first = min(step.low for step in steps)
    low, high = (change.low, change.high) if change is not None else (first, last)
    return (
        *isp,
        tried.node,
        state,
        *dated,
        since,
        through,
        at_most if since else None,
        tried.routers(isp, high),
        *_around(methods, days[low], days[high]),
        *_method_change(methods, days),
    )


def _around(methods: Mapping[Day, str], low: Day, high: Day) -> tuple[str | None, str | None]:
    """Give the main method on the days before ``low`` and on those from ``high`` on."""
    return (
        _commonest(main for day, main in methods.items() if day < low),
        _commonest(main for day, main in methods.items() if day >= high),
    )


def _commonest(mains: Iterable[str]) -> str | None:
    counts = Counter(mains)
    return min(counts, key=lambda main: (-counts[main], main)) if counts else None


def _method_change(methods: Mapping[Day, str], days: pd.DatetimeIndex) -> tuple[Any, ...]:
    """Give the day on which the main method changed, its interval and its probability, where it did."""
    best = max(_method_changes(methods, days), key=lambda found: found[-1], default=None)
    return best if best is not None else (None,) * 4


def _method_changes(methods: Mapping[Day, str], days: pd.DatetimeIndex) -> Iterator[tuple[Any, ...]]:
    place = {day: number for number, day in enumerate(days)}
    trials = np.zeros(len(days), np.int64)
    trials[[place[day] for day in methods]] = 1
    for main in sorted(set(methods.values())):
        hits = np.zeros(len(days), np.int64)
        hits[[place[day] for day, method in methods.items() if method == main]] = 1
        for c in changes(hits, trials).found:
            yield days[c.at], days[c.low], days[c.high], c.probability

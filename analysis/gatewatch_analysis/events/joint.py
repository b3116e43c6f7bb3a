"""When did several ISPs change at once, and did the timeline know of it?

Two ways of "at once": on one day, by one model for all (:mod:`gatewatch_analysis.statistics.together`); and
within some weeks, each ISP's own change dated by itself, where so close together would hardly come about by
chance.  Networks are rebuilt over weeks, and an order is carried out on one day by some and later by others.

That ISPs change together tells of a common cause, not of a common place: an order to all of them comes into
force on one day as well.  A date that falls near an event of the timeline is worth the less the more of the
calendar is near some event; how much that is stands beside each row.  A list that changed is no change of
the ISPs: whoever's step other targets may have made takes no part (:mod:`.listed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.events.listed import Lists
from gatewatch_analysis.statistics import SURE, all_together, changes, on_both_sides, took_part
from gatewatch_analysis.tables import VANTAGE, JointChanges
from gatewatch_targets.events import Event, events_of

#: A change is told from the day on which it was first measured, and an event from the day of its source.
TOLERANCE_DAYS = 3
#: Changes further apart than this are no one roll-out.
WITHIN_DAYS = 28
#: Days looked at on each side of a change, to tell whether the list changed with it.
_LIST_DAYS = 60

_Reach = tuple[date, date, Event]


@dataclass(frozen=True, slots=True, order=True)
class _Joint:
    """Some ISPs' common change, in days counted from 0."""

    at: int
    low: int
    high: int
    probability: float
    isps: tuple[int, ...]
    own: tuple[int, ...]
    one_day: bool


def joint_changes(
    series: pd.DataFrame, targets: pd.DataFrame | None = None, *, events: Sequence[Event] | None = None
) -> pd.DataFrame:
    """Find the times at which ISPs of a country changed together (table ``JointChanges``).

    ``series`` is the table ``Series``, and ``targets`` the table ``TargetDays`` of which it was counted:
    without it, what changed may be the list.  ``events`` are those of :mod:`gatewatch_targets.events` unless
    others are given.
    """
    lists = None if targets is None else Lists(targets)
    rows: list[tuple[Any, ...]] = []
    for (country, lab, subject), part in series.groupby(["country", "lab", "subject"], sort=True):
        hits = part.set_index([*VANTAGE, "day"])["hits"].unstack("day")
        if len(hits) < 2 or hits.shape[1] < 2:
            continue
        trials = part.set_index([*VANTAGE, "day"])["trials"].unstack("day")
        known = events_of(str(country)) if events is None else [e for e in events if country in e.countries]
        reaches = _reaches(known)
        days = pd.date_range(hits.columns.min(), hits.columns.max(), freq="D")
        chance = float(np.mean([_nearest(day.date(), day.date(), reaches) is not None for day in days]))
        h, t = _counts(hits, days), _counts(trials, days)
        one_day = list(_on_one_day(h, t))
        near = [seen for seen in _near(h, t) if not any(_meet(seen, other) for other in one_day)]
        # What other targets than before may have made is no change of these ISPs.
        first = (days[0] - pd.Timestamp(0, tz="UTC")).days
        same = [_same_list(seen, lists, list(hits.index), str(subject), first) for seen in (*one_day, *near)]
        for seen in sorted(seen for seen in same if len(seen.isps) > 1):
            low, high = days[seen.low], days[seen.high]
            event = _nearest(low.date(), high.date(), reaches)
            rows.append(
                (
                    *(country, lab, subject, days[seen.at], low, high, seen.probability),
                    "one day" if seen.one_day else f"within {WITHIN_DAYS} days",
                    len(seen.isps),
                    int(on_both_sides(t, seen.at).sum()),
                    _direction(h, t, seen),
                    max(seen.own) - min(seen.own),
                    event.id if event else None,
                    event.expects if event else None,
                    chance,
                )
            )
    return JointChanges.frame(rows)


def _counts(frame: pd.DataFrame, days: pd.DatetimeIndex) -> Any:
    return frame.reindex(columns=days).fillna(0).to_numpy("int64")


def _on_one_day(h: Any, t: Any) -> Iterator[_Joint]:
    for seen in all_together(h, t):
        part = took_part(seen, t)
        own = tuple(seen.own[k] for k in part)
        if part:
            yield _Joint(seen.at, seen.low, seen.high, seen.together, part, own, one_day=True)


def _same_list(
    seen: _Joint, lists: Lists | None, vantages: Sequence[Any], subject: str, first: int
) -> _Joint:
    """Keep those ISPs whose step is not made by other targets than before; ``first``: the day of bin 0."""
    if lists is None:
        return seen
    keep = []
    for k, own in zip(seen.isps, seen.own, strict=True):
        at = first + (seen.at if seen.one_day else own)
        if not lists.made(vantages[k], subject, (at - _LIST_DAYS, at, at, at + _LIST_DAYS)):
            keep.append((k, own))
    isps, dates = tuple(k for k, _ in keep), tuple(own for _, own in keep)
    return replace(seen, isps=isps, own=dates)


def _near(h: Any, t: Any) -> Iterator[_Joint]:
    """Give groups of the ISPs' own changes that lie closer together than chance would put them."""
    own = sorted((c.at, k, c) for k in range(len(h)) for c in changes(h[k], t[k]).found)
    whole = len(own)
    while own:
        # From the first change on: all that follow within the window, each ISP once.
        start = own[0][0]
        group = {k: (at, c) for at, k, c in reversed(own) if at - start <= WITHIN_DAYS}
        dates = [at for at, _ in group.values()]
        sure = 1 - by_chance(len(dates), max(dates) - min(dates) + 1, h.shape[1], of=whole)
        if len(dates) >= 2 and sure >= SURE:
            low = min(c.low for _, c in group.values())
            high = max(c.high for _, c in group.values())
            isps = tuple(sorted(group))
            dated = tuple(group[k][0] for k in isps)
            yield _Joint(int(np.median(dates)), low, high, sure, isps, dated, one_day=False)
            own = [one for one in own if one[0] - start > WITHIN_DAYS]
        else:
            own = own[1:]


def by_chance(changes: int, within: int, days: int, *, of: int | None = None) -> float:
    """Give the probability that so many dates, each anywhere, lie ``within`` so many of these days.

    The range of independent uniform dates: k x^(k-1) - (k-1) x^k, with x the part of the days (H. A. David,
    H. N. Nagaraja, Order Statistics, 3rd ed. 2003, section 2.3).  ``of``: the dates were picked out of so
    many, as those that lie close; then it is the number of such picks to expect, at most 1, which bounds the
    probability of any (J. Naus, JASA 60 (310), 1965: among thirty dates some always lie close together).
    """
    x = min(1.0, within / days)
    picks = comb(of or changes, changes)
    return min(1.0, picks * float(changes * x ** (changes - 1) - (changes - 1) * x**changes))


def _meet(one: _Joint, other: _Joint) -> bool:
    return one.low <= other.high and other.low <= one.high


def _direction(h: Any, t: Any, seen: _Joint) -> str:
    ways = set()
    for k, at in zip(seen.isps, seen.own, strict=True):
        before = h[k, :at].sum() / max(1, t[k, :at].sum())
        ways.add("up" if h[k, at:].sum() / max(1, t[k, at:].sum()) > before else "down")
    return ways.pop() if len(ways) == 1 else "mixed"


def _reaches(events: Sequence[Event]) -> list[_Reach]:
    """Give the days near each event's start, and near its end: a site that comes back is a change as well."""
    spans = [(span, event) for event in events for span in (event.start, event.end) if span is not None]
    near = timedelta(days=TOLERANCE_DAYS)
    return [(span.first - near, span.last + near, event) for span, event in spans]


def _nearest(first: date, last: date, reaches: list[_Reach]) -> Event | None:
    """Give the event whose days meet these, the one known most sharply of several."""
    meeting = [(end - start, e.id, e) for start, end, e in reaches if start <= last and first <= end]
    return min(meeting, key=lambda one: one[:2])[2] if meeting else None

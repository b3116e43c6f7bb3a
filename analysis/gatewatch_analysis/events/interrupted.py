"""Did the share blocked step at an event, more than at dates at which nothing happened?

An interval from one model of one series is easily wrong.  So the very same is computed at every placebo date
around: dates in reach of the data that are far from any event of the timeline.  A step counts only where its
interval leaves zero out and hardly any placebo date has one as large (A. Abadie, A. Diamond, J. Hainmueller,
JASA 105 (490), 2010: inference by placebos).  Both are reported.  And it counts only where the targets were
the same on both sides, as far as they are known (:mod:`.listed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.events.listed import Lists
from gatewatch_analysis.events.segmented import LEAST_DAYS, Step, step_at
from gatewatch_analysis.tables import VANTAGE, Interruptions
from gatewatch_targets.events import Event, events_of

#: Days looked at on each side of an event.
WINDOW_DAYS = 60
#: A placebo date is at least so far from any event that lets expect a change.
CLEAR_DAYS = 14
#: With fewer placebo dates, one among them as large as the event's would not reach one in twenty.
LEAST_PLACEBOS = 19
# More say nothing new, and ten years have three thousand days.
_MOST_PLACEBOS = 199
#: A step that more than one in twenty dates has as well is none.
LEVEL = 0.05
# A step of less than this share of the targets is not worth telling, however sure.
_SMALLEST = 0.02

_EPOCH = date(1970, 1, 1)
_DAY_0 = pd.Timestamp(_EPOCH, tz="UTC")


def interruptions(
    series: pd.DataFrame,
    targets: pd.DataFrame | None = None,
    *,
    events: Sequence[Event] | None = None,
    window: int = WINDOW_DAYS,
) -> pd.DataFrame:
    """Compute the step of every series at every event of its country (table ``Interruptions``).

    ``series`` is the table ``Series``, and ``targets`` the table ``TargetDays`` of which it was counted:
    without it, a step may be a change of the list.  ``events`` are those of :mod:`gatewatch_targets.events`
    unless others are given.  Events of which no day lies within the series are left out.
    """
    rows: list[tuple[Any, ...]] = []
    lists = None if targets is None else Lists(targets)
    for keys, part in series.groupby([*VANTAGE, "subject"], sort=True):
        country, *_, subject = keys
        known = events_of(str(country)) if events is None else _of(events, str(country))
        days = ((part["day"] - _DAY_0) // pd.Timedelta(days=1)).to_numpy("int64")
        order = np.argsort(days, kind="stable")
        one = _One(
            days[order],
            part["hits"].to_numpy("int64")[order],
            part["trials"].to_numpy("int64")[order],
            window,
            known,
        )
        for event in known:
            if one.reaches(event):
                row = one.row(event)
                stepped = row[-1] in ("up", "down")
                if stepped and lists and lists.made(keys[:-1], str(subject), one.spans(event), row[3]):
                    row = (*row[:-1], "cannot tell")
                rows.append((*keys[:-1], event.id, event.expects, subject, *row))
    return Interruptions.frame(rows)


def _of(events: Sequence[Event], country: str) -> list[Event]:
    return [event for event in events if country in event.countries]


def _number(day: date) -> int:
    return (day - _EPOCH).days


class _One:
    """One series, with the events that it may have met."""

    def __init__(self, days: Any, hits: Any, trials: Any, window: int, events: Sequence[Event]) -> None:
        self._days, self._hits, self._trials, self._window = days, hits, trials, window
        # Ends are changes, too: a site that comes back is a step down.
        spans = [s for e in events if e.expects == "change" for s in (e.start, e.end) if s is not None]
        self._busy = [(_number(s.first) - CLEAR_DAYS, _number(s.last) + CLEAR_DAYS) for s in spans]

    def reaches(self, event: Event) -> bool:
        """Whether the event begins within the days measured."""
        days = self._days
        return bool(len(days)) and days[0] < _number(event.start.first) <= days[-1]

    def spans(self, event: Event) -> tuple[int, int, int, int]:
        """Give the days that are before the event, from and up to, not with; and those after it."""
        first, last = _number(event.start.first), _number(event.start.last)
        # An event known to the month happened somewhere within it: those days belong to neither side.
        after = last if last == first else last + 1
        return first - self._window, first, after, after + self._window

    def row(self, event: Event) -> tuple[Any, ...]:
        """Give the columns from ``date`` on."""
        _, before, after, _ = self.spans(event)
        days, hits, trials = self._around(before, after)
        step = step_at(days, hits, trials, before, after)
        counts = int((days < before).sum()), int((days >= after).sum())
        when = pd.Timestamp(_EPOCH + timedelta(days=after), tz="UTC")
        if step is None:
            return when, *counts, None, None, None, None, 0, None, None, "cannot tell"
        placebos = [abs(placebo.level) for placebo in self._placebos(before, after)]
        share = (1 + sum(p >= abs(step.level) for p in placebos)) / (1 + len(placebos))
        beside = len(placebos), share, max(placebos, default=None)
        outcome = _outcome(step, len(placebos), share)
        return when, *counts, step.level, step.low, step.high, step.trend, *beside, outcome

    def _around(self, first: int, last: int) -> tuple[Any, Any, Any]:
        near = (self._days >= first - self._window) & (self._days < last + self._window)
        return self._days[near], self._hits[near], self._trials[near]

    def _placebos(self, first: int, last: int) -> Iterator[Step]:
        """Give the steps at all dates that are clear of this event and of every other."""
        busy = [*self._busy, (first - CLEAR_DAYS, last + CLEAR_DAYS)]
        clear = [
            day
            for day in range(int(self._days[0]) + LEAST_DAYS, int(self._days[-1]) - LEAST_DAYS + 2)
            if not any(low <= day <= high for low, high in busy)
        ]
        for day in clear[:: len(clear) // _MOST_PLACEBOS + 1]:
            # Only days on the placebo's own side of the event: its step is not the placebo's.
            low, high = self._reach(day, busy)
            near = (self._days >= low) & (self._days <= high)
            step = step_at(self._days[near], self._hits[near], self._trials[near], day, day)
            if step is not None:
                yield step

    def _reach(self, day: int, busy: list[tuple[int, int]]) -> tuple[int, int]:
        low, high = day - self._window, day + self._window - 1
        for start, end in busy:
            if end < day:
                low = max(low, end - CLEAR_DAYS + 1)
            else:
                high = min(high, start + CLEAR_DAYS - 1)
        return low, high


def _outcome(step: Step, placebos: int, share: float) -> str:
    if abs(step.level) < _SMALLEST or not step.told:
        return "none"
    if placebos < LEAST_PLACEBOS:
        return "cannot tell"
    if share > LEVEL:
        return "none"
    return "up" if step.level > 0 else "down"

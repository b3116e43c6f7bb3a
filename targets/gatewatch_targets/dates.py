"""Dates as they are known: a day, a month or a year, each of them an interval of days.

"In 2018" is not the first of January.  Whoever compares measurements with an event must know how sharp its
date is; so every date is the span of days in which it may lie.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Literal

from .text import quote

Precision = Literal["day", "month", "year"]

_DATE = re.compile(r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d))?)?", re.ASCII)
# Before the first public telegraph line nothing of ours happened; a typing error is likelier.
_FIRST_YEAR = 1844


@dataclass(frozen=True, slots=True)
class Span:
    """The days from ``first`` to ``last``, both included, in which a date lies; ``precision`` as written."""

    first: date
    last: date
    precision: Precision

    def __str__(self) -> str:
        cut = {"day": 10, "month": 7, "year": 4}[self.precision]
        return self.first.isoformat()[:cut]

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def days(self) -> int:
        """How many days it may be: 1 where the day is known."""
        return (self.last - self.first).days + 1


def parse_span(text: str) -> Span:
    """Read ``2018``, ``2018-01`` or ``2018-01-31``; raises ValueError for anything else."""
    found = _DATE.fullmatch(text)
    if found is None or int(found["year"]) < _FIRST_YEAR:
        raise ValueError(f"{quote(text)} is not a date: YYYY, YYYY-MM or YYYY-MM-DD")
    year = int(found["year"])
    try:
        if found["day"]:
            day = date(year, int(found["month"]), int(found["day"]))
            return Span(day, day, "day")
        if found["month"]:
            month = int(found["month"])
            first = date(year, month, 1)
            return Span(first, first.replace(day=monthrange(year, month)[1]), "month")
    except ValueError:
        raise ValueError(f"{quote(text)} is not in the calendar") from None
    return Span(date(year, 1, 1), date(year, 12, 31), "year")

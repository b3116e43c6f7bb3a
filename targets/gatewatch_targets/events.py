"""The timeline of the four countries: what happened when, and what of it a network should show.

An event carries what is expected of it before anybody looks: a change, nothing (a plan, a decree, an order
that was not carried out: a detector that fires there is wrong), or context.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import BinaryIO, Literal, get_args

from .dates import Span, parse_span
from .model import Confidence
from .reference import table_rows
from .rows import Row, table

EventKind = Literal[
    "block", "order", "law", "plan", "mechanism", "infra", "path", "outage", "volume", "baseline", "context",
    "confounder",
]  # fmt: skip
Expects = Literal["change", "nothing", "context"]

_COLUMNS = "id,countries,kind,start,end,expects,event,signal,confidence,source"
OPEN = "open"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, or was to happen, in a country.

    ``start`` and ``end``: when it began and ended, local time; ``end`` is None where it was one moment and
    where it is not known to have ended, which ``is_open`` tells apart.  ``expects`` and ``signal``: what a
    network should show, in a word and in a sentence.  ``confidence``: that it happened so and then.
    """

    id: str
    countries: tuple[str, ...]
    kind: EventKind
    start: Span
    end: Span | None
    is_open: bool
    expects: Expects
    text: str
    signal: str
    confidence: Confidence
    source: str

    def can_cover(self, day: date) -> bool:
        """Whether it may have been going on that day, given how sharply its dates are known."""
        if day < self.start.first:
            return False
        return self.is_open or day <= (self.end or self.start).last


@lru_cache(maxsize=1)
def events() -> tuple[Event, ...]:
    """Give all events by date; raises :class:`~gatewatch_targets.rows.DataError`."""
    found: list[Event] = []
    for row in table_rows("events.csv", _COLUMNS):
        event = _event(row)
        if found and event.start.first < found[-1].start.first:
            raise row.error("start", f"{event.start} is before the row above: the table goes by date")
        found.append(event)
    return tuple(found)


def read_events(file: BinaryIO, name: str) -> tuple[Event, ...]:
    """Read a timeline of one's own, with the columns of ``events.csv``, in any order of dates.

    Raises :class:`~gatewatch_targets.rows.DataError`.
    """
    found = (_event(row) for row in table(file, name, _COLUMNS.split(",")))
    return tuple(sorted(found, key=lambda event: (event.start.first, event.id)))


def events_of(country: str) -> tuple[Event, ...]:
    """Give the events of one country (ISO 3166-1)."""
    return tuple(event for event in events() if country in event.countries)


def _event(row: Row) -> Event:
    start = _span(row, "start")
    ends = row.text("end", "")
    end = _span(row, "end") if ends not in ("", OPEN) else None
    if end is not None and end.last < start.first:
        raise row.error("end", f"{end} is before the start, {start}")
    if not (countries := row.countries()):
        raise row.error("countries", "is missing")
    return Event(
        id=row.text("id"),
        countries=countries,
        kind=row.choice("kind", get_args(EventKind)),
        start=start,
        end=end,
        is_open=ends == OPEN,
        expects=row.choice("expects", get_args(Expects)),
        text=row.text("event"),
        signal=row.text("signal"),
        confidence=row.choice("confidence", get_args(Confidence)),
        source=row.text("source"),
    )


def _span(row: Row, field: str) -> Span:
    try:
        return parse_span(row.text(field))
    except ValueError as error:
        raise row.error(field, str(error)) from None

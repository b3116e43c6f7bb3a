"""What is known of a cable: each fact with how sure it is and who says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Generic, Literal, TypeVar

from gatewatch_targets.model import Confidence

T = TypeVar("T")
Kind = Literal["submarine", "terrestrial"]

_WHEN = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?|-Q([1-4]))?")


@dataclass(frozen=True, slots=True)
class When:
    """A day, month, quarter or year, as the source tells it: ``2017-06-30``, ``2017-06``, ``2017-Q2``,
    ``2017``.

    ``first`` and ``last``: the days between which it lies.
    """

    text: str
    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> When:
        """Read a date; raises ValueError where it is none."""
        if (found := _WHEN.fullmatch(text)) is None or not text.isascii():
            raise ValueError(f"{text[:40]!r} is not a date, month, quarter or year")
        year, month, day = int(found[1]), int(found[2] or 0), int(found[3] or 0)
        if not 1900 <= year <= 2100:
            raise ValueError(f"{text!r} lies outside 1900 to 2100")
        if found[4]:
            start, end = int(found[4]) * 3 - 2, int(found[4]) * 3
        else:
            start, end = month or 1, month or 12
        try:
            first = date(year, start, day or 1)
            last = first if day else _last_day(year, end)
        except ValueError:
            raise ValueError(f"{text!r} is not a day of the calendar") from None
        return cls(text, first, last)

    def before(self, on: date) -> bool | None:
        """Whether it had come by ``on``; None where the source is not precise enough to say."""
        if on >= self.last:
            return True
        return False if on < self.first else None

    def __str__(self) -> str:
        return self.text


def _last_day(year: int, month: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A fact: its value, how sure it is, and the keys of sources.csv that tell it."""

    value: T
    confidence: Confidence
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a cable is said to be, in km; two figures where sources differ."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:,.0f} km" if self.low == self.high else f"{self.low:,.0f} to {self.high:,.0f} km"


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a cable comes ashore, or a link crosses a border.

    ``country``: ISO 3166-1; Hong Kong, Macao and Taiwan have codes of their own.
    ``lat``, ``lon``: the town's position in degrees (the station's, in a list that a user fetched), None
    where not known; ``where`` is the source of the position, ``source`` that of the landing.
    """

    place: str
    country: str
    lat: float | None
    lon: float | None
    where: str
    confidence: Confidence
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """A company's part in a cable: as owner, builder, operator or landing party.

    ``company``: id in owners.toml, or the name as a fetched list has it where no alias equals it.
    ``place``, ``country``: where a landing party lands.  ``since``, ``until``: None: as long as the cable.
    ``low``, ``high``: between which an owner's share lies, from 0 to 1; 0 and 1 where nobody tells.
    """

    company: str
    confidence: Confidence
    source: str
    place: str = ""
    country: str = ""
    since: When | None = None
    until: When | None = None
    low: float = 0.0
    high: float = 1.0
    note: str = ""

    def on(self, day: date) -> bool | None:
        """Whether the part was held on ``day``; None where the dates are not precise enough to say."""
        begun = self.since.before(day) if self.since else True
        ended = self.until.before(day) if self.until else False
        if begun is False or ended is True:
            return False
        return None if begun is None or ended is None else True


@dataclass(frozen=True, slots=True)
class Cut:
    """A time in which a link carried nothing, or nobody knows: ``until`` None means that the end is not
    known."""

    since: When
    until: When | None
    confidence: Confidence
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cable:
    """A submarine cable or a link across a land border.

    ``aliases``: its other names and its ids in public lists, exactly.
    ``in_service``, ``retired``: None where no source tells.  ``planned``: when it is, or was, to be ready.
    ``seen``: when a public map last showed it; of a link, when it was in use.
    ``length``: of the whole system, in km.
    ``owner_count``, ``landing_count``: how many there are, whether listed here or not.
    ``origin``: ``gatewatch`` for our own table, else the list that it was read from.
    """

    id: str
    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    exists: Known[bool] | None = None
    in_service: Known[When] | None = None
    retired: Known[When] | None = None
    planned: Known[When] | None = None
    seen: Known[When] | None = None
    length: Known[Length] | None = None
    landings: tuple[Landing, ...] = ()
    landing_count: Known[int] | None = None
    owners: tuple[Role, ...] = ()
    owner_count: Known[int] | None = None
    builders: tuple[Role, ...] = ()
    operators: tuple[Role, ...] = ()
    parties: tuple[Role, ...] = ()
    cuts: tuple[Cut, ...] = ()
    note: str = ""
    origin: str = "gatewatch"

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries it lands in, as far as they are listed."""
        return tuple(dict.fromkeys(landing.country for landing in self.landings))

    @property
    def all_owners(self) -> bool:
        """Whether every owner is listed."""
        return self.owner_count is not None and len(self.owners) >= self.owner_count.value

    def works(self, on: date) -> bool | None:
        """Whether it was in service on ``on``; None where that is not known.

        Cables come late, not early: before the date planned there is none.  After it, without a source that
        it was opened, nothing is known.
        """
        if self.retired and (gone := self.retired.value.before(on)) is not False:
            return False if gone else None
        for cut in self.cuts:
            if cut.since.before(on) is not False and not (cut.until and cut.until.before(on)):
                return False if cut.until and cut.since.before(on) and on < cut.until.first else None
        if self.in_service:
            return self.in_service.value.before(on)
        if self.kind == "terrestrial" and self.seen and self.seen.value.before(on):
            return True  # a map shows planned cables, too, but a link was seen in use
        if self.planned and self.planned.value.before(on) is False:
            return False
        return None

    def facts(self) -> Iterator[tuple[str, str, Confidence]]:
        """Give every fact's path, source and confidence: none may stand without."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Known):
                yield field.name, value.source, value.confidence
            elif isinstance(value, tuple):
                for number, item in enumerate(value):
                    if not isinstance(item, str):
                        yield f"{field.name}[{number}]", item.source, item.confidence
                    if isinstance(item, Landing) and item.lat is not None:
                        yield f"{field.name}[{number}].lat", item.where, "medium"

"""A rehearsal's calendar: which days are emulated, who measures when and what, and what was foretold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from gatewatch.lab.country.decode import ScenarioError

if TYPE_CHECKING:
    from gatewatch.lab.country.scenario import Scenario

#: How often an unattended machine of a rehearsal measures: so many runs a day.
EVERY = {"24h": 1, "12h": 2, "8h": 3, "6h": 4}
#: What an event of the timeline lets expect (gatewatch_targets.events).
EXPECTS = ("change", "nothing", "context")


@dataclass(frozen=True, slots=True)
class Volunteer:
    """A machine at an ISP that measures from day ``first`` up to and with day ``last`` (0: to the end)."""

    isp: str
    first: int = 1
    last: int = 0


@dataclass(frozen=True, slots=True)
class Foretold:
    """A date written down before anything is measured; ``expects`` says what a network should show."""

    id: str
    day: int
    text: str
    expects: str = "nothing"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The days of a scenario, for `gatewatch lab run` of one that has stages.

    ``targets`` are measured each time, ``traces`` of them traced; ``located`` are tried with ``locate`` and
    ``contrast`` every ``locates_every`` days.  ``away``: the share of starts at which a machine is switched
    off; ``failing``: the share of runs that end half way.  ``before`` and ``after``: what the evidence on a
    gate must come to on the days before the first stage that leads ways through a network, and since the
    last.
    """

    began: str
    targets: tuple[str, ...]
    days: int = 30
    every: str = "24h"
    traces: int = 3
    located: tuple[str, ...] = ()
    locates_every: int = 3
    away: float = 0.1
    failing: float = 0.3
    before: str = ""
    after: str = ""
    volunteers: tuple[Volunteer, ...] = field(default=(), metadata={"key": "volunteer"})
    events: tuple[Foretold, ...] = field(default=(), metadata={"key": "event"})

    def date(self, day: int) -> date:
        """Give the date of a day, of which the first is 1."""
        return date.fromisoformat(self.began) + timedelta(days=day - 1)


def check(found: Rehearsal, scenario: Scenario) -> None:
    """Complain about a calendar that makes no sense; raises ScenarioError with the place."""
    try:
        date.fromisoformat(found.began)
    except ValueError as error:
        raise ScenarioError(f"rehearsal.began: {error}") from None
    _require(2 <= found.days <= 366, "rehearsal.days", f"{found.days} is not between 2 and 366")
    _require(found.every in EVERY, "rehearsal.every", f"{found.every!r} is none of {', '.join(EVERY)}")
    _require(bool(found.targets), "rehearsal.targets", "needs at least one")
    for key in ("targets", "located"):
        for i, url in enumerate(getattr(found, key)):
            good = url.startswith(("http://", "https://"))
            _require(good, f"rehearsal.{key}[{i}]", f"{url!r} is no http or https URL")
    _require(found.traces >= 0, "rehearsal.traces", "is less than none")
    _require(found.locates_every >= 1, "rehearsal.locates_every", f"{found.locates_every} is less than a day")
    for key in ("away", "failing"):
        share = getattr(found, key)
        _require(0.0 <= share < 1.0, f"rehearsal.{key}", f"{share} is not a share from 0 to less than 1")
    ids = [isp.id for isp in scenario.isps]
    _require(bool(found.volunteers), "rehearsal.volunteer", "needs at least one")
    for i, one in enumerate(found.volunteers):
        where = f"rehearsal.volunteer[{i}]"
        _require(one.isp in ids, f"{where}.isp", f"{one.isp!r} is none of {', '.join(ids)}")
        _within(one.first, found.days, f"{where}.first")
        if one.last:
            _within(one.last, found.days, f"{where}.last")
            _require(one.first <= one.last, f"{where}.last", f"{one.last} is before day {one.first}")
    names = [event.id for event in found.events]
    for i, event in enumerate(found.events):
        where = f"rehearsal.event[{i}]"
        _require(names.index(event.id) == i, f"{where}.id", f"{event.id!r} is taken")
        _within(event.day, found.days, f"{where}.day")
        known = event.expects in EXPECTS
        _require(known, f"{where}.expects", f"{event.expects!r} is none of {', '.join(EXPECTS)}")
    for i, stage in enumerate(scenario.stages):
        _within(stage.day, found.days, f"stage[{i}].day")


def _within(day: int, days: int, where: str) -> None:
    _require(1 <= day <= days, where, f"{day} is not among the {days} days")


def _require(good: bool, where: str, why: str) -> None:
    if not good:
        raise ScenarioError(f"{where}: {why}")

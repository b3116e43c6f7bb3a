"""What a rehearsal has to find: who was led through which network when, outages, quiet days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewatch.lab.country.calendar import Foretold, Rehearsal
    from gatewatch.lab.country.scenario import Isp, Scenario


@dataclass(frozen=True, slots=True)
class Led:
    """ISPs whose ways abroad lead through a network at home from a day on; ``router``: the last one there."""

    on: date
    node: str
    router: str
    isps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Out:
    """An ISP that was off the net, from a day to another, both included."""

    isp: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Truth:
    """All of it; ISPs are named as findings name them."""

    led: tuple[Led, ...]
    past: tuple[str, ...]
    out: tuple[Out, ...]
    quiet: tuple[tuple[str, date], ...]
    #: By ISP: the verdicts that its boxes lead to, at the beginning and at the end.
    methods: dict[str, tuple[frozenset[str], frozenset[str]]]
    before: str
    after: str

    @property
    def nodes(self) -> frozenset[str]:
        """The networks that ways came to lead through."""
        return frozenset(led.node for led in self.led)


def named(isp: Isp) -> str:
    """Name an ISP as findings do."""
    return f"{isp.title} (AS{isp.asn})"


def truth(scenario: Scenario, rehearsal: Rehearsal, days: int) -> Truth:
    """Read it off the stages of so many days."""
    names = {isp.id: named(isp) for isp in scenario.isps}
    led: list[Led] = []
    out: list[Out] = []
    for stage in scenario.stages:
        concerned = tuple(isp for isp in names if stage.concerns(isp))
        if stage.day > days:
            continue
        if stage.offline:
            last = rehearsal.date(min(stage.until - 1 if stage.until else days, days))
            out += [Out(names[isp], rehearsal.date(stage.day), last) for isp in concerned]
        home = [
            (network.asn, hop.address)
            for hop in stage.path
            if (network := scenario.network_of(hop.address)) is not None
            and network.country == scenario.country
        ]
        if home:
            asn, router = home[-1]
            isps = tuple(sorted(names[isp] for isp in concerned))
            led.append(Led(rehearsal.date(stage.day), f"AS{asn}", router, isps))
    behind = {isp for one in led for isp in one.isps}
    quiet = tuple(_quiet(event, rehearsal) for event in rehearsal.events if _counts(event, days))
    return Truth(
        led=tuple(led),
        past=tuple(sorted(set(names.values()) - behind)) if led else (),
        out=tuple(out),
        quiet=quiet,
        methods={
            names[isp.id]: (_verdicts(scenario, isp, 1), _verdicts(scenario, isp, days))
            for isp in scenario.isps
        },
        # Without a switch there is no before and no after.
        before=rehearsal.before if led else "",
        after=rehearsal.after if led else "",
    )


def _counts(event: Foretold, days: int) -> bool:
    return event.expects == "nothing" and event.day <= days


def _quiet(event: Foretold, rehearsal: Rehearsal) -> tuple[str, date]:
    return event.id, rehearsal.date(event.day)


def _verdicts(scenario: Scenario, isp: Isp, day: int) -> frozenset[str]:
    return frozenset(box.verdict for box in scenario.on(day).isp(isp.id).boxes)

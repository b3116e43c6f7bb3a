"""What changes from one day to the next: stages of a scenario, and the country as it is on a day.

A stage begins on a day (the first is 1) and lasts to the end, or up to, not with, the day ``until``.  Stages
are laid over the country in the order of the file, each on top of those before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.country.hops import Hop, Route
from gatewatch.lab.country.parts import Box, Isp

if TYPE_CHECKING:
    from gatewatch.lab.country.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What is otherwise on some ISPs (all, unless ``isps`` names them) from a day on.

    ``clear`` takes away the boxes that stood there; ``box`` adds some.  With ``path``, the ISP's own routers
    after the first ``keep`` give way to these, whose delays count one way from the last that is kept, in ms.
    ``route`` adds routes, which come before those of the same closeness.  ``offline``: nothing passes the
    line.
    """

    day: int
    until: int = 0
    isps: tuple[str, ...] = ()
    offline: bool = False
    clear: bool = False
    keep: int = 0
    path: tuple[Hop, ...] = ()
    routes: tuple[Route, ...] = field(default=(), metadata={"key": "route"})
    boxes: tuple[Box, ...] = field(default=(), metadata={"key": "box"})

    def holds(self, day: int) -> bool:
        """Tell whether it holds on a day."""
        return self.day <= day and (not self.until or day < self.until)

    def concerns(self, isp: str) -> bool:
        """Tell whether it changes anything for an ISP."""
        return not self.isps or isp in self.isps

    def on(self, isp: Isp) -> Isp:
        """Give the ISP as it is while this stage holds; boxes for other ISPs are left out."""
        path = isp.path
        if self.path:
            kept = isp.path[: self.keep]
            path = kept + tuple(replace(hop, ms=kept[-1].ms + hop.ms) for hop in self.path)
        added = tuple(box for box in self.boxes if not box.isps or isp.id in box.isps)
        boxes = added if self.clear else isp.boxes + added
        return replace(isp, path=path, boxes=boxes, offline=isp.offline or self.offline)


def bare_on(scenario: Scenario, day: int) -> Scenario:
    """Lay the stages of a day over a decoded scenario that is not completed yet."""
    isps, routes = scenario.isps, scenario.routes
    for stage in scenario.stages:
        if stage.holds(day):
            isps = tuple(stage.on(isp) if stage.concerns(isp.id) else isp for isp in isps)
            narrowed = (replace(route, isps=route.isps or stage.isps) for route in stage.routes)
            routes = (*narrowed, *routes)
    return replace(scenario, isps=isps, routes=routes, stages=())


def days(scenario: Scenario) -> Iterator[int]:
    """Give the days on which a stage begins or ends."""
    yield from sorted({day for stage in scenario.stages for day in (stage.day, stage.until) if day})


def check(scenario: Scenario) -> None:
    """Complain about stages that make no sense by themselves; raises ScenarioError with the place."""
    ids = {isp.id: isp for isp in scenario.isps}
    for i, stage in enumerate(scenario.stages):
        where = f"stage[{i}]"
        _require(stage.day >= 1, f"{where}.day", f"{stage.day}: the first day is 1")
        late = not stage.until or stage.until > stage.day
        _require(late, f"{where}.until", f"{stage.until} is not after day {stage.day}")
        for j, name in enumerate(stage.isps):
            _require(name in ids, f"{where}.isps[{j}]", f"{name!r} is none of {', '.join(ids)}")
        for j, box in enumerate(stage.boxes):
            for k, name in enumerate(box.isps):
                known = name in ids and stage.concerns(name)
                _require(known, f"{where}.box[{j}].isps[{k}]", f"{name!r} is no ISP of this stage")
        _require(bool(stage.path) or not stage.keep, f"{where}.keep", "needs a path to go on with")
        changes = stage.offline or stage.clear or stage.path or stage.routes or stage.boxes
        _require(bool(changes), where, "changes nothing")
        if not stage.path:
            continue
        for isp in scenario.isps:
            if stage.concerns(isp.id):
                inside = isp.local_hops <= stage.keep <= len(isp.path)
                why = f"{stage.keep} is not between {isp.local_hops} and the {len(isp.path)} hops of {isp.id}"
                _require(inside, f"{where}.keep", why)


def _require(good: bool, where: str, why: str) -> None:
    if not good:
        raise ScenarioError(f"{where}: {why}")

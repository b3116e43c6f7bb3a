"""faults: a thousand deaths and power cuts in all that writes, each gone on from, and what became of it.

A death is SIGKILL: half of them at a step picked by chance (a file made, written, flushed, cut, renamed or
deleted; before it, after it, or half way through a write), half of them after a time picked by chance.  A
power cut is a death at a step after which, of what was not flushed, some is there, some is not, and some is
torn (tests/worlds/powercut.py).  After each the act is called again, perhaps to die again, until it comes to
its end.  A full disk is one from some step on; the command must say so, and go on when there is room.  The
peer is what a flush for each measurement costs, beside fifty at a time and beside a flush that holds all up.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.worlds import powercut
from tests.worlds.mortal import End, Mortals, Order

from benchmarks.faults import flushing
from benchmarks.faults.deleting import Delete, Tidy
from benchmarks.faults.making import Derive, Export, Merge, Report
from benchmarks.faults.measuring import Run, Unattended, Upload
from benchmarks.faults.preparing import Agree, Schedule, Timers, Update
from benchmarks.faults.room import Filled
from benchmarks.faults.stage import Stage
from benchmarks.faults.trial import Trial

SEED = 20261124
KILLS, CUTS, FILLS = 1000, 300, 130
QUICK_KILLS, QUICK_CUTS, QUICK_FILLS = 20, 14, 13
# How often one act dies at most before it is left to come to its end.
_MOST_DEATHS = 4
_COUNTED = ("lost", "twice", "damaged", "blocked", "left", "failed")
_HALVES = ("die before", "die half way", "die after")


def stages() -> list[Stage]:
    """Give all stages."""
    return [
        Run(),
        Unattended(),
        Upload("submit", 6),
        Upload("report", 5),
        Upload("store", 5),
        Update(),
        Derive(),
        Merge(),
        Export(),
        Delete(everything=True, share=4),
        Delete(everything=False, share=4),
        Agree(),
        Schedule(),
        Tidy(),
    ]


def run(quick: bool) -> dict[str, Any]:
    """Kill, cut, go on, count."""
    kills, cuts, fills = (QUICK_KILLS, QUICK_CUTS, QUICK_FILLS) if quick else (KILLS, CUTS, FILLS)
    with Mortals() as mortals:
        dead = {stage.name: _Tried(stage, mortals, cut=False) for stage in stages()}
        dark = {stage.name: _Tried(stage, mortals, cut=True) for stage in stages()}
        full = {stage.name: Filled(stage, mortals, SEED) for stage in commands()}
        for tried, number in ((dead, kills), (dark, cuts)):
            for one, share in zip(tried.values(), _shares(number), strict=True):
                one.go(share)
                _say(one)
        for name, filled in full.items():
            # A report takes longer than all the others.
            if quick and name == "report":
                continue
            filled.go(fills // len(full))
            _say(filled)
    return {
        "goals": [
            *_goals(dead, "SIGKILL", kills),
            *_goals(dark, "power cuts", cuts),
            *_goals(full, "full disks", 1),
        ],
        "peer": flushing.measure(20 if quick else 200, 20.0),
        "detail": {
            **{f"SIGKILL: {name}": told(one) for name, one in dead.items()},
            **{f"power cut: {name}": told(one) for name, one in dark.items()},
            **{f"full disk: {name}": told(one) for name, one in full.items()},
        },
    }


def _say(one: Trial) -> None:
    """Say how far it is, since all of it takes half an hour."""
    print(f"{type(one).__name__.strip('_').lower()}: {one.name}: {told(one)}", file=sys.stderr, flush=True)


def commands() -> list[Stage]:
    """Give the stages that a command does, for what it says when the disk is full."""
    kept = (Schedule, Tidy)
    found = [stage for stage in stages() if not isinstance(stage, kept) and stage.name != "upload (report)"]
    return [*found, Timers(), Report()]


def _shares(number: int) -> list[int]:
    """Share deaths out over the stages: at least one each, and so many in all."""
    weights = [stage.share for stage in stages()]
    shares = [max(1, number * weight // sum(weights)) for weight in weights]
    shares[0] += max(0, number - sum(shares))
    return shares


class _Tried(Trial):
    """A stage that dies, and what became of it."""

    def __init__(self, stage: Stage, mortals: Mortals, *, cut: bool) -> None:
        super().__init__(stage, mortals, f"{SEED} {stage.name} {cut}")
        self._cut = cut

    def go(self, number: int) -> None:
        """Die so often."""
        with self._opened() as place:
            whole = self._once(place / "peace", 0)
            while self.deaths < number:
                self._once(place / f"{self.deaths}", number - self.deaths, whole)

    def _once(self, folder: Path, most: int, whole: End | None = None) -> End:
        """Begin anew, die now and then, and come to the end; gives the end in peace."""
        folder.mkdir()
        self._stage.begin(folder)
        deaths = 0
        while True:
            mortal = whole is not None and deaths < min(most, _MOST_DEATHS) and self._chance.random() < 0.8
            end = self._live(folder, whole if mortal else None)
            if not end.killed:
                if end.code or not mortal:
                    break
                continue
            deaths += 1
            self.where[end.last] += 1
            with self._looking():
                self._stage.look(folder, self.found)
        self.deaths += deaths
        if not self._stage.ended_well(folder, end.code):
            self.found.note(failed=end.said.splitlines()[-1] if end.said else f"code {end.code}")
        else:
            with self._looking():
                self._stage.last(folder, self.found)
        shutil.rmtree(folder, ignore_errors=True)
        return end

    def _live(self, folder: Path, whole: End | None) -> End:
        side = folder.with_name(f"{folder.name}.side") if self._cut and whole else None
        order = Order(self._stage.call, self._stage.args(folder), str(folder), side=str(side or ""))
        if whole is None:
            return self._mortals.live(order)
        order.at = self._chance.randint(1, max(1, whole.steps))
        order.how = self._chance.choice(_HALVES)
        if not self._cut and self._chance.random() < 0.5:
            order.at, order.after = 0, self._chance.uniform(0, whole.seconds)
        end = self._mortals.live(order)
        if side is not None:
            if end.killed:
                shutil.rmtree(folder)
                powercut.cut(side, folder, self._chance)
                self._stage.cut(folder)
            shutil.rmtree(side, ignore_errors=True)
        return end


def told(one: Trial) -> str:
    """Say in a line what became of a stage."""
    found = one.found
    spread = Counter[str]()
    for last, count in one.where.items():
        spread[last.partition(" ")[0] if last != "before the first step" else "start"] += count
    steps = ", ".join(f"{what} {count}" for what, count in spread.most_common())
    parts = [
        f"{one.deaths} times, at {len(one.where)} kinds of steps ({steps})",
        ", ".join(f"{name} {getattr(found, name)}" for name in _COUNTED),
    ]
    if found.again:
        parts.append(f"sent again under the same uid {found.again}")
    parts += [f"{why} ({count})" for why, count in found.said.most_common(6)]
    return "; ".join(parts) + f"; {one.seconds:.0f} s"


def _goals(tried: Mapping[str, Trial], what: str, number: int) -> list[dict[str, Any]]:
    deaths = sum(one.deaths for one in tried.values())
    sums = [sum(getattr(one.found, name) for one in tried.values()) for name in _COUNTED]
    return [
        {
            "name": f"{what}: {', '.join(_COUNTED)} after {deaths} in {len(tried)} stages",
            "value": sums,
            "goal": "all 0",
            "met": not any(sums) and deaths >= number,
        },
    ]

"""The stages of a run and how they are called; what both kinds of progress say alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewatch.words import count, mark, numbers, say, worded

if TYPE_CHECKING:
    from gatewatch.cli.estimate import Estimate
    from gatewatch.runner.plan import Plan

_NAMES = {
    "web": mark("Asking for web sites"),
    "app": mark("Trying out apps"),
    "trace": mark("Finding the way to servers"),
    "locate": mark("Finding where sites are cut"),
}


def totals(plan: Plan) -> dict[str, int]:
    """The stages in the plan's order, one a probe, with how many measurements each has."""
    return dict(Counter(item.probe for item in plan.items))


def limit_of(plan: Plan) -> float:
    """The most that one measurement of a plan may take, in seconds."""
    from gatewatch.runner.budget import Budget

    return Budget().item


def name_of(probe: str) -> str:
    """What a stage does, in words; a test that volunteers do not run by themselves has its name."""
    return worded(_NAMES[probe]) if probe in _NAMES else say("Test: {name}", name=probe)


def sites_blocked(number: int) -> str:
    """How many look blocked so far."""
    return count("{n} looks blocked so far.", "{n} look blocked so far.", number)


def time_left(estimate: Estimate) -> str:
    """How long it will take, as far as can be told."""
    left = estimate.left()
    if left is None:
        return say("Nobody can tell yet how long it will take.")
    return say("Time left, about: {time}.", time=numbers.between(*left))

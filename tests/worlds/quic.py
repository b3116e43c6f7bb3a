"""A country whose sites speak QUIC, and what may be in the way."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from tests.worlds.clock import run
from tests.worlds.country import attached

from gatewatch.lab.country.scenario import Box, Scenario, load
from gatewatch.lab.world import World
from gatewatch.net.wire import Wire

T = TypeVar("T")
SPEAKS = frozenset({"good.com", "bad.com"})
ISP = "clear"


def country(*boxes: Box, speaks: frozenset[str] = SPEAKS) -> Scenario:
    """The smallest country, these boxes on the way of its otherwise clear ISP."""
    small = load("small")
    isps = tuple(replace(isp, boxes=boxes) if isp.id == ISP else isp for isp in small.isps)
    return replace(small, isps=isps, sites=replace(small.sites, quic=speaks))


def box(kind: str, *, domains: tuple[str, ...] = ("bad.com",), **rest: Any) -> Box:
    """A box at the ISP's third router."""
    return Box(kind, 3, frozenset(domains), **rest)


def within(scenario: Scenario, act: Callable[[Wire, World], Coroutine[Any, Any, T]]) -> T:
    """Do something as a client of that ISP, on a clock that jumps."""

    async def main() -> T:
        async with attached(ISP, scenario) as (wire, world):
            return await act(wire, world)

    return run(main)

"""Around an unattended run: a clock that stands still, its orders, and sessions that end as they are told."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from gatewatch.runner.observer import Observer
from gatewatch.runner.plan import Item
from gatewatch.runner.session import Outcome, State
from gatewatch.unattended.duty import Clock, Orders
from gatewatch.unattended.log import LOG
from gatewatch_targets import Target

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ITEM = Item("web-1", "web", Target("https://site.org/"))


@dataclass
class Time:
    """A clock that stands still until somebody sleeps."""

    now: datetime = BEGAN
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def clock(self, seed: int = 1) -> Clock:
        return Clock(lambda: self.now, lambda: self.now.timestamp(), self.sleep, random.Random(seed))


def orders(root: Path, time: Time, **more: Any) -> Orders:
    codes = {"done": 0, "no_network": 4, "locked": 75}
    return Orders(**{"root": root, "codes": codes, "otherwise": 1, "clock": time.clock(), **more})


def ending(
    root: Path, *states: str, lasting: float = 60, time: Time | None = None
) -> Callable[[Observer], Outcome]:
    """Sessions that end in these states, one after another; a good one measures two items."""
    left = list(states)

    def hold(observer: Observer) -> Outcome:
        state = cast(State, left.pop(0))
        if state == "no_network":
            return Outcome(state, "There is no internet connection.", None, 0)
        observer.started(2, 0)
        observer.paused("down")
        if time:
            time.sleep(lasting)
        observer.resumed()
        observer.measured(ITEM, None)
        observer.measured(ITEM, None)
        return Outcome(state, "Done.", root / "20260301T120000Z-aaaaaa", 2)

    return hold


def events(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / LOG).read_bytes().splitlines()]

"""What befalls a run half way: a line that dies, a process that is killed, one that is told to stop.

Nothing is left out afterwards.  The signals are sent by the process to itself, at a measurement drawn
beforehand, and meet whatever is under way then; the line is dead from a moment on for good.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("a rehearsal forks, which Windows cannot")

import os
import random
import signal
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from gatewatch.runner.observer import Observer
    from gatewatch.runner.plan import Item
    from gatewatch.verdict import Verdict

Kind = Literal["line", "killed", "stopped"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Fate:
    """What befalls a run: nothing, or something after a share of it."""

    kind: Kind | None = None
    share: float = 0.0

    def dies(self, seconds: float) -> float:
        """When the line dies, for a run that takes about so many seconds; never, unless that is its fate."""
        return self.share * seconds if self.kind == "line" else inf


def drawn(chance: random.Random, failing: float) -> Fate:
    """Draw what befalls a run."""
    if chance.random() >= failing:
        return Fate()
    return Fate(chance.choice(KINDS), chance.uniform(0.2, 0.8))


class Fated:
    """An observer that ends its own process where that is the run's fate, and passes everything on."""

    def __init__(self, observer: Observer, fate: Fate) -> None:
        self._observer = observer
        self._fate = fate
        self._left = -1

    def started(self, total: int, done: int) -> None:
        """Count from here."""
        self._left = max(1, round(self._fate.share * total))
        self._observer.started(total, done)

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Pass on; and strike when it is time."""
        self._observer.measured(item, verdict)
        self._left -= 1
        if self._left == 0 and self._fate.kind in ("killed", "stopped"):
            os.kill(os.getpid(), signal.SIGKILL if self._fate.kind == "killed" else signal.SIGTERM)

    def skipped(self, item: Item, why: str) -> None:
        """Pass on."""
        self._observer.skipped(item, why)

    def paused(self, reason: str) -> None:
        """Pass on."""
        self._observer.paused(reason)

    def resumed(self) -> None:
        """Pass on."""
        self._observer.resumed()

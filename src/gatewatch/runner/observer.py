"""Who watches a run: a progress bar, a log.  A campaign tells, and nobody answers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from gatewatch.runner.plan import Item
from gatewatch.verdict import Verdict


class Observer(Protocol):
    """Who watches a run: a progress bar, a log."""

    def started(self, total: int, done: int) -> None:
        """Tell that a run begins, or goes on with ``done`` items measured before."""

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Tell that an item was measured and stored; no verdict is given on a trace."""

    def skipped(self, item: Item, why: str) -> None:
        """Tell that an item was given up."""

    def paused(self, reason: str) -> None:
        """Tell that the line is down and measuring waits."""

    def resumed(self) -> None:
        """Tell that the line is up again."""


@runtime_checkable
class Timer(Protocol):
    """An observer that wants to know when each measurement begins, to tell how long the rest will take."""

    def began(self, item: Item) -> None:
        """Tell that a measurement begins, perhaps again."""

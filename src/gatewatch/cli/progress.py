"""How a run shows itself: a line a stage on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewatch.runner.plan import Item, Plan
    from gatewatch.verdict import Verdict


class Quiet:
    """Says nothing and counts."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.labels: Counter[str] = Counter()

    @property
    def blocked(self) -> int:
        """How many look blocked so far."""
        return sum(number for label, number in self.labels.items() if label.startswith("blocked"))

    def started(self, total: int, done: int) -> None:
        """Tell that a run begins."""
        self.total, self.done = total, done

    def began(self, item: Item) -> None:
        """Tell that a measurement begins, perhaps again."""

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Count a measurement."""
        self.done += 1
        self.labels[verdict.label if verdict else "no verdict"] += 1

    def skipped(self, item: Item, why: str) -> None:
        """Count nothing: the run's folder says what was skipped."""

    def paused(self, reason: str) -> None:
        """Tell that the line is down."""

    def resumed(self) -> None:
        """Tell that the line is up."""

    def close(self) -> None:
        """Tell that the run has ended, in whatever way."""


def observer(plan: Plan, *, quiet: bool, plain: bool = False) -> Quiet:
    """Choose: nothing, a line a stage on a terminal, plain lines elsewhere."""
    if quiet:
        return Quiet()
    # A terminal that cannot move its cursor (TERM=dumb, as in some editors) is written to like a file.
    if not plain and sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
        from gatewatch.cli.stages import Stages

        return Stages(plan)
    from gatewatch.cli.lines import Lines

    return Lines(plan)

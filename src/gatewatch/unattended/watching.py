"""Who watches a run when nobody does: counts for the status file, lines for the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatewatch.unattended.log import Log

if TYPE_CHECKING:
    from gatewatch.runner.plan import Item
    from gatewatch.verdict import Verdict


@dataclass(slots=True)
class Watching:
    """An observer of a campaign; ``progress`` is called now and then.

    Neither targets nor what came from the network go into the log: it may be sent to a monitor, and the run's
    folder has both.
    """

    log: Log
    progress: Callable[[Watching], None] = lambda _watching: None
    planned: int = 0
    measured_count: int = 0
    skipped_count: int = 0
    pauses: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def started(self, total: int, done: int) -> None:
        """Write down how much there is to do."""
        self.planned, self.measured_count = total, done
        self.log.say("measuring", planned=total, done_before=done)
        self.progress(self)

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Count."""
        self.measured_count += 1
        self.labels[verdict.label if verdict else "no verdict"] += 1
        self.progress(self)

    def skipped(self, item: Item, why: str) -> None:
        """Count, and name the item of the plan."""
        self.skipped_count += 1
        self.log.say("skipped", item=item.id)

    def paused(self, reason: str) -> None:
        """Write down that the line is down or full."""
        self.pauses += 1
        self.log.say("paused", reason=reason)

    def resumed(self) -> None:
        """Write down that it goes on."""
        self.log.say("resumed")

"""Progress in plain lines: for files, pipes, screen readers, and whoever asks for it (--plain)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from gatewatch.cli.estimate import Estimate
from gatewatch.cli.progress import Quiet
from gatewatch.cli.stage import limit_of, name_of, sites_blocked, time_left, totals
from gatewatch.summary.reasons import reason
from gatewatch.words import count, say, worded

if TYPE_CHECKING:
    from gatewatch.runner.plan import Item, Plan
    from gatewatch.verdict import Verdict

# In a log file, a line every ten seconds tells that the run is alive and fills no disk.
_LINE_EVERY = 10.0


class Lines(Quiet):
    """Plain lines on stderr."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._totals = totals(plan)
        self._done = dict.fromkeys(self._totals, 0)
        self._limit = limit_of(plan)
        self._estimate = Estimate(0, self._limit)
        self._said = time.monotonic()
        self._say(say("Looking at your line"))

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        click.echo(text, err=True)

    def started(self, total: int, done: int) -> None:
        """Say how much there is to do."""
        super().started(total, done)
        self._estimate = Estimate(total - done, self._limit)
        self._say(count("{n} measurement planned.", "{n} measurements planned.", total))
        if done:
            self._say(count("{n} was done before.", "{n} were done before.", done))

    def began(self, item: Item) -> None:
        """Note when."""
        self._estimate.began(item.id)

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Say how far the run is, now and then, and when a stage ends."""
        super().measured(item, verdict)
        self._estimate.ended(item.id)
        self._done[item.probe] += 1
        if self._done[item.probe] == self._totals[item.probe]:
            self._say(f"{name_of(item.probe)}: {self._done[item.probe]}/{self._totals[item.probe]}")
        elif time.monotonic() - self._said > _LINE_EVERY:
            self._say(f"{self.done}/{self.total}. {sites_blocked(self.blocked)} {time_left(self._estimate)}")

    def skipped(self, item: Item, why: str) -> None:
        """Say what was given up."""
        self._estimate.ended(item.id)
        # Why may quote what came from the network; what is said of it is ours.
        self._say(say("Left out: {url} ({why})", url=item.target.url, why=reason(why)))

    def paused(self, reason: str) -> None:
        """Say that measuring waits."""
        self._say(say("Paused. {reason}", reason=worded(reason)))

    def resumed(self) -> None:
        """Say that it goes on."""
        self._say(say("The line is well again; going on."))

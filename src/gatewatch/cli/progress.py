"""How a run shows itself: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gatewatch.runner.plan import Item
    from gatewatch.verdict import Verdict

# In a log file, a line every ten seconds tells that the run is alive and fills no disk.
_LINE_EVERY = 10.0


class Quiet:
    """Says nothing and counts."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.labels: Counter[str] = Counter()

    def started(self, total: int, done: int) -> None:
        """Tell that a run begins."""
        self.total, self.done = total, done

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


class Lines(Quiet):
    """Plain lines on stderr."""

    def __init__(self) -> None:
        super().__init__()
        self._said = time.monotonic()

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        click.echo(text, err=True)

    def started(self, total: int, done: int) -> None:
        """Say how much there is to do."""
        super().started(total, done)
        self._say(f"{total} measurements planned" + (f", {done} done before" if done else ""))

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Say how far the run is, now and then."""
        super().measured(item, verdict)
        if self.done == self.total or time.monotonic() - self._said > _LINE_EVERY:
            common = ", ".join(f"{count} {label}" for label, count in self.labels.most_common(4))
            self._say(f"{self.done} of {self.total}: {common}")

    def skipped(self, item: Item, why: str) -> None:
        """Say what was given up."""
        from gatewatch_targets import printable

        # Why may quote what came from the network.
        self._say(printable(f"{item.id}: {why}"))

    def paused(self, reason: str) -> None:
        """Say that measuring waits."""
        self._say(f"Paused. {reason}")

    def resumed(self) -> None:
        """Say that it goes on."""
        self._say("The line is up again.")


class Bar(Quiet):
    """A progress bar by rich, for a terminal."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task: Any = None

    def started(self, total: int, done: int) -> None:
        """Draw the bar."""
        super().started(total, done)
        self._progress.start()
        self._task = self._progress.add_task("", total=total, completed=done, note="")

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Move the bar."""
        super().measured(item, verdict)
        blocked = sum(count for label, count in self.labels.items() if label.startswith("blocked"))
        self._progress.update(self._task, advance=1, note=f"{blocked} blocked")

    def paused(self, reason: str) -> None:
        """Show that measuring waits."""
        self._progress.update(self._task, note=f"paused: {reason}")

    def close(self) -> None:
        """Give the terminal back."""
        self._progress.stop()


def observer(quiet: bool) -> Quiet:
    """Choose: nothing, a bar on a terminal, plain lines elsewhere."""
    if quiet:
        return Quiet()
    return Bar() if sys.stderr.isatty() else Lines()

"""Progress on a terminal, by rich: one line a stage, and one with what can be told of the time.

Numbers and bars stand before the words, since how wide the words are depends on the script and the terminal's
font; nothing is framed.  The colours only repeat what bar and numbers say, and NO_COLOR takes them away.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from gatewatch.cli import colours
from gatewatch.cli.estimate import Estimate
from gatewatch.cli.progress import Quiet
from gatewatch.cli.stage import limit_of, name_of, sites_blocked, time_left, totals
from gatewatch.words import say, worded

if TYPE_CHECKING:
    from gatewatch.runner.plan import Item, Plan
    from gatewatch.verdict import Verdict

_BAR = 20
# Often enough to look alive, seldom enough for a slow line to a remote terminal.
_A_SECOND = 4


class Stages(Quiet):
    """Lines that change in place; the last state stays on the screen."""

    def __init__(self, plan: Plan, console: Console | None = None) -> None:
        super().__init__()
        self._totals = totals(plan)
        self._done = dict.fromkeys(self._totals, 0)
        self._limit = limit_of(plan)
        self._estimate = Estimate(0, self._limit)
        self._looked = False
        self._note = ""
        # rich draws in a thread of its own.
        self._lock = Lock()
        self._live = Live(
            console=console or Console(stderr=True, highlight=False),
            get_renderable=self.drawn,
            refresh_per_second=_A_SECOND,
        )
        self._live.start()

    def drawn(self) -> Group:
        """The lines as they are now."""
        with self._lock:
            rows = [_row(int(self._looked), 1, say("Looking at your line"))]
            if self._looked:
                rows += [
                    _row(self._done[probe], total, name_of(probe)) for probe, total in self._totals.items()
                ]
                last = Text(sites_blocked(self.blocked), colours.BAD if self.blocked else "")
                if self._note:
                    last.append(f" {self._note}", colours.BAD)
                elif self.done < self.total:
                    last.append(f" {time_left(self._estimate)}", "default")
                rows.append(last)
            return Group(*rows)

    def started(self, total: int, done: int) -> None:
        """Show the stages; what was done before counts as done."""
        with self._lock:
            super().started(total, done)
            self._looked = True
            self._estimate = Estimate(total - done, self._limit)

    def began(self, item: Item) -> None:
        """Note when."""
        with self._lock:
            self._estimate.began(item.id)

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Move a bar."""
        with self._lock:
            super().measured(item, verdict)
            self._estimate.ended(item.id)
            self._done[item.probe] += 1

    def skipped(self, item: Item, why: str) -> None:
        """Note that nothing comes of it; the summary says why."""
        with self._lock:
            self._estimate.ended(item.id)

    def paused(self, reason: str) -> None:
        """Show that measuring waits, and why."""
        with self._lock:
            self._note = say("Paused. {reason}", reason=worded(reason))

    def resumed(self) -> None:
        """Show that it goes on."""
        with self._lock:
            self._note = ""

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()


def _row(done: int, total: int, name: str) -> Text:
    full = _BAR * done // total if total else _BAR
    row = Text()
    row.append("#" * full, colours.GOOD)
    row.append("." * (_BAR - full))
    row.append(f" {done:>5}/{total:<5} {name}")
    return row

"""The time of day during a run: read once, and then counted on a clock that nobody sets.

A machine without a battery for its clock learns the time when it is on the network, in the middle of a run
perhaps; somebody sets it, or a bad time server does.  Measurements of one run keep their order and their
distances all the same: a clock that was wrong at the start is wrong by one number for all of them, and
run.json has it (``clock_offset_s``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gatewatch.runner.machine import with_sleep


class Steady:
    """The wall clock as it was when this was made, going on by itself; call it."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        always: Callable[[], float] = with_sleep,
    ) -> None:
        self._wall, self._always = wall, always
        self._began, self._since = wall(), always()

    def __call__(self) -> datetime:
        """Give the time of day, as a clock would that nobody has set since."""
        return self._began + timedelta(seconds=self._always() - self._since)

    def set_by(self) -> float:
        """Give by how many seconds the machine's clock was set since, forward when positive."""
        return (self._wall() - self()).total_seconds()

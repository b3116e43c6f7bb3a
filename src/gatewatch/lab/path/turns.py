"""Things to be done later, in the order of their times."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Turns:
    """Calls that wait for their time (seconds on the engine's clock)."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0  # keeps equal times in order

    def at(self, time: float, call: Callable[[], object]) -> None:
        """Call something at a time."""
        self._count += 1
        heappush(self._calls, (time, self._count, call))

    def due(self) -> float | None:
        """When :meth:`tick` has something to do; None when nothing waits."""
        return self._calls[0][0] if self._calls else None

    def tick(self, now: float) -> None:
        """Make the calls whose time has come."""
        while self._calls and self._calls[0][0] <= now:
            heappop(self._calls)[2]()

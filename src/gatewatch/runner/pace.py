"""How fast a run goes: the rate at which measurements start is capped, not how many are under way.

A cap on concurrency makes every blackholed target hold a worker for its whole time-out; with a third of a
list blackholed a run then takes the sum of them.  A cap on starts costs one time-out at the end.
"""

from __future__ import annotations

import random

import trio

# Seconds between starts that no slowing down exceeds.
_SLOWEST = 10.0
# What an interval shrinks to when all went well: slowly, since a line once filled is soon filled again.
_RECOVERY = 0.95


class Pace:
    """A steady start rate with jitter: starts never come faster than ``rate`` a second on average."""

    def __init__(self, rate: float, *, jitter: float = 0.5, seed: int = 0) -> None:
        if rate <= 0 or not 0 <= jitter <= 1:
            raise ValueError(f"rate {rate} must be positive and jitter {jitter} a share")
        self._interval = self._usual = 1 / rate
        self._jitter = jitter
        self._random = random.Random(seed)
        self._next = float("-inf")

    def slow_down(self) -> None:
        """Halve the rate from now on, down to one start in ten seconds."""
        self._interval = max(self._interval, min(2 * self._interval, _SLOWEST))

    def recover(self) -> None:
        """Go a little faster again, up to the usual rate: fourteen times to double it."""
        self._interval = max(self._interval * _RECOVERY, self._usual)

    async def wait(self) -> None:
        """Wait for the next start.

        Each slot is one interval after the one before; the start lies somewhere in the slot's first part
        (``jitter`` of it), so that no two starts stand at equal distances and none is ever early.
        """
        now = trio.current_time()
        self._next = max(self._next + self._interval, now)
        await trio.sleep_until(self._next + self._random.random() * self._jitter * self._interval)

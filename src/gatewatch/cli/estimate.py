"""How long a run will still take: a range from the measured pace, or nothing while that would be a guess.

What is left is two things: starting the rest, at the pace of the starts so far, and waiting for the slowest
of what is under way.  The pace is taken over the whole run and over its last part, and the range goes from
the better to the worse of the two.  How slow the slowest is, is known from what has ended; while something is
under way that already takes longer than all that ended, the range is open up to a measurement's limit.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import monotonic

# Fewer ends than this say nothing of how long a measurement takes: a blocked one takes ten times a free one.
_FEWEST = 8
# A part of the starts that is recent: a quarter.
_RECENT = 4
# Paces vary: the range is so many times wider on either side than what was seen.  Chosen on simulated runs
# with a third of the sites silent; tests/core/test_progress.py says how often the end lay in the range.
_MARGIN = 1.25


class Estimate:
    """Told when each measurement begins and ends; ``limit`` is the most that one may take, in seconds."""

    def __init__(self, total: int, limit: float, clock: Callable[[], float] = monotonic) -> None:
        self._total, self._limit, self._clock = total, limit, clock
        self._starts: list[float] = []
        self._under_way: dict[str, float] = {}
        self._took: list[float] = []
        self._ended = 0

    def began(self, item: str) -> None:
        """Tell that a measurement begins; one that is made again begins again."""
        now = self._clock()
        if item not in self._under_way:
            self._starts.append(now)
        self._under_way[item] = now

    def ended(self, item: str) -> None:
        """Tell that a measurement ended, or was given up."""
        began = self._under_way.pop(item, None)
        self._ended += 1
        if began is not None:
            self._took.append(self._clock() - began)

    def left(self) -> tuple[float, float] | None:
        """Seconds from and to, or None where nobody can tell yet."""
        if self._ended >= self._total:
            return 0.0, 0.0
        if len(self._took) < min(_FEWEST, self._total - 1) or len(self._starts) < 2:
            return None
        now = self._clock()
        waiting = max(0, self._total - self._ended - len(self._under_way))
        paces = self._paces(now)
        ages = [now - began for began in self._under_way.values()]
        slowest, oldest = max(self._took), max(ages, default=0.0)
        if oldest > slowest:
            # Nobody knows how long that one will take.
            tail = max(self._limit - oldest, slowest)
        elif waiting:
            tail = slowest
        else:
            tail = slowest - min(ages, default=0.0)
        soon = min(paces) * waiting / _MARGIN + (median(self._took) if waiting else 0.0)
        late = (max(paces) * waiting + tail) * _MARGIN
        return soon, max(soon, late, 1.0)

    def _paces(self, now: float) -> tuple[float, float]:
        """Seconds from start to start: over the whole run, and over its recent part."""
        recent = self._starts[-max(2, len(self._starts) // _RECENT) :]
        whole = (self._starts[-1] - self._starts[0]) / (len(self._starts) - 1)
        last = (now - recent[0]) / len(recent)
        return whole, last

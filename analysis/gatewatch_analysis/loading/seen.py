"""Which measurements were seen: millions of numbers in eight bytes each, and a look-up of a microsecond."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Numbers kept in a set, at some 70 bytes each, before they are sorted into arrays.
_FRESH = 50_000


class Seen:
    """A growing set of 64-bit numbers."""

    def __init__(self) -> None:
        self._fresh: set[int] = set()
        # Each at least twice as long as the next, so that there are few.
        self._sorted: list[NDArray[np.int64]] = []

    def add(self, number: int) -> bool:
        """Add a number; tells whether it is new."""
        if number in self._fresh:
            return False
        for numbers in self._sorted:
            at = int(np.searchsorted(numbers, number))
            if at < len(numbers) and int(numbers[at]) == number:
                return False
        self._fresh.add(number)
        if len(self._fresh) >= _FRESH:
            self._settle()
        return True

    def _settle(self) -> None:
        latest = np.sort(np.fromiter(self._fresh, np.int64, len(self._fresh)))
        self._fresh = set()
        while self._sorted and len(self._sorted[-1]) < 2 * len(latest):
            latest = np.sort(np.concatenate([self._sorted.pop(), latest]), kind="stable")
        self._sorted.append(latest)

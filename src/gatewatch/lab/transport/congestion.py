"""How much a TCP sender may have under way, and what it sends again at once: NewReno (RFC 5681, RFC 6582).

Slow start slows down, as in HyStart++ (RFC 9406), when the round trips grow: a queue may be filling, and
going on would only lose half of it, one segment of which is made up for each round trip.  When they shrink
again it was jitter, and slow start goes on.
"""

from __future__ import annotations

_MASK = 0xFFFFFFFF
# RFC 6928: the initial window, in segments.
_INITIAL = 10
# Three duplicate acknowledgements mean a loss (RFC 5681 3.2).
_DUPLICATES = 3
_UNLIMITED = 1 << 40
# RFC 9406 4.2: by how much, in seconds, a round trip must exceed the shortest: an eighth of it, within these.
_GROWTH, _LEAST, _MOST = 1 / 8, 0.004, 0.016
# RFC 9406 4.3: how much slower it grows from then on, and for how many round trips until it ends.
_SLOWER, _ROUNDS = 4, 5


def _after(a: int, b: int) -> bool:
    return 0 < (a - b) & _MASK < 0x80000000


class Congestion:
    """One connection's congestion window, in bytes; segments are ``mss`` bytes."""

    __slots__ = (
        "_baseline",
        "_duplicates",
        "_recover",
        "_recovering",
        "_rounds",
        "_shortest",
        "_threshold",
        "mss",
        "window",
    )

    def __init__(self, mss: int) -> None:
        self.mss = mss
        self.window = _INITIAL * mss
        self._threshold = _UNLIMITED
        self._shortest = float("inf")  # round trip, in seconds
        # The round trip at which slow start slowed down, and how many have passed since; 0: it has not.
        self._baseline, self._rounds = 0.0, 0
        self._duplicates = 0
        self._recovering = False
        self._recover: int | None = None  # nothing up to this number is a new loss

    @property
    def room(self) -> int:
        """The window in whole segments: a fraction of one is not worth a packet."""
        return self.window // self.mss * self.mss

    def acknowledged(self, una: int, ack: int) -> bool:
        """Learn that bytes from ``una`` to ``ack`` arrived; True when what follows them was lost as well."""
        count = (ack - una) & _MASK
        self._duplicates = 0
        if self._recovering:
            if self._recover is not None and _after(self._recover, ack):
                # A partial acknowledgement (RFC 6582 3.2, step 3).
                self.window = max(self.window - count, 0) + self.mss
                return True
            self._recovering = False
            self.window = self._threshold
        elif self.window < self._threshold:
            # Slow start; by two segments at most, as receivers delay (RFC 3465).
            self.window += min(count, 2 * self.mss) // (_SLOWER if self._rounds else 1)
        else:
            self.window += max(self.mss * self.mss // self.window, 1)
        return False

    def measured(self, trip: float) -> None:
        """Learn how long a round trip took, in seconds; called once for each at most."""
        self._shortest = min(self._shortest, trip)
        if self.window >= self._threshold:
            return
        if not self._rounds:
            if trip - self._shortest > min(max(self._shortest * _GROWTH, _LEAST), _MOST):
                self._baseline, self._rounds = trip, 1
        elif trip < self._baseline:
            self._rounds = 0
        else:
            self._rounds += 1
            if self._rounds > _ROUNDS:
                self._threshold = self.window

    def duplicate(self, una: int, end: int) -> bool:
        """Learn of one more acknowledgement of ``una``, ``end`` being sent; True: send it again now."""
        self._duplicates += 1
        if self._recovering:
            self.window += self.mss
        elif self._duplicates == _DUPLICATES and (self._recover is None or not _after(self._recover, una)):
            self._halve((end - una) & _MASK)
            self.window = self._threshold + _DUPLICATES * self.mss
            self._recovering, self._recover = True, end
            return True
        return False

    def timed_out(self, una: int, end: int) -> None:
        """Learn that nothing was heard for a whole timeout: begin again with one segment."""
        self._halve((end - una) & _MASK)
        self.window = self.mss
        self._recovering, self._recover = False, end
        self._duplicates = 0

    def shrink(self, mss: int) -> None:
        """Go on with smaller segments, because the path takes no larger ones."""
        self.window = max(self.window * mss // self.mss, mss)
        self.mss = mss

    def _halve(self, flight: int) -> None:
        self._threshold = max(flight // 2, 2 * self.mss)

"""How long TCP waits for an acknowledgement before it sends again: RFC 6298, with Karn's rule."""

from __future__ import annotations

# RFC 6298: 1 s before anything is measured, doubled up to 60 s or more; floor and ceiling are Linux's.
_FIRST, _FLOOR, _CEILING = 1.0, 0.2, 120.0


class RetransmissionTimeout:
    """One connection's timeout in seconds, learnt from the round trips that its segments take."""

    __slots__ = ("_deviation", "_mark", "_sent_at", "_smoothed", "seconds")

    def __init__(self) -> None:
        self.seconds = _FIRST
        self._smoothed = self._deviation = 0.0
        self._mark: int | None = None  # the sequence number whose acknowledgement is being timed
        self._sent_at = 0.0

    def sent(self, end: int, now: float) -> None:
        """Note that data up to sequence number ``end`` go out for the first time; one at a time is timed."""
        if self._mark is None:
            self._mark, self._sent_at = end, now

    def acknowledged(self, ack: int, now: float) -> float | None:
        """Learn from an acknowledgement of something new; gives the round trip that it measures, if any.

        It ends any back-off, as in Linux, whose time stamps always give a fresh measurement.
        """
        if self._mark is None or (ack - self._mark) & 0xFFFFFFFF >= 0x80000000:
            if self._smoothed:
                self._choose()
            return None
        self._mark = None
        trip = now - self._sent_at
        if self._smoothed:
            self._deviation += (abs(self._smoothed - trip) - self._deviation) / 4
            self._smoothed += (trip - self._smoothed) / 8
        else:
            self._smoothed, self._deviation = trip, trip / 2
        self._choose()
        return trip

    def _choose(self) -> None:
        self.seconds = min(self._smoothed + max(4 * self._deviation, _FLOOR), _CEILING)

    def back_off(self) -> None:
        """Double the timeout after it has passed in vain."""
        self.seconds = min(self.seconds * 2, _CEILING)
        self.retransmitted()

    def retransmitted(self) -> None:
        """Time nothing that was sent twice: its acknowledgement may belong to either copy."""
        self._mark = None

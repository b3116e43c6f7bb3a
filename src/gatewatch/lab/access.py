"""What a real line adds to a path: loss, jitter, and the rate of the access line with its queue.

Everything is drawn from one seed in the order of the packets, so that a run in memory repeats exactly.
"""

from __future__ import annotations

import random
from collections.abc import Hashable
from heapq import heappop, heappush

from gatewatch.lab.parts import Isp

_ALL = 1 << 30
# Ways whose order is remembered; as many as the engine compiles.
_WAYS = 1 << 15


class _Lane:
    """One direction: packets come out in the order of one way's packets, later and perhaps not at all."""

    __slots__ = ("_free", "_jitter", "_last", "_queue", "_random", "_seconds_per_byte")

    def __init__(self, kbps: float, queue_ms: float, jitter_ms: float, seeded: random.Random) -> None:
        self._seconds_per_byte = 8 / (kbps * 1000) if kbps else 0.0
        self._queue = queue_ms / 1000
        self._jitter = jitter_ms / 1000
        self._random = seeded
        self._free = float("-inf")  # when the line has sent what it was given so far
        self._last: dict[Hashable, float] = {}

    def through(self, size: int, now: float, way: Hashable) -> float | None:
        """Give when a packet of ``size`` bytes that comes at ``now`` is through; None: the queue is full."""
        if self._seconds_per_byte:
            begins = max(now, self._free)
            if begins - now > self._queue:
                return None
            now = self._free = begins + size * self._seconds_per_byte
        if self._jitter:
            now = max(now + self._random.random() * self._jitter, self._last.get(way, now))
            if len(self._last) >= _WAYS:
                self._last.clear()
            self._last[way] = now
        return now


class Access:
    """One ISP's line; ``link`` numbers count from the client, 0 is the one to the first router."""

    def __init__(self, isp: Isp, seed: int) -> None:
        self._random = random.Random(f"{seed} {isp.id}")
        self._loss = isp.loss or 0.0
        jitter = isp.jitter_ms or 0.0
        self._up = _Lane(isp.up_kbps, isp.queue_ms, jitter, self._random)
        self._down = _Lane(isp.down_kbps, isp.queue_ms, jitter, self._random)
        # When a packet would reach the client on an ideal line, and when it does: each is drawn when its time
        # has come, since what is sent later may arrive earlier.
        self._coming: list[tuple[float, int, bytes | bytearray, Hashable]] = []
        self._through: list[tuple[float, int, bytes | bytearray]] = []
        self._count = 0

    @staticmethod
    def of(isp: Isp, seed: int) -> Access | None:
        """Give an ISP's line, None for an ideal one."""
        real = isp.loss or isp.jitter_ms or isp.up_kbps or isp.down_kbps
        return Access(isp, seed) if real else None

    def up(self, size: int, now: float, way: Hashable) -> float | None:
        """Give when a packet that the client sends at ``now`` enters the path; None when it never does."""
        return self._up.through(size, now, way)

    def reach(self, links: int) -> int:
        """Give how many of the path's links a packet to the server passes before it is lost, if it is."""
        place = self._random.random() if self._loss else 1.0
        return int(place / self._loss * links) if place < self._loss else _ALL

    def down(self, packet: bytes | bytearray, arrival: float, way: Hashable, share: float) -> None:
        """Take a packet to the client that has ``share`` of the whole path behind it."""
        if not self._loss or self._random.random() >= self._loss * share:
            self._count += 1
            heappush(self._coming, (arrival, self._count, packet, way))

    def due(self) -> float | None:
        """When :meth:`pop` has something to do."""
        return min((queue[0][0] for queue in (self._coming, self._through) if queue), default=None)

    def pop(self, now: float) -> list[bytes | bytearray]:
        """Give the packets that have reached the client."""
        while self._coming and self._coming[0][0] <= now:
            arrival, number, packet, way = heappop(self._coming)
            then = self._down.through(len(packet), arrival, way)
            if then is not None:
                heappush(self._through, (then, number, packet))
        ready = []
        while self._through and self._through[0][0] <= now:
            ready.append(heappop(self._through)[2])
        return ready

"""What a real line adds to a path: loss, jitter, and the rate of the access line with its queue.

Everything is drawn from one seed, for each way in the order of its own packets, so that a run in memory
repeats: trio draws anew in which order it runs tasks that are due at one moment, and which of them is first
must not change what is lost on the way to another server.  A way is named by the address at its end.
"""

from __future__ import annotations

from hashlib import blake2b
from heapq import heappop, heappush

from gatewatch.lab.country.parts import Isp

_ALL = 1 << 30
# Ways whose order and draws are remembered; as many as the engine compiles.
_WAYS = 1 << 15
# SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a generator whose whole state is one number.
_MASK, _STEP, _FIRST, _SECOND = (1 << 64) - 1, 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


class Chance:
    """Even draws from 0 to 1, a sequence of its own for each way."""

    __slots__ = ("_filled", "_seed", "_states")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._states: dict[str, int] = {}
        self._filled = 0  # how often there were too many ways; no sequence may begin again

    def draw(self, way: str) -> float:
        """Give a way's next number."""
        state = self._states.get(way)
        if state is None:
            if len(self._states) >= _WAYS:
                self._states.clear()
                self._filled += 1
            words = f"{self._seed} {self._filled} {way}".encode()
            state = int.from_bytes(blake2b(words, digest_size=8).digest(), "big")
        self._states[way] = state = (state + _STEP) & _MASK
        state = ((state ^ state >> 30) * _FIRST) & _MASK
        state = ((state ^ state >> 27) * _SECOND) & _MASK
        return ((state ^ state >> 31) >> 11) * 2.0**-53


class _Lane:
    """One direction: packets come out in the order of one way's packets, later and perhaps not at all."""

    __slots__ = ("_free", "_jitter", "_last", "_late", "_queue", "_seconds_per_byte")

    def __init__(self, kbps: float, queue_ms: float, jitter_ms: float, late: Chance) -> None:
        self._seconds_per_byte = 8 / (kbps * 1000) if kbps else 0.0
        self._queue = queue_ms / 1000
        self._jitter = jitter_ms / 1000
        self._late = late
        self._free = float("-inf")  # when the line has sent what it was given so far
        self._last: dict[str, float] = {}

    def through(self, size: int, now: float, way: str) -> float | None:
        """Give when a packet of ``size`` bytes that comes at ``now`` is through; None: the queue is full."""
        if self._seconds_per_byte:
            begins = max(now, self._free)
            if begins - now > self._queue:
                return None
            now = self._free = begins + size * self._seconds_per_byte
        if self._jitter:
            now = max(now + self._late.draw(way) * self._jitter, self._last.get(way, now))
            if len(self._last) >= _WAYS:
                self._last.clear()
            self._last[way] = now
        return now


class Access:
    """One ISP's line; ``link`` numbers count from the client, 0 is the one to the first router."""

    def __init__(self, isp: Isp, seed: int) -> None:
        self._loss = isp.loss or 0.0
        jitter = isp.jitter_ms or 0.0
        chances = (Chance(f"{seed} {isp.id} {what}") for what in ("up", "down", "late up", "late down"))
        self._lost_up, self._lost_down, late_up, late_down = chances
        self._up = _Lane(isp.up_kbps, isp.queue_ms, jitter, late_up)
        self._down = _Lane(isp.down_kbps, isp.queue_ms, jitter, late_down)
        # When a packet would reach the client on an ideal line, and when it does: each is drawn when its time
        # has come, since what is sent later may arrive earlier.
        self._coming: list[tuple[float, int, bytes | bytearray, str]] = []
        self._through: list[tuple[float, int, bytes | bytearray]] = []
        self._count = 0

    @staticmethod
    def of(isp: Isp, seed: int) -> Access | None:
        """Give an ISP's line, None for an ideal one."""
        real = isp.loss or isp.jitter_ms or isp.up_kbps or isp.down_kbps
        return Access(isp, seed) if real else None

    def up(self, size: int, now: float, way: str) -> float | None:
        """Give when a packet that the client sends at ``now`` enters the path; None when it never does."""
        return self._up.through(size, now, way)

    def reach(self, links: int, way: str) -> int:
        """Give how many of the path's links a packet to the server passes before it is lost, if it is."""
        place = self._lost_up.draw(way) if self._loss else 1.0
        return int(place / self._loss * links) if place < self._loss else _ALL

    def down(self, packet: bytes | bytearray, arrival: float, way: str, share: float) -> None:
        """Take a packet to the client that has ``share`` of the whole path behind it."""
        if not self._loss or self._lost_down.draw(way) >= self._loss * share:
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

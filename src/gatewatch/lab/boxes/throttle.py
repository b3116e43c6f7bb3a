"""Throttling: a flow that names a blocked host goes on, slower.

Russia throttled Twitter by SNI to some 130 kbps in both directions, by dropping what exceeded the rate (Xue
et al., "Throttling Twitter: an emerging censorship technique in Russia", IMC 2021); other devices queue, or
lose a share of the packets.  Nothing happens before the name was seen (ooni/probe 2668).
"""

from __future__ import annotations

from random import Random

from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes.base import Wire
from gatewatch.lab.boxes.flow import FlowBox, Unclear, remember
from gatewatch.lab.boxes.request import host
from gatewatch.lab.boxes.sni import server_name
from gatewatch.lab.country import scenario
from gatewatch.lab.path.packet import SYN, destination, flags, segment, unpacked
from gatewatch.lab.path.packet import flow as flow_of
from gatewatch.lab.path.router import answered_key


class Bucket:
    """A token bucket of ``burst`` bytes that fills at ``kbps``; what finds it empty waits, or is dropped.

    Kept as the moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371 annex A).
    """

    __slots__ = ("_burst", "_full", "_queue", "_rate")

    def __init__(self, kbps: float, burst: float, queue: float) -> None:
        self._rate = kbps * 1000 / 8  # bytes a second
        self._burst = burst / self._rate  # seconds
        self._queue = queue  # seconds that a packet may wait
        self._full = float("-inf")

    def take(self, size: int, now: float) -> float | None:
        """Give how long a packet must wait, in seconds; None: it is dropped."""
        full = max(self._full, now) + size / self._rate
        wait = max(full - now - self._burst, 0.0)
        if wait > self._queue:
            return None
        self._full = full
        return wait


class _Lanes:
    """One slowed flow: a bucket for each direction."""

    __slots__ = ("down", "up")

    def __init__(self, box: scenario.Box) -> None:
        up, down = (
            Bucket(kbps, box.burst, box.queue_ms / 1000) if kbps else None for kbps in (box.up_kbps, box.kbps)
        )
        self.up, self.down = up, down


class Throttle(FlowBox):
    """Slows the flows whose first bytes name a blocked host, or, by ``address``, all to where one lives."""

    looks_back = True

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self._slow: dict[bytes, _Lanes] = {}
        self._random = Random(description.salt)

    def name(self, start: bytes) -> str | Unclear:
        """Read the SNI or the Host header, whichever protocol this is."""
        found = server_name(start)
        return host(start) if found is Unclear.NONE else found

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Follow a flow until it names somebody; slow it from then on."""
        key = flow_of(packet)
        if flags(packet) & SYN:
            self._open.pop(key, None)
            self._slow.pop(key, None)
            if self.description.method == "address" and self._lives_at(packet):
                remember(self._slow, key, _Lanes(self.description))
            return True
        lanes = self._slow.get(key)
        if lanes is not None:
            return self._carry(lanes.up, packet, wire)
        got = segment(packet)
        if self.description.method == "address" or got is None or not got.data:
            return True
        start = self._collect(key, got)
        if start is None:
            return True
        name = self.name(start)
        if name is Unclear.MORE:
            return True
        del self._open[key]
        if isinstance(name, str) and self.concerns(name, start):
            remember(self._slow, key, _Lanes(self.description))
        return True

    def inspect_return(self, packet: bytes, wire: Wire) -> bool:
        """Slow what comes back on such a flow."""
        lanes = self._slow.get(answered_key(packet)[:-1])
        return lanes is None or self._carry(lanes.down, packet, wire)

    def _carry(self, bucket: Bucket | None, packet: bytes | bytearray, wire: Wire) -> bool:
        description = self.description
        if description.loss and self._random.random() < description.loss:
            return False
        wait = 0.0 if bucket is None else bucket.take(len(packet), wire.time)
        if wait is None:
            return False
        if wait or description.delay_ms:
            wire.hold(wait + description.delay_ms / 1000)
        return True

    def _lives_at(self, packet: bytearray) -> bool:
        names = self.world.names_at(unpacked(destination(packet)))
        return any(self.description.matches(name) for name in names)

"""TCP for a whole host: which connection a packet belongs to, new ones, and everybody's timers.

The server side answers for every address of the emulated internet at once; a memory client uses the same
class for its own address.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush

from gatewatch.lab.apps import StreamApp
from gatewatch.lab.path.packet import (
    ACK,
    INITIAL_TTL,
    RST,
    SYN,
    Segment,
    destination,
    flow,
    packed,
    ports,
    segment,
    source,
    tcp,
    unpacked,
)
from gatewatch.lab.transport.tcp import Client, Connection

# Sends a packet; gets the packet and the time it leaves at.
Emit = Callable[[bytes, float], None]
Accept = Callable[[str, int, Connection], StreamApp | None]


class Stack:
    """Connections by their four-tuple; initial sequence numbers are repeatable, from a seeded generator."""

    def __init__(self, emit: Emit, accept: Accept | None = None, *, seed: int = 0) -> None:
        self.now = 0.0
        self.finished = 0  # how many connections have ended, for whoever schedules garbage collection
        self._emit = emit
        self._accept = accept
        self._random = random.Random(seed)
        self._connections: dict[bytes, Connection] = {}
        self._timers: list[tuple[float, int, Connection]] = []
        self._calls: list[tuple[float, int, Callable[[], object]]] = []
        self._armed = 0
        #: Called when a timer is set, by whoever drives them: the packet that went before may have been lost.
        self.on_timer: Callable[[], object] = lambda: None

    def __len__(self) -> int:
        return len(self._connections)

    def receive(self, packet: bytearray | bytes, now: float) -> None:
        """Take a TCP packet that has arrived at one of our addresses."""
        self.now = now
        got = segment(packet)
        if got is None:
            return
        connection = self._connections.get(flow(packet))
        opening = got.flags & (SYN | ACK | RST) == SYN
        if connection is not None and opening and (got.seq + 1) & 0xFFFFFFFF != connection.incoming.next:
            # The client reuses its port and has forgotten the old connection, as a localiser does on purpose.
            self.forget(connection)
            connection = None
        if connection is not None:
            connection.receive(got)
        elif opening and self._accept is not None:
            self._open_passive(flow(packet), got, self._accept)
        elif not got.flags & RST:
            self._refuse(got)

    def _open_passive(self, key: bytes, syn: Segment, accept: Accept) -> None:
        local = unpacked(syn.destination), syn.dport
        peer = unpacked(syn.source), syn.sport
        connection = Connection(self, key, local, peer, self._random.getrandbits(32), INITIAL_TTL)
        app = accept(*local, connection)
        if app is None:
            self._refuse(syn)
            return
        connection.app = app
        self._connections[key] = connection
        connection.answer(syn)

    def adopt(self, syn: Segment | None, packet: bytearray, earlier: bytes, now: float) -> None:
        """Take over a flow in mid-stream, in its server's place: see :meth:`Connection.adopt`."""
        self.now = now
        first = segment(packet)
        assert first is not None and self._accept is not None
        key = flow(packet)
        local = unpacked(first.destination), first.dport
        connection = Connection(self, key, local, (unpacked(first.source), first.sport), 0, INITIAL_TTL)
        connection.app = self._accept(*local, connection)
        if connection.app is not None:
            self._connections[key] = connection
            connection.adopt(syn, first, earlier)

    def _refuse(self, got: Segment) -> None:
        """Answer a segment that belongs to nothing with RST (RFC 9293 3.5.2, group 1)."""
        length = len(got.data) + (got.flags & SYN > 0) + (got.flags & 1)
        seq, ack, flags = (got.ack, 0, RST) if got.flags & ACK else (0, got.seq + length, RST | ACK)
        reply = tcp(
            got.destination,
            got.dport,
            got.source,
            got.sport,
            seq=seq,
            ack=ack & 0xFFFFFFFF,
            flags=flags,
        )
        self._emit(reply, self.now)

    def connect(
        self, local: tuple[str, int], peer: tuple[str, int], client: Client, now: float, *, ttl: int
    ) -> Connection:
        """Open a connection; ``client`` learns what becomes of it."""
        self.now = now
        # A packet's own key reads from its sender's side, so ours starts with the peer.
        key = _key(peer, local)
        connection = Connection(self, key, local, peer, self._random.getrandbits(32), ttl)
        connection.app = connection.client = client
        self._connections[key] = connection
        connection.open()
        return connection

    def find(self, local: tuple[str, int], peer: tuple[str, int]) -> Connection | None:
        """Give the connection between two endpoints, if there is one."""
        return self._connections.get(_key(peer, local))

    def too_big(self, quote: bytes, mtu: int, now: float) -> None:
        """Learn from an ICMP error that a packet of ours, of which it quotes the start, was too big."""
        self.now = now
        (sport, dport), own, peer = ports(quote), source(quote), destination(quote)
        connection = self._connections.get(peer + own + dport.to_bytes(2, "big") + sport.to_bytes(2, "big"))
        if connection is not None:
            connection.fit(mtu)

    def close(self) -> None:
        """Drop every connection without a word: the line is taken away."""
        for connection in self._connections.values():
            connection.app = connection.client = None
            connection.deadline = float("inf")
        self._connections.clear()
        self._timers.clear()
        self._calls.clear()

    # -- timers

    def due(self) -> float | None:
        """When :meth:`tick` has something to do; None when no timer runs."""
        timers = self._timers
        while timers and timers[0][2].deadline == float("inf"):
            heappop(timers)[2].scheduled = float("inf")
        return min((queue[0][0] for queue in (timers, self._calls) if queue), default=None)

    def tick(self, now: float) -> None:
        """Let every timer that is due expire."""
        while self._calls and self._calls[0][0] <= now:
            self.now = now
            heappop(self._calls)[2]()
        while self._timers and self._timers[0][0] <= now:
            _, _, connection = heappop(self._timers)
            connection.scheduled = float("inf")
            if connection.deadline <= now:
                self.now = now
                connection.expire()
            elif connection.deadline != float("inf"):
                self.arm(connection)

    # -- what connections ask for

    def send(
        self, connection: Connection, flags: int, seq: int, window: int, data: bytes, options: bytes
    ) -> None:
        """Put one segment of a connection on the wire."""
        key = connection.key
        half = len(key) - 4 >> 1  # the size of an address
        packet = tcp(
            key[half : 2 * half],
            connection.local[1],
            key[:half],
            connection.peer[1],
            seq=seq,
            ack=connection.incoming.next if flags & ACK else 0,
            flags=flags,
            window=window,
            data=data,
            options=options,
            ttl=connection.ttl,
        )
        self._emit(packet, self.now)

    def arm(self, connection: Connection) -> None:
        """Wake a connection at its deadline; an earlier wake-up on its way is left to look again."""
        if connection.deadline < connection.scheduled:
            connection.scheduled = connection.deadline
            self._armed += 1
            heappush(self._timers, (connection.deadline, self._armed, connection))
            self.on_timer()

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Call something after so many seconds."""
        self._armed += 1
        heappush(self._calls, (self.now + seconds, self._armed, call))

    def forget(self, connection: Connection) -> None:
        """Drop a connection; its timer entry runs out by itself."""
        connection.app = connection.client = None
        connection.deadline = float("inf")
        self.finished += 1
        if self._connections.get(connection.key) is connection:
            del self._connections[connection.key]


def _key(source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    addresses = packed(source[0]) + packed(destination[0])
    return addresses + source[1].to_bytes(2, "big") + destination[1].to_bytes(2, "big")

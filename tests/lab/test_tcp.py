"""Userspace TCP against itself over a bad wire: nothing is lost, doubled or sent past a window."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from heapq import heappop, heappush

import pytest

from gatewatch.lab.apps import Connection, StreamApp
from gatewatch.lab.path import packet as p
from gatewatch.lab.transport.stack import Stack
from gatewatch.lab.transport.tcp import Connection as Tcp

HERE, THERE = ("10.0.0.1", 4000), ("10.0.0.2", 80)
ONE_WAY = 0.01
Loss = Callable[[int, p.Segment], bool]


class Peer:
    """An application on either side: keeps what it hears, answers as told."""

    def __init__(self, *, sends: bytes = b"", closes: bool = False, reads: bool = True) -> None:
        self.connection: Connection | None = None
        self.sends, self.closes, self.reads = sends, closes, reads
        self.heard = bytearray()
        self.eof = self.open = False
        self.error = 0

    def established(self) -> None:
        self.open = True

    def acknowledged(self) -> None:
        pass

    def failed(self, error: int) -> None:
        self.error = error

    def data_received(self, data: bytes) -> None:
        first = not self.heard
        self.heard += data
        if self.reads and isinstance(self.connection, Tcp) and self.connection.client:
            self.connection.taken(len(data))
        if first and self.sends and self.connection:
            self.connection.write(self.sends)
            if self.closes:
                self.connection.close()

    def eof_received(self) -> None:
        self.eof = True
        if self.connection and not self.connection_is_client:
            self.connection.close()

    @property
    def connection_is_client(self) -> bool:
        return isinstance(self.connection, Tcp) and self.connection.client is not None


class Wire:
    """A client's and a server's stack, 10 ms apart; ``lose`` sees each segment with its number."""

    def __init__(self, server: Peer | None, lose: Loss = lambda n, s: False, jitter: float = 0.0) -> None:
        self.now = 0.0
        self.seen: list[tuple[float, p.Segment]] = []
        self._under_way: list[tuple[float, int, bool, bytes]] = []
        self._lose, self._jitter, self._random = lose, jitter, random.Random(7)
        self.peer = server
        self.client = Stack(lambda packet, leaves: self._emit(packet, leaves, True), seed=1)
        self.server = Stack(lambda packet, leaves: self._emit(packet, leaves, False), self._accept, seed=2)

    def _accept(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        if self.peer is not None:
            self.peer.connection = connection
        return self.peer

    def _emit(self, packet: bytes, leaves: float, up: bool) -> None:
        segment = p.segment(packet)
        assert segment is not None
        self.seen.append((leaves, segment))
        if not self._lose(len(self.seen), segment):
            arrives = leaves + ONE_WAY + self._random.random() * self._jitter
            heappush(self._under_way, (arrives, len(self.seen), up, packet))

    def connect(self, client: Peer) -> Tcp:
        connection = self.client.connect(HERE, THERE, client, self.now, ttl=64)
        client.connection = connection
        return connection

    def run(self, until: float = 60.0) -> None:
        while True:
            times = [self._under_way[0][0]] if self._under_way else []
            times += [due for due in (self.client.due(), self.server.due()) if due is not None]
            if not times or min(times) > until:
                break
            self.now = min(times)
            while self._under_way and self._under_way[0][0] <= self.now:
                _, _, up, packet = heappop(self._under_way)
                (self.server if up else self.client).receive(packet, self.now)
            self.client.tick(self.now)
            self.server.tick(self.now)
        self.now = self.client.now = self.server.now = until


def text(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def exchange(wire: Wire, client: Peer, request: bytes, until: float = 60.0) -> None:
    """Connect, send a request and run; the server answers and closes."""
    connection = wire.connect(client)
    wire.run(0.025 if not wire._jitter else 5.0)
    connection.write(request)
    wire.run(until)


def test_a_whole_connection_and_its_times() -> None:
    server, client = Peer(sends=b"page", closes=True), Peer()
    wire = Wire(server)
    connection = wire.connect(client)
    wire.run(0.03)
    assert client.open
    connection.write(b"request")
    wire.run(0.05)
    assert (bytes(server.heard), bytes(client.heard), client.eof) == (b"request", b"page", True)
    connection.close()
    wire.run(1.0)
    assert (len(wire.client), len(wire.server), client.error) == (0, 0, 0)
    flags = [(round(when, 3), segment.flags) for when, segment in wire.seen]
    assert flags == [
        (0.0, p.SYN),
        (0.01, p.SYN | p.ACK),
        (0.02, p.ACK),
        (0.03, p.ACK | p.PSH),
        (0.04, p.ACK | p.PSH),  # the answer acknowledges
        (0.04, p.FIN | p.ACK),
        (0.05, p.ACK),
        (0.05, p.ACK),
        (0.05, p.FIN | p.ACK),
        (0.06, p.ACK),
    ]


@pytest.mark.parametrize("lost", range(1, 30))
def test_any_one_lost_segment_is_made_up_for(lost: int) -> None:
    page = text(20_000)
    server, client = Peer(sends=page, closes=True), Peer()
    wire = Wire(server, lambda number, segment: number == lost)
    connection = wire.connect(client)
    wire.run(3.0)
    connection.write(b"request")
    wire.run(10.0)
    connection.close()
    wire.run(30.0)
    assert (bytes(server.heard), bytes(client.heard), client.eof) == (b"request", page, True)
    assert (len(wire.client), len(wire.server)) == (0, 0)


@pytest.mark.parametrize("seed", range(10))
def test_heavy_loss_and_reordering_only_take_time(seed: int) -> None:
    page, request, chance = text(60_000), text(30_000), random.Random(seed)
    server, client = Peer(sends=page), Peer()
    wire = Wire(server, lambda number, segment: chance.random() < 0.2, jitter=0.05)
    exchange(wire, client, request, until=600.0)
    assert bytes(server.heard) == request
    assert bytes(client.heard) == page


def test_megabytes_stay_within_the_peers_window() -> None:
    page = text(3_000_000)
    wire = Wire(Peer(sends=page), jitter=0.002)
    client = Peer()
    exchange(wire, client, b"request")
    assert bytes(client.heard) == page
    edge = acknowledged = 0
    for _, segment in wire.seen:
        if segment.sport == HERE[1] and not segment.flags & p.SYN:
            acknowledged = segment.ack + (segment.window << 3)
        elif segment.data and acknowledged:
            edge = max(edge, segment.seq + len(segment.data) - acknowledged)
            assert len(segment.data) <= p.MSS
    assert edge <= 0


@pytest.mark.parametrize("lose_update", [False, True])
def test_a_reader_that_stops_stops_the_sender(lose_update: bool) -> None:
    page = text(1_000_000)
    client = Peer(reads=False)
    reading = [False]
    lost: list[p.Segment] = []

    def lose(number: int, segment: p.Segment) -> bool:
        # The update that opens the window again; the sender's probe must find out without it.
        first = lose_update and reading[0] and not lost and segment.sport == HERE[1]
        lost.extend([segment] * first)
        return first

    wire = Wire(Peer(sends=page), lose)
    exchange(wire, client, b"request", until=20.0)
    assert len(client.heard) <= 1 << 18
    assert isinstance(client.connection, Tcp)
    reading[0] = client.reads = True
    client.connection.taken(len(client.heard))
    wire.run(200.0)
    assert bytes(client.heard) == page
    assert len(lost) == lose_update


def test_refused_and_unanswered() -> None:
    refused = Peer()
    wire = Wire(None)
    wire.connect(refused)
    wire.run(0.03)
    assert (refused.error, len(wire.client)) == (errno.ECONNREFUSED, 0)

    unanswered = Peer()
    silence = Wire(Peer(), lambda number, segment: True)
    silence.connect(unanswered)
    silence.run(126.9)
    assert unanswered.error == 0
    silence.run(127.1)
    assert unanswered.error == errno.ETIMEDOUT
    # RFC 6298: 1 s, doubled each time, up to 60 s; Linux's six retransmissions.
    assert [when for when, _ in silence.seen] == [0, 1, 3, 7, 15, 31, 63]


@pytest.mark.parametrize(
    ("offset", "dies", "answered"), [(0, True, False), (5, False, True), (-1, False, False)]
)
def test_only_an_exact_rst_kills(offset: int, dies: bool, answered: bool) -> None:
    client = Peer()
    wire = Wire(Peer())
    wire.connect(client)
    wire.run(0.03)
    syn_ack, before = wire.seen[1][1], len(wire.seen)
    forged = p.tcp(
        syn_ack.source,
        syn_ack.sport,
        syn_ack.destination,
        syn_ack.dport,
        seq=(syn_ack.seq + 1 + offset) & 0xFFFFFFFF,
        flags=p.RST,
    )
    wire.client.receive(forged, wire.now)
    assert client.error == (errno.ECONNRESET if dies else 0)
    assert (len(wire.seen) > before) == answered


def test_aborting_resets_the_other_side() -> None:
    server, client = Peer(), Peer()
    wire = Wire(server)
    wire.connect(client)
    wire.run(0.03)
    assert server.connection is not None
    server.connection.abort()
    wire.run(0.1)
    assert (client.error, len(wire.client), len(wire.server)) == (errno.ECONNRESET, 0, 0)


def test_half_closed_still_receives() -> None:
    page = text(50_000)
    server, client = Peer(sends=page), Peer()
    wire = Wire(server)
    connection = wire.connect(client)
    wire.run(0.03)
    connection.write(b"request")
    connection.shutdown()
    wire.run(5.0)
    assert server.eof
    assert (bytes(client.heard), client.eof) == (page, True)
    assert (len(wire.client), len(wire.server)) == (0, 0)


def test_a_peer_without_options_gets_small_segments_and_plain_windows() -> None:
    wire = Wire(Peer(sends=text(5000)))
    ends = bytes((10, 0, 0, 1)), 4000, bytes((10, 0, 0, 2)), 80
    wire.server.receive(p.tcp(*ends, seq=10, flags=p.SYN, window=2000), 0.0)
    ours = wire.seen[0][1].seq + 1
    wire.server.receive(p.tcp(*ends, seq=11, ack=ours, flags=p.ACK, window=2000, data=b"request"), 0.0)
    answer = [segment for _, segment in wire.seen[1:]]
    assert (wire.seen[0][1].scale, wire.seen[0][1].mss) == (None, p.MSS)
    assert [len(segment.data) for segment in answer] == [536, 536, 536, 392]  # 2000 bytes of window
    assert {segment.window for segment in answer} == {0xFFFF}


def test_a_silent_connection_is_forgotten_by_the_server() -> None:
    wire = Wire(Peer())
    wire.connect(Peer())
    wire.run(119.0)
    assert len(wire.server) == 1
    wire.run(121.0)
    assert (len(wire.server), len(wire.client)) == (0, 1)


def test_a_port_used_again_opens_a_new_connection() -> None:
    server = Peer()
    wire = Wire(server)
    wire.connect(Peer())
    wire.run(0.03)
    first = server.connection
    wire.client = Stack(lambda packet, leaves: wire._emit(packet, leaves, True), seed=9)  # a new start
    again = Peer()
    wire.connect(again)
    wire.run(0.1)
    assert again.open
    assert server.connection is not first
    assert len(wire.server) == 1


def test_data_for_nobody_are_answered_with_rst() -> None:
    wire = Wire(Peer())
    stray = p.tcp(bytes(4), 1, bytes(4), 2, seq=5, ack=77, flags=p.ACK, data=b"x")
    wire.server.receive(stray, 0.0)
    wire.server.receive(p.tcp(bytes(4), 1, bytes(4), 2, seq=5, flags=p.RST), 0.0)
    ((_, answer),) = wire.seen
    assert (answer.flags, answer.seq) == (p.RST, 77)


def test_icmp_kills_only_while_connecting() -> None:
    young, old = Peer(), Peer()
    Wire(Peer()).connect(young).hurt(errno.EHOSTUNREACH)
    wire = Wire(Peer())
    connection = wire.connect(old)
    wire.run(0.03)
    connection.hurt(errno.EHOSTUNREACH)
    assert (young.error, old.error) == (errno.EHOSTUNREACH, 0)


def test_a_connection_closed_while_opening_is_gone_without_a_word() -> None:
    wire = Wire(Peer(), lambda number, segment: True)
    connection = wire.connect(Peer())
    connection.close()
    wire.run(10.0)
    assert (len(wire.client), len(wire.seen)) == (0, 1)

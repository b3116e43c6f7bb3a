"""A tiny internet and a bench for the engine: packets in, (time, packet) out, no sockets and no clock."""

from __future__ import annotations

import contextlib
import socket
import ssl

from gatewatch.lab.apps import Connection, DatagramApp, StreamApp, TalkLine
from gatewatch.lab.country.scenario import Box, Hop, Isp, Network, Route, Scenario
from gatewatch.lab.path import packet as p
from gatewatch.lab.path.engine import Engine

CLIENT, RESOLVER, PUBLIC_RESOLVER = "103.5.24.10", "103.5.25.53", "8.8.8.8"
# The way abroad, one-way delays in ms; the last two routers stand behind the ISP's border.
ROUTERS = ("192.168.1.1", "103.5.24.1", "103.5.25.9", "103.5.26.1", "63.218.10.5", "63.218.11.9")
DELAYS = (0.5, 1.5, 2.5, 3.0, 15.0, 23.0)
SILENT = "63.218.12.1"  # the only router behind the border on the way to 5.0.0.0/8
SERVER_MS = 24.5
NAMES = {"good.com": "1.0.0.1", "www.bad.com": "1.0.0.2", "shared.com": "1.0.0.2", "gone.com": "1.0.0.3"}
GREETING = b"hello from "


class Greeter:
    """Answers the first bytes with a greeting that names its address, and closes when the client does."""

    def __init__(self, connection: Connection, village: Village) -> None:
        self.connection, self.village = connection, village

    def data_received(self, data: bytes) -> None:
        self.village.heard += data
        self.connection.write(GREETING + self.connection.local[0].encode())

    def eof_received(self) -> None:
        self.connection.close()


class Storyteller:
    """Answers each datagram twice at once, and once more a quarter of a second later; "bye" ends it."""

    def __init__(self, line: TalkLine) -> None:
        self.line = line
        self.heard = 0

    def received(self, data: bytes, now: float) -> None:
        self.heard += 1
        if data == b"bye":
            self.line.end()
            return
        self.line.send(b"once " + data)
        self.line.send(b"upon " + data)
        self.line.wake(now + 0.25)

    def expired(self, now: float) -> None:
        self.line.send(b"a time, after %d" % self.heard)


class Village:
    """Names as above; 80 and 443 greet, 53 answers "true", 4433 tells stories; gone.com's packets vanish."""

    def __init__(self) -> None:
        self.heard = b""
        self.accepted: list[tuple[str, int]] = []

    def accept(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        if port not in (80, 443):
            return None
        self.accepted.append(connection.peer)
        return Greeter(connection, self)

    def datagram(self, address: str, port: int, source: tuple[str, int], data: bytes) -> bytes | None:
        return {53: b"true " + data, 9: b""}.get(port)

    def talk(self, address: str, port: int, line: TalkLine) -> DatagramApp | None:
        return Storyteller(line) if port == 4433 else None

    def exists(self, address: str) -> bool:
        return address != NAMES["gone.com"]

    def address_of(self, name: str) -> tuple[str, ...]:
        return (NAMES[name],) if name in NAMES else ()

    def names_at(self, address: str) -> tuple[str, ...]:
        return tuple(name for name, at in NAMES.items() if at == address) or (address,)


def scenario(*boxes: Box) -> Scenario:
    """One ISP with these boxes and the path above."""
    hops = tuple(Hop(address, ms) for address, ms in zip(ROUTERS[:4], DELAYS[:4], strict=True))
    tail = tuple(Hop(address, ms - 3.0) for address, ms in zip(ROUTERS[4:], DELAYS[4:], strict=True))
    isp = Isp("bench", 45498, "The bench", CLIENT, RESOLVER, hops, local_hops=3, boxes=boxes)
    network = Network(45498, "The bench", "KH", ("103.5.24.0/22",))
    abroad = Route("abroad", ("default",), SERVER_MS - 3.0, tail)
    short = Route("short", ("5.0.0.0/8",), 2.0, (Hop(SILENT, 1.0, silent=True),))
    return Scenario("bench", "A bench", "KH", "invented", (network,), (isp,), (abroad, short))


def bench(*boxes: Box) -> tuple[Engine, Village]:
    """An engine with these boxes on its path, and the village behind it."""
    village = Village()
    return Engine(scenario(*boxes), "bench", village, clock=lambda: 0.0), village


def box(kind: str, hop: int = 2, **rest: object) -> Box:
    """A box that blocks bad.com."""
    return Box(kind, hop, frozenset({"bad.com"}), **rest)  # type: ignore[arg-type]


def run(engine: Engine, *packets: bytes, now: float = 0.0, until: float = 5.0) -> list[tuple[float, bytes]]:
    """Send packets at ``now``; gives what comes back within ``until`` seconds, each with its ms."""
    for packet in packets:
        engine.from_client(bytearray(packet), now)
    got = []
    while (due := engine.due()) is not None and due <= now + until:
        got += [(round((due - now) * 1000, 6), bytes(packet)) for packet in engine.pop(due)]
    return got


def udp(destination: str, port: int, data: bytes = b"question", *, ttl: int = 64, sport: int = 4000) -> bytes:
    return p.udp(socket.inet_aton(CLIENT), sport, socket.inet_aton(destination), port, data, ttl=ttl)


def tcp(
    destination: str,
    port: int,
    *,
    flags: int,
    seq: int = 1000,
    ack: int = 0,
    data: bytes = b"",
    ttl: int = 64,
    sport: int = 4000,
) -> bytes:
    ends = socket.inet_aton(CLIENT), sport, socket.inet_aton(destination), port
    return p.tcp(*ends, seq=seq, ack=ack, flags=flags, window=64000, data=data, ttl=ttl)


def read(packet: bytes) -> p.Segment:
    """Read a TCP packet, its checksums checked."""
    assert_sound(packet)
    segment = p.segment(packet)
    assert segment is not None
    return segment


def assert_sound(packet: bytes) -> None:
    """Check an IPv4 header's checksum and that of what a packet carries."""
    body = packet[p.head(packet) :]
    if packet[0] == p.PLAIN_IPV4:
        assert p.checksum(packet[:20]) == 0xFFFF
    if p.protocol(packet) != p.ICMP:
        addresses = p.source(packet) + p.destination(packet)
        body = addresses + bytes((0, p.protocol(packet))) + len(body).to_bytes(2, "big") + body
    assert p.checksum(body) == 0xFFFF


def client_hello(name: str) -> bytes:
    """The first bytes of a TLS connection with this SNI."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()

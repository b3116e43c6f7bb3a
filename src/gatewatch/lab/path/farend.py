"""The far end of every way: a packet that has arrived meets TCP, a datagram's server, or ICMP's echo.

One host stands for all addresses of the emulated internet, as :class:`~gatewatch.lab.transport.stack.Stack`
does for TCP.
"""

from __future__ import annotations

from collections.abc import Callable

from gatewatch.lab.apps import Internet
from gatewatch.lab.path.packet import (
    ECHO,
    ECHO_REPLY,
    ICMP,
    ICMPV6,
    INITIAL_TTL,
    PORT_UNREACHABLE,
    TCP,
    UDP,
    UNREACHABLE,
    destination,
    head,
    icmp,
    icmp_error,
    icmp_kind,
    icmp_mtu,
    packed,
    payload,
    ports,
    protocol,
    source,
    ttl,
    udp,
    unpacked,
)
from gatewatch.lab.path.talks import Talks
from gatewatch.lab.path.way import Way
from gatewatch.lab.transport.stack import Stack

# Sends a packet towards the client; gets the packet and the time it leaves at.
Send = Callable[[bytes, float], None]


class FarEnd:
    """All servers, behind TCP and UDP of our own; ``send`` carries what they say."""

    def __init__(self, world: Internet, send: Send) -> None:
        self._world = world
        self._send = send
        self.tcp = Stack(send, world.accept)
        self.talks = Talks(self._say, world.talk)

    def serve(self, packet: bytes | bytearray, way: Way, now: float) -> None:
        """Let the destination answer a packet that has arrived at the end of its way."""
        if not way.exists:
            return
        number = protocol(packet)
        if number == TCP:
            self.tcp.receive(packet, now)
        elif number == UDP:
            self._datagram(packet, way, now)
        elif number in (ICMP, ICMPV6):
            self._icmp(packet, now)

    def _datagram(self, packet: bytes | bytearray, way: Way, now: float) -> None:
        sport, dport = ports(packet)
        own, client = destination(packet), source(packet)
        asker = unpacked(client), sport
        if self.talks.receive((way.address, dport), asker, payload(packet), now):
            return
        answer = self._world.datagram(way.address, dport, asker, payload(packet))
        if answer is None:
            left = ttl(packet) - way.length
            error = icmp_error(UNREACHABLE, PORT_UNREACHABLE, own, packet, quoted_ttl=left, ttl=INITIAL_TTL)
            self._send(error, now)
        elif answer:
            self._send(udp(own, dport, client, sport, answer), now)

    def _say(self, local: tuple[str, int], peer: tuple[str, int], data: bytes, now: float) -> None:
        self._send(udp(packed(local[0]), local[1], packed(peer[0]), peer[1], data), now)

    def _icmp(self, packet: bytes | bytearray, now: float) -> None:
        """Answer a ping; heed that a segment of ours was too big."""
        kind, body = icmp_kind(packet), payload(packet)
        if kind == ECHO:
            rest = int.from_bytes(packet[head(packet) + 4 : head(packet) + 8], "big")
            own, client = destination(packet), source(packet)
            self._send(icmp(ECHO_REPLY, 0, own, client, body, rest=rest), now)
        elif kind == UNREACHABLE and icmp_mtu(packet):
            self.tcp.too_big(body, icmp_mtu(packet), now)

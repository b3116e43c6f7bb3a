"""Traceroute packets of the raw path: a buffer a flow, patched for each probe; answers need no state.

What load balancers hash stays the same for every probe of a flow: addresses, ports, and of ICMP its type,
code and checksum (Augustin et al., IMC 2006).  The probe's TTL and send time are written where eight quoted
bytes still show them, as Yarrp does (Beverly, IMC 2016): IPv4 in the IP ID and, by protocol, the UDP checksum
(made true by two bytes of payload), the ICMP sequence number or the TCP sequence number; IPv6, whose errors
quote as much as fits, in the payload.  Source ports are a hash of the destination, so that an answer whose
quote was tampered with is noticed.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from gatewatch.net.tracing import mpls
from gatewatch.net.tracing.mpls import Labels

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
#: The first port of classic traceroute: nobody listens there, and firewalls know it.
PORT = 33434
#: A second of the time that packets carry, in its units, and its bits: ten microseconds, eleven minutes.
TICKS = 100_000
_STAMP_BITS = 26
_STAMP = (1 << _STAMP_BITS) - 1
_LOW = 0xFFFF
# IANA's dynamic ports begin here (RFC 6335 6); a quarter of them.
_FIRST_PORT, _PORTS = 49152, 0x3FFF
_MAGIC = 0x4757
# RFC 792 and RFC 4443 in RFC 792's words: see gatewatch.net.errqueue.
_TYPES6 = {3: 11, 1: 3, 2: 3, 129: 0}
_CODES6 = {(1, 0): 0, (1, 1): 13, (1, 3): 1, (1, 4): 3, (2, 0): 4}
# A header, 128 bytes of padded quote (RFC 4884 5.1): an extension stands behind, or there is none.
_EXTENDED = 8 + 128
_WINDOW = 64240  # Linux' first window on Ethernet
_MSS = b"\x02\x04\x05\xb4"


class Answer(NamedTuple):
    """An answer as decoded: which probe it is about, and who says what.

    ``port`` (the source port), ``ttl`` and ``stamp`` are the probe's own; ``residual`` is the TTL that it had
    left where it was answered, None where no quote tells.  An answer over TCP has type -1.
    """

    destination: bytes
    port: int
    ttl: int
    stamp: int
    source: bytes
    icmp_type: int
    icmp_code: int
    reply_ttl: int | None
    residual: int | None
    labels: Labels


def total(data: bytes | bytearray) -> int:
    """Add up 16-bit words in one's complement (RFC 1071)."""
    if len(data) & 1:
        data = bytes(data) + b"\0"
    found: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while found >> 16:
        found = (found & _LOW) + (found >> 16)
    return found


def source_port(destination: bytes, flow: int = 0) -> int:
    """Give the source port of a flow: a hash of the destination, other flows beside it."""
    return _FIRST_PORT + ((total(destination) + flow * 0x9E5) & _PORTS)


class Flow:
    """One flow's packet, ready to be patched and sent; ``flow`` tells flows to one destination apart."""

    __slots__ = ("_base", "_patch", "address", "destination", "number", "packet", "port", "to")

    def __init__(self, protocol: str, source: str, destination: str, *, port: int, flow: int = 0) -> None:
        self.address = destination
        self.number = flow
        six = ":" in destination
        family = socket.AF_INET6 if six else socket.AF_INET
        ends = socket.inet_pton(family, source), socket.inet_pton(family, destination)
        self.destination = ends[1]
        self.to = (destination, 0)
        self.port = source_port(self.destination, flow)
        number = {"udp": UDP, "tcp": TCP, "icmp": ICMP6 if six else ICMP}[protocol]
        body = self._body(number, port)
        pseudo = b"" if number == ICMP else ends[0] + ends[1] + struct.pack("!II", len(body), number)
        if six:
            head = struct.pack("!IHBB", 6 << 28, len(body), number, 0) + ends[0] + ends[1]
            self._patch = {UDP: self._udp6, TCP: self._tcp, ICMP6: self._icmp}[number]
        else:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 0, number, 0) + ends[0] + ends[1]
            self._patch = {UDP: self._udp, TCP: self._tcp, ICMP: self._icmp}[number]
        self.packet = bytearray(head + body)
        self._base = total(pseudo + body)

    def _body(self, number: int, port: int) -> bytes:
        """Make what follows the IP header, with zeros where probes differ and for the checksum."""
        if number == UDP:
            # fudge, mark, TTL, nothing, stamp: IPv6 reads them back, IPv4 needs the fudge only.
            payload = struct.pack("!HHBBI", 0, _MAGIC, 0, 0, 0)
            return struct.pack("!HHHH", self.port, port, 8 + len(payload), 0) + payload
        if number == TCP:
            # SYN with an MSS, as the least that looks like a connection.
            return struct.pack("!HHIIBBHHH", self.port, port, 0, 0, 6 << 4, 2, _WINDOW, 0, 0) + _MSS
        kind = 8 if number == ICMP else 128
        return struct.pack("!BBHHHHHBBI", kind, 0, 0, self.port, 0, 0, _MAGIC, 0, 0, 0)

    def probe(self, ttl: int, ticks: int) -> bytearray:
        """Give the packet of one probe, to be sent before the next is asked for."""
        packet = self.packet
        stamp = ticks & _STAMP
        if packet[0] == 0x45:
            packet[8] = ttl
            packet[4] = ttl << 2 | stamp >> 24
            packet[5] = stamp >> 16 & 0xFF
        else:
            packet[7] = ttl
        self._patch(packet, ttl, stamp)
        return packet

    def _udp(self, packet: bytearray, ttl: int, stamp: int) -> None:
        low = stamp & _LOW
        # The checksum is the stamp; the fudge makes it true (0 stands for "no checksum" and is true anyway).
        struct.pack_into("!HH", packet, 26, low, (_LOW - low - self._base) % _LOW)

    def _udp6(self, packet: bytearray, ttl: int, stamp: int) -> None:
        struct.pack_into("!BBI", packet, 52, ttl, 0, stamp)
        # RFC 8200 8.1: no zero checksum; it stays the port, so that it is no second thing to hash.
        rest = self._base + (ttl << 8) + (stamp >> 16) + (stamp & _LOW)
        struct.pack_into("!HH", packet, 46, self.port, (_LOW - self.port - rest) % _LOW)

    def _icmp(self, packet: bytearray, ttl: int, stamp: int) -> None:
        at = 20 if packet[0] == 0x45 else 40
        low = stamp & _LOW
        struct.pack_into("!H", packet, at + 6, low)
        struct.pack_into("!BBI", packet, at + 12, ttl, 0, stamp)
        rest = self._base + low + (ttl << 8) + (stamp >> 16) + low
        struct.pack_into("!H", packet, at + 2, self.port)
        struct.pack_into("!H", packet, at + 8, (_LOW - self.port - rest) % _LOW)

    def _tcp(self, packet: bytearray, ttl: int, stamp: int) -> None:
        at = 20 if packet[0] == 0x45 else 40
        sequence = ttl << _STAMP_BITS | stamp
        rest = self._base + (sequence >> 16) + (sequence & _LOW)
        while rest >> 16:
            rest = (rest & _LOW) + (rest >> 16)
        struct.pack_into("!I", packet, at + 4, sequence)
        struct.pack_into("!H", packet, at + 16, ~rest & _LOW)


def read_ip4(packet: bytes | bytearray | memoryview) -> Answer | None:
    """Decode an IPv4 packet from a raw ICMP or TCP socket; None when it is about no probe."""
    size = (packet[0] & 15) * 4
    if len(packet) < size + 8:
        return None
    source, reply_ttl = bytes(packet[12:16]), packet[8]
    body = packet[size:]
    if packet[9] == TCP:
        return _connected(body, source, reply_ttl)
    if packet[9] != ICMP:
        return None
    kind, code = body[0], body[1]
    if kind == 0:
        return _echoed(body, source, reply_ttl)
    if kind not in (3, 11):
        return None
    quote = body[8:]
    if len(quote) < 28 or quote[0] >> 4 != 4:
        return None
    inner = (quote[0] & 15) * 4
    if len(quote) < inner + 8:
        return None
    destination = bytes(quote[16:20])
    transport = quote[inner : inner + 8]
    number = quote[9]
    at = 4 if number == ICMP else 0
    port = transport[at] << 8 | transport[at + 1]
    if number not in (UDP, TCP, ICMP) or not _ours(port, destination):
        return None
    high = (quote[4] << 8 | quote[5]) & 0x3FF
    if number == TCP:
        sequence = int.from_bytes(transport[4:8], "big")
        ttl, stamp = sequence >> _STAMP_BITS, sequence & _STAMP
    else:
        low = transport[6] << 8 | transport[7]
        ttl, stamp = quote[4] >> 2, high << 16 | low
    labels = mpls.labels(bytes(body), six=False) if len(body) > _EXTENDED else ()
    return Answer(destination, port, ttl, stamp, source, kind, code, reply_ttl, quote[8], labels)


def read_ip6(
    body: bytes | bytearray | memoryview, source: bytes, reply_ttl: int | None, number: int
) -> Answer | None:
    """Decode what a raw ICMPv6 or TCP socket of IPv6 gives, which is without the IP header."""
    if len(body) < 8:
        return None
    if number == TCP:
        return _connected(body, source, reply_ttl)
    kind, code = body[0], body[1]
    if kind == 129:
        return _echoed(body, source, reply_ttl)
    if kind not in (1, 2, 3) or len(body) < 8 + 40 + 8:
        return None
    quote = body[8:]
    destination, inner = bytes(quote[24:40]), quote[40:]
    at = 4 if quote[6] == ICMP6 else 0
    port = inner[at] << 8 | inner[at + 1]
    if quote[6] not in (UDP, TCP, ICMP6) or not _ours(port, destination):
        return None
    if quote[6] == TCP:
        sequence = int.from_bytes(inner[4:8], "big")
        ttl, stamp = sequence >> _STAMP_BITS, sequence & _STAMP
    else:
        if len(inner) < 18:
            return None
        ttl, stamp = inner[12], int.from_bytes(inner[14:18], "big")
    found = _TYPES6[kind], _CODES6.get((kind, code), code)
    labels = mpls.labels(bytes(body), six=True) if len(body) > _EXTENDED else ()
    return Answer(destination, port, ttl, stamp, source, *found, reply_ttl, quote[7], labels)


def _ours(port: int, destination: bytes) -> bool:
    """Tell whether a port is what some flow to this destination has: others' packets are quoted, too."""
    return (port - _FIRST_PORT - total(destination)) & _PORTS in _OFFSETS if port >= _FIRST_PORT else False


#: The most flows to one destination (multipath discovery); a port that is none of theirs is not ours.
FLOWS = 512
_OFFSETS = frozenset(flow * 0x9E5 & _PORTS for flow in range(FLOWS))


def _echoed(body: bytes | bytearray | memoryview, source: bytes, reply_ttl: int | None) -> Answer | None:
    port = body[4] << 8 | body[5]
    if len(body) < 18 or body[10] << 8 | body[11] != _MAGIC or not _ours(port, source):
        return None
    stamp = int.from_bytes(body[14:18], "big")
    return Answer(source, port, body[12], stamp, source, 0, 0, reply_ttl, None, ())


def _connected(body: bytes | bytearray | memoryview, source: bytes, reply_ttl: int | None) -> Answer | None:
    if len(body) < 20:
        return None
    port = body[2] << 8 | body[3]
    if not _ours(port, source) or not body[13] & 0x14:
        return None
    sequence = (int.from_bytes(body[8:12], "big") - 1) & 0xFFFFFFFF
    ttl, stamp = sequence >> _STAMP_BITS, sequence & _STAMP
    return Answer(source, port, ttl, stamp, source, -1, body[13], reply_ttl, None, ())


def since(ticks: int, stamp: int) -> float:
    """Give the milliseconds from a probe's stamp to now."""
    return ((ticks - stamp) & _STAMP) * 1000 / TICKS

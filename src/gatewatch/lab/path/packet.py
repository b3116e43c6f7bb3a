"""TCP and UDP packets of both IP families as bytes: built and read.

Addresses of four bytes make IPv4 packets, addresses of sixteen bytes IPv6 packets, and whatever reads a
packet reads both: see :mod:`gatewatch.lab.path.header` and :mod:`gatewatch.lab.path.icmp`, whose names are
all here, so that a middlebox needs this module only and no offset.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from gatewatch.lab.path.header import (
    ICMP,
    ICMPV6,
    INITIAL_TTL,
    IPV4_HEADER,
    IPV6_HEADER,
    PLAIN_IPV4,
    TCP,
    UDP,
    checksum,
    destination,
    end,
    flow,
    head,
    ip,
    lower_ttl,
    may_fragment,
    packed,
    plain,
    ports,
    protocol,
    pseudo,
    source,
    ttl,
    turn_round,
    unpacked,
)
from gatewatch.lab.path.icmp import (
    ECHO,
    ECHO_REPLY,
    HOST_UNREACHABLE,
    PORT_UNREACHABLE,
    PROHIBITED,
    TIME_EXCEEDED,
    TOO_BIG,
    UNREACHABLE,
    Label,
    icmp,
    icmp_error,
    icmp_kind,
    icmp_mtu,
)

__all__ = [
    "ACK",
    "ECHO",
    "ECHO_REPLY",
    "FIN",
    "HOST_UNREACHABLE",
    "ICMP",
    "ICMPV6",
    "INITIAL_TTL",
    "MSS",
    "PLAIN_IPV4",
    "PORT_UNREACHABLE",
    "PROHIBITED",
    "PSH",
    "RST",
    "SYN",
    "TCP",
    "TIME_EXCEEDED",
    "TOO_BIG",
    "UDP",
    "UNREACHABLE",
    "Label",
    "Segment",
    "checksum",
    "destination",
    "end",
    "flags",
    "flow",
    "head",
    "icmp",
    "icmp_error",
    "icmp_kind",
    "icmp_mtu",
    "ip",
    "lower_ttl",
    "may_fragment",
    "mss",
    "packed",
    "payload",
    "plain",
    "ports",
    "protocol",
    "pseudo",
    "segment",
    "source",
    "tcp",
    "ttl",
    "turn_round",
    "udp",
    "unpacked",
]

# RFC 9293 3.1: the control bits.
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
# Ethernet's MTU without the IPv4 and TCP headers (RFC 9293 3.7.1).
MSS = 1460

_DONT_FRAGMENT = 0x4000
_TCP = struct.Struct("!HHIIBBHHH")
_IP_TCP = struct.Struct("!BBHHHBBH4s4sHHIIBBHHH")
_IP6_TCP = struct.Struct("!IHBB16s16sHHIIBBHHH")
_SUMMED = struct.Struct("!HHIIBBH")  # a TCP header without checksum and urgent pointer
_UDP = struct.Struct("!HHHH")


class Segment(NamedTuple):
    """A TCP segment as received: addresses in bytes, MSS and window scale None when not offered."""

    source: bytes
    destination: bytes
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int
    data: bytes
    mss: int | None = None
    scale: int | None = None


def mss(address: bytes) -> int:
    """Give the largest segment that fits Ethernet's MTU in packets to or from an address."""
    return MSS if len(address) == 4 else MSS - (IPV6_HEADER - IPV4_HEADER)


def udp(
    source: bytes, sport: int, destination: bytes, dport: int, data: bytes, *, ttl: int = INITIAL_TTL
) -> bytes:
    """Build a UDP datagram with its IP header (RFC 768)."""
    size = 8 + len(data)
    bare = _UDP.pack(sport, dport, size, 0) + data
    # A sum of zero is sent as all ones, which checksum() gives: 0xFFFF - 0; zero would mean "no checksum".
    total = checksum(pseudo(UDP, source, destination, size) + bare) or 0xFFFF
    return ip(UDP, source, destination, _UDP.pack(sport, dport, size, total) + data, ttl=ttl)


def tcp(
    source: bytes,
    sport: int,
    destination: bytes,
    dport: int,
    *,
    seq: int,
    ack: int = 0,
    flags: int,
    window: int = 0,
    data: bytes = b"",
    options: bytes = b"",
    ttl: int = INITIAL_TTL,
) -> bytes:
    """Build a TCP segment with its IP header (RFC 9293); ``options`` are padded to four bytes already."""
    offset = 20 + len(options) << 2
    tail = options + data
    size = 20 + len(tail)
    # The engine's busiest builder: both headers in one pack, and only the tail's sum depends on its length.
    addresses = int.from_bytes(source + destination, "big")
    fields = _SUMMED.pack(sport, dport, seq, ack, offset, flags, window)
    total = addresses + TCP + size + int.from_bytes(fields, "big") + 0xFFFF - checksum(tail)
    if len(source) == 16:
        headers = _IP6_TCP.pack(
            *(0x60000000, size, TCP, ttl, source, destination),
            *(sport, dport, seq, ack, offset, flags, window, 0xFFFF - total % 0xFFFF, 0),
        )
        return headers + tail
    outer = addresses + 0x4500 + 20 + size + _DONT_FRAGMENT + (ttl << 8 | TCP)
    return (
        _IP_TCP.pack(
            *(PLAIN_IPV4, 0, 20 + size, 0, _DONT_FRAGMENT, ttl, TCP, 0xFFFF - outer % 0xFFFF),
            *(source, destination, sport, dport, seq, ack, offset, flags, window),
            *(0xFFFF - total % 0xFFFF, 0),
        )
        + tail
    )


def _options(raw: bytes) -> tuple[int | None, int | None]:
    """Find the MSS and the window scale (RFC 7323 2.2) among a SYN's options."""
    mss = scale = None
    at = 0
    while at < len(raw) and raw[at] != 0:
        if raw[at] == 1:  # padding
            at += 1
            continue
        size = raw[at + 1] if at + 1 < len(raw) else 0
        if size < 2:
            break
        if raw[at] == 2 and size == 4:
            mss = int.from_bytes(raw[at + 2 : at + 4], "big")
        elif raw[at] == 3 and size == 3 and at + 2 < len(raw):
            scale = min(raw[at + 2], 14)  # RFC 7323 2.3 caps it
        at += size
    return mss, scale


def flags(packet: bytearray | bytes) -> int:
    """Give a TCP packet's control bits; 0 when it is too short to have any."""
    at = 33 if packet[0] == PLAIN_IPV4 else 53
    return packet[at] if len(packet) > at else 0


def segment(packet: bytearray | bytes) -> Segment | None:
    """Read a TCP packet; None when it is too short for its own header."""
    if packet[0] == PLAIN_IPV4:
        first, last = IPV4_HEADER, packet[2] << 8 | packet[3]
    else:
        first, last = IPV6_HEADER, end(packet)
    if len(packet) < first + 20 or last > len(packet):
        return None
    sport, dport, seq, ack, offset, flags, window, _, _ = _TCP.unpack_from(packet, first)
    start = first + ((offset >> 4) << 2)
    if not first + 20 <= start <= last:
        return None
    mss, scale = _options(bytes(packet[first + 20 : start])) if flags & SYN else (None, None)
    return Segment(
        bytes(packet[12:16] if first == IPV4_HEADER else packet[8:24]),
        bytes(packet[16:20] if first == IPV4_HEADER else packet[24:40]),
        sport,
        dport,
        seq,
        ack,
        flags,
        window,
        bytes(packet[start:last]),
        mss,
        scale,
    )


def payload(packet: bytearray | bytes) -> bytes:
    """Give what follows a UDP header, or an ICMP message's first eight bytes."""
    return bytes(packet[head(packet) + 8 : end(packet)])

"""IPv4, ICMP, UDP and TCP packets as bytes: built, read and changed in place.

Only what the lab's clients and servers send: headers without IP options (RFC 791), no fragments.  Addresses
are four bytes here, since nothing on the packet path should spend time on text.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

ICMP, TCP, UDP = 1, 6, 17
# RFC 9293 3.1: the control bits.
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
# RFC 792 types.
ECHO_REPLY, UNREACHABLE, ECHO, TIME_EXCEEDED = 0, 3, 8, 11
PORT_UNREACHABLE = 3
# The initial TTL of Linux and of most servers; what is left of it tells how far away a sender is.
INITIAL_TTL = 64
# Version 4, header of five words: the only first byte that is processed here.
PLAIN_IPV4 = 0x45
# RFC 792 quotes the header and eight bytes.  Many routers still do just that, so it is the case to be ready
# for.
QUOTE = 28
# Ethernet's MTU without the IPv4 and TCP headers (RFC 9293 3.7.1).
MSS = 1460

_DONT_FRAGMENT = 0x4000
_IP = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
_IP_TCP = struct.Struct("!BBHHHBBH4s4sHHIIBBHHH")
_SUMMED = struct.Struct("!HHIIBBH")  # a TCP header without checksum and urgent pointer
_UDP = struct.Struct("!HHHH")
_ICMP = struct.Struct("!BBHI")
_PORTS = struct.Struct("!HH")


class Segment(NamedTuple):
    """A TCP segment as received: addresses in four bytes, MSS and window scale None when not offered."""

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


def checksum(data: bytes) -> int:
    """Give the Internet checksum (RFC 1071) of a message whose checksum field is zero.

    The one's complement sum of 16-bit words is the whole message as one number modulo 65535, and big-number
    arithmetic does that at memory speed where a loop over words would not.
    """
    if len(data) & 1:
        data += b"\0"
    return 0xFFFF - int.from_bytes(data, "big") % 0xFFFF


def ipv4(
    protocol: int, source: bytes, destination: bytes, payload: bytes, *, ttl: int = INITIAL_TTL
) -> bytes:
    """Put an IPv4 header before a payload; its length must fit the MTU, nothing here fragments."""
    size = 20 + len(payload)
    # The words of the header, summed; version, header length and the "don't fragment" flag are constants.
    total = 0x4500 + size + _DONT_FRAGMENT + (ttl << 8 | protocol)
    total += int.from_bytes(source, "big") % 0xFFFF + int.from_bytes(destination, "big") % 0xFFFF
    header = _IP.pack(
        PLAIN_IPV4, 0, size, 0, _DONT_FRAGMENT, ttl, protocol, 0xFFFF - total % 0xFFFF, source, destination
    )
    return header + payload


def _pseudo(protocol: int, source: bytes, destination: bytes, size: int) -> bytes:
    return source + destination + struct.pack("!HH", protocol, size)


def udp(
    source: bytes, sport: int, destination: bytes, dport: int, data: bytes, *, ttl: int = INITIAL_TTL
) -> bytes:
    """Build a UDP datagram with its IPv4 header (RFC 768)."""
    size = 8 + len(data)
    bare = _UDP.pack(sport, dport, size, 0) + data
    # A sum of zero is sent as all ones, which checksum() gives: 0xFFFF - 0; zero would mean "no checksum".
    total = checksum(_pseudo(UDP, source, destination, size) + bare) or 0xFFFF
    return ipv4(UDP, source, destination, _UDP.pack(sport, dport, size, total) + data, ttl=ttl)


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
    """Build a TCP segment with its IPv4 header (RFC 9293); ``options`` are padded to four bytes already."""
    head = 20 + len(options)
    tail = options + data
    size = 20 + len(tail)
    # The engine's busiest builder: both headers in one pack, and only the tail's sum depends on its length.
    addresses = int.from_bytes(source + destination, "big")
    fields = _SUMMED.pack(sport, dport, seq, ack, head << 2, flags, window)
    total = addresses + TCP + size + int.from_bytes(fields, "big") + 0xFFFF - checksum(tail)
    outer = addresses + 0x4500 + 20 + size + _DONT_FRAGMENT + (ttl << 8 | TCP)
    return (
        _IP_TCP.pack(
            *(PLAIN_IPV4, 0, 20 + size, 0, _DONT_FRAGMENT, ttl, TCP, 0xFFFF - outer % 0xFFFF),
            *(source, destination, sport, dport, seq, ack, head << 2, flags, window),
            *(0xFFFF - total % 0xFFFF, 0),
        )
        + tail
    )


def icmp(
    kind: int,
    code: int,
    source: bytes,
    destination: bytes,
    body: bytes,
    *,
    rest: int = 0,
    ttl: int = INITIAL_TTL,
) -> bytes:
    """Build an ICMP message; ``rest`` is the header's second word."""
    total = checksum(_ICMP.pack(kind, code, 0, rest) + body)
    return ipv4(ICMP, source, destination, _ICMP.pack(kind, code, total, rest) + body, ttl=ttl)


def icmp_error(
    kind: int, code: int, source: bytes, packet: bytearray | bytes, *, quoted_ttl: int, ttl: int
) -> bytes:
    """Build the ICMP error that ``source`` sends about a packet, which arrived there with ``quoted_ttl``."""
    quote = bytearray(packet[:QUOTE])
    lower_ttl(quote, quote[8] - quoted_ttl)
    return icmp(kind, code, source, bytes(packet[12:16]), bytes(quote), ttl=ttl)


def lower_ttl(packet: bytearray, by: int) -> None:
    """Take ``by`` off a packet's TTL and mend the header checksum (RFC 1624); ``by`` is at most the TTL."""
    packet[8] -= by
    # The TTL is the high byte of its word, so the complemented sum grows by `by` in the high byte.
    total = (packet[10] << 8 | packet[11]) + (by << 8)
    total = (total & 0xFFFF) + (total >> 16)
    packet[10] = total >> 8
    packet[11] = total & 0xFF


def ports(packet: bytearray | bytes) -> tuple[int, int]:
    """Give the source and destination port of a TCP or UDP packet."""
    sport, dport = _PORTS.unpack_from(packet, 20)
    return sport, dport


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


def segment(packet: bytearray | bytes) -> Segment | None:
    """Read a TCP packet; None when it is too short for its own header."""
    end = packet[2] << 8 | packet[3]
    if len(packet) < 40 or end > len(packet):
        return None
    sport, dport, seq, ack, offset, flags, window, _, _ = _TCP.unpack_from(packet, 20)
    start = 20 + ((offset >> 4) << 2)
    if not 40 <= start <= end:
        return None
    mss, scale = _options(bytes(packet[40:start])) if flags & SYN else (None, None)
    return Segment(
        bytes(packet[12:16]),
        bytes(packet[16:20]),
        sport,
        dport,
        seq,
        ack,
        flags,
        window,
        bytes(packet[start:end]),
        mss,
        scale,
    )


def payload(packet: bytearray | bytes) -> bytes:
    """Give what follows a UDP header."""
    return bytes(packet[28 : packet[2] << 8 | packet[3]])

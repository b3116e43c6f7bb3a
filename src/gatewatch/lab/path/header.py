"""IP headers as bytes, of both families: built, read and changed in place.

Only what the lab's clients and servers send: IPv4 headers without options (RFC 791), IPv6 headers without
extension headers (RFC 8200), no fragments.  Addresses are four or sixteen bytes here, since nothing on the
packet path should spend time on text; the length of an address says which family is meant.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
# The initial TTL (hop limit in IPv6) of Linux and of most servers; what is left of it tells how far away a
# sender is.
INITIAL_TTL = 64
# Version 4, header of five words: the only first byte of IPv4 that is processed here.
PLAIN_IPV4 = 0x45
_VERSION_6 = 0x60
IPV4_HEADER, IPV6_HEADER = 20, 40

_DONT_FRAGMENT = 0x4000
_IP = struct.Struct("!BBHHHBBH4s4s")
_IP6 = struct.Struct("!IHBB16s16s")
_PORTS = struct.Struct("!HH")


def checksum(data: bytes) -> int:
    """Give the Internet checksum (RFC 1071) of a message whose checksum field is zero.

    The one's complement sum of 16-bit words is the whole message as one number modulo 65535, and big-number
    arithmetic does that at memory speed where a loop over words would not.
    """
    if len(data) & 1:
        data += b"\0"
    return 0xFFFF - int.from_bytes(data, "big") % 0xFFFF


@lru_cache(maxsize=1 << 14)
def packed(text: str) -> bytes:
    """Give an address in bytes; raises OSError for what is no address."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


@lru_cache(maxsize=1 << 14)
def unpacked(address: bytes) -> str:
    """Give an address as text, IPv6 in the form of RFC 5952."""
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


# -- building


def ip(protocol: int, source: bytes, destination: bytes, payload: bytes, *, ttl: int = INITIAL_TTL) -> bytes:
    """Put the header of the addresses' family before a payload, which must fit the MTU: nothing fragments."""
    if len(source) == 16:
        return _IP6.pack(_VERSION_6 << 24, len(payload), protocol, ttl, source, destination) + payload
    size = IPV4_HEADER + len(payload)
    # The words of the header, summed; version, header length and the "don't fragment" flag are constants.
    total = 0x4500 + size + _DONT_FRAGMENT + (ttl << 8 | protocol)
    total += int.from_bytes(source, "big") % 0xFFFF + int.from_bytes(destination, "big") % 0xFFFF
    header = _IP.pack(
        PLAIN_IPV4, 0, size, 0, _DONT_FRAGMENT, ttl, protocol, 0xFFFF - total % 0xFFFF, source, destination
    )
    return header + payload


def pseudo(protocol: int, source: bytes, destination: bytes, size: int) -> bytes:
    """Give the pseudo header that transport checksums cover (RFC 9293 3.1, RFC 8200 8.1)."""
    # Both families sum addresses, protocol and length; the zeros between them do not count.
    return source + destination + struct.pack("!HH", protocol, size)


# -- reading


def plain(packet: bytearray | bytes) -> bool:
    """Tell whether this is a packet the lab works on: whole, without options, extensions or fragments."""
    if len(packet) < 28:
        return False
    if packet[0] == PLAIN_IPV4:
        return not (packet[6] & 0x3F or packet[7])
    # What follows an IPv6 header by an extension (hop by hop, routing, fragment) is nothing that we read.
    return packet[0] >> 4 == 6 and len(packet) >= 48 and packet[6] in (TCP, UDP, ICMPV6)


def head(packet: bytearray | bytes) -> int:
    """Give the size of the IP header, which is where TCP, UDP or ICMP begin."""
    return IPV4_HEADER if packet[0] == PLAIN_IPV4 else IPV6_HEADER


def end(packet: bytearray | bytes) -> int:
    """Give where the packet ends by its own word; a link may pad behind it."""
    if packet[0] == PLAIN_IPV4:
        return packet[2] << 8 | packet[3]
    return IPV6_HEADER + (packet[4] << 8 | packet[5])


def protocol(packet: bytearray | bytes) -> int:
    """Give the protocol number: TCP, UDP, ICMP, ICMPV6."""
    return packet[9] if packet[0] == PLAIN_IPV4 else packet[6]


def source(packet: bytearray | bytes) -> bytes:
    """Give the sender's address, 4 or 16 bytes."""
    return bytes(packet[12:16] if packet[0] == PLAIN_IPV4 else packet[8:24])


def destination(packet: bytearray | bytes) -> bytes:
    """Give the receiver's address, 4 or 16 bytes."""
    return bytes(packet[16:20] if packet[0] == PLAIN_IPV4 else packet[24:40])


def flow(packet: bytearray | bytes) -> bytes:
    """Give source and destination address, then source and destination port: one TCP or UDP flow's key."""
    return bytes(packet[12:24] if packet[0] == PLAIN_IPV4 else packet[8:44])


def ports(packet: bytearray | bytes) -> tuple[int, int]:
    """Give the source and destination port of a TCP or UDP packet."""
    sport, dport = _PORTS.unpack_from(packet, IPV4_HEADER if packet[0] == PLAIN_IPV4 else IPV6_HEADER)
    return sport, dport


def ttl(packet: bytearray | bytes) -> int:
    """Give the TTL, which IPv6 calls hop limit."""
    return packet[8] if packet[0] == PLAIN_IPV4 else packet[7]


def may_fragment(packet: bytearray | bytes) -> bool:
    """Tell whether routers may cut it up: an IPv4 packet without "don't fragment"."""
    return packet[0] == PLAIN_IPV4 and not packet[6] & _DONT_FRAGMENT >> 8


# -- changing


def lower_ttl(packet: bytearray, by: int) -> None:
    """Take ``by`` off a packet's TTL and mend the header checksum (RFC 1624); ``by`` is at most the TTL.

    A negative ``by`` adds to it.  IPv6 headers have no checksum.
    """
    if packet[0] != PLAIN_IPV4:
        packet[7] -= by
        return
    packet[8] -= by
    # The TTL is the high byte of its word, so the complemented sum grows by `by` in the high byte.
    total = (packet[10] << 8 | packet[11]) + (by << 8)
    total = (total & 0xFFFF) + (total >> 16)
    packet[10] = total >> 8
    packet[11] = total & 0xFF


def turn_round(packet: bytearray) -> None:
    """Swap addresses and ports in place; the checksums stay as they are, since sums know no order."""
    if packet[0] == PLAIN_IPV4:
        packet[12:24] = packet[16:20] + packet[12:16] + packet[22:24] + packet[20:22]
    else:
        packet[8:44] = packet[24:40] + packet[8:24] + packet[42:44] + packet[40:42]

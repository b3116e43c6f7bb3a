"""ICMP messages of both families: errors with what they quote, echoes, MPLS labels.

Kinds and codes are given as RFC 792 numbers them; about IPv6 packets the same is said in RFC 4443's numbers,
by the table that translators between the families use (RFC 7915 4.2 and 4.3).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from gatewatch.lab.path import header
from gatewatch.lab.path.header import ICMP, ICMPV6, INITIAL_TTL, PLAIN_IPV4, checksum, ip, lower_ttl

# RFC 792 types.
ECHO_REPLY, UNREACHABLE, ECHO, TIME_EXCEEDED = 0, 3, 8, 11
# Codes of "unreachable": RFC 792, RFC 1191 (4), RFC 1812 5.2.7.1 (13).
HOST_UNREACHABLE, PORT_UNREACHABLE, TOO_BIG, PROHIBITED = 1, 3, 4, 13
# RFC 4443 types.
UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6, ECHO6, ECHO_REPLY6 = 1, 2, 3, 128, 129
# RFC 792 quotes the header and eight bytes.  Many routers still do just that, so it is the case to be ready
# for.
QUOTE = 28
# How long an error that quotes as much as it can may become (RFC 1812 4.3.2.3; RFC 4443 2.4 c).
_LONGEST4, _LONGEST6 = 576, 1280
# RFC 4884 5.1, 5.2: before an extension, the quote is padded to 128 bytes at least.
_PADDED = 128
# RFC 4884 7: version 2.  RFC 4950 3: class 1, the label stack; type 1, as it came in.
_EXTENSION_VERSION, _MPLS_CLASS, _MPLS_INCOMING = 0x20, 1, 1

_UNREACHABLE6 = {0: 0, HOST_UNREACHABLE: 3, PORT_UNREACHABLE: 4, PROHIBITED: 1}
_KINDS6 = {ECHO: ECHO6, ECHO_REPLY: ECHO_REPLY6, TIME_EXCEEDED: TIME_EXCEEDED6, UNREACHABLE: UNREACHABLE6}
_KINDS4 = {six: four for four, six in _KINDS6.items()}
_ICMP = struct.Struct("!BBHI")
_EXTENSION = struct.Struct("!BBH")


class Label(NamedTuple):
    """One entry of an MPLS label stack as a router received it (RFC 3032 2.1)."""

    label: int
    traffic_class: int = 0
    ttl: int = 1


def icmp_kind(packet: bytearray | bytes) -> int:
    """Give an ICMP packet's type as RFC 792 numbers it, -1 for one that it does not know.

    A "packet too big" is an UNREACHABLE, as it is in IPv4.
    """
    number = packet[header.head(packet)]
    if packet[0] == PLAIN_IPV4:
        return number
    return UNREACHABLE if number == TOO_BIG6 else _KINDS4.get(number, -1)


def icmp_mtu(packet: bytearray | bytes) -> int:
    """Give the MTU that an ICMP error tells (RFC 1191 4, RFC 4443 3.2); 0 when it is about something else."""
    at = header.head(packet)
    too_big = (UNREACHABLE, TOO_BIG) if packet[0] == PLAIN_IPV4 else (TOO_BIG6, 0)
    return int.from_bytes(packet[at + 6 : at + 8], "big") if tuple(packet[at : at + 2]) == too_big else 0


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
    if len(source) == 4:
        total = checksum(_ICMP.pack(kind, code, 0, rest) + body)
        return ip(ICMP, source, destination, _ICMP.pack(kind, code, total, rest) + body, ttl=ttl)
    if kind == UNREACHABLE:
        kind, code = (TOO_BIG6, 0) if code == TOO_BIG else (UNREACHABLE6, _UNREACHABLE6.get(code, 3))
    else:
        kind = _KINDS6[kind]
    bare = _ICMP.pack(kind, code, 0, rest) + body
    total = checksum(header.pseudo(ICMPV6, source, destination, len(bare)) + bare)
    return ip(ICMPV6, source, destination, _ICMP.pack(kind, code, total, rest) + body, ttl=ttl)


def icmp_error(
    kind: int,
    code: int,
    source: bytes,
    packet: bytearray | bytes,
    *,
    quoted_ttl: int,
    ttl: int,
    full: bool = False,
    labels: Sequence[Label] = (),
    mtu: int = 0,
) -> bytes:
    """Build the ICMP error that ``source`` sends about a packet, which arrived there with ``quoted_ttl``.

    IPv4 errors quote the header and eight bytes, or with ``full`` as much as fits 576 bytes; ICMPv6 always
    quotes as much as fits 1,280.  ``labels`` go behind the quote (RFC 4950); ``mtu`` is what would have fit.
    """
    six = len(source) == 16
    extension = _label_stack(labels) if labels else b""
    longest = _LONGEST6 - 48 if six else _LONGEST4 - 28
    room = min(longest - len(extension) if six or full else QUOTE, header.end(packet))
    quote = bytearray(packet[:room])
    lower_ttl(quote, header.ttl(quote) - quoted_ttl)
    rest = mtu
    if extension:
        # A padded quote, its length in words of 4 bytes or of 8 (RFC 4884 4.1 to 4.4).
        unit = 8 if six else 4
        if len(quote) > _PADDED:
            del quote[len(quote) // unit * unit :]
        quote = quote.ljust(_PADDED, b"\0")
        rest |= len(quote) // unit << (24 if six else 16)
    body = bytes(quote) + extension
    return icmp(kind, code, source, header.source(packet), body, rest=rest, ttl=ttl)


def _label_stack(labels: Sequence[Label]) -> bytes:
    """Write the extension structure (RFC 4884 7) with one label stack object (RFC 4950 3)."""
    bottom = len(labels) - 1
    entries = b"".join(
        (one.label << 12 | one.traffic_class << 9 | (place == bottom) << 8 | one.ttl).to_bytes(4, "big")
        for place, one in enumerate(labels)
    )
    found = struct.pack("!HBB", 4 + len(entries), _MPLS_CLASS, _MPLS_INCOMING) + entries
    total = checksum(_EXTENSION.pack(_EXTENSION_VERSION, 0, 0) + found)
    return _EXTENSION.pack(_EXTENSION_VERSION, 0, total) + found

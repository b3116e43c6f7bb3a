"""What a captured packet says: headers that tell senders apart, and what ICMP errors quote.

Reads strangers' bytes: whatever is too short or malformed is None, nothing raises.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from gatewatch.net.capture import Caught

TCP, UDP, _ICMP, _ICMPV6 = 6, 17, 1, 58
_FLAGS = "FSRPAUEC"  # RFC 9293 3.1 and RFC 3168, from the lowest bit on
_TCP = struct.Struct("!HHIIBBH")
#: ICMPv6 types in the words of IPv4 (RFC 4443, RFC 792).
_TYPES6 = {3: 11, 1: 3}


@dataclass(frozen=True, slots=True)
class Packet:
    """A TCP segment or UDP datagram.  IPv6 has no ``ip_id`` and no ``dont_fragment``, UDP no ``seq``."""

    time: float
    sent: bool
    ttl: int
    tos: int
    ip_id: int | None
    dont_fragment: bool | None
    protocol: int
    sport: int
    dport: int
    seq: int = 0
    ack: int = 0
    flags: str = ""
    window: int | None = None
    options: bytes = b""
    payload: bytes = b""

    @property
    def next_seq(self) -> int:
        """The sequence number after it."""
        return (self.seq + len(self.payload) + ("S" in self.flags) + ("F" in self.flags)) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Quote:
    """An ICMP error: who sent it, what (as in IPv4), and which packet it is about."""

    time: float
    router: str
    ttl: int
    icmp_type: int
    icmp_code: int
    ip_id: int | None
    seq: int


@dataclass(frozen=True, slots=True)
class _Outer:
    source: str
    ttl: int
    tos: int
    ip_id: int | None
    dont_fragment: bool | None
    protocol: int
    start: int
    end: int


def read(caught: Caught) -> Packet | Quote | None:
    """Read one packet."""
    data = caught.data
    outer = _outer(data)
    if outer is None:
        return None
    body = data[outer.start : outer.end]
    if outer.protocol in (_ICMP, _ICMPV6):
        return _quote(caught.time, outer, body)
    about = (
        *(caught.time, caught.sent, outer.ttl, outer.tos),
        *(outer.ip_id, outer.dont_fragment, outer.protocol),
    )
    if outer.protocol == UDP and len(body) >= 8:
        sport, dport = struct.unpack_from("!HH", body)
        return Packet(*about, sport, dport, payload=body[8:])
    if outer.protocol != TCP or len(body) < 20:
        return None
    sport, dport, seq, ack, offset, bits, window = _TCP.unpack_from(body)
    start = offset >> 4 << 2
    if not 20 <= start <= len(body):
        return None
    flags = "".join(letter for bit, letter in enumerate(_FLAGS) if bits >> bit & 1)
    return Packet(*about, sport, dport, seq, ack, flags, window, body[20:start], body[start:])


def _outer(data: bytes) -> _Outer | None:
    if len(data) >= 20 and data[0] >> 4 == 4:
        start = (data[0] & 15) << 2
        size, ip_id, fragment = struct.unpack_from("!HHH", data, 2)
        if start < 20 or len(data) < start:
            return None
        # Offloading leaves the length to the card.
        end = min(size, len(data)) if size >= start else len(data)
        source = socket.inet_ntop(socket.AF_INET, data[12:16])
        df = bool(fragment & 0x4000)
        return _Outer(source, data[8], data[1], ip_id, df, data[9], start, end)
    if len(data) >= 40 and data[0] >> 4 == 6:
        size = int.from_bytes(data[4:6], "big")
        end = min(40 + size, len(data)) if size else len(data)
        source = socket.inet_ntop(socket.AF_INET6, data[8:24])
        tos = (data[0] & 15) << 4 | data[1] >> 4
        return _Outer(source, data[7], tos, None, None, data[6], 40, end)
    return None


def _quote(time: float, outer: _Outer, body: bytes) -> Quote | None:
    quoted = body[8:]
    if len(body) < 8 or not quoted:
        return None
    six = outer.protocol == _ICMPV6
    start = 40 if six else (quoted[0] & 15) << 2
    if len(quoted) < max(start, 20) + 8:
        return None
    ip_id = None if six else int.from_bytes(quoted[4:6], "big")
    seq = int.from_bytes(quoted[start + 4 : start + 8], "big")
    kind = _TYPES6.get(body[0], body[0]) if six else body[0]
    return Quote(time, outer.source, outer.ttl, kind, body[1], ip_id, seq)

"""A box's hand: the habits by which what it forges can be told from a server's own packets.

Known injectors differ in initial TTL, IP ID, flags, window and number of packets (Wu et al., IEEE S&P 2025,
section 4.4; Nourin et al., WWW 2023).
"""

from __future__ import annotations

import itertools
import random
import struct

from gatewatch.lab.country import scenario
from gatewatch.lab.path.header import IPV4_HEADER
from gatewatch.lab.path.packet import ACK, PLAIN_IPV4, RST, checksum

_IP_ID, _FRAGMENT, _CHECKSUM = 4, 6, 10  # where an IPv4 header has them (RFC 791)


def ids(text: str) -> tuple[int, int]:
    """Read a number, or ``LOW-HIGH``; raises ValueError for what is neither, or does not fit 16 bits."""
    low, dash, high = text.partition("-")
    first = int(low, 0)
    last = int(high, 0) if dash else first
    if not 0 <= first <= last < 1 << 16:
        raise ValueError(f"{text!r} is no range of 16-bit numbers")
    return first, last


class Hand:
    """How one box writes packets."""

    def __init__(self, description: scenario.Box | None = None) -> None:
        box = description or scenario.Box("tcp-reset", 1)
        #: What a forged packet leaves with.
        self.ttl = box.initial_ttl
        self.reset_flags = RST if box.flags == "R" else RST | ACK
        self.reset_window = box.window
        self.resets = box.copies
        self.reset_data = bytes.fromhex(box.payload)
        self._random = random.Random(box.salt)
        self._counter = itertools.count(1) if box.ip_id == "counter" else None
        self._ids = (0, 0xFFFF) if box.ip_id in ("random", "counter") else ids(box.ip_id)
        self._fragment = 0x4000 if box.dont_fragment else 0
        # What every builder of the lab writes anyway.
        self._plain = self._ids == (0, 0) and box.dont_fragment

    def sign(self, packet: bytes) -> bytes:
        """Give an IPv4 packet its IP ID and "don't fragment"; IPv6 has neither."""
        if self._plain or packet[0] != PLAIN_IPV4:
            return packet
        number = next(self._counter) & 0xFFFF if self._counter else self._random.randint(*self._ids)
        header = bytearray(packet[:IPV4_HEADER])
        struct.pack_into("!HH", header, _IP_ID, number, self._fragment)
        struct.pack_into("!H", header, _CHECKSUM, 0)
        struct.pack_into("!H", header, _CHECKSUM, checksum(bytes(header)))
        return bytes(header) + packet[IPV4_HEADER:]


#: A hand without habits.
PLAIN = Hand()

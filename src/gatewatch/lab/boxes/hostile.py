"""Boxes that attack whoever measures: answers to make parsers loop, floods of datagrams and of ICMP errors.

No censor on record does these things to its users; whoever wants a measurement to fail may.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from typing import Final

from gatewatch.lab.apps import Connection, Internet, StreamApp
from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.boxes.names import Dns
from gatewatch.lab.boxes.takeover import Terminator
from gatewatch.lab.country import scenario
from gatewatch.lab.path.icmp import HOST_UNREACHABLE, PORT_UNREACHABLE, PROHIBITED
from gatewatch.lab.path.packet import (
    ICMP,
    INITIAL_TTL,
    PLAIN_IPV4,
    SYN,
    TCP,
    TIME_EXCEEDED,
    UDP,
    UNREACHABLE,
    flags,
    icmp_error,
    protocol,
    ttl,
)
from gatewatch.lab.servers.dns import DnsStream
from gatewatch.lab.servers.floods import TLS, Flood, Words

# RFC 1035 4.1.1: a response, truncated, recursion desired and available.
_RESPONSE, _TRUNCATED = 0x8180, 0x0200
# Where a question's name stands, as a compression pointer (RFC 1035 4.1.4).
_ASKED = b"\xc0\x0c"
_IN_A, _IN_CNAME = struct.pack("!HH", 1, 1), struct.pack("!HH", 5, 1)
_TTL = struct.pack("!I", 60)
# What fits a datagram that no common path fragments, and the longest message over TCP.
_DATAGRAM, _MESSAGE = 1400, 65_535
# Datagrams a question, and how far apart they come.
_FLOOD, _APART = 200, 0.002
# ICMP errors a packet.
_ERRORS = 20
# Addresses that no router of any scenario has (RFC 2544's, for benchmarks).
_NOBODY = 0xC6120000


def _message(query: bytes, records: bytes, count: int, flags: int = _RESPONSE, txid: int = -1) -> bytes:
    """Write a response of this many records to a query, with its question."""
    end = query.index(b"\0", 12) + 5
    number = int.from_bytes(query[:2], "big") if txid < 0 else txid
    return struct.pack("!6H", number, flags, 1, count, 0, 0) + query[12:end] + records


def _addresses(query: bytes, size: int) -> bytes:
    """As many A records as fit."""
    count = (size - len(query) - 16) // 16
    records = b"".join(
        _ASKED + _IN_A + _TTL + b"\0\x04" + (0x68100000 + n).to_bytes(4, "big") for n in range(count)
    )
    return _message(query, records, count)


def _chain(query: bytes, size: int) -> bytes:
    """Aliases of aliases, each name as long as a name may be, and no address at the end."""
    records, count, owner = b"", 0, _ASKED
    while True:
        label = b"%063d" % count
        target = b"".join(b"\x3f" + label for _ in range(3)) + _ASKED
        record = owner + _IN_CNAME + _TTL + len(target).to_bytes(2, "big") + target
        if len(query) + len(records) + len(record) > size:
            return _message(query, records, count)
        # The next record's owner is this one's target.
        place = query.index(b"\0", 12) + 5 + len(records) + len(owner) + 10
        owner = (0xC000 | place).to_bytes(2, "big") if place < 0x4000 else _ASKED
        records += record
        count += 1


def _loop(query: bytes) -> bytes:
    """A record whose name is a pointer to itself, and one whose name points back to that."""
    own = query.index(b"\0", 12) + 5
    pointer = (0xC000 | own).to_bytes(2, "big")
    return _message(query, (pointer + _IN_A + _TTL + b"\0\x04\1\2\3\4") * 2, 2)


def _lies(query: bytes) -> Iterator[bytes]:
    """An answer, then dozens of others: 65 KB of them."""
    for n in range(60):
        padding = _ASKED + _IN_A + _TTL + b"\0\x04"
        yield _message(query, b"".join(padding + bytes([104, 16, n, m]) for m in range(64)), 64)


def _strangers(query: bytes) -> Iterator[bytes]:
    """Answers with other numbers than the question's."""
    own = int.from_bytes(query[:2], "big")
    for n in range(_FLOOD):
        yield _message(query, _ASKED + _IN_A + _TTL + b"\0\x04\1\2\3\4", 1, txid=own ^ (n + 1))


#: What comes back for a question over UDP, by method.
_UDP_METHODS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "pointer-loop": lambda query: iter((_loop(query),)),
    "many-records": lambda query: iter((_addresses(query, _DATAGRAM),)),
    "cname-chain": lambda query: iter((_chain(query, _DATAGRAM),)),
    "truncated": lambda query: iter((_message(query, b"", 0, _RESPONSE | _TRUNCATED),)),
    "garbage": lambda query: iter((query[:2] + b"\xff" * 500,)),
    "wrong-id": _strangers,
    "late-flood": _lies,
}
#: Of these the question goes on to the resolver.
_BESIDE = ("wrong-id", "late-flood")


class DnsHostile(Dns):
    """Answers questions in ways that hurt whoever reads the answers."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Answer by the method; let the question pass where a true answer is to drown."""
        query = self.asked(packet)
        if query is None:
            return True
        self.struck = True
        method = self.description.method
        for number, answer in enumerate(_UDP_METHODS[method](query)):
            self.reply(packet, wire, answer, number * _APART)
        return method in _BESIDE


#: What a hostile resolver or server says on a connection, by method, where it is no answer to a question.
_DNS_WORDS: Final[dict[str, Words]] = {
    "dns-dribble": Words(b"\xff", b"\xff", 60.0),
    "dns-endless": Words(b"\xff\xff", bytes(16_000)),
}
#: What it answers to one.
_DNS_ANSWERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "dns-many": lambda query: _addresses(query, _MESSAGE),
    "dns-chain": lambda query: _chain(query, _MESSAGE),
    "dns-loop": _loop,
}
#: The methods that each kind has here; a scenario's are :data:`gatewatch.lab.country.traps.METHODS`.
KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "dns-hostile": tuple(_UDP_METHODS),
    "tcp-hostile": (*TLS, *_DNS_WORDS, *_DNS_ANSWERS),
}


class TcpHostile(Terminator):
    """Takes connections to addresses and ports over, and dribbles, floods or answers too much."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Take every packet."""
        self.take(packet, wire)
        return False

    def serve(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Give the trap of the method."""
        method = self.description.method
        if method in _DNS_ANSWERS:
            return DnsStream(connection, _DNS_ANSWERS[method])
        return Flood(connection, TLS[method]() if method in TLS else _DNS_WORDS[method])


class IcmpFlood(Box):
    """Answers each packet that passes with ICMP errors, and lets it go on.

    ``expired``: time exceeded, with a right quote, from routers that are not on the path, about everything
    but SYNs, which it would end.  ``foreign``: the same about flows that are not the client's.
    ``unreachable``: unreachable in every way, with a right quote but for TCP's sequence number, which an
    attacker beside the path does not know.
    """

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self._chance = random.Random(description.salt)

    def watches(self, protocol: int, address: str, port: int) -> bool:
        """Everything but questions to resolvers, whose loss would end every measurement."""
        return protocol in (TCP, UDP, ICMP) and port != 53 and self.stands_before(address)

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Send the errors."""
        method, number = self.description.method, protocol(packet)
        opens = number == TCP and bool(flags(packet) & SYN)
        if packet[0] != PLAIN_IPV4 or (method == "expired" and opens):
            return True
        self.struck = True
        for _ in range(_ERRORS):
            wire.to_client(self._error(packet))
        return True

    def _error(self, packet: bytearray) -> bytes:
        quote, method = bytearray(packet), self.description.method
        nobody = (_NOBODY + self._chance.randrange(1 << 16)).to_bytes(4, "big")
        if method == "foreign":
            quote[20:22] = self._chance.randbytes(2)  # the source port
            quote[16:20] = self._chance.randbytes(4)  # the destination
        if method == "unreachable":
            if protocol(packet) == TCP:
                quote[24:28] = self._chance.randbytes(4)  # the sequence number
            code = self._chance.choice((0, HOST_UNREACHABLE, PORT_UNREACHABLE, PROHIBITED))
            return icmp_error(UNREACHABLE, code, nobody, quote, quoted_ttl=ttl(quote), ttl=INITIAL_TTL)
        return icmp_error(TIME_EXCEEDED, 0, nobody, quote, quoted_ttl=1, ttl=INITIAL_TTL)

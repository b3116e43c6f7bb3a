"""Recursive resolvers: true answers over UDP and TCP (RFC 1035, RFC 7766), the latter also inside DoT."""

from __future__ import annotations

from collections.abc import Callable

from gatewatch.lab.apps import Connection
from gatewatch.lab.servers import whoami
from gatewatch.net import dnswire

_NXDOMAIN = 3  # RFC 1035 4.1.1
# Target lists have some 2,000 names; a client that asks for random ones must not grow us for ever.
_CACHE = 20_000
# What a recursive resolver typically has left of a five-minute record.
_TTL = 240
# The record type of an address without and with a colon.
_QTYPE = (dnswire.QTYPES["A"], dnswire.QTYPES["AAAA"])


class Resolver:
    """Answers DNS messages from the true name system."""

    def __init__(
        self,
        address_of: Callable[[str], tuple[str, ...]],
        abroad: Callable[[str], tuple[str, ...]] | None = None,
        is_abroad: Callable[[str], bool] = lambda egress: False,
    ) -> None:
        # What resolvers inside the country and outside are told.
        self._address_of = address_of, abroad or address_of
        self._is_abroad = is_abroad
        # Everything after the transaction id is the same for the same question: one dictionary look-up.
        self._answers: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})

    def answer(self, message: bytes, egress: str) -> bytes:
        """Answer a query; ``egress`` is this resolver's own address; b"" for what is no query."""
        abroad = self._is_abroad(egress)
        answers = self._answers[abroad]
        cached = answers.get(message[2:])
        if cached is not None:
            return message[:2] + cached
        try:
            _, name, qtype = dnswire.question(message)
            about = whoami.told(message, egress)
        except dnswire.Unusual:
            return b""
        if about is not None:
            return about
        addresses = self._address_of[abroad](name) if name else ()
        if not addresses:
            reply = dnswire.answer(message, rcode=_NXDOMAIN)
        else:
            # A name without a record of the wanted type exists all the same (RFC 2308 2.2).
            wanted = tuple(a for a in addresses if qtype == _QTYPE[":" in a])
            reply = dnswire.answer(message, addresses=wanted, ttl=_TTL)
        if len(answers) >= _CACHE:
            answers.clear()
        answers[message[2:]] = reply[2:]
        return reply


class DnsStream:
    """DNS over a stream: messages behind a two-byte length, answered in order."""

    def __init__(self, connection: Connection, answer: Callable[[bytes], bytes]) -> None:
        self._connection = connection
        self._answer = answer
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every complete message; an unreadable one ends the connection, as resolvers do."""
        self._buffer += data
        while len(self._buffer) >= 2:
            size = int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) < 2 + size:
                return
            message, self._buffer = self._buffer[2 : 2 + size], self._buffer[2 + size :]
            reply = self._answer(message)
            if not reply:
                self._connection.close()
                return
            self._connection.write(len(reply).to_bytes(2, "big") + reply)

    def eof_received(self) -> None:
        """Close when the client has no more questions."""
        self._connection.close()

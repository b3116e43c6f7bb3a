"""QUIC servers in memory: aioquic's sans-IO connection, with the certificate of whoever is asked for.

What a handshake needs and no more: HTTP/3 requests are left without an answer.  Packets of unknown versions
are answered with the known ones, as every server does (RFC 9000 6.1).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import encode_quic_version_negotiation

from gatewatch.lab.apps import TalkLine
from gatewatch.lab.boxes.sni import hello_name
from gatewatch.lab.path.initial import VERSIONS, Initials, connection_ids, long_header

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

# Gives certificate and key for an SNI, None where the client sent none.
Credentials = Callable[[str | None], "tuple[x509.Certificate, ec.EllipticCurvePrivateKey]"]

# RFC 9000 14.1: a server drops Initials in smaller datagrams.
_SMALLEST = 1200
# A ClientHello spread over more datagrams than that is no browser's.
_MOST_FIRST = 8
# nginx closes idle QUIC connections after a minute; half of that keeps fewer.
_IDLE = 30.0

# It warns of every client that leaves in the middle, as probes do.
logging.getLogger("quic").addHandler(logging.NullHandler())


class QuicServer:
    """One client's connection; implements :class:`gatewatch.lab.apps.DatagramApp`."""

    def __init__(self, line: TalkLine, credentials: Credentials) -> None:
        self._line = line
        self._credentials = credentials
        self._initials = Initials()
        self._first: list[bytes] = []
        self._connection: QuicConnection | None = None

    def received(self, data: bytes, now: float) -> None:
        """Answer a first packet, or go on with the connection."""
        if self._connection is not None and self._is_new(data):
            self._initials, self._first, self._connection = Initials(), [], None
        if self._connection is not None:
            self._take([data], now)
            return
        version = long_header(data)
        if version is None or len(data) < _SMALLEST:
            self._line.end()
        elif version not in VERSIONS:
            to_id, from_id = connection_ids(data)
            self._line.send(encode_quic_version_negotiation(to_id, from_id, list(VERSIONS)))
            self._line.end()
        else:
            # The certificate follows the name, and the name may come in pieces.
            self._first.append(data)
            name = hello_name(self._initials.feed(data))
            if isinstance(name, str) or len(self._first) >= _MOST_FIRST:
                self._open(name if isinstance(name, str) else None)
                self._take(self._first, now)

    def _is_new(self, data: bytes) -> bool:
        """Tell whether a client that reuses its port opens another connection (RFC 9000 5.2.2)."""
        if long_header(data) is None or self._connection is None:
            return False
        return connection_ids(data)[0] not in (connection_ids(self._first[0])[0], self._connection.host_cid)

    def _open(self, name: str | None) -> None:
        certificate, key = self._credentials(name)
        configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"], idle_timeout=_IDLE)
        configuration.certificate, configuration.private_key = certificate, key
        self._connection = QuicConnection(
            configuration=configuration,
            original_destination_connection_id=connection_ids(self._first[0])[0],
        )

    def _take(self, datagrams: list[bytes], now: float) -> None:
        assert self._connection is not None
        for data in datagrams:
            self._connection.receive_datagram(data, self._line.peer, now=now)
        self._go_on(now)

    def expired(self, now: float) -> None:
        """Retransmit, acknowledge, or give up."""
        if self._connection is not None:
            self._connection.handle_timer(now=now)
            self._go_on(now)

    def _go_on(self, now: float) -> None:
        connection = self._connection
        assert connection is not None
        for data, _ in connection.datagrams_to_send(now=now):
            self._line.send(data)
        while (event := connection.next_event()) is not None:
            if isinstance(event, events.ConnectionTerminated):
                self._line.end()
                return
        self._line.wake(connection.get_timer())

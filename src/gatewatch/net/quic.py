"""QUIC over the seam: handshakes and version negotiation, with OONI's df-006 and df-008 records.

The handshake is that of aioquic's sans-IO connection, driven by trio's datagrams and clock; it comes with the
extra ``quic`` and is loaded when the first handshake is made.  Each datagram, each way, is an event.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from gatewatch.net import quicwire
from gatewatch.net.address import endpoint, is_address, is_ipv6
from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.net.trust import Trust
from gatewatch.records import Handshake
from gatewatch.records import failure as f

if TYPE_CHECKING:
    from aioquic.quic.connection import QuicConnection

# RFC 9000 20.1: a TLS alert's number stands behind this one.
_CRYPTO_ERROR = 0x100
# TLS alerts (RFC 8446 6.2) in OONI's words (probe-cli netxlite, classify quic errors); the rest is a failed
# handshake.
_ALERTS = {
    **dict.fromkeys((42, 43, 44, 45, 46), f.SSL_INVALID_CERTIFICATE),
    48: f.SSL_UNKNOWN_AUTHORITY,
    112: f.SSL_INVALID_HOSTNAME,
}
_CONNECTION_REFUSED = 0x02  # RFC 9000 20.1
_LARGEST = 65535  # a whole datagram, whatever the path takes
# A handshake takes some ten datagrams; who sends more has something else in mind, and each is an event.
_MOST = 128


class Unavailable(RuntimeError):
    """QUIC handshakes need what is not installed here."""


def require() -> None:
    """Load aioquic; raises :class:`Unavailable` that says what to install."""
    try:
        import aioquic.quic.connection  # noqa: F401 -- whether it is there is the question
    except ImportError:
        raise Unavailable("QUIC needs aioquic: pip install 'gatewatch[quic]'") from None
    # It logs a warning for each server that misbehaves, which is our data and nobody's trouble.
    logging.getLogger("quic").addHandler(logging.NullHandler())


class _Talk:
    """A UDP socket to one server that writes an event for each datagram."""

    def __init__(self, journal: Journal, address: str, port: int, tags: tuple[str, ...]) -> None:
        self.journal = journal
        self.peer = address, port
        self.endpoint = endpoint(address, port)
        self.transaction_id = journal.transaction()
        self.tags = tags
        self._socket: trio.socket.SocketType | None = None

    async def open(self) -> None:
        family = socket.AF_INET6 if is_ipv6(self.peer[0]) else socket.AF_INET
        self._socket = trio.socket.socket(family, socket.SOCK_DGRAM)
        await self._socket.connect(self.peer)

    async def send(self, data: bytes) -> None:
        assert self._socket is not None
        await self._step("write_to", self._socket.send, data)

    async def receive(self) -> bytes:
        assert self._socket is not None
        return bytes(await self._step("read_from", self._socket.recv, _LARGEST))

    async def _step(self, operation: str, call: Callable[[Any], Awaitable[Any]], argument: Any) -> Any:
        t0 = self.journal.now()
        failure: str | None = None
        size = 0
        try:
            done = await call(argument)
            size = done if isinstance(done, int) else len(done)
        except (OSError, trio.Cancelled) as error:
            failure = translate(error)
            raise
        finally:
            # A wait that our own timer cut short is no event: the handshake goes on.
            if failure != f.GENERIC_TIMEOUT:
                self.event(operation, t0, failure, size)
        return done

    def event(self, operation: str, t0: float, failure: str | None = None, size: int | None = None) -> None:
        self.journal.event(
            operation,
            self.transaction_id,
            self.tags,
            t0,
            failure=failure,
            address=self.endpoint,
            proto="udp",
            num_bytes=size,
        )

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


async def ask_versions(
    journal: Journal, address: str, port: int, *, tags: tuple[str, ...] = ()
) -> tuple[tuple[int, ...], str | None]:
    """Ask a server which versions it speaks; gives them, or the failure.  The caller limits the time."""
    talk = _Talk(journal, address, port, tags)
    asked = quicwire.question()
    try:
        await talk.open()
        await talk.send(asked.packet)
        for _ in range(_MOST):
            found = quicwire.versions(asked, await talk.receive())
            if found is not None:
                return found, None
        return (), f.unknown("quic: a flood of other datagrams")
    except OSError as error:
        return (), translate(error)
    finally:
        talk.close()


async def handshake(
    journal: Journal,
    address: str,
    port: int,
    server_name: str,
    trust: Trust,
    *,
    verify: bool = True,
    tags: tuple[str, ...] = (),
) -> str | None:
    """Do a QUIC handshake for HTTP/3 and end it; gives the failure, writes a df-006 record.

    ``server_name`` is the SNI and, with ``verify``, the name that the certificate must hold.  The caller
    limits the time; when it runs out, ``generic_timeout_error`` is on record.  Raises :class:`Unavailable`.
    """
    require()
    connection = _connection(server_name)
    talk = _Talk(journal, address, port, tags)
    t0 = journal.now()
    talk.event("quic_handshake_start", t0)
    failure: str | None = None
    chain: tuple[bytes, ...] = ()
    try:
        await talk.open()
        failure = await _drive(connection, talk)
        chain = _chain(connection)
        if failure is None and verify:
            from gatewatch.net import chain as chains

            failure = chains.verify(trust, chain, server_name)
    except trio.Cancelled as error:
        failure = translate(error)
        raise
    except OSError as error:
        failure = translate(error)
    finally:
        talk.close()
        talk.event("quic_handshake_done", t0, failure)
        cipher, alpn = _agreed(connection) if failure is None else ("", "")
        journal.handshakes.append(
            Handshake(
                network="udp",
                address=talk.endpoint,
                cipher_suite=cipher,
                failure=failure,
                negotiated_protocol=alpn,
                no_tls_verify=not verify,
                peer_certificates=chain or None,
                server_name="" if is_address(server_name) else server_name,
                t0=t0,
                t=journal.now(),
                tags=tags,
                tls_version="TLSv1.3" if cipher else "",
                transaction_id=talk.transaction_id,
            )
        )
    return failure


def _connection(server_name: str) -> QuicConnection:
    from aioquic.quic.configuration import QuicConfiguration
    from aioquic.quic.connection import QuicConnection

    # Verified afterwards, against the trust that TLS over TCP has, so that both give the same failures.
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=["h3"], server_name=server_name, verify_mode=ssl.CERT_NONE
    )
    return QuicConnection(configuration=configuration)


def initial(server_name: str) -> bytes:
    """Write a client's first Initial with a name as SNI, as one datagram; its answer is not read further."""
    connection = _connection(server_name)
    connection.connect(("192.0.2.1", 443), now=0.0)
    return bytes(connection.datagrams_to_send(now=0.0)[0][0])


async def _drive(connection: QuicConnection, talk: _Talk) -> str | None:
    """Carry datagrams until the handshake is done (None) or has failed; raises OSError."""
    from aioquic.quic import events

    connection.connect(talk.peer, now=trio.current_time())
    heard = 0
    while heard < _MOST:
        for data, _ in connection.datagrams_to_send(now=trio.current_time()):
            await talk.send(data)
        while (event := connection.next_event()) is not None:
            if isinstance(event, events.HandshakeCompleted):
                connection.close()
                for data, _ in connection.datagrams_to_send(now=trio.current_time()):
                    await talk.send(data)
                return None
            if isinstance(event, events.ConnectionTerminated):
                return _terminated(event.error_code, event.reason_phrase)
        data = b""
        timer = connection.get_timer()
        with trio.move_on_at(float("inf") if timer is None else timer) as scope:
            data = await talk.receive()
        if scope.cancelled_caught:
            connection.handle_timer(now=trio.current_time())
            continue
        heard += 1
        try:
            connection.receive_datagram(data, talk.peer, now=trio.current_time())
        except Exception as error:
            # Whatever it stumbles over came from the wire, and is what was measured.
            return f.unknown(f"quic: {type(error).__name__} while reading")
    return f.unknown("quic: a flood of datagrams")


def _terminated(code: int, reason: str) -> str:
    """Name why a connection ended before its handshake did."""
    if _CRYPTO_ERROR <= code < 2 * _CRYPTO_ERROR:
        return _ALERTS.get(code - _CRYPTO_ERROR, f.SSL_FAILED_HANDSHAKE)
    if code == _CONNECTION_REFUSED:
        return f.CONNECTION_REFUSED
    # These two are aioquic's own words for what has no number.
    if "common protocol version" in reason:
        return f.QUIC_INCOMPATIBLE
    if reason == "Idle timeout":
        return f.GENERIC_TIMEOUT
    return f.unknown(f"quic error {code:#x} {reason}")


def _chain(connection: QuicConnection) -> tuple[bytes, ...]:
    """The certificates that came, DER, leaf first; aioquic has no public name for them."""
    from cryptography.hazmat.primitives.serialization import Encoding

    tls = connection.tls
    leaf = getattr(tls, "_peer_certificate", None)
    rest = getattr(tls, "_peer_certificate_chain", ())
    return tuple(c.public_bytes(Encoding.DER) for c in (leaf, *rest)) if leaf is not None else ()


def _agreed(connection: QuicConnection) -> tuple[str, str]:
    """Cipher suite, in OpenSSL's spelling, and ALPN protocol."""
    tls = connection.tls
    schedule = tls.key_schedule
    return f"TLS_{schedule.cipher_suite.name}" if schedule else "", tls.alpn_negotiated or ""

"""TLS over a stream, by OpenSSL in memory: the handshake is a record, the chain is kept even when refused."""

from __future__ import annotations

import contextlib
import ssl

import trio

from gatewatch.net.address import is_address
from gatewatch.net.errors import Eof, Flood, translate
from gatewatch.net.journal import Journal
from gatewatch.net.stream import Stream
from gatewatch.net.trust import Trust
from gatewatch.records import Handshake

# What may come before the handshake is done, or between two pieces of plain text.  OpenSSL takes chains of
# 100 KB at most (SSL_CTX_set_max_cert_list), but HelloRequests, which a client may ignore, for ever.
IDLE_CAP = 256 * 1024


class SecureStream:
    """A TLS connection on a TCP stream."""

    __slots__ = ("_idle", "_incoming", "_object", "_outgoing", "tcp")

    def __init__(self, tcp: Stream, trust: Trust, server_name: str, *, verify: bool = True) -> None:
        self.tcp = tcp
        self._idle = 0
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        context = trust.context if verify else trust.unverified
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name if server_name or verify else None
        )

    async def _feed(self) -> None:
        # Before the next piece: this one may be whole content that nobody has read yet, however long.
        if self._idle > IDLE_CAP:
            raise Flood("TLS without content")
        data = await self.tcp.receive()
        if not data:
            raise Eof("the peer ended the connection inside TLS")
        self._idle += len(data)
        self._incoming.write(data)

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self.tcp.send(self._outgoing.read())

    async def shake_hands(self) -> None:
        """Do the handshake; raises ssl.SSLError, OSError, Eof or Flood."""
        while True:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._feed()
            except ssl.SSLError:
                # Send the alert that tells the server why we leave; that it may be gone is no news then.
                with contextlib.suppress(OSError):
                    await self._flush()
                raise
            else:
                self._idle = 0
                await self._flush()
                return

    async def send(self, data: bytes) -> None:
        """Encrypt and write ``data``."""
        self._object.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        """Read what is there, b"" at the end of the TLS stream or of TCP; raises OSError."""
        while True:
            try:
                data = self._object.read(65536)
                self._idle = 0
                return data
            except ssl.SSLWantReadError:
                await self._flush()
                try:
                    await self._feed()
                except Eof:
                    return b""
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def close(self) -> None:
        """Close the TCP connection; no close_notify is awaited."""
        self.tcp.close()

    @property
    def agreed(self) -> tuple[str, str, str]:
        """TLS version, cipher suite and ALPN protocol agreed upon, each possibly empty."""
        cipher = self._object.cipher()
        return (
            self._object.version() or "",
            cipher[0] if cipher else "",
            self._object.selected_alpn_protocol() or "",
        )

    def chain(self, trust: Trust) -> tuple[bytes, ...]:
        """The certificates that the server sent, DER, leaf first."""
        return trust.chains.take(self._object)


async def handshake(
    journal: Journal,
    tcp: Stream,
    trust: Trust,
    server_name: str,
    *,
    verify: bool = True,
    tags: tuple[str, ...] | None = None,
) -> tuple[SecureStream | None, str | None]:
    """Do a TLS handshake and write a df-006 record; gives the stream or the failure.

    The TCP stream is closed when it fails.  ``server_name`` is the SNI and the name that the certificate must
    hold; for an IP literal no SNI is sent and the certificate must hold the address.  Not verified, any
    certificate will do, and an empty name sends no SNI.
    """
    tags = tcp.tags if tags is None else tags
    t0 = journal.now()
    journal.event("tls_handshake_start", tcp.transaction_id, tags, t0, address=tcp.endpoint, proto="tcp")
    failure: str | None = None
    secure: SecureStream | None = None
    try:
        secure = SecureStream(tcp, trust, server_name, verify=verify)
        await secure.shake_hands()
    except trio.Cancelled as error:
        failure = translate(error)
        raise
    except OSError as error:
        failure = translate(error)
    finally:
        chain = secure.chain(trust) if secure else ()
        version, cipher, alpn = secure.agreed if secure and failure is None else ("", "", "")
        journal.event(
            "tls_handshake_done",
            tcp.transaction_id,
            tags,
            t0,
            failure=failure,
            address=tcp.endpoint,
            proto="tcp",
        )
        journal.handshakes.append(
            Handshake(
                address=tcp.endpoint,
                cipher_suite=cipher,
                failure=failure,
                negotiated_protocol=alpn,
                no_tls_verify=not verify,
                peer_certificates=chain or None,
                server_name="" if is_address(server_name) else server_name,
                t0=t0,
                t=journal.now(),
                tags=tags,
                tls_version=version,
                transaction_id=tcp.transaction_id,
            )
        )
        if failure is not None:
            secure = None
            tcp.close()
    return secure, failure

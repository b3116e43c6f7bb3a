"""TLS servers in memory: certificates per name under the lab's own authority, chosen by SNI.

No sockets: ``ssl.MemoryBIO`` takes the client's bytes and gives the server's, and the application inside sees
an ordinary :class:`~gatewatch.lab.apps.Connection` with the plain text.
"""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gatewatch.lab.apps import Connection, StreamApp
from gatewatch.lab.country.sites import is_literal

# What traps show: an extension of so many bytes, so many certificates behind their own.
_LARGE, _CHAIN = 1 << 20, 300
# An identifier for examples (RFC 5612 is of enterprise numbers for documentation).
_EXAMPLE = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1")
# One record's worth at a time (RFC 8446 5.1).
_RECORD = 16384
# A context costs about 60 KB; a list's longest pass needs each only for a moment.
_CONTEXTS = 1024

# What is issued for a site that a scenario pins, as Let's Encrypt does: 90 days, renewed after 60.
_AGE, _LEFT = timedelta(days=30), timedelta(days=60)


class Certificate(NamedTuple):
    """What a server shows: the names on it, the first being the subject, and what is wrong with it.

    ``fault`` is "", expired, untrusted, certificate-large or certificate-chain; ``brief`` ones live 90 days,
    all others as long as the authority.
    """

    names: tuple[str, ...]
    fault: str = ""
    brief: bool = False


# Chooses a certificate: (server address, SNI or None) -> what is shown.
Choose = Callable[[str, str | None], Certificate]


class _ServerSide(ssl.SSLObject):
    """An SSLObject that knows at which address it was reached, for the choice of certificate."""

    address: str = ""


class _Signer:
    """A certificate authority: its certificate and its key."""

    def __init__(self, organization: str) -> None:
        authority = trustme.CA(organization_name=organization, organization_unit_name="an emulation")
        self.pem = authority.cert_pem.bytes()
        self.certificate = x509.load_pem_x509_certificate(self.pem)
        key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # trustme's default
        self.key = key


class Authority:
    """The lab's certificate authority and its server contexts; issuing is lazy, about 2 ms a name."""

    def __init__(
        self,
        choose: Choose,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        organization: str = "gatewatch lab",
    ) -> None:
        self._trusted = _Signer(organization)
        # Nobody's trust store holds this one.
        self._unknown = cache(lambda: _Signer("gatewatch lab, unknown to all"))
        self._now = now
        # One key for all sites: nobody compares them, and a key each would double the cost of issuing.
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._key_pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._certificate = choose
        self._context = lru_cache(_CONTEXTS)(self._issue)
        self._loaded = lru_cache(_CONTEXTS)(lambda kind: x509.load_pem_x509_certificate(self._signed(kind)))
        self._front = self._issue(Certificate(("front.lab.invalid",)))
        self._front.sni_callback = self._choose
        self._front.sslobject_class = _ServerSide

    @property
    def pem(self) -> bytes:
        """The authority's certificate, for the client's trust store; trustme's run until the year 3000."""
        return self._trusted.pem

    def forget(self) -> None:
        """Give back what the contexts hold, which the collector does not see; all can be issued again."""
        self._context.cache_clear()
        self._loaded.cache_clear()
        self._front.sni_callback = None  # who comes now is not served any more

    def _issue(self, certificate: Certificate) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # The ssl module reads certificates from files only; a folder, since Windows opens no open file twice.
        with TemporaryDirectory() as folder:
            chain = Path(folder, "chain.pem")
            more = self.pem * _CHAIN if certificate.fault == "certificate-chain" else b""
            chain.write_bytes(self._key_pem + self._signed(certificate) + more)
            context.load_cert_chain(chain)
        return context

    def _validity(self, certificate: Certificate) -> tuple[datetime, datetime]:
        """From when to when a certificate counts, on the world's clock."""
        root = self._trusted.certificate
        if certificate.fault == "expired":
            return self._now() - 4 * _AGE, self._now() - _AGE
        if certificate.brief:
            return self._now() - _AGE, self._now() + _LEFT
        return root.not_valid_before_utc, root.not_valid_after_utc

    def _signed(self, certificate: Certificate) -> bytes:
        """A server certificate in PEM.

        Written here and not by trustme, which refuses host names that IDNA 2008 forbids (`a_b`, `r3---sn`),
        although lists hold them, and makes a new key for each.
        """
        alternatives = [
            x509.IPAddress(ip_address(name)) if is_literal(name) else x509.DNSName(name)
            for name in certificate.names
        ]
        signer = self._unknown() if certificate.fault == "untrusted" else self._trusted
        begins, ends = self._validity(certificate)
        builder = x509.CertificateBuilder(
            issuer_name=signer.certificate.subject,
            subject_name=x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "gatewatch lab site")]),
            public_key=self._key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=begins,
            not_valid_after=ends,
        )
        # OpenSSL 3 and Python 3.13 verify strictly (RFC 5280): key identifiers and usages must be there.
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
        if certificate.fault == "certificate-large":
            stuff = x509.UnrecognizedExtension(_EXAMPLE, bytes(_LARGE))
            builder = builder.add_extension(stuff, critical=False)
        signed = (
            builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .add_extension(issuer, critical=False)
            .add_extension(usage, critical=False)
            .sign(signer.key, hashes.SHA256())
        )
        return signed.public_bytes(serialization.Encoding.PEM)

    def _choose(self, connection: ssl.SSLObject, sni: str | None, _context: ssl.SSLContext) -> None:
        assert isinstance(connection, _ServerSide)
        connection.context = self._context(self._certificate(connection.address, sni))

    def credentials(
        self, address: str, sni: str | None
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Give the certificate shown at an address for this SNI, and its key, to who brings its own TLS."""
        return self._loaded(self._certificate(address, sni)), self._key

    def serve(self, connection: Connection, inside: Callable[[Connection], StreamApp]) -> TlsStream:
        """Put TLS on a connection; ``inside`` builds the application that sees the plain text."""
        return TlsStream(connection, self._front, inside)


class TlsStream:
    """The server's end of one TLS connection."""

    def __init__(
        self, connection: Connection, context: ssl.SSLContext, inside: Callable[[Connection], StreamApp]
    ) -> None:
        self._connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        assert isinstance(self._tls, _ServerSide)
        self._tls.address = connection.local[0]
        self._app = inside(_Plain(self, connection))
        self._shaken = self._closing = self._failed = False

    def data_received(self, data: bytes) -> None:
        """Take the client's bytes: shake hands, then pass the plain text on."""
        self._incoming.write(data)
        try:
            self._advance()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            # A bad hello, or an alert such as unknown_ca: send our own alert, if any, and hang up.
            self._failed = True
        self.flush()
        if self._failed:
            self.close()

    def _advance(self) -> None:
        if not self._shaken:
            self._tls.do_handshake()
            self._shaken = True
        while not self._closing:
            plain = self._tls.read(_RECORD)
            if not plain:  # the client's close_notify
                self._app.eof_received()
                self.close()
                return
            self._app.data_received(plain)

    def eof_received(self) -> None:
        """Tell the application; the connection is over without close_notify, as many clients leave."""
        if self._shaken:
            self._app.eof_received()
        self._connection.close()

    def flush(self) -> None:
        """Send what TLS has written."""
        if self._outgoing.pending:
            self._connection.write(self._outgoing.read())

    def write(self, data: bytes) -> None:
        """Encrypt and send plain text."""
        self._tls.write(data)
        self.flush()

    def encrypted(self, source: Iterator[bytes]) -> Iterator[bytes]:
        """Encrypt a source piece by piece, as it is asked."""
        for piece in source:
            if self._closing:  # the client has had enough: after close_notify nothing more is encrypted
                return
            self._tls.write(piece)
            yield self._outgoing.read()

    def close(self) -> None:
        """Send close_notify and FIN, once."""
        if self._closing:
            return
        self._closing = True
        if self._shaken and not self._failed:
            with suppress(ssl.SSLError):  # it waits for the client's own close_notify; we do not
                self._tls.unwrap()
            self.flush()
        self._connection.close()


class _Plain:
    """What the application inside TLS writes to.

    It does not keep the stream, which keeps the application: each connection would end as a cycle with
    OpenSSL's buffers in it, some 40 KB that wait for the collector, who does not count them.
    """

    def __init__(self, stream: TlsStream, connection: Connection) -> None:
        self.peer, self.local = connection.peer, connection.local
        self._stream, self._connection = weakref.ref(stream), connection

    def write(self, data: bytes) -> None:
        stream = self._stream()
        if stream is not None:
            stream.write(data)

    def feed(self, source: Iterator[bytes]) -> None:
        stream = self._stream()
        if stream is not None:
            self._connection.feed(stream.encrypted(source))

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        self._connection.later(seconds, call)

    def close(self) -> None:
        stream = self._stream()
        if stream is not None:
            stream.close()

    def abort(self) -> None:
        self._connection.abort()

"""Whom TLS trusts: the system's own certificates, in one context that all connections share."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path

# Building a context reads some 140 certificates (17 ms); a directory of hashed files costs 0.4 ms more at
# every single handshake than a bundle in one file, so a bundle is preferred where the system keeps one.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, OpenWrt, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/cert.pem",  # macOS, BSD
)
# TLS handshake message type of a Certificate message (RFC 8446 4, RFC 5246 7.4).
_CERTIFICATE = 11
# TLS record content type of handshake messages (RFC 8446 5.1).
_HANDSHAKE = 22


class Chains:
    """Certificate messages seen during handshakes, by connection.

    OpenSSL forgets the peer's chain when it refuses it, and the refused chain is the evidence of a TLS
    interception.  The message callback sees it before it is judged.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[bool, bytes]] = {}

    def __call__(
        self, conn: object, direction: str, version: int, content_type: int, message: int, data: bytes
    ) -> None:
        """Receive every TLS message from OpenSSL; keep the peer's Certificate."""
        if message == _CERTIFICATE and direction == "read" and content_type == _HANDSHAKE:
            self._seen[id(conn)] = (version == ssl.TLSVersion.TLSv1_3, data)

    def attach(self, context: ssl.SSLContext) -> None:
        """Listen to a context's messages, where this Python can.

        ssl.SSLContext wraps the callback in one that turns every number into an enum, thrice a message and
        twenty messages a handshake; the C class below it takes ours as it is.  Without it (PyPy) a refused
        chain is not kept, and nothing else is missing.
        """
        inner = getattr(super(ssl.SSLContext, ssl.SSLContext), "_msg_callback", None)
        if inner is not None:
            inner.__set__(context, self)

    def take(self, conn: object) -> tuple[bytes, ...]:
        """Give the chain (DER, leaf first) that came over a connection, and forget it; () if none did."""
        modern, data = self._seen.pop(id(conn), (False, b""))
        return parse_certificates(data, modern)


def parse_certificates(data: bytes, modern: bool) -> tuple[bytes, ...]:
    """Read a Certificate message, RFC 8446 4.4.2 (``modern``: with extensions) or RFC 5246 7.4.2."""
    at = 4 + (1 + data[4] if modern and len(data) > 4 else 0) + 3
    out = []
    while at + 3 <= len(data):
        size = int.from_bytes(data[at : at + 3], "big")
        out.append(bytes(data[at + 3 : at + 3 + size]))
        at += 3 + size
        if modern:
            at += 2 + int.from_bytes(data[at : at + 2], "big")
    return tuple(out)


class Trust:
    """A verifying TLS client context and the chains it met."""

    def __init__(self, cafile: str | None = None) -> None:
        self._unverified: ssl.SSLContext | None = None
        self.context = ssl.create_default_context(cafile=cafile) if cafile else _system_context()
        self.chains = Chains()
        self.chains.attach(self.context)
        self.context.set_alpn_protocols(["http/1.1"])

    @property
    def unverified(self) -> ssl.SSLContext:
        """A context that takes any certificate, for controls whose content tells nothing."""
        if self._unverified is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["http/1.1"])
            self.chains.attach(context)
            self._unverified = context
        return self._unverified


def _system_context() -> ssl.SSLContext:
    asked = os.environ.get("SSL_CERT_FILE")
    for bundle in (asked,) if asked else _BUNDLES:
        if Path(bundle).is_file():
            return ssl.create_default_context(cafile=bundle)
    return ssl.create_default_context()


@lru_cache(maxsize=1)
def system_trust() -> Trust:
    """Give the one context of this process."""
    return Trust()

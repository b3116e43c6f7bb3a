"""Certificates for worlds: one authority that the client trusts, and one that it does not."""

import ssl
from datetime import UTC, datetime
from functools import lru_cache

import trustme

from gatewatch.net.trust import Trust


@lru_cache(maxsize=1)
def ca() -> trustme.CA:
    """The authority that clients trust."""
    return trustme.CA()


@lru_cache(maxsize=1)
def stranger() -> trustme.CA:
    """One that they do not."""
    return trustme.CA()


def server(
    name: str = "example.org",
    *,
    authority: trustme.CA | None = None,
    expired: bool = False,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> ssl.SSLContext:
    """A server's context with a certificate for ``name``."""
    until = datetime(2020, 1, 2, tzinfo=UTC) if expired else None
    since = datetime(2020, 1, 1, tzinfo=UTC) if expired else None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.set_alpn_protocols(["http/1.1"])
    (authority or ca()).issue_cert(name, not_before=since, not_after=until).configure_cert(context)
    return context


@lru_cache(maxsize=1)
def trust() -> Trust:
    """A client that trusts :func:`ca` alone."""
    with ca().cert_pem.tempfile() as path:
        return Trust(path)

"""Certificates that came another way than through OpenSSL's own TLS: verified against the same trust.

QUIC's handshake is aioquic's; it hands over the chain, and what is wrong with it is said here, in the words
that :mod:`gatewatch.net.errors` has for TLS over TCP.  What this needs comes with the extra ``quic``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from gatewatch.net.address import is_address
from gatewatch.net.errors import UNKNOWN_ISSUER
from gatewatch.net.trust import Trust
from gatewatch.records import failure as f

# Reading some 140 certificates takes 20 ms: once for each trust.
_stores: WeakKeyDictionary[Trust, Any] = WeakKeyDictionary()


def _store(trust: Trust) -> Any:
    """The trusted certificates as OpenSSL's own store."""
    import certifi
    from OpenSSL import crypto

    store = _stores.get(trust)
    if store is None:
        store = _stores[trust] = crypto.X509Store()
        known = trust.context.get_ca_certs(binary_form=True)
        for der in known:
            store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, der))
        if not known:
            # A directory of hashed files is read by OpenSSL as it goes and cannot be listed.
            store.load_locations(certifi.where())
    return store


def verify(trust: Trust, chain: Sequence[bytes], server_name: str) -> str | None:
    """Verify a chain (DER, leaf first) for a name or address; gives the failure, or None."""
    import service_identity as identity_errors
    import service_identity.cryptography as identity
    from cryptography import x509
    from OpenSSL import crypto

    if not chain:
        return f.SSL_INVALID_CERTIFICATE
    try:
        certificates = [crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain]
        leaf = x509.load_der_x509_certificate(chain[0])
    except (crypto.Error, ValueError, x509.InvalidVersion):
        return f.SSL_INVALID_CERTIFICATE
    context = crypto.X509StoreContext(_store(trust), certificates[0], certificates[1:])
    try:
        context.verify_certificate()
    except crypto.X509StoreContextError as error:
        code = error.errors[0] if error.errors else None
        return f.SSL_UNKNOWN_AUTHORITY if code in UNKNOWN_ISSUER else f.SSL_INVALID_CERTIFICATE
    try:
        if is_address(server_name):
            identity.verify_certificate_ip_address(leaf, server_name)
        else:
            identity.verify_certificate_hostname(leaf, server_name)
    except (identity_errors.VerificationError, identity_errors.CertificateError, ValueError):
        return f.SSL_INVALID_HOSTNAME
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return f.SSL_INVALID_CERTIFICATE
    return None

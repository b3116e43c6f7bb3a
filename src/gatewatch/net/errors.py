"""The one translator: what a system call, TLS or HTTP library raised, in the words of df-007.

The order matters: the errno first, because it is what the kernel saw; then the exception's type; its text
last.
"""

from __future__ import annotations

import socket
import ssl
import sys

import trio

from gatewatch.net.response import Malformed
from gatewatch.records import failure as f

# X509_V_ERR_* codes of OpenSSL (openssl-verify(1)): the issuer is not known to us, or signed itself.
UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})
# X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_EMAIL_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH.
_WRONG_NAME = frozenset({62, 63, 64})
# getaddrinfo's own numbers, by name because they differ between systems (RFC 3493 6.1).
_EAI = {
    "EAI_NONAME": f.DNS_NXDOMAIN,
    "EAI_NODATA": f.DNS_NO_ANSWER,
    "EAI_AGAIN": f.DNS_TEMPORARY,
    "EAI_FAIL": f.DNS_NON_RECOVERABLE,
}
_BY_EAI = {getattr(socket, name): text for name, text in _EAI.items() if hasattr(socket, name)}


# Android's C library says EAI_NODATA of a name that does not exist, too, and OONI has a word for that
# (probe-cli, netxlite: ErrAndroidDNSCacheNoData).  The lab pretends to be one by setting it.
bionic = hasattr(sys, "getandroidapilevel")


class Eof(ConnectionError):
    """The peer ended the connection in the middle of something."""


class Flood(OSError):
    """The peer goes on and on and gets nowhere: bytes without an end to a handshake, or without content."""


def translate(error: BaseException) -> str:
    """Give the failure for an exception; ``unknown_failure: ...`` for what has no word."""
    if (mine := f.local(error)) is not None and not isinstance(error, socket.gaierror):
        return mine
    if isinstance(error, socket.gaierror):
        if bionic and _BY_EAI.get(error.errno or 0) == f.DNS_NO_ANSWER:
            return f.ANDROID_NO_DATA
        return _BY_EAI.get(error.errno or 0, f.unknown(str(error.strerror)))
    if isinstance(error, ssl.SSLError):
        return _tls(error)
    if isinstance(error, OSError) and error.errno in f.BY_ERRNO:
        return f.BY_ERRNO[error.errno]
    if isinstance(error, Eof):
        return f.EOF
    if isinstance(error, Flood):
        return f.FLOOD
    if isinstance(error, trio.Cancelled | trio.TooSlowError):
        return f.GENERIC_TIMEOUT
    if isinstance(error, trio.BrokenResourceError | trio.ClosedResourceError):
        return translate(error.__cause__) if error.__cause__ else f.EOF
    if isinstance(error, Malformed):
        return f.HTTP_REQUEST_FAILED
    return f.unknown(f"{type(error).__name__} {error}")


def _tls(error: ssl.SSLError) -> str:
    """TLS failures: the certificate's fault by OpenSSL's code, else the alert's or the transport's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code = error.verify_code
        if code in _WRONG_NAME:
            return f.SSL_INVALID_HOSTNAME
        return f.SSL_UNKNOWN_AUTHORITY if code in UNKNOWN_ISSUER else f.SSL_INVALID_CERTIFICATE
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return f.EOF
    reason = error.reason or ""
    if "UNRECOGNIZED_NAME" in reason:
        return f.SSL_INVALID_HOSTNAME
    if "HANDSHAKE_FAILURE" in reason or "ALERT" in reason:
        return f.SSL_FAILED_HANDSHAKE
    if "UNEXPECTED_EOF" in reason:
        return f.EOF
    # WRONG_VERSION_NUMBER and the like: something answered that does not speak TLS.
    return f.SSL_FAILED_HANDSHAKE if reason else f.unknown(str(error))

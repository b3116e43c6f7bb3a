"""Failures: what the network did, in the words of OONI's df-007.

A failure is a string or None (no failure).  Source: OONI spec data-formats/df-007-errors.md.
"""

from __future__ import annotations

import errno
from typing import Final

GENERIC_TIMEOUT: Final = "generic_timeout_error"
EOF: Final = "eof_error"
INTERRUPTED: Final = "interrupted"
CONNECTION_REFUSED: Final = "connection_refused"
CONNECTION_RESET: Final = "connection_reset"
HOST_UNREACHABLE: Final = "host_unreachable"
NETWORK_UNREACHABLE: Final = "network_unreachable"
DNS_NXDOMAIN: Final = "dns_nxdomain_error"
DNS_NO_ANSWER: Final = "dns_no_answer"
ANDROID_NO_DATA: Final = "android_dns_cache_no_data"
DNS_REFUSED: Final = "dns_refused_error"
DNS_SERVFAIL: Final = "dns_servfail_error"
DNS_MISBEHAVING: Final = "dns_server_misbehaving"
DNS_TEMPORARY: Final = "dns_temporary_failure"
DNS_NON_RECOVERABLE: Final = "dns_non_recoverable_failure"
DNS_WRONG_ID: Final = "dns_reply_with_wrong_query_id"
SSL_UNKNOWN_AUTHORITY: Final = "ssl_unknown_authority"
SSL_INVALID_HOSTNAME: Final = "ssl_invalid_hostname"
SSL_INVALID_CERTIFICATE: Final = "ssl_invalid_certificate"
SSL_FAILED_HANDSHAKE: Final = "ssl_failed_handshake"
QUIC_INCOMPATIBLE: Final = "quic_incompatible_version"
HTTP_REQUEST_FAILED: Final = "http_request_failed"
HTTP_UNEXPECTED_STATUS: Final = "http_unexpected_status_code"
HTTP_BAD_REDIRECT: Final = "http_invalid_redirect_location_host"
JSON_PARSE_ERROR: Final = "json_parse_error"
FLOOD: Final = "unknown_failure: a flood of bytes that say nothing"
REDIRECTS_TOO_SLOW: Final = "unknown_failure: stopped after too long on redirects"
TOO_MANY_REDIRECTS: Final = "unknown_failure: stopped after too many redirects"

_UNKNOWN: Final = "unknown_failure"
# A failure text reaches files that people share; it is kept short and carries no addresses (scrubbed later).
_UNKNOWN_TEXT_LIMIT: Final = 200

# The errno table of df-007, by symbolic name because the numbers differ between systems.
_BY_ERRNO_NAME: Final = {
    "EACCES": "permission_denied",
    "EADDRINUSE": "address_in_use",
    "EADDRNOTAVAIL": "address_not_available",
    "EAFNOSUPPORT": "address_family_not_supported",
    "EALREADY": "connection_already_in_progress",
    "EBADF": "bad_file_descriptor",
    "ECONNABORTED": "connection_aborted",
    "ECONNREFUSED": CONNECTION_REFUSED,
    "ECONNRESET": CONNECTION_RESET,
    "EDESTADDRREQ": "destination_address_required",
    "EFAULT": "bad_address",
    "EHOSTUNREACH": HOST_UNREACHABLE,
    "EINTR": INTERRUPTED,
    "EINVAL": "invalid_argument",
    "EISCONN": "already_connected",
    "EMSGSIZE": "message_size",
    "ENETDOWN": "network_down",
    "ENETRESET": "network_reset",
    "ENETUNREACH": NETWORK_UNREACHABLE,
    "ENOBUFS": "no_buffer_space",
    "ENOPROTOOPT": "no_protocol_option",
    "ENOTCONN": "not_connected",
    "ENOTSOCK": "not_a_socket",
    "EPERM": "permission_denied",
    # A write after the peer's RST was seen: the connection was reset, whichever call noticed it.
    "EPIPE": CONNECTION_RESET,
    "EPROTONOSUPPORT": "protocol_not_supported",
    "EPROTOTYPE": "wrong_protocol_type",
    "ETIMEDOUT": "timed_out",
    "EWOULDBLOCK": "operation_would_block",
}
BY_ERRNO: Final = {
    getattr(errno, name): failure for name, failure in _BY_ERRNO_NAME.items() if hasattr(errno, name)
}

#: Everything that this software may write, on whatever system, besides ``unknown_failure: text``.
VOCABULARY: Final = frozenset(_BY_ERRNO_NAME.values()) | {
    value for name, value in list(globals().items()) if name.isupper() and isinstance(value, str)
}


def unknown(text: str) -> str:
    """Name a failure that the vocabulary has no word for."""
    return f"{_UNKNOWN}: {text[:_UNKNOWN_TEXT_LIMIT]}" if text else _UNKNOWN


# What this machine ran out of; df-007 has no words for it.
NO_FILES: Final = unknown("no more files may be opened here")
NO_MEMORY: Final = unknown("no more memory or threads are to be had here")
# Python's words for a thread that the system did not start (EAGAIN of pthread_create(3)).
_NO_THREAD: Final = "can't start new thread"

#: Failures of this machine itself: no word of the network is in them.
LOCAL: Final = frozenset({NO_FILES, NO_MEMORY, "network_down", "address_not_available", "no_buffer_space"})
_LOCAL_BY_ERRNO: Final = {errno.EMFILE: NO_FILES, errno.ENFILE: NO_FILES, errno.ENOMEM: NO_MEMORY}


def local(error: BaseException) -> str | None:
    """Name what this machine ran out of, as an exception says; None when that is not what it says."""
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _NO_THREAD in str(error)):
        return NO_MEMORY
    if isinstance(error, OSError):
        named = _LOCAL_BY_ERRNO.get(error.errno or 0) or BY_ERRNO.get(error.errno or 0)
        return named if named in LOCAL else None
    return None


#: How a step ends that somebody cut, or that met a bad moment: what is tried a second time.
CUT: Final = frozenset(
    {
        *(GENERIC_TIMEOUT, EOF, CONNECTION_REFUSED, CONNECTION_RESET, HOST_UNREACHABLE, NETWORK_UNREACHABLE),
        *("timed_out", "connection_aborted", "network_reset"),
    }
)


def is_timeout(failure: str | None) -> bool:
    """Tell whether a failure means silence until a limit ran out: ours, or the kernel's own (ETIMEDOUT)."""
    return failure in (GENERIC_TIMEOUT, "timed_out")

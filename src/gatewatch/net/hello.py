"""A ClientHello of our own: exactly one segment, cut where we want it, with ECH GREASE; and its first answer.

Python's ssl chooses what its ClientHello looks like.  To learn what a filter reads one must choose: where the
name stands, how the bytes fall into segments and records, which extensions are there.  The handshake is never
finished, since a ServerHello or an alert already says that the name went through; so no key is needed, and a
random number is as good a public key as any (RFC 7748 5).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

import trio

from gatewatch.net.address import is_address
from gatewatch.net.errors import Eof, translate
from gatewatch.net.journal import Journal
from gatewatch.net.stream import Stream
from gatewatch.records import Handshake

#: What OpenSSL and Chrome pad a ClientHello to, record header included (RFC 7685 4): one segment on any path,
#: since even IPv6's least MTU carries 1,220 bytes of TCP (RFC 8200 5).
PADDED = 517
# RFC 8446 5.1 and 4; RFC 5246 has the same numbers.
_ALERT, _HANDSHAKE = 21, 22
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_TLS_1_2, _TLS_1_3 = 0x0303, 0x0304
# What browsers offer: TLS 1.3's three suites, then those of 1.2 that every server knows one of.
_SUITES = (
    *(0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8),
    *(0xC013, 0xC014, 0x009C, 0x009D, 0x002F, 0x0035),
)
# x25519, secp256r1, secp384r1 (RFC 8446 4.2.7).
_GROUPS = (0x001D, 0x0017, 0x0018)
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
# Extension types: IANA's TLS ExtensionType registry.
_SERVER_NAME, _SUPPORTED_GROUPS, _POINT_FORMATS, _SIGNATURE_ALGORITHMS, _ALPN = 0, 10, 11, 13, 16
_PADDING, _EXTENDED_MASTER_SECRET, _SUPPORTED_VERSIONS, _PSK_MODES, _KEY_SHARE = 21, 23, 43, 45, 51
_ECH, _RENEGOTIATION = 0xFE0D, 0xFF01
# Sizes that a padded inner ClientHello and its tag have in practice: RFC 9849 6.2 asks for plausible ones.
_ECH_PAYLOAD = 176


def _field(width: int, *parts: bytes) -> bytes:
    """Put a length of ``width`` bytes before something."""
    data = b"".join(parts)
    return len(data).to_bytes(width, "big") + data


def _numbers(values: tuple[int, ...]) -> bytes:
    return struct.pack(f"!{len(values)}H", *values)


def _extension(kind: int, *parts: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _field(2, *parts)


def ech_grease() -> bytes:
    """An encrypted_client_hello extension that no server can open, for servers to ignore (RFC 9849 6.2).

    An outer hello (type 0) with HKDF-SHA256 and AES-128-GCM, a random configuration id, key and payload.
    """
    suite = bytes((0, 0, 1, 0, 1))
    return _extension(
        _ECH, suite, os.urandom(1), _field(2, os.urandom(32)), _field(2, os.urandom(_ECH_PAYLOAD))
    )


def client_hello(server_name: str, *, ech: bool = False, alpn: tuple[str, ...] = ("h2", "http/1.1")) -> bytes:
    """Write a ClientHello in one record, padded to :data:`PADDED` bytes; for an address no SNI is sent.

    ``ech`` adds ECH GREASE.  A longer name or more extensions make it longer; its length is the caller's to
    check where it must be one segment.
    """
    name = b"" if is_address(server_name) else server_name.encode("ascii")
    extensions = [
        _extension(_SERVER_NAME, _field(2, b"\0", _field(2, name))) if name else b"",
        _extension(_EXTENDED_MASTER_SECRET),
        _extension(_RENEGOTIATION, b"\0"),
        _extension(_SUPPORTED_GROUPS, _field(2, _numbers(_GROUPS))),
        _extension(_POINT_FORMATS, _field(1, b"\0")),
        _extension(_ALPN, _field(2, *(_field(1, protocol.encode("ascii")) for protocol in alpn))),
        _extension(_SIGNATURE_ALGORITHMS, _field(2, _numbers(_SIGNATURES))),
        _extension(_KEY_SHARE, _field(2, _numbers(_GROUPS[:1]), _field(2, os.urandom(32)))),
        _extension(_PSK_MODES, _field(1, b"\1")),
        _extension(_SUPPORTED_VERSIONS, _field(1, _numbers((_TLS_1_3, _TLS_1_2)))),
        ech_grease() if ech else b"",
    ]
    fixed = b"".join(
        (
            _TLS_1_2.to_bytes(2, "big"),
            os.urandom(32),
            _field(1, os.urandom(32)),  # a session id, for middleboxes (RFC 8446 D.4)
            _field(2, _numbers(_SUITES)),
            _field(1, b"\0"),
        )
    )
    # Record and handshake headers, the fixed part, the extensions' length, and the padding's own header.
    room = PADDED - (5 + 4 + len(fixed) + 2 + sum(map(len, extensions)) + 4)
    if room >= 0:
        extensions.append(_extension(_PADDING, bytes(room)))
    hello = _CLIENT_HELLO.to_bytes(1, "big") + _field(3, fixed, _field(2, *extensions))
    return _record(hello)


def _record(message: bytes) -> bytes:
    # The record's version of a first ClientHello is TLS 1.0's, for old servers (RFC 8446 5.1).
    return bytes((_HANDSHAKE, 3, 1)) + _field(2, message)


def _middle(hello: bytes, server_name: str) -> int:
    """Where the middle of the name stands; ValueError where the hello does not hold it."""
    return hello.index(server_name.encode("ascii")) + len(server_name) // 2


def in_two_segments(hello: bytes, server_name: str) -> tuple[bytes, bytes]:
    """Cut a hello in the middle of its server name, to be sent in two writes."""
    middle = _middle(hello, server_name)
    return hello[:middle], hello[middle:]


def in_two_records(hello: bytes, server_name: str) -> bytes:
    """Write a hello as two TLS records, cut in the middle of its server name (RFC 8446 5.1 allows it)."""
    middle = _middle(hello, server_name)
    return _record(hello[5:middle]) + _record(hello[middle:])


@dataclass(frozen=True, slots=True)
class Greeting:
    """What became of a hello.

    ``answer``: server_hello, alert, other (bytes that are no TLS), or empty; ``alert``: its description, -1
    for none (RFC 8446 6); ``failure``: of df-007, None when anything was answered.
    """

    answer: str
    failure: str | None
    alert: int = -1


def first_answer(data: bytes) -> tuple[str, int] | None:
    """Read the first bytes that came back: (answer, alert) as in :class:`Greeting`; None: not enough yet."""
    if not data or (data[0] in (_ALERT, _HANDSHAKE) and len(data) < 7):
        return None
    if data[0] == _HANDSHAKE and data[1] == 3 and data[5] == _SERVER_HELLO:
        return "server_hello", -1
    if data[0] == _ALERT and data[1] == 3:
        return "alert", data[6]
    return "other", -1


async def greet(
    journal: Journal,
    tcp: Stream,
    parts: tuple[bytes, ...],
    server_name: str,
    *,
    tags: tuple[str, ...] | None = None,
) -> Greeting:
    """Send a hello, each part in a segment of its own, and wait for the first answer; then hang up with RST.

    The caller limits the time.  Writes a df-006 record without a certificate and with ``no_tls_verify``, as
    nothing is verified; an answer that is no ServerHello is ``ssl_failed_handshake`` there.
    """
    tags = tcp.tags if tags is None else tags
    t0 = journal.now()
    found: tuple[str, int] | None = None
    failure: str | None = None
    try:
        tcp.set_nodelay()
        for part in parts:
            await tcp.send(part)
        data = b""
        while found is None:
            more = await tcp.receive()
            if not more:
                raise Eof("the peer ended the connection inside TLS")
            data += more
            found = first_answer(data)
    except trio.Cancelled as error:
        failure = translate(error)
        raise
    except OSError as error:
        failure = translate(error)
    finally:
        tcp.abort()
        shaken = found is not None and found[0] == "server_hello"
        journal.handshakes.append(
            Handshake(
                address=tcp.endpoint,
                failure=failure or (None if shaken else "ssl_failed_handshake"),
                no_tls_verify=True,
                server_name="" if is_address(server_name) else server_name,
                t0=t0,
                t=journal.now(),
                tags=tags,
                transaction_id=tcp.transaction_id,
            )
        )
    answer, alert = found or ("", -1)
    return Greeting(answer, failure, alert)

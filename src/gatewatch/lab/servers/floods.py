"""Traps below HTTP's handlers: servers that dribble, or that never come to an end, in HTTP or in TLS.

Each is a :class:`Words`: what is said first, and what is repeated for ever, as fast as it is taken or a
piece every so many seconds.  A byte a minute outlasts any time limit that begins anew with each byte; records
and blocks without content outlast any limit that counts only what came out of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from itertools import repeat
from typing import Final, NamedTuple

from gatewatch.lab.apps import Connection, StreamApp
from gatewatch.lab.servers.tls import Authority
from gatewatch.records.failure import GENERIC_TIMEOUT, HTTP_REQUEST_FAILED, SSL_FAILED_HANDSHAKE

_MINUTE = 60.0
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
# RFC 1952 2.3: a header without name, time or comment.
_MEMBER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
# RFC 1951 3.2.4: a stored block that holds nothing, and is not the last one.
_EMPTY_BLOCK = b"\0\0\0\xff\xff"
# RFC 5246 7.4.1.1: HelloRequest, a message of four bytes that clients may ignore, as OpenSSL does.
_HELLO_REQUEST = b"\x16\x03\x03\0\x04\0\0\0\0"
_CHANGE_CIPHER_SPEC = b"\x14\x03\x03\0\x01\x01"
_WARNING = b"\x15\x03\x03\0\x02\x01\x5a"
# A handshake record that is the whole 16 KB long, and its message, a ServerHello of 16 MB.
_ZEROS = b"\x16\x03\x03\x40\0" + bytes(16384)
_LONG_HELLO = b"\x16\x03\x03\x40\0" + b"\x02\xff\xff\xff" + bytes(16380)


def _encoded(how: bytes) -> bytes:
    return _OK + b"Content-Encoding: " + how + b"\r\n\r\n"


_GZIP = _encoded(b"gzip")


class Words(NamedTuple):
    """What a server says: first, and then for ever; ``every`` 0: as fast as the client takes it.

    ``abroad`` is what a helper says of it, "" where it gets a page like everybody's.
    """

    first: bytes
    then: bytes = b""
    every: float = 0.0
    abroad: str = GENERIC_TIMEOUT


@cache
def _zeros() -> bytes:
    """A megabyte of zeros as deflate blocks that can stand behind one another."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)


def _member(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return squeeze.compress(data) + squeeze.flush()


_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_PLAIN = _OK + b"\r\n"
#: Behind a request, over TLS or not.
HTTP: Final[dict[str, Callable[[], Words]]] = {
    "head-dribble": lambda: Words(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", _MINUTE),
    "head-endless": lambda: Words(_OK, b"X-More: %s\r\n" % (b"x" * 1000), abroad=HTTP_REQUEST_FAILED),
    "head-one-line": lambda: Words(_OK + b"X-Long: ", b"x" * 16_000, abroad=HTTP_REQUEST_FAILED),
    "head-100000": lambda: Words(_OK + b"A: b\r\n" * 100_000 + b"\r\n", abroad=HTTP_REQUEST_FAILED),
    "head-many": lambda: Words(_OK + b"a:\r\n" * 16_000 + b"Content-Length: 0\r\n\r\n", abroad=""),
    "interim": lambda: Words(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, abroad=HTTP_REQUEST_FAILED),
    "body-dribble": lambda: Words(_OK + b"Content-Length: 100000\r\n\r\n<html>", b"x", _MINUTE),
    "body-sand": lambda: Words(_PLAIN, b"x", 0.005, abroad=GENERIC_TIMEOUT),
    "body-addresses": lambda: Words(_PLAIN, b"1.1." * 4000, abroad=""),
    "chunks-tiny": lambda: Words(_CHUNKED, b"1\r\nx\r\n" * 3000, abroad=""),
    "chunk-line": lambda: Words(_CHUNKED + b"5;", b"x" * 16_000),
    "bomb-10-gb": lambda: Words(_GZIP + _MEMBER, _zeros(), abroad=""),
    "bomb-deflate": lambda: Words(_OK + b"Content-Encoding: deflate\r\n\r\n\x78\xda", _zeros(), abroad=""),
    "bomb-nested": lambda: Words(_GZIP, _member(_member(bytes(10 << 20))), abroad=""),
    "bomb-twice": lambda: Words(_encoded(b"gzip, gzip"), _member(bytes(1 << 20)), abroad=""),
    "bomb-br": lambda: Words(_encoded(b"br"), b"\xa1\xf8\xff\x7f" * 4000, abroad=""),
    "bomb-zstd": lambda: Words(_encoded(b"zstd"), b"\x28\xb5\x2f\xfd" * 4000, abroad=""),
    "empty-blocks": lambda: Words(_GZIP + _MEMBER, _EMPTY_BLOCK * 3000),
    "empty-members": lambda: Words(_GZIP + _member(b"<html>one</html>"), _member(b"") * 700, abroad=""),
    "json-dribble": lambda: Words(_OK + b"Content-Length: 100000\r\n\r\n{", b" ", _MINUTE),
}
#: In place of a TLS handshake.
TLS: Final[dict[str, Callable[[], Words]]] = {
    "tls-silent": lambda: Words(b""),
    "tls-dribble": lambda: Words(_LONG_HELLO[:6], b"\0", _MINUTE),
    "tls-hello-requests": lambda: Words(b"", _HELLO_REQUEST * 1500),
    "tls-cipher-specs": lambda: Words(b"", _CHANGE_CIPHER_SPEC * 2000, abroad=SSL_FAILED_HANDSHAKE),
    "tls-warnings": lambda: Words(b"", _WARNING * 2000, abroad=SSL_FAILED_HANDSHAKE),
    "tls-long-hello": lambda: Words(_LONG_HELLO, _ZEROS, abroad=SSL_FAILED_HANDSHAKE),
    "tls-garbage": lambda: Words(b"", bytes(range(256)) * 64, abroad=SSL_FAILED_HANDSHAKE),
}
#: Real TLS, with a certificate of 1 MB, or 300 of them.
CERTIFICATES: Final = ("certificate-large", "certificate-chain")


class Flood:
    """A server that says its words to whoever has said anything."""

    def __init__(self, connection: Connection, words: Words) -> None:
        self._connection = connection
        self._words = words
        self._begun = False

    def data_received(self, data: bytes) -> None:
        """Begin at the client's first bytes, and listen no more."""
        if self._begun:
            return
        self._begun = True
        first, then, every, _ = self._words
        if first:
            self._connection.write(first)
        if every:
            self._connection.later(every, self._drop)
        elif then:
            self._connection.feed(repeat(then))
        elif first:
            self._connection.close()

    def _drop(self) -> None:
        self._connection.write(self._words.then)
        self._connection.later(self._words.every, self._drop)

    def eof_received(self) -> None:
        """Close: the client has had enough."""
        self._connection.close()


class Flooded:
    """A web port of a trap in HTTP: TLS or plain, whichever the client begins with, and then the words."""

    def __init__(self, connection: Connection, authority: Authority, words: Words) -> None:
        self._connection, self._authority, self._words = connection, authority, words
        self._app: StreamApp | None = None

    def data_received(self, data: bytes) -> None:
        """Look at the first byte once, then pass everything on."""
        if self._app is None:
            if data[0] == 0x16:  # RFC 8446 5.1: a handshake record
                self._app = self._authority.serve(self._connection, lambda plain: Flood(plain, self._words))
            else:
                self._app = Flood(self._connection, self._words)
        self._app.data_received(data)

    def eof_received(self) -> None:
        """Close, or let the flood close."""
        if self._app is None:
            self._connection.close()
        else:
            self._app.eof_received()


def flood(label: str, connection: Connection, authority: Authority, port: int) -> StreamApp | None:
    """Give the application of a trap on a web port; None for what is no trap there."""
    if label in HTTP:
        return Flooded(connection, authority, HTTP[label]())
    if label in TLS and port == 443:
        return Flood(connection, TLS[label]())
    return None


def fails(label: str) -> tuple[str, str]:
    """Say what a helper abroad finds of a trap: how its handshake fails, and how its request."""
    shaken = TLS[label]().abroad if label in TLS else SSL_FAILED_HANDSHAKE if label in CERTIFICATES else ""
    return shaken, HTTP[label]().abroad if label in HTTP else ""

"""TLS interference by server name: a ClientHello with a blocked SNI meets RST, FIN or silence."""

from __future__ import annotations

from gatewatch.lab.boxes.cut import End, Reset, Swallow
from gatewatch.lab.boxes.flow import FlowBox, Unclear

_HANDSHAKE, _CLIENT_HELLO = 0x16, 0x01  # RFC 8446 5.1, 4
_SERVER_NAME = 0  # RFC 6066 3


class _Reader:
    """Takes length-prefixed fields off a message; raises IndexError past its end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        """Give the next ``size`` bytes."""
        if self.at + size > len(self.data):
            raise IndexError
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """Give the next ``size`` bytes as a number."""
        return int.from_bytes(self.take(size), "big")

    def field(self, size: int) -> bytes:
        """Give a field behind a length of ``size`` bytes."""
        return self.take(self.number(size))


def _handshake_bytes(stream: bytes) -> bytes:
    """Join the payload of the handshake records at the start of a stream."""
    message = b""
    while len(stream) >= 5 and stream[0] == _HANDSHAKE:
        size = int.from_bytes(stream[3:5], "big")
        message += stream[5 : 5 + size]
        stream = stream[5 + size :]
    return message


def server_name(stream: bytes) -> str | Unclear:
    """Read the SNI from the first bytes of a TLS connection (RFC 8446 4.1.2, RFC 6066 3)."""
    if not stream or stream[0] != _HANDSHAKE:
        return Unclear.NONE
    return hello_name(_handshake_bytes(stream))


def hello_name(handshake: bytes) -> str | Unclear:
    """Read the SNI from handshake messages without their records, as QUIC carries them."""
    message = _Reader(handshake)
    try:
        if message.number(1) != _CLIENT_HELLO:
            return Unclear.NONE
        hello = _Reader(message.field(3))
    except IndexError:
        return Unclear.MORE
    try:
        hello.take(34)  # legacy version and random
        hello.field(1)  # session id
        hello.field(2)  # cipher suites
        hello.field(1)  # compression methods
        extensions = _Reader(hello.field(2))
        while extensions.at < len(extensions.data):
            kind, body = extensions.number(2), _Reader(extensions.field(2))
            if kind == _SERVER_NAME:
                names = _Reader(body.field(2))
                names.take(1)  # host_name, the only type there is
                return names.field(2).decode("ascii", "replace").lower()
    except IndexError:
        pass
    return Unclear.NONE


class SniBox(FlowBox):
    """A box that reads the SNI."""

    def name(self, start: bytes) -> str | Unclear:
        """Read the SNI."""
        return server_name(start)


class SniReset(SniBox, Reset):
    """Answers the ClientHello with RST."""


class SniEof(SniBox, End):
    """Answers the ClientHello with FIN."""


class SniDrop(SniBox, Swallow):
    """Swallows the ClientHello and what follows."""

"""Traps in QUIC: floods of version negotiations, Retries without end, a handshake that never gets anywhere.

Each datagram from the client is answered by a burst, as often as the client asks for more.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Final

from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import encode_quic_retry, encode_quic_version_negotiation

from gatewatch.lab.apps import TalkLine
from gatewatch.lab.path.initial import connection_ids, long_header

# Datagrams for each of the client's.
_BURST = 200
# RFC 9000 15: versions of this form exist to be unknown.
_UNKNOWN = [0x0A0A0A0A + (n << 28 | n << 20) for n in range(16)]
_VERSION_1 = 1
# A CRYPTO frame's data, and a ServerHello's first four bytes that promise 16 MB (RFC 8446 4).
_DATA = 1000
_PROMISE = b"\x02\xff\xff\xff"


def _negotiations(to_id: bytes, from_id: bytes) -> Iterator[bytes]:
    """Versions that nobody speaks (RFC 9000 17.2.1)."""
    for _ in range(_BURST):
        yield encode_quic_version_negotiation(to_id, from_id, _UNKNOWN)


def _retries(to_id: bytes, from_id: bytes) -> Iterator[bytes]:
    """Come again with this token: a right Retry each time, with another identifier (RFC 9000 17.2.5)."""
    for _ in range(3):
        yield encode_quic_retry(_VERSION_1, os.urandom(8), from_id, to_id, os.urandom(1000))


def _crypto(to_id: bytes, from_id: bytes) -> Iterator[bytes]:
    """A ServerHello of 16 MB in CRYPTO frames, each in an Initial with the right keys (RFC 9001 5.2)."""
    keys, own = CryptoPair(), os.urandom(8)
    keys.setup_initial(to_id, is_client=False, version=_VERSION_1)
    for number in range(_BURST):
        offset = number * _DATA
        data = _PROMISE.ljust(_DATA, b"\0") if not number else bytes(_DATA)
        # RFC 9000 19.6 and 16: offset and length as integers of four and two bytes.
        frame = (
            b"\x06" + (offset | 0x80000000).to_bytes(4, "big") + (_DATA | 0x4000).to_bytes(2, "big") + data
        )
        head = b"\xc3" + _VERSION_1.to_bytes(4, "big") + bytes([len(from_id)]) + from_id
        head += bytes([len(own)]) + own + b"\0"
        head += (4 + len(frame) + 16 | 0x4000).to_bytes(2, "big") + number.to_bytes(4, "big")
        yield keys.encrypt_packet(head, frame, number)


def _garbage(to_id: bytes, from_id: bytes) -> Iterator[bytes]:
    """Datagrams that nobody can read."""
    chance = random.Random(to_id)
    for _ in range(_BURST):
        yield chance.randbytes(1200)


#: By the label of the trap.
QUIC: Final[dict[str, Callable[[bytes, bytes], Iterator[bytes]]]] = {
    "quic-versions": _negotiations,
    "quic-retry": _retries,
    "quic-crypto": _crypto,
    "quic-garbage": _garbage,
}


class QuicFlood:
    """One client's conversation with a trap; implements :class:`gatewatch.lab.apps.DatagramApp`."""

    def __init__(self, line: TalkLine, label: str) -> None:
        self._line = line
        self._burst = QUIC[label]

    def received(self, data: bytes, now: float) -> None:
        """Answer with a burst; what is no long header gets nothing, as it tells no identifiers."""
        if long_header(data) is None:
            return
        for datagram in self._burst(*connection_ids(data)):
            self._line.send(datagram)

    def expired(self, now: float) -> None:
        """Nothing is ever waited for."""

"""QUIC's version negotiation, as bytes: the question that every QUIC server answers without keeping anything.

A server that gets a long header of a version it does not know answers with the versions it does (RFC 9000
6.1), whoever's name is meant: no name is in the packet.  An answer proves that UDP reaches a QUIC server and
comes back.  Works without the extra that handshakes need.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

# RFC 9000 14.1: smaller datagrams that open a connection are dropped by servers.
SMALLEST_INITIAL = 1200
# RFC 9000 17.2.1: identifiers of at least 8 bytes where a client chooses at random (7.2).
_ID_SIZE = 8
# Form and fixed bit, type Initial, a packet number of four bytes (RFC 9000 17.2, 17.2.2).
_INITIAL = 0xC3
# A packet number of four bytes and a tag of 16: the least that stands before the padding.
_LONG_LENGTH = 0x4000  # a variable-length integer of two bytes (RFC 9000 16)
# No server speaks more; the answer is not to be trusted to be short.
_MOST_VERSIONS = 32


@dataclass(frozen=True, slots=True)
class Question:
    """A packet that asks for versions, and what an answer to it must repeat."""

    packet: bytes
    version: int
    to_id: bytes
    from_id: bytes


def reserved_version() -> int:
    """Give a version of the form 0x?a?a?a?a, which exists to be unknown (RFC 9000 15)."""
    return (random.getrandbits(32) & 0xF0F0F0F0) | 0x0A0A0A0A


def question() -> Question:
    """Write an Initial of a reserved version, padded with what could be cipher text."""
    version, to_id, from_id = reserved_version(), os.urandom(_ID_SIZE), os.urandom(_ID_SIZE)
    head = bytes([_INITIAL]) + version.to_bytes(4, "big")
    head += bytes([len(to_id)]) + to_id + bytes([len(from_id)]) + from_id + b"\0"  # no token
    rest = SMALLEST_INITIAL - len(head) - 2
    packet = head + (_LONG_LENGTH | rest).to_bytes(2, "big") + os.urandom(rest)
    return Question(packet, version, to_id, from_id)


def source_id(packet: bytes) -> bytes:
    """Give the source connection identifier of a long header (RFC 9000 17.2), b"" where it is cut short."""
    at = 6 + packet[5] if len(packet) > 5 else len(packet)
    return packet[at + 1 : at + 1 + packet[at]] if at < len(packet) else b""


def destination_id(packet: bytes, size: int) -> bytes:
    """Give the destination connection identifier; short headers do not tell its size (RFC 9000 17.3)."""
    if not packet:
        return b""
    return packet[6 : 6 + packet[5]] if packet[0] & 0x80 and len(packet) > 5 else packet[1 : 1 + size]


def versions(asked: Question, data: bytes) -> tuple[int, ...] | None:
    """Read the versions that an answer offers; None for what is no answer to this question."""
    if len(data) < 7 or not data[0] & 0x80 or data[1:5] != bytes(4):
        return None
    end = 6 + data[5]
    to_id, size = data[6:end], data[end] if end < len(data) else 255
    from_id, rest = data[end + 1 : end + 1 + size], data[end + 1 + size :]
    # RFC 9000 17.2.1: the identifiers change sides, so nobody who did not see the question can answer it.
    if (to_id, from_id) != (asked.from_id, asked.to_id) or not rest or len(rest) % 4:
        return None
    found = [int.from_bytes(rest[at : at + 4], "big") for at in range(0, len(rest), 4)]
    return tuple(found[:_MOST_VERSIONS])

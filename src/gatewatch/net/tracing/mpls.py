"""MPLS labels behind the quote of an ICMP error (RFC 4884, RFC 4950)."""

from __future__ import annotations

import struct

#: Label, traffic class, bottom of stack, TTL: outermost first.
Labels = tuple[tuple[int, int, bool, int], ...]
# RFC 4884 7: version in the upper half byte; RFC 4950 3: class 1 is the label stack.
_VERSION, _CLASS = 2, 1
# RFC 4884 5.5: where no length is told, an extension can only stand behind 128 bytes of quote.
_COMPATIBLE = 128
# More than any label stack in use; what follows is not read.
_MOST = 8


def labels(message: bytes, *, six: bool) -> Labels:
    """Read the label stack of an ICMP message, from its type on; () where there is none."""
    if len(message) < 8:
        return ()
    words = message[4] if six else message[5]
    at = 8 + (words * (8 if six else 4) or _COMPATIBLE)
    return extension(message[at:])


def extension(data: bytes) -> Labels:
    """Read the label stack of an extension structure; () where it is something else, or damaged."""
    if len(data) < 12 or data[0] >> 4 != _VERSION:
        return ()
    if data[2:4] != b"\0\0" and not _sound(data):
        return ()
    at = 4
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("!HB", data, at)
        if size < 4 or at + size > len(data):
            return ()
        if kind == _CLASS:
            return tuple(_entry(data[i : i + 4]) for i in range(at + 4, at + size - 3, 4))[:_MOST]
        at += size
    return ()


def _entry(four: bytes) -> tuple[int, int, bool, int]:
    word = int.from_bytes(four, "big")
    return word >> 12, word >> 9 & 7, bool(word >> 8 & 1), word & 0xFF


def _sound(data: bytes) -> bool:
    """Check the extension's checksum (RFC 4884 7.1)."""
    padded = data + b"\0" * (len(data) & 1)
    found: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while found >> 16:
        found = (found & 0xFFFF) + (found >> 16)
    return found == 0xFFFF

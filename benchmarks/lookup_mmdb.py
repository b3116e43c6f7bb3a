"""A writer of MaxMind DB files, as far as the benchmark ``lookup`` needs one for its peer.

The format is that of the MaxMind DB specification 2.0: a binary search tree of 28-bit records, 16 zero bytes,
the data, the metadata.  IPv4 only; of nested prefixes the longest holds.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

_MARK = b"\xab\xcd\xefMaxMind.com"
_NOTHING = -1


def write(path: Path, prefixes: Sequence[tuple[int, int, int]]) -> None:
    """Write IPv4 prefixes (number, length, asn) as ``{"asn": N}``."""
    left, right = [_NOTHING], [_NOTHING]
    # A child is a node (even: 2 * node) or an answer (odd: 2 * asn + 1); shorter prefixes come first.
    for number, length, asn in sorted(prefixes, key=lambda p: p[1]):
        node = 0
        for depth in range(length):
            side = right if number >> (31 - depth) & 1 else left
            if depth == length - 1:
                side[node] = 2 * asn + 1
                break
            child = side[node]
            if child == _NOTHING or child & 1:
                # What held for all of it holds for both halves until something longer comes.
                left.append(child)
                right.append(child)
                child = side[node] = 2 * (len(left) - 1)
            node = child >> 1
    data, places = bytearray(), {}
    for child in {*left, *right}:
        if child != _NOTHING and child & 1:
            places[child] = len(data)
            data += _map(asn=child >> 1)
    count = len(left)

    def record(child: int) -> int:
        if child == _NOTHING:
            return count
        return count + 16 + places[child] if child & 1 else child >> 1

    tree = bytearray()
    for one, other in zip(left, right, strict=True):
        a, b = record(one), record(other)
        tree += (a & 0xFFFFFF).to_bytes(3, "big")
        tree.append((a >> 24) << 4 | b >> 24)
        tree += (b & 0xFFFFFF).to_bytes(3, "big")
    about = _head(7, 9)
    for key, value in (
        ("binary_format_major_version", _number(5, 2)),
        ("binary_format_minor_version", _number(5, 0)),
        ("build_epoch", _number(9, 1)),
        ("database_type", _text("benchmark")),
        ("description", _head(7, 0)),
        ("ip_version", _number(5, 4)),
        ("languages", _head(11, 0)),
        ("node_count", _number(6, count)),
        ("record_size", _number(5, 28)),
    ):
        about += _text(key) + value
    path.write_bytes(bytes(tree) + bytes(16) + bytes(data) + _MARK + about)


def _map(asn: int) -> bytes:
    return _head(7, 1) + _text("asn") + _number(6, asn)


def _head(kind: int, size: int) -> bytes:
    # Types above 7 stand in a byte of their own.
    return bytes([kind << 5 | size]) if kind <= 7 else bytes([size, kind - 7])


def _number(kind: int, value: int) -> bytes:
    raw = struct.pack(">Q", value).lstrip(b"\0")
    return _head(kind, len(raw)) + raw


def _text(text: str) -> bytes:
    raw = text.encode()
    assert len(raw) < 29
    return _head(2, len(raw)) + raw

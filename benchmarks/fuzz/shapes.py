"""Mutations that know a format: JSON trees, DNS messages, what is packed with gzip."""

from __future__ import annotations

import copy
import json
import struct
import zlib
from collections.abc import Sequence
from random import Random
from typing import Any

from benchmarks.fuzz.mutate import MOST, Mutate, blind

_LONG = "9" * 5000
#: What stands in years of others' data, or could.
ODD: Sequence[Any] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 2**70, -(2**63), 1.5, -0.0, 1e308, float("inf")),
    *(float("nan"), [], [[]], [None], {}, {"": None}, {"a": {}}, [{}], [1, "2"], "", " ", "0", "1", "-1"),
    *(
        "[",
        "http://[",
        "http://",
        "https://x",
        "://",
        "\x1b[2J",
        "10.0.0.1",
        "::1",
        "1.2.3.4:99999",
        "[::1]:x",
    ),
    *("\ud800", "é" * 200, "AS", "AS99999999999", "AS1", "NaN", "ZZ", "2024-02-30 00:00:00", "depth="),
    *("0001-01-01 00:00:00", "9999-12-31 23:59:59", "x" * 3000, "\0", "\n", "=1+1", "tcp", "depth=²"),
    *("dns_nxdomain_error", "unknown_failure: x", {"format": "x"}, "a.b.c.d.e"),
    *({"format": "base64", "data": "////"}, {"format": "base64", "data": "é"}),
)


def tree(data: bytes, rng: Random) -> bytes:
    """Change a JSON text's values, keys and nesting, one to four times; rarely its bytes."""
    if rng.random() < 0.12:
        return blind(data, rng)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return blind(data, rng)
    holder = [value]
    for _ in range(1 << rng.randrange(3)):
        _change(holder, rng)
    try:
        text = json.dumps(holder[0], ensure_ascii=rng.random() < 0.5)
    except (ValueError, RecursionError):
        return blind(data, rng)
    if rng.random() < 0.01:
        # Depth, and numbers that Python will not read.
        text = text.replace("null", rng.choice(("[" * 20_000, '{"a":' * 5_000, _LONG, "-" + _LONG)), 1)
    return text.encode("utf-8", "surrogatepass")[:MOST]


def _change(holder: list[Any], rng: Random) -> None:
    inside, key = _place(holder, rng)
    kind = rng.randrange(10)
    old = inside[key]
    if kind == 0 and isinstance(inside, dict):
        del inside[key]
    elif kind == 1 and isinstance(inside, dict):
        inside[_key(rng, inside)] = inside.pop(key)
    elif kind == 2 and isinstance(inside, list) and inside is not holder:
        inside[key:key] = [old] * rng.randrange(1, 4)
    elif kind == 3 and isinstance(inside, list) and inside is not holder:
        del inside[key]
    elif kind == 4:
        inside[key] = [old]
    elif kind == 5:
        there, other = _place(holder, rng)
        inside[key] = copy.deepcopy(there[other])
    elif kind == 6 and isinstance(old, str):
        inside[key] = blind(old.encode("utf-8", "replace"), rng).decode("utf-8", "replace")
    elif kind == 7 and isinstance(old, int | float) and not isinstance(old, bool) and abs(old) < 2**100:
        inside[key] = rng.choice((-old, old + 1, old * 1000, float(old), str(old)))
    else:
        inside[key] = copy.deepcopy(ODD[rng.randrange(len(ODD))])


def _place(holder: list[Any], rng: Random) -> tuple[Any, Any]:
    """Walk down to a value by chance; gives what holds it, and under which key."""
    inside: Any = holder
    key: Any = 0
    while rng.random() < 0.85:
        value = inside[key]
        if isinstance(value, dict) and value:
            inside, key = value, rng.choice(list(value))
        elif isinstance(value, list) and value:
            inside, key = value, rng.randrange(len(value))
        else:
            break
    return inside, key


def _key(rng: Random, inside: dict[str, Any]) -> str:
    return rng.choice((*inside, "", "failure", "type", "test_keys", "\ud800", "x" * 300, "0"))


def tree_lines(data: bytes, rng: Random) -> bytes:
    """Change one of several lines of JSON; or cut, join, repeat lines."""
    rows = data.split(b"\n")
    at = rng.randrange(len(rows))
    kind = rng.randrange(8)
    if kind == 0:
        del rows[at]
    elif kind == 1:
        rows.insert(at, rows[rng.randrange(len(rows))])
    elif kind == 2:
        rows[at] = b"[" + b",".join(rows) + b"]"
    elif kind == 3:
        rows[at] = rows[at][: rng.randrange(len(rows[at]) + 1)]
    else:
        rows[at] = tree(rows[at], rng) if rows[at] else blind(rows[at], rng)
    return b"\n".join(rows)[:MOST]


_TYPES = (1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 46, 47, 64, 65, 250, 255, 257, 65535)


def dns(data: bytes, rng: Random) -> bytes:
    """Change a DNS message where it hurts: counts, pointers, types, lengths, labels."""
    if len(data) < 12 or rng.random() < 0.3:
        return blind(data, rng)
    out = bytearray(data)
    for _ in range(1 + rng.randrange(3)):
        at = rng.randrange(12, len(out)) if len(out) > 12 else 0
        kind = rng.randrange(7)
        if kind == 0:
            struct.pack_into("!H", out, 4 + 2 * rng.randrange(4), rng.choice((0, 1, 2, 3, 255, 65535)))
        elif kind == 1:
            out[at : at + 2] = struct.pack("!H", 0xC000 | rng.randrange(len(out) + 4))
        elif kind == 2:
            out[at : at + 2] = struct.pack("!H", rng.choice(_TYPES))
        elif kind == 3:
            out[at:at] = bytes((rng.choice((0, 1, 63, 64, 192)),)) + rng.randbytes(rng.randrange(4))
        elif kind == 4:
            struct.pack_into("!H", out, 2, rng.choice((0x8180, 0x8183, 0x8582, 0x0100, 0x8380, 0xFFFF)))
        elif kind == 5:
            # Another record, with its own type, length and data.
            size = rng.randrange(40)
            head = b"\xc0\x0c" + struct.pack("!HHIH", rng.choice(_TYPES), rng.choice((1, 3, 255)), 60, size)
            out += head + rng.randbytes(size)
            struct.pack_into("!H", out, 6, min(out[6] << 8 | out[7], 65534) + 1)
        else:
            out = bytearray(blind(bytes(out), rng))
            out += bytes(max(0, 12 - len(out)))
    return bytes(out[:MOST])


def packed(inner: Mutate, *, prefix: int = 0) -> Mutate:
    """Unpack gzip, mutate what is inside, and pack it again; or mutate the packed bytes.

    The first ``prefix`` bytes say something else and are left alone.
    """

    def mutate(data: bytes, rng: Random) -> bytes:
        head, body = data[:prefix], data[prefix:]
        if rng.random() < 0.4:
            return head + blind(body, rng)
        try:
            plain = zlib.decompressobj(31).decompress(body, 2 * MOST)
        except zlib.error:
            return head + inner(body, rng)
        squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
        return head + squeeze.compress(inner(plain, rng)) + squeeze.flush()

    return mutate


def behind(prefix: int, inner: Mutate, choices: int = 256) -> Mutate:
    """Leave the first bytes alone, which choose what is done with the others; change them now and then."""

    def mutate(data: bytes, rng: Random) -> bytes:
        head = data[:prefix].ljust(prefix, b"\0")
        if rng.random() < 0.1:
            head = bytes(rng.randrange(choices) for _ in range(prefix))
        return head + inner(data[prefix:], rng)

    return mutate

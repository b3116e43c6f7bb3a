"""Mutations of bytes and of lines: what chance, cables and enemies make of a valid input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

#: From valid (or formerly valid) bytes to others; the same generator gives the same ones.
Mutate = Callable[[bytes, Random], bytes]

# Lengths and counts live on borders.
_NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 191, 192, 193, 254, 255)
_WIDE = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0xC000, 0xC00C, 0x7FFFFFFF, 0x80000000)
#: Nobody sends more to most parsers in one piece.
MOST = 70_000
#: Words that mean something in several formats, and characters that text readers trip over.
ODD_WORDS = (
    *(b"", b"0", b"-1", b"1e999", b"NaN", b"9" * 5000, b"1_0", b"0x10", b"1.5", b"true", b"null", b"{}"),
    *(b"[]", b'"', b'""', b"'", b",", b";", b"\t", b" ", b"\n", b"\r\n", b"\r", b"\0", b"\x1b[2J", b"\xff"),
    *(b"\xef\xbb\xbf", "\u0661".encode(), "²".encode(), "\u2028".encode(), b"\xed\xa0\x80", b"\xfe\xff"),
    *(b"10.0.0.1", b"::1", b"::ffff:1.2.3.4", b"fe80::1%eth0", b"1.2.3.4/33", b"::/129", b"[", b"]", b"AS0"),
    *(b"4294967296", b"2024-02-30", b"9999-12-31", b"0000-01-01", b"=cmd|'!A0", b"../../x", b"a" * 300),
    "é".encode() * 90,
)


def blind(data: bytes, rng: Random) -> bytes:
    """Change bytes without knowing what they mean, one to four times."""
    out = bytearray(data or b"\0")
    for _ in range(1 << rng.randrange(3)):
        _BLIND[rng.randrange(len(_BLIND))](out, rng)
        if not out:
            out.append(rng.randrange(256))
    return bytes(out[:MOST])


def _flip(out: bytearray, rng: Random) -> None:
    out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)


def _any(out: bytearray, rng: Random) -> None:
    out[rng.randrange(len(out))] = rng.randrange(256)


def _border(out: bytearray, rng: Random) -> None:
    out[rng.randrange(len(out))] = _NUMBERS[rng.randrange(len(_NUMBERS))]


def _wide(out: bytearray, rng: Random) -> None:
    size = (2, 4)[rng.randrange(2)]
    at = rng.randrange(len(out))
    out[at : at + size] = (_WIDE[rng.randrange(len(_WIDE))] & ((1 << 8 * size) - 1)).to_bytes(size, "big")


def _add(out: bytearray, rng: Random) -> None:
    at = rng.randrange(len(out))
    out[at] = (out[at] + rng.randrange(-4, 5)) & 0xFF


def _cut(out: bytearray, rng: Random) -> None:
    del out[rng.randrange(len(out)) :]


def _drop(out: bytearray, rng: Random) -> None:
    at = rng.randrange(len(out))
    del out[at : at + 1 + rng.randrange(8)]


def _again(out: bytearray, rng: Random) -> None:
    at = rng.randrange(len(out))
    piece = out[at : at + 1 + rng.randrange(32)]
    to = rng.randrange(len(out) + 1)
    out[to:to] = piece * (1 if rng.random() < 0.9 else rng.randrange(2, 200))


def _insert(out: bytearray, rng: Random) -> None:
    at = rng.randrange(len(out) + 1)
    out[at:at] = rng.randbytes(1 + rng.randrange(4))


_BLIND = (_flip, _flip, _any, _border, _border, _wide, _wide, _add, _cut, _drop, _again, _insert)


def lines(data: bytes, rng: Random) -> bytes:
    """Change lines and cells: drop, repeat, exchange, join, put odd words in place of cells."""
    if rng.random() < 0.15:
        return blind(data, rng)
    rows = data.split(b"\n")
    for _ in range(1 << rng.randrange(3)):
        at = rng.randrange(len(rows))
        kind = rng.randrange(7)
        if kind == 0 and len(rows) > 1:
            del rows[at]
        elif kind == 1:
            rows.insert(at, rows[rng.randrange(len(rows))])
        elif kind == 2:
            other = rng.randrange(len(rows))
            rows[at], rows[other] = rows[other], rows[at]
        elif kind == 3 and len(rows) < 2000:
            rows[at:at] = [rows[at]] * rng.randrange(1, 40)
        else:
            rows[at] = _cell(rows[at], rng)
    return b"\n".join(rows)[:MOST]


def _cell(row: bytes, rng: Random) -> bytes:
    for separator in (b"\t", b",", b" = ", b": ", b'"', b" "):
        if separator in row and rng.random() < 0.7:
            cells = row.split(separator)
            cells[rng.randrange(len(cells))] = odd_word(rng)
            return separator.join(cells)
    return blind(row, rng).replace(b"\n", b" ") if rng.random() < 0.5 else row + odd_word(rng)


def odd_word(rng: Random) -> bytes:
    """Give a word that is a trap for some reader."""
    return ODD_WORDS[rng.randrange(len(ODD_WORDS))]


def joined(*ways: Mutate) -> Mutate:
    """Mutate in one of several ways, each as often as it stands here."""

    def mutate(data: bytes, rng: Random) -> bytes:
        return ways[rng.randrange(len(ways))](data, rng)

    return mutate


def words(tokens: Sequence[bytes]) -> Mutate:
    """Insert a format's own words, or put them in place of what stands there."""

    def mutate(data: bytes, rng: Random) -> bytes:
        out = bytearray(data)
        for _ in range(1 + rng.randrange(2)):
            token = tokens[rng.randrange(len(tokens))]
            at = rng.randrange(len(out) + 1)
            out[at : at + (len(token) if rng.random() < 0.5 else 0)] = token
        return bytes(out[:MOST])

    return joined(mutate, blind)

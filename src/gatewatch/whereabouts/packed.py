"""A table as it lies on the disk and in memory: one block of sorted numbers, read where it lies.

The file: a line that says what it is, a line of JSON (name, version, licence, date, source, counts and the
SHA-256 of all that follows), blanks up to a multiple of 64 bytes, then the sections of :data:`_SECTIONS` one
after another, each padded to 8 bytes, all numbers little-endian.  An IPv6 address is two 64-bit halves.
Nothing is unpacked: the sections are views of the file's bytes, for bisect and for numpy alike.
"""

from __future__ import annotations

import hashlib
import json
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

_MAGIC = b"gatewatch prefix table 1\n"
# A full table of both families has some 20 MB; a hundred times the internet's prefixes is no table.
_MAX_BYTES = 256 * 1024 * 1024
_MAX_HEADER = 64 * 1024
# Sections in order: name, array type, and which count says how many there are (plus how many more).
_SECTIONS: tuple[tuple[str, Literal["B", "I", "Q"], str, int], ...] = (
    ("starts4", "I", "ranges4", 0),
    ("rows4", "I", "ranges4", 0),
    ("lengths4", "B", "ranges4", 0),
    ("high6", "Q", "ranges6", 0),
    ("low6", "Q", "ranges6", 0),
    ("rows6", "I", "ranges6", 0),
    ("lengths6", "B", "ranges6", 0),
    ("asns", "I", "rows", 0),
    ("prefixes", "I", "rows", 0),
    ("countries", "B", "rows_twice", 0),
    ("offsets", "I", "rows", 1),
    ("texts", "B", "text_bytes", 0),
)
_SIZES = {"B": 1, "I": 4, "Q": 8}
# What numbers are in a section, for whoever reads them.
Numbers = Sequence[int]


class DamagedTable(ValueError):
    """A file is no table of ours, or not as it was written."""


@dataclass(frozen=True, slots=True)
class About:
    """Where a table comes from.  ``version`` is the source's own word, ``date`` ISO 8601 (UTC)."""

    name: str = ""
    version: str = ""
    licence: str = ""
    date: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """The sections, by name.

    ``rows4[i]`` is the row about addresses from ``starts4[i]`` to the next start, ``lengths4[i]`` the
    prefix's length.  Row 0 is nobody.  ``prefixes`` counts the prefixes of a row; ``countries`` holds two
    bytes a row; ``texts`` holds a row's name and exchange, separated by a tab, between two ``offsets``.
    """

    about: About
    sections: Mapping[str, memoryview]

    def text(self, row: int) -> tuple[str, str]:
        """Give a row's name and exchange."""
        offsets = self.sections["offsets"]
        raw = bytes(self.sections["texts"][offsets[row] : offsets[row + 1]]).decode("utf-8", "replace")
        name, _, ixp = raw.partition("\t")
        return name, ixp

    def country(self, row: int) -> str:
        """Give a row's country code, empty where it is not known."""
        pair = bytes(self.sections["countries"][2 * row : 2 * row + 2])
        return pair.decode("ascii", "replace").strip("\0")


def pack(
    about: About,
    four: tuple[Numbers, Numbers, Numbers],
    six: tuple[Numbers, Numbers, Numbers],
    rows: Sequence[tuple[int, str, str, str]],
    counts: Numbers,
) -> Packed:
    """Pack flattened ranges (starts, rows, lengths) and rows (asn, country, name, ixp)."""
    texts = [f"{name}\t{ixp}".encode("utf-8", "replace") for _, _, name, ixp in rows]
    offsets = [0]
    for text in texts:
        offsets.append(offsets[-1] + len(text))
    values: dict[str, Any] = {
        "starts4": four[0],
        "rows4": four[1],
        "lengths4": four[2],
        "high6": [start >> 64 for start in six[0]],
        "low6": [start & 0xFFFF_FFFF_FFFF_FFFF for start in six[0]],
        "rows6": six[1],
        "lengths6": six[2],
        "asns": [row[0] for row in rows],
        "prefixes": counts,
        "countries": b"".join(row[1].encode("ascii", "replace")[:2].ljust(2, b"\0") for row in rows),
        "offsets": offsets,
        "texts": b"".join(texts),
    }
    return Packed(about, {name: memoryview(array(kind, values[name])) for name, kind, _, _ in _SECTIONS})


def dump(packed: Packed) -> bytes:
    """Write the file's bytes."""
    body = bytearray()
    for name, kind, _, _ in _SECTIONS:
        body += _swapped(kind, packed.sections[name]).tobytes()
        body += bytes(-len(body) % 8)
    sections = packed.sections
    header = {
        **asdict(packed.about),
        "sha256": hashlib.sha256(body).hexdigest(),
        "ranges4": len(sections["starts4"]),
        "ranges6": len(sections["high6"]),
        "rows": len(sections["asns"]),
        "text_bytes": len(sections["texts"]),
    }
    head = _MAGIC + json.dumps(header, ensure_ascii=True).encode()
    return head + b" " * (-(len(head) + 1) % 64) + b"\n" + bytes(body)


def read_about(path: Path) -> About:
    """Read where a table comes from, without the table; raises OSError and :class:`DamagedTable`."""
    with path.open("rb") as file:
        return _header(file.read(len(_MAGIC) + _MAX_HEADER), path)[0]


def load(path: Path) -> Packed:
    """Read a table; raises OSError, and :class:`DamagedTable` when it is not as it was written."""
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise DamagedTable(f"{path}: is larger than {_MAX_BYTES} bytes")
    about, header, begins = _header(data, path)
    body = memoryview(data)[begins:]
    if hashlib.sha256(body).hexdigest() != header.get("sha256"):
        raise DamagedTable(f"{path}: the checksum is wrong; fetch it again")
    counts = {name: header.get(name) for name in ("ranges4", "ranges6", "rows", "text_bytes")}
    if not all(isinstance(count, int) and 0 <= count <= _MAX_BYTES for count in counts.values()):
        raise DamagedTable(f"{path}: the header's counts are wrong")
    counts["rows_twice"] = 2 * header["rows"]
    sections, at = {}, 0
    for name, kind, count, more in _SECTIONS:
        length = (int(counts[count] or 0) + more) * _SIZES[kind]
        if at + length > len(body):
            raise DamagedTable(f"{path}: ends within {name}")
        sections[name] = _swapped(kind, body[at : at + length].cast(kind))
        at += length + -length % 8
    return Packed(about, sections)


def _header(data: bytes, path: Path) -> tuple[About, dict[str, Any], int]:
    end = data.find(b"\n", len(_MAGIC), len(_MAGIC) + _MAX_HEADER)
    if not data.startswith(_MAGIC) or end < 0:
        raise DamagedTable(f"{path}: is no prefix table")
    try:
        header = json.loads(data[len(_MAGIC) : end])
        about = About(**{name: str(header[name]) for name in About.__slots__})
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise DamagedTable(f"{path}: its header cannot be read: {error}") from None
    return about, header, end + 1


def _swapped(kind: Literal["B", "I", "Q"], numbers: memoryview) -> memoryview:
    """Give numbers of the file in this machine's order, or the other way round."""
    if sys.byteorder == "little" or kind == "B":
        return numbers
    swapped = array(kind, numbers.tobytes())
    swapped.byteswap()
    return memoryview(swapped)

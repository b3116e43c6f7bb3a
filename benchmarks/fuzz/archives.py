"""Fuzz targets: what measurements come packed in: gzip, zstd, tar; lines, whole files, cut streams."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Hashable
from random import Random

import pyarrow as pa

from benchmarks import ooni_mix
from benchmarks.fuzz import mutate, scratch, shapes
from benchmarks.fuzz.registry import Target
from benchmarks.fuzz.watch import Differs
from gatewatch.store import lines
from gatewatch_analysis.loading.blocks import Piece, blocks
from gatewatch_analysis.loading.sources import find

_NAMES = (
    "x.jsonl",
    "x.jsonl.gz",
    "x.jsonl.zst",
    "x.tar",
    "x.tar.gz",
    "x.tgz",
    "x.json",
    "x.json.gz",
    "x.tar.zst",
)


def archive(data: bytes) -> Hashable:
    """Read the blocks of a file; the first byte says what it calls itself."""
    name = _NAMES[data[0] % len(_NAMES)] if data else _NAMES[0]
    path = scratch.put(name, data[1:])
    told: list[str] = []

    def report(file: str, line: int, reason: str) -> None:
        told.append(reason)

    found = [block for source in find([path], report) for block in blocks(Piece(source), report)]
    size = sum(len(block.data) for block in found)
    rows = sum(1 for block in found for _ in block.lines())
    path.unlink()
    if name == "x.jsonl" and data and size != len(data) - 1:
        raise Differs(f"{size} bytes of {len(data) - 1}")
    return name, min(len(found), 12), min(rows, 12), frozenset(reason[:24] for reason in told)


def _seeds() -> list[bytes]:
    rows = [*ooni_mix.lines(3, 5)]
    plain = b"".join(rows)
    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w") as out:
        for name, data in (
            ("d/a.jsonl", plain),
            ("b.json", rows[0]),
            ("c.post", b'{"format":"json","content":{}}'),
            ("e.txt", b"x"),
            ("f.jsonl.gz", gzip.compress(plain, mtime=0)),
        ):
            about = tarfile.TarInfo(name)
            about.size = len(data)
            out.addfile(about, io.BytesIO(data))
    tar = bundle.getvalue()
    zstd = pa.compress(plain, codec="zstd", asbytes=True), pa.compress(tar, codec="zstd", asbytes=True)
    packed = gzip.compress(plain, mtime=0)
    found = {
        0: plain,
        1: packed,
        2: zstd[0],
        3: tar,
        4: gzip.compress(tar, mtime=0),
        6: rows[0],
        7: gzip.compress(rows[0], mtime=0),
        8: zstd[1],
    }
    two = b"\1" + packed + packed + bytes(20)
    return [*(bytes((kind,)) + data for kind, data in found.items()), two]


def _tar(data: bytes, rng: Random) -> bytes:
    """Change a member's header, or exchange blocks."""
    out = bytearray(data)
    if len(out) >= 1024:
        at = 512 * rng.randrange(len(out) // 512)
        field = rng.choice(((0, 100), (124, 12), (148, 8), (156, 1), (257, 8), (345, 155)))
        start = at + field[0]
        size = rng.randrange(1, field[1] + 1)
        out[start : start + size] = rng.choice((b"\xff", b"0", b"\0", b"7", b"L", b"x", b"S")) * size
        if rng.random() < 0.5:
            # A sum that is right, as a hostile archive's is.
            head = out[at : at + 512]
            head[148:156] = b" " * 8
            out[at + 148 : at + 156] = b"%06o\0 " % sum(head)
    return bytes(out)


def gzip_lines(data: bytes) -> Hashable:
    """Read the lines of a run's file, live or closed; and the label in each."""
    name = "measurements.jsonl.gz" if data[:1] == b"\x1f" else "measurements.jsonl"
    told: list[str] = []
    found = list(lines.read(scratch.put(name, data), told.append))
    if any(not line.endswith(b"\n") for line in found):
        raise Differs("a line without its end")
    labels = {lines.label(line)[:20] for line in found[:20]}
    good = sum(lines.measured(line) is not None for line in found[:20])
    return min(len(found), 12), good, len(labels), frozenset(reason[:20] for reason in told)


def _line_seeds() -> list[bytes]:
    rows = b"".join(ooni_mix.lines(3, 5)) + b'{"a":1,"x_gatewatch_verdict":{"label":"dns.injected"}}\n'
    return [
        rows,
        gzip.compress(rows, mtime=0),
        gzip.compress(rows, mtime=0) + gzip.compress(b"{}\n", mtime=0),
    ]


_ARCHIVE = mutate.joined(_tar, shapes.packed(_tar), shapes.packed(mutate.lines), mutate.blind)
TARGETS = {
    "archive": Target(archive, _seeds, shapes.behind(1, _ARCHIVE, len(_NAMES))),
    "gzip-lines": Target(
        gzip_lines, _line_seeds, mutate.joined(shapes.packed(shapes.tree_lines), mutate.blind)
    ),
}

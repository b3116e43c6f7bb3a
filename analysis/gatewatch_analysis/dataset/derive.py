"""Sources into files: every table in one pass, in a process of its own; nothing is in its place yet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO

import pyarrow as pa

from gatewatch_analysis.dataset.cutting import Cutter, Piece
from gatewatch_analysis.dataset.judged import Judged
from gatewatch_analysis.dataset.layout import PROBLEMS, stored
from gatewatch_analysis.loading import plain
from gatewatch_analysis.loading.blocks import Piece as Part
from gatewatch_analysis.loading.blocks import blocks
from gatewatch_analysis.loading.lists import results
from gatewatch_analysis.loading.observations import Observer
from gatewatch_analysis.loading.seen import Seen
from gatewatch_analysis.loading.sources import Source
from gatewatch_analysis.loading.stores import Store
from gatewatch_targets.text import printable

_BLOCK = 2**20
# Problems held before they are written: some hundred bytes each.
_MOST_TOLD = 20_000


@dataclass(frozen=True, slots=True)
class Job:
    """Sources to derive from together; those whose hash is known are left alone.

    Unfinished files go to ``folder``.
    """

    sources: tuple[Source, ...]
    folder: Path
    known: frozenset[str] = frozenset()


@dataclass(slots=True)
class Read:
    """What became of a source: read, ``known``, or ``failed`` with a reason.  The rest as in the manifest."""

    sha256: str = ""
    size: int = 0
    known: bool = False
    failed: str = ""
    measurements: int = 0
    copies: int = 0
    aside: int = 0
    passed: int = 0
    told: int = 0


@dataclass(frozen=True, slots=True)
class Derived:
    """What became of each source, and their files."""

    read: tuple[Read, ...]
    pieces: tuple[Piece, ...]


def derive(job: Job) -> Derived:
    """Read sources to their ends, and write their rows."""
    job.folder.mkdir(parents=True, exist_ok=True)
    cutter, seen = Cutter(job.folder), Seen()
    done: list[Read] = []
    hashes = set(job.known)
    for source in job.sources:
        read = Read()
        done.append(read)
        try:
            with _here(source, job.folder) as (here, read.sha256, read.size):
                read.known = read.sha256 in hashes
                if not read.known:
                    hashes.add(read.sha256)
                    _read(here, cutter, seen, read)
        except OSError as error:
            read.failed = f"{type(error).__name__}: {error}"
    return Derived(tuple(done), tuple(cutter.close()))


def _read(source: Source, cutter: Cutter, seen: Seen, read: Read) -> None:
    made = _Made(source, cutter, seen)
    for block in blocks(Part(source), made.cut_off):
        for number, line in block.lines():
            for result in results(line):
                made.line(block.file, number, result)
    made.end(read)


class _Made:
    """The tables of a source, as they grow."""

    def __init__(self, source: Source, cutter: Cutter, seen: Seen) -> None:
        about = (plain.clean(source.run), source.isp and plain.clean(source.isp), source.lab)
        self._observer = Observer(*about, seen=seen)
        self._judged = Judged(source)
        self._cutter = cutter
        self._problems: list[tuple[str, int, str, bool]] = []
        self._told = 0

    def cut_off(self, file: str, line: int, reason: str) -> None:
        self._tell(file, line, reason, kept=False)

    def _tell(self, file: str, line: int, reason: str, *, kept: bool) -> None:
        self._problems.append((plain.clean(file), line, plain.clean(printable(reason)), kept))
        self._told += 1

    def line(self, file: str, number: int, line: bytes) -> None:
        """Read a line into every table."""
        observer = self._observer
        before = observer.read
        observer.line(number, line)
        told = [(problem.reason, problem.kept) for problem in observer.problems]
        observer.problems.clear()
        if observer.read > before:
            told += self._judged.line(file, number, line)
        # Both tell what is odd in the envelope.
        for reason, kept in dict.fromkeys(told):
            self._tell(file, number, reason, kept=kept)
        if observer.full:
            self._flush()

    def _flush(self) -> None:
        self._cutter.add("observations", self._observer.take())
        for table, rows in self._judged.take():
            self._cutter.add(table, rows)
        if len(self._problems) >= _MOST_TOLD:
            self._write_problems()

    def _write_problems(self) -> None:
        columns = list(zip(*self._problems, strict=True)) or [()] * 4
        self._cutter.add(PROBLEMS, pa.table(list(map(list, columns)), schema=stored(PROBLEMS)))
        self._problems.clear()

    def end(self, read: Read) -> None:
        """Write what is left, and say how much there was."""
        self._flush()
        self._write_problems()
        observer = self._observer
        read.measurements, read.copies = observer.read, observer.copies
        read.aside, read.passed, read.told = observer.aside, observer.passed, self._told


@dataclass(frozen=True, slots=True)
class _Fetched(Source):
    """A source of which a copy lies here."""

    copy: str = ""

    def store(self) -> Store:
        """Give the copy."""
        return Store(self.copy)


@contextmanager
def _here(source: Source, folder: Path) -> Iterator[tuple[Source, str, int]]:
    """Give a source on this machine's disks, fetched where it lies elsewhere, with its hash and size."""
    store = source.store()
    if store.system is None:
        with store.open(store.root) as stream:
            digest, size = _hash(stream, None)
        yield source, digest, size
        return
    copy = folder / "source"
    with store.open(store.root) as stream, copy.open("wb") as out:
        digest, size = _hash(stream, out)
    try:
        about = {field.name: getattr(source, field.name) for field in fields(Source)}
        yield _Fetched(**about, copy=str(copy)), digest, size
    finally:
        copy.unlink()


def _hash(stream: IO[bytes], out: IO[bytes] | None) -> tuple[str, int]:
    """Hash what is stored, and copy it on the way."""
    found, size = hashlib.sha256(), 0
    while data := stream.read(_BLOCK):
        found.update(data)
        size += len(data)
        if out is not None:
            out.write(data)
    return found.hexdigest(), size

"""Into the dataset: copies are left out, files go to their places, and the manifest says so last."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from time import monotonic

import numpy as np
import pyarrow.parquet as pq
from msgspec import structs
from numpy.typing import NDArray

from gatewatch_analysis.dataset.cutting import Piece, only, writer
from gatewatch_analysis.dataset.layout import MANIFEST, is_part, path, prefixes, stored
from gatewatch_analysis.dataset.manifest import DamagedDataset, Manifest, Origin, Part, load, new, save
from gatewatch_analysis.dataset.place import Place
from gatewatch_analysis.tables.arrow import fitted

_MEASUREMENTS = "measurements"
# Numbers of measurements held for comparing: 80 MB.
_MOST_HELD = 10_000_000
# What is moved is not in the dataset before the manifest is written; a build that is killed loses this much.
_SECONDS = 5.0

Partition = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Found:
    """Sources that were read together: what they are, with their tables of prefixes, and their files."""

    origins: tuple[tuple[Origin, bytes | None], ...]
    pieces: tuple[Piece, ...]


class Committer:
    """Adds sources to a dataset, one after the other; :meth:`close` writes the manifest."""

    def __init__(self, place: Place, workshop: Path) -> None:
        self.place = place
        self.manifest: Manifest = load(place) or new()
        self._workshop = workshop
        self._known = _Known(place, self.manifest)
        self._hashes = {origin.sha256 for origin in self.manifest.sources}
        self._saved = monotonic()
        self._changed = not place.exists(MANIFEST)
        self._clear_up()

    def _clear_up(self) -> None:
        """Remove what a build left that died between moving files and writing the manifest."""
        listed = {part.path for part in self.manifest.parts}
        there = set(self.place.names())
        for name in there:
            if is_part(name) and name not in listed:
                self.place.remove(name)
        if missing := listed - there:
            first = min(missing)
            raise DamagedDataset(f"{self.place.name}: {len(missing)} files are missing, such as {first}")

    def has(self, sha256: str) -> bool:
        """Tell whether a source's content is in the dataset."""
        return sha256 in self._hashes

    def hashes(self, size: int) -> frozenset[str]:
        """Give the hashes of the sources of a size, as stored."""
        return frozenset(origin.sha256 for origin in self.manifest.sources if origin.size == size)

    def add(self, found: Found, name: str, *, save: bool = True) -> tuple[int, int]:
        """Add sources; gives how many measurements are new, and how many were there already.

        ``name`` tells their files from all others.  ``save``: whether the manifest may be written after it.
        """
        copies = 0
        new = 0
        number = 0
        by_partition = sorted(found.pieces, key=lambda p: (p.country, p.day or "", p.table, p.file.name))
        for (country, day), group in groupby(by_partition, key=lambda p: (p.country, p.day)):
            pieces = list(group)
            unwanted = self._known.copies((country, day), [p for p in pieces if p.table == _MEASUREMENTS])
            copies += len(unwanted)
            for piece in pieces:
                kept = self._without(piece, unwanted) if len(unwanted) else piece
                new += kept.rows if kept.table == _MEASUREMENTS else 0
                if kept.rows:
                    self.manifest.parts.append(self._take(kept, f"{name[:16]}-{number}.parquet"))
                    number += 1
                piece.file.unlink(missing_ok=True)
        for origin, table in found.origins:
            where = None if table is None else self._prefixes(table)
            self.manifest.sources.append(structs.replace(origin, prefixes=where))
            self._hashes.add(origin.sha256)
        self.manifest.copies += copies
        self._changed = True
        if save and monotonic() - self._saved >= _SECONDS:
            self.close()
        return new, copies

    def close(self) -> None:
        """Write the manifest, if there is something new."""
        if self._changed:
            self.place.settle()
            save(self.place, self.manifest)
            self._changed = False
        self._saved = monotonic()

    def _prefixes(self, data: bytes) -> str:
        name = prefixes(hashlib.sha256(data).hexdigest())
        if not self.place.exists(name):
            self.place.write(name, data)
        return name

    def _without(self, piece: Piece, unwanted: NDArray[np.int64]) -> Piece:
        """Write a piece anew without some measurements, a row group at a time."""
        file = self._workshop / f"{piece.file.stem}-less.parquet"
        rows, want = 0, stored(piece.table)
        with pq.ParquetFile(piece.file) as old, writer(file, piece.table) as fresh:
            for group in range(old.num_row_groups):
                data = only(fitted(old.read_row_group(group), want), unwanted)
                fresh.write_table(data)
                rows += len(data)
        return replace(piece, file=file, rows=rows)

    def _take(self, piece: Piece, file: str) -> Part:
        name = path(piece.table, piece.country, piece.day, file)
        size = piece.file.stat().st_size
        self.place.take(piece.file, name)
        part = Part(piece.table, piece.country, piece.day, name, piece.rows, size)
        self._known.add(part)
        return part


class _Known:
    """The numbers of the measurements in each partition, read when they are needed."""

    def __init__(self, place: Place, manifest: Manifest) -> None:
        self._place = place
        self._held: OrderedDict[Partition, NDArray[np.int64]] = OrderedDict()
        self._files: dict[Partition, list[str]] = {}
        for part in manifest.parts:
            self.add(part)

    def add(self, part: Part) -> None:
        """Note a file that is in its place."""
        if part.table == _MEASUREMENTS:
            self._files.setdefault((part.country, part.day), []).append(part.path)

    def copies(self, partition: Partition, pieces: Iterable[Piece]) -> NDArray[np.int64]:
        """Give the numbers that are there already, and count the others in."""
        new = _joined(_numbers(pq.ParquetFile(piece.file)) for piece in pieces)
        if not len(new):
            return new
        there = self._held.pop(partition, None)
        if there is None:
            there = _joined(self._read(file) for file in self._files.get(partition, ()))
        self._held[partition] = np.union1d(there, new)
        while sum(map(len, self._held.values())) > _MOST_HELD and len(self._held) > 1:
            self._held.popitem(last=False)
        return np.intersect1d(there, new)

    def _read(self, name: str) -> NDArray[np.int64]:
        with self._place.open(name) as stream:
            return _numbers(pq.ParquetFile(stream))


def _numbers(file: pq.ParquetFile) -> NDArray[np.int64]:
    with file:
        found: NDArray[np.int64] = file.read(["measurement"])["measurement"].to_numpy()
    return found


def _joined(arrays: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *arrays])

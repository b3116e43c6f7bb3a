"""Rows as they come, into one file for each table, country and day, with bounded memory and few files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gatewatch_analysis.dataset.layout import CUT, country_of, stored
from gatewatch_analysis.tables.arrow import fitted

# Bytes of rows that wait, over all files and in one: a row group that compresses well has some megabytes.
_MOST_WAITING = 64 * 2**20
_GROUP = 16 * 2**20
# A process may have 256 files open on macOS, 1,024 on Linux; a source of more countries and days closes some.
_MOST_OPEN = 100
# 152,000 records/s at 12.8 to 1; level 9 is six times slower for a quarter less.
_COMPRESSION, _LEVEL = "zstd", 3
_DAY_US = 86_400_000_000

#: Table, country, day.
Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished file that is not yet in its place."""

    table: str
    country: str
    day: str | None
    file: Path
    rows: int


@dataclass(slots=True)
class _Waiting:
    tables: list[pa.Table] = field(default_factory=list)
    size: int = 0


class Cutter:
    """Cuts one source's rows; :meth:`close` gives the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[Key, _Waiting] = {}
        self._size = 0
        self._open: dict[Key, tuple[pq.ParquetWriter, Path, int]] = {}
        self._pieces: list[Piece] = []
        self._files = 0

    def add(self, table: str, data: pa.Table) -> None:
        """Add rows of a table."""
        if not data.num_rows:
            return
        plain = fitted(data, stored(table))
        for country, day, rows in _cut(plain) if table in CUT else [("", None, plain)]:
            waiting = self._waiting.setdefault((table, country, day), _Waiting())
            waiting.tables.append(rows)
            waiting.size += rows.nbytes
            self._size += rows.nbytes
            if waiting.size >= _GROUP:
                self._write((table, country, day))
        while self._size >= _MOST_WAITING:
            self._write(max(self._waiting, key=lambda key: self._waiting[key].size))

    def close(self) -> list[Piece]:
        """Write what waits; gives the files in the order of table, country and day."""
        for key in list(self._waiting):
            self._write(key)
        for key in list(self._open):
            self._finish(key)
        self._pieces.sort(key=lambda p: (p.table, p.country, p.day or "", p.file.name))
        return self._pieces

    def _write(self, key: Key) -> None:
        waiting = self._waiting.pop(key)
        self._size -= waiting.size
        if key not in self._open:
            if len(self._open) >= _MOST_OPEN:
                self._finish(next(iter(self._open)))
            path = self._folder / f"{self._files:06d}.parquet"
            self._files += 1
            self._open[key] = (writer(path, key[0]), path, 0)
        # Written last, closed last.
        parquet, path, rows = self._open.pop(key)
        data = pa.concat_tables(waiting.tables)
        parquet.write_table(data, row_group_size=len(data))
        self._open[key] = (parquet, path, rows + len(data))

    def _finish(self, key: Key) -> None:
        parquet, path, rows = self._open.pop(key)
        parquet.close()
        self._pieces.append(Piece(*key, path, rows))


def writer(path: Path, table: str) -> pq.ParquetWriter:
    """Open a file for a table's rows."""
    return _Writer(path, stored(table), compression=_COMPRESSION, compression_level=_LEVEL)


class _Writer(pq.ParquetWriter):  # type: ignore[misc] # pyarrow has no types
    """A writer that says once what went wrong, and not again when it is thrown away."""

    def __del__(self) -> None:
        with suppress(OSError):
            super().__del__()


def _cut(data: pa.Table) -> list[tuple[str, str | None, pa.Table]]:
    """Give the rows of each country and day, in the order they came."""
    countries = data["country"].combine_chunks().dictionary_encode()
    words = [country_of(word) for word in countries.dictionary.to_pylist()]
    # Several spellings of "not known" are one partition.
    places = {word: number for number, word in enumerate(dict.fromkeys(words))}
    by_word = np.array([places[word] for word in words] or [0], np.int64)
    of = by_word[countries.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    start = data["start"].combine_chunks()
    missing = start.is_null().to_numpy(zero_copy_only=False)
    micros = start.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    days = np.where(missing, np.int64(-(2**31)), micros // _DAY_US)
    keys = (of << 40) + days
    found, inverse = np.unique(keys, return_inverse=True)
    names = list(places)

    def named(row: int) -> tuple[str, str | None]:
        day = None if missing[row] else str(np.datetime64(int(days[row]), "D"))
        return names[int(of[row])], day

    if len(found) == 1:
        return [(*named(0), data)]
    order = np.argsort(inverse, kind="stable")
    ends = np.cumsum(np.bincount(inverse))
    by_key = data.take(pa.array(order))
    begin, cut = 0, []
    for end in ends.tolist():
        cut.append((*named(int(order[begin])), by_key.slice(begin, end - begin)))
        begin = end
    return cut


def only(data: pa.Table, unwanted: Any) -> pa.Table:
    """Leave out the rows of some measurements."""
    numbers = data["measurement"].combine_chunks().fill_null(0).to_numpy(zero_copy_only=False)
    return data.filter(pa.array(~np.isin(numbers, unwanted)))

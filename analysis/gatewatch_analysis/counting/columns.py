"""Parquet read for counting: numbers and flags by polars, which needs a third of Arrow's time for them.

Text is read by Arrow, which leaves it as the file has it: a dictionary, and a code a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

# Rows of a portion: enough for polars' start to be nothing, few enough for every core to have some.
_PORTION = 1_000_000


@dataclass(frozen=True, slots=True)
class Portion:
    """Some row groups of a file that follow one another; ``start``: the rows before them."""

    file: Any
    groups: tuple[int, ...]
    start: int
    rows: int

    def read(self, dataset: Any, columns: Sequence[str]) -> Iterator[list[Any]]:
        """Give the columns as Arrow arrays, some hundred thousand rows at a time."""
        plain = [name for name in columns if not pa.types.is_dictionary(dataset.schema.field(name).type)]
        if not plain or not self._is_as_asked(dataset, columns) or find_spec("polars") is None:
            piece = self.file.subset(row_group_ids=list(self.groups))
            table = piece.to_table(schema=dataset.schema, columns=list(columns), use_threads=False)
            yield from (batch.columns for batch in table.to_batches())
            return
        import polars as pl

        lazy = pl.scan_parquet(self.file.path, hive_partitioning=False, glob=False)
        numbers = lazy.select(plain).slice(self.start, self.rows).collect().to_arrow()
        text = [name for name in columns if name not in plain]
        at = 0
        with pq.ParquetFile(self.file.path, metadata=self.file.metadata, read_dictionary=text) as opened:
            for group in self.groups:
                rows = self.file.metadata.row_group(group).num_rows
                table = numbers.slice(at, rows)
                if text:
                    read = opened.read_row_group(group, columns=text, use_threads=False)
                    for name in text:
                        table = table.append_column(name, read[name])
                yield from (batch.columns for batch in table.select(list(columns)).to_batches())
                at += rows

    def _is_as_asked(self, dataset: Any, columns: Sequence[str]) -> bool:
        """Tell whether the file itself has these columns, of these types."""
        if not isinstance(dataset.filesystem, LocalFileSystem):
            return False
        stored = self.file.physical_schema
        return all(
            name in stored.names and stored.field(name).type.equals(dataset.schema.field(name).type)
            for name in columns
        )


def portions(dataset: Any, workers: int) -> list[Portion]:
    """Cut a dataset into portions, as many as can be shared out evenly."""
    files = [(file, [group.num_rows for group in file.row_groups]) for file in dataset.get_fragments()]
    total = sum(sum(rows) for _, rows in files)
    shares = ceil(ceil(total / _PORTION) / workers) * workers
    size = total / max(shares, 1)
    found = []
    for file, rows in files:
        groups: list[int] = []
        start = held = 0
        for group, count in enumerate(rows):
            groups.append(group)
            held += count
            if held >= size or group == len(rows) - 1:
                found.append(Portion(file, tuple(groups), start, held))
                groups, start, held = [], start + held, 0
    return found

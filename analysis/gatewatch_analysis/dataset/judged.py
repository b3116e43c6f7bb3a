"""The tables of :func:`gatewatch_analysis.load`, some thousand measurements at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from gatewatch_analysis.dataset.layout import stored
from gatewatch_analysis.loading.reader import Loader
from gatewatch_analysis.loading.sources import Source

_TABLES = ("measurements", "hops", "loci", "contrasts")


class _Loader(Loader):
    """Hands the problems over."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, bool]] = []

    def problem(self, file: str, line: int, reason: str, *, kept: bool = False) -> None:
        self.told.append((reason, kept))


class Judged:
    """Judges the lines of one source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._loader = _Loader()

    def line(self, file: str, number: int, line: bytes) -> list[tuple[str, bool]]:
        """Read a line; gives what is odd about it, and whether the rest of it is kept."""
        self._loader.line(self._source, file, number, line)
        told, self._loader.told = self._loader.told, []
        return told

    def take(self) -> Iterator[tuple[str, pa.Table]]:
        """Give the rows since, by table."""
        loaded = self._loader.take()
        for table in _TABLES:
            frame: pd.DataFrame = getattr(loaded, table)
            yield table, pa.Table.from_pandas(frame, schema=stored(table), preserve_index=False)

"""The tables of :func:`gatewatch_analysis.load`, some thousand measurements at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from gatewatch_analysis.dataset.layout import stored
from gatewatch_analysis.loading.loader import Loader
from gatewatch_analysis.loading.measured.columns import Joined
from gatewatch_analysis.loading.sources import Source

_OTHERS = ("hops", "loci", "contrasts")


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
        """Give the rows since, by table; networks are named as each measurement names them."""
        loaded = self._loader.take()
        joined = Joined()
        joined.add(loaded.measurements)
        column, want = joined.columns(), stored("measurements")
        cells = [column(field.name).cast(field.type) for field in want]
        yield "measurements", pa.table(cells, schema=want)
        for table in _OTHERS:
            yield table, loaded.others[table].cast(stored(table))

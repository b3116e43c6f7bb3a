"""Observations of files: streamed in tables of a bounded size, or as one DataFrame, over all cores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from gatewatch_analysis.loading import plain
from gatewatch_analysis.loading.blocks import Piece, blocks, pieces
from gatewatch_analysis.loading.observations.observe import Observer
from gatewatch_analysis.loading.sources import find
from gatewatch_analysis.loading.spread import WorkerDied, cores, spread
from gatewatch_analysis.loading.wanted import ALL, Wanted
from gatewatch_analysis.tables import Observations, Problems
from gatewatch_analysis.tables.arrow import schema, to_pandas
from gatewatch_targets.text import printable

if TYPE_CHECKING:
    import pandas as pd

#: A row of the table of problems: file, line, reason, kept.
Trouble = tuple[str, int, str, bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be read of a piece."""

    piece: Piece
    wanted: Wanted = ALL
    kinds: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What was loaded: ``observations`` and ``problems`` as :mod:`gatewatch_analysis.tables` describes them.

    ``measurements`` is how many were read, whether or not they have observations.
    """

    observations: pd.DataFrame
    problems: pd.DataFrame
    measurements: int


def stream(
    paths: Iterable[str | Path],
    trouble: Callable[[Trouble], object],
    wanted: Wanted = ALL,
    *,
    storage: Mapping[str, Any] | None = None,
) -> Iterator[pa.Table]:
    """Give the observations as Arrow tables, each of a bounded size, in the order of the files.

    ``trouble`` is called with each row of the table of problems.
    """

    def report(file: str, line: int, reason: str) -> None:
        trouble(_row(file, line, reason, kept=True))

    given = list(paths)
    derived = _datasets(given, storage)
    for path in derived:
        yield from _derived(path, "observations", wanted, storage=storage)
    for source in find([path for path in given if path not in derived], report, storage):
        yield from Reading(Asked(Piece(source), wanted), trouble).tables()


def load_observations(
    paths: Iterable[str | Path],
    *,
    wanted: Wanted = ALL,
    kinds: Iterable[str] | None = None,
    columns: Iterable[str] | None = None,
    processes: int | None = None,
    storage: Mapping[str, Any] | None = None,
) -> Observed:
    """Load the observations of files of measurements, or datasets (as :func:`gatewatch_analysis.load` does).

    They are many: some ten for each measurement.  Ask for the ``kinds`` and ``columns`` needed, and for the
    countries and days (``wanted``).  ``processes`` is by default the number of cores.
    """
    told: list[Trouble] = []

    def report(file: str, line: int, reason: str) -> None:
        told.append(_row(file, line, reason, kept=True))

    given = list(paths)
    derived = _datasets(given, storage)
    found = find([path for path in given if path not in derived], report, storage)
    of_kinds = None if kinds is None else tuple(kinds)
    chosen = tuple(columns or schema(Observations).names)
    asked = [Asked(piece, wanted, of_kinds, chosen) for piece in pieces(found)]
    # What lies in this process's memory no other can see.
    alone = any(source.alone for source in found)
    count = 1 if alone or len(asked) < 2 else min(processes or cores(), len(asked))
    tables, measurements = [], 0
    lines: Counter[str] = Counter()
    for work, result in spread(_work, asked, count):
        name = work.piece.source.name
        if isinstance(result, WorkerDied):
            told.append(_row(name, 0, f"is not read: {result}", kept=False))
            continue
        tables.append(result.data)
        # Lines are numbered within a piece; a file's pieces come in order.
        before = lines[name] if work.piece.start else 0
        told += [(file, line + before if line else 0, *rest) for file, line, *rest in result.told]
        lines[name] = before + result.lines
        measurements += result.measurements
    for path in derived:
        needed = dict.fromkeys((*chosen, "kind"))
        for data in _derived(path, "observations", wanted, columns=needed, storage=storage):
            tables.append(_chosen(data, of_kinds, chosen))
        counted = _derived(path, "measurements", wanted, columns=["measurement"], storage=storage)
        measurements += sum(map(len, counted))
    whole = pa.concat_tables(tables) if tables else schema(Observations).empty_table().select(chosen)
    return Observed(to_pandas(whole, Observations), Problems.frame(told), measurements)


def _chosen(data: pa.Table, kinds: tuple[str, ...] | None, columns: tuple[str, ...]) -> pa.Table:
    if kinds is not None:
        data = data.filter(pc.is_in(data["kind"].cast(pa.string()), pa.array(kinds, pa.string())))
    return data.select(columns)


def _datasets(paths: list[str | Path], storage: Mapping[str, Any] | None) -> list[str | Path]:
    """Give those paths that are datasets, which have observations already."""
    # Here, because datasets are made of observations.
    from gatewatch_analysis.dataset.reading import is_dataset

    return [path for path in paths if is_dataset(path, storage)]


def _derived(*about: Any, **more: Any) -> Iterator[pa.Table]:
    """Read a table of a dataset."""
    from gatewatch_analysis.dataset.reading import tables

    return tables(*about, **more)


@dataclass(frozen=True, slots=True)
class _Result:
    data: pa.Table
    told: list[Any]
    measurements: int
    lines: int


def _work(asked: Asked) -> _Result:
    told: list[Trouble] = []
    reading = Reading(asked, told.append)
    tables = []
    for data in reading.tables():
        tables.append(_chosen(data, asked.kinds, asked.columns))
    if not tables:
        tables.append(schema(Observations).empty_table().select(asked.columns))
    # One dictionary for all chunks: each goes to the other process once.
    whole = pa.concat_tables(tables).unify_dictionaries()
    return _Result(whole, told, reading.measurements, reading.lines)


class Reading:
    """Reads a piece: its tables, and then how many measurements and lines there were."""

    def __init__(self, asked: Asked, trouble: Callable[[Trouble], object]) -> None:
        source = asked.piece.source
        self.measurements = 0
        self.lines = 0
        self._asked = asked
        self._trouble = trouble
        self._observer = Observer(
            plain.clean(source.run), source.isp and plain.clean(source.isp), source.lab, asked.wanted
        )

    def tables(self) -> Iterator[pa.Table]:
        """Give the observations, some thousand measurements at a time."""

        def report(file: str, line: int, reason: str) -> None:
            self._trouble(_row(file, line, reason, kept=False))

        observer = self._observer
        for block in blocks(self._asked.piece, report):
            self.lines = observer.block(block.lines()) or self.lines
            for problem in observer.problems:
                self._trouble(_row(block.file, problem.line, problem.reason, kept=problem.kept))
            observer.problems.clear()
            self.measurements = observer.read
            if observer.full:
                yield observer.take()
        if len(observer):
            yield observer.take()


def _row(file: str, line: int, reason: str, *, kept: bool) -> Trouble:
    return plain.clean(file), line, plain.clean(printable(reason)), kept

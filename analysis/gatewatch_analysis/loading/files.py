"""Files over all cores: pieces of them are read in processes, and joined in their order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from gatewatch_analysis.loading.blocks import Piece, blocks, pieces
from gatewatch_analysis.loading.loader import Loaded, Loader
from gatewatch_analysis.loading.measured.columns import Joined
from gatewatch_analysis.loading.sources import Source, find
from gatewatch_analysis.loading.spread import WorkerDied, cores, spread
from gatewatch_analysis.loading.wanted import ALL, Wanted
from gatewatch_analysis.tables import Problems
from gatewatch_analysis.tables.arrow import schema

# Starting processes takes a third of a second each; one core reads so much in that time.
_WORTH = 32 * 2**20


@dataclass(frozen=True, slots=True)
class _Asked:
    """A piece, and what is to be made of it; ``aside`` is the folder for lines that cannot be read."""

    piece: Piece
    wanted: Wanted
    aside: Path | None


@dataclass(slots=True)
class _Read:
    loaded: Loaded
    lines: int


@dataclass(slots=True)
class Everything:
    """All rows of all files: measurements numbered by what they share, other tables as Arrow's."""

    measurements: Joined
    others: dict[str, pa.Table]
    sources: list[Source]


def read(
    paths: Iterable[str | Path],
    *,
    wanted: Wanted = ALL,
    aside: str | Path | None = None,
    processes: int | None = None,
    storage: Mapping[str, Any] | None = None,
) -> Everything:
    """Read the files that paths name; arguments as those of :func:`gatewatch_analysis.load`."""
    told = Loader()
    sources = find(paths, lambda file, line, reason: told.problem(file, line, reason, kept=True), storage)
    folder = None if aside is None else Path(aside)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    joined = Joined()
    parts: dict[str, list[pa.Table]] = {name: [table] for name, table in told.take().others.items()}
    lines: Counter[str] = Counter()
    traces = 0
    asked = (_Asked(piece, wanted, folder) for piece in pieces(sources))
    for work, result in spread(_work, asked, _processes(sources, processes)):
        name = work.piece.source.name
        if isinstance(result, WorkerDied):
            parts["problems"].append(_died(work.piece, result))
            continue
        # Lines are numbered within a piece, and traces; pieces come in order.
        before = lines[name] if work.piece.start else 0
        lines[name] = before + result.lines
        loaded = result.loaded
        joined.add(loaded.measurements)
        for other, table in loaded.others.items():
            parts[other].append(_shifted(table, "line", before) if other == "problems" else table)
        parts["hops"][-1] = _shifted(parts["hops"][-1], "trace", traces)
        traces += loaded.traces
    return Everything(joined, {name: pa.concat_tables(found) for name, found in parts.items()}, sources)


def _processes(sources: list[Source], asked: int | None) -> int:
    if any(source.alone for source in sources):
        return 1  # what lies in this process's memory no other can see
    if asked is not None:
        return asked
    return cores() if sum(source.size for source in sources) >= _WORTH else 1


def _work(asked: _Asked) -> _Read:
    source = asked.piece.source
    lines = 0
    with _Aside(asked.aside, asked.piece) as put:
        loader = Loader(asked.wanted, aside=put)
        for block in blocks(asked.piece, loader.problem):
            loader.block(source, block)
            lines = max(lines, block.line + block.count - 1)
        return _Read(loader.take(), lines)


class _Aside:
    """A file for the lines of a piece that cannot be read, made when there is one."""

    def __init__(self, folder: Path | None, piece: Piece) -> None:
        self._folder, self._piece = folder, piece
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Callable[[bytes], object] | None:
        return None if self._folder is None else self._put

    def _put(self, line: bytes) -> None:
        assert self._folder is not None
        if self._file is None:
            source = self._piece.source
            # Runs of one name may lie in several folders.
            mark = sha256(source.name.encode("utf-8", "replace")).hexdigest()[:8]
            run = re.sub(r"[^\w.-]", "_", source.run)[:80]
            self._file = (self._folder / f"{run}-{mark}-{self._piece.start}.lines").open("wb")
        self._file.write(line.rstrip(b"\r\n") + b"\n")

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _shifted(table: pa.Table, column: str, by: int) -> pa.Table:
    """Add to a column's numbers; 0 in ``line`` is the file as a whole, and stays."""
    if not by or not len(table):
        return table
    at = table.schema.get_field_index(column)
    values = table[column]
    more = pc.add(values, by)
    if column == "line":
        more = pc.if_else(pc.equal(values, 0), values, more)
    return table.set_column(at, table.schema.field(at), more)


def _died(piece: Piece, died: WorkerDied) -> pa.Table:
    end = "its end" if piece.stop is None else f"byte {piece.stop}"
    what = f"is not read from byte {piece.start} to {end}: {died}"
    return pa.table([[piece.source.name], [0], [what], [False]], schema=schema(Problems))

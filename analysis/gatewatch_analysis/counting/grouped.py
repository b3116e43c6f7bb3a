"""Rows counted, and columns summed, by group: pandas in front, and beneath it whatever is fastest.

Few groups: DuckDB (:mod:`gatewatch_analysis.counting.queried`).  Where it is not there, or cannot read (an
object store): a counter for each combination of keys (:mod:`gatewatch_analysis.counting.counters`), until
there are too many.  Many groups: the rows' keys as numbers, sorted, which needs half the time of any hash
table, and a third of its memory (:mod:`gatewatch_analysis.counting.parts`).  Whether there are few, an
estimate from some rows tells.  ``python -m benchmarks aggregate`` prints what each needs beside pandas,
polars and duckdb.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from gatewatch_analysis.counting.columns import Portion, portions
from gatewatch_analysis.counting.counters import Counters, Slots, TooMany, countable
from gatewatch_analysis.counting.parts import Part, frame, part, reduce
from gatewatch_analysis.counting.queried import can_query, queried

#: A frame, a Parquet file, a folder of them (``name=value`` folders become columns), or several files.
Source = pd.DataFrame | str | Path | Sequence[str | Path]

# Rows held as codes before they are reduced: about a tenth of a gigabyte for four keys.
_WAVE = 8_000_000
# Rows of a row group looked at to tell few groups from many.
_SAMPLE = 4096
# Portions read at a time for each core.
_AHEAD = 2
# Above so many groups sorting wins (benchmarks.aggregate; the two are alike between 50,000 and 200,000).
_FEW = 100_000
# Each flag doubles the counters.
_FLAGS = 3


def aggregate(
    source: Source,
    by: Sequence[str],
    sums: Sequence[str] = (),
    *,
    engine: Literal["auto", "count", "sort", "query"] = "auto",
) -> pd.DataFrame:
    """Count the rows of each group of ``by``, and add up ``sums``.

    Gives the columns of ``by`` (text as categories), ``rows`` (Int64), and a column for each sum (Int64 for
    flags and whole numbers, Float64 else), in the order of the keys.  A missing key is a group as any other
    and comes last; a missing value adds nothing.  Memory is bounded by a wave of rows and by the result.
    With ``engine`` "count" it raises :class:`~gatewatch_analysis.counting.counters.TooMany` where "auto" goes
    another way.
    """
    if not by:
        raise ValueError("at least one column to group by is needed")
    if isinstance(source, pd.DataFrame):
        with ThreadPoolExecutor(1) as pool:
            table = pa.Table.from_pandas(source[[*by, *sums]], preserve_index=False)
            return frame(reduce([part(table, by, sums)], pool), by, sums)
    dataset = _dataset(source, by)
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        few = engine == "auto" and _estimate(dataset, by) <= _FEW
        if engine == "query" or (few and can_query(dataset)):
            return frame(reduce([queried(dataset, by, sums)], pool), by, sums)
        if engine == "count" or (few and _may_be_counted(dataset, by, sums)):
            try:
                return frame(_counted(dataset, by, sums, pool, workers), by, sums)
            except TooMany:
                if engine == "count":
                    raise
        found = _waves(dataset, by, sums, pool, workers)
        # One wave is in order already.
        return frame(found[0] if len(found) == 1 else reduce(found, pool), by, sums)


def _dataset(source: str | Path | Sequence[str | Path], by: Sequence[str]) -> Any:
    paths = (
        [str(p) for p in source]
        if isinstance(source, Sequence) and not isinstance(source, str)
        else str(source)
    )
    hive = ds.HivePartitioning.discover(infer_dictionary=True)
    plain = ds.dataset(paths, format="parquet", partitioning=hive)
    text = [f.name for f in plain.schema if f.name in by and _is_text(f.type)]
    if not text:
        return plain
    options = ds.ParquetReadOptions(dictionary_columns=text)
    return ds.dataset(paths, format=ds.ParquetFileFormat(read_options=options), partitioning=hive)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _estimate(dataset: Any, by: Sequence[str]) -> float:
    """Estimate the number of groups from some rows of the first and the last file.

    Source: A. Chao, Scandinavian Journal of Statistics 11, 1984, 265-270: groups seen once and twice tell how
    many were not seen.
    """
    files = dataset.files
    samples: list[Any] = []
    for file in dict.fromkeys(files[k] for k in (0, -1)) if files else ():
        with dataset.filesystem.open_input_file(file) as stream:
            samples += _samples(pq.ParquetFile(stream), by)
    if not samples:
        return float(len(files))
    sample = pa.Table.from_batches(samples)
    rows = sample.group_by(sample.column_names, use_threads=False).aggregate([([], "count_all")])["count_all"]
    once, twice = pc.sum(pc.equal(rows, 1)).as_py() or 0, pc.sum(pc.equal(rows, 2)).as_py() or 0
    groups = len(rows) + once * (once - 1) / (2 * (twice + 1))
    # Columns that folders name have one value a file.
    return float(groups if sample.num_columns == len(by) else groups * len(files))


def _samples(opened: Any, by: Sequence[str]) -> Iterator[Any]:
    """Read the beginnings of a file's first and last row group."""
    count, columns = opened.num_row_groups, [name for name in by if name in opened.schema_arrow.names]
    for group in dict.fromkeys((0, count - 1)) if columns and count else ():
        yield from islice(
            opened.iter_batches(_SAMPLE, row_groups=[group], columns=columns, use_threads=False), 1
        )


def _may_be_counted(dataset: Any, by: Sequence[str], sums: Sequence[str]) -> bool:
    kinds = dataset.schema
    return len(sums) <= _FLAGS and (
        all(countable(kinds.field(name).type) for name in by)
        and all(pa.types.is_boolean(kinds.field(name).type) for name in sums)
    )


def _counted(
    dataset: Any, by: Sequence[str], sums: Sequence[str], pool: ThreadPoolExecutor, workers: int
) -> Part:
    """Read row groups on all cores, each with counters of its own; raises TooMany."""
    waiting: SimpleQueue[Portion] = SimpleQueue()
    for portion in portions(dataset, workers):
        waiting.put(portion)
    slots, given_up = [Slots() for _ in by], Event()

    def work(_: int) -> Counters:
        counters = Counters(slots, len(sums))
        with suppress(Empty):
            while not given_up.is_set():
                for columns in waiting.get_nowait().read(dataset, [*by, *sums]):
                    try:
                        counters.add(columns[: len(by)], columns[len(by) :])
                    except TooMany:
                        given_up.set()
                        raise
        return counters

    first, *others = pool.map(work, range(workers))
    for other in others:
        first.absorb(other)
    kinds = [dataset.schema.field(name).type for name in by]
    return first.part([k.value_type if pa.types.is_dictionary(k) else k for k in kinds])


def _waves(
    dataset: Any, by: Sequence[str], sums: Sequence[str], pool: ThreadPoolExecutor, workers: int
) -> list[Part]:
    """Read portions on all cores and reduce them, a wave at a time."""
    names = [*by, *sums]

    def read(portion: Portion) -> list[Part]:
        return [part(pa.table(columns, names), by, sums) for columns in portion.read(dataset, names)]

    found: list[Part] = []
    wave: list[Part] = []
    waiting = iter(portions(dataset, workers))
    while several := list(islice(waiting, _AHEAD * workers)):
        for parts in pool.map(read, several):
            wave += parts
        if sum(map(len, wave)) >= _WAVE:
            found.append(reduce(wave, pool))
            wave = []
    if wave or not found:
        found.append(reduce(wave or [part(dataset.schema.empty_table(), by, sums)], pool))
    return found

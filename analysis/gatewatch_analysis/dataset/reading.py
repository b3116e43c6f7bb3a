"""Read a dataset: table by table, only the countries, days and columns that are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from gatewatch_analysis.dataset.layout import CUT, MANIFEST, TABLES, texts
from gatewatch_analysis.dataset.manifest import DamagedDataset, Manifest, Part, load
from gatewatch_analysis.dataset.place import Place, place_of
from gatewatch_analysis.loading.stores import NoDataset
from gatewatch_analysis.loading.wanted import ALL, Wanted
from gatewatch_analysis.tables.arrow import fitted, schema, to_pandas

if TYPE_CHECKING:
    import pandas as pd


def is_dataset(path: str | Path, storage: Mapping[str, Any] | None = None) -> bool:
    """Tell whether there is a dataset at a path or URL."""
    try:
        return place_of(path, storage).exists(MANIFEST)
    except Exception:  # each store has errors of its own; whoever reads the path will tell what is wrong
        return False


def opened(path: str | Path, storage: Mapping[str, Any] | None = None) -> tuple[Place, Manifest]:
    """Open a dataset; raises NoDataset where there is none."""
    place = place_of(path, storage)
    manifest = load(place)
    if manifest is None:
        raise NoDataset(f"{place.name} is no dataset: it has no manifest")
    return place, manifest


def tables(
    path: str | Path,
    table: str,
    wanted: Wanted = ALL,
    *,
    columns: Iterable[str] | None = None,
    storage: Mapping[str, Any] | None = None,
) -> Iterator[pa.Table]:
    """Give a table's rows as Arrow tables of a bounded size, by country, day and source.

    Files of other countries and days are not opened.  Raises NoDataset, and DamagedDataset for a file that is
    missing or no Parquet.
    """
    place, manifest = opened(path, storage)
    chosen = list(columns) if columns is not None else list(TABLES[table].columns())
    for part in parts(manifest, table, wanted):
        yield from read_part(place, part, chosen)


def parts(manifest: Manifest, table: str, wanted: Wanted) -> list[Part]:
    """Give the files of a table that are wanted, in order."""
    found = [part for part in manifest.parts if part.table == table]
    if table in CUT:
        found = [p for p in found if wanted.country(p.country) and wanted.day(p.date)]
    return sorted(found, key=lambda p: (p.country, p.day or "", p.path))


def read_part(place: Place, part: Part, columns: list[str]) -> Iterator[pa.Table]:
    """Read a file, a row group at a time."""
    want = pa.schema([schema(TABLES[part.table]).field(name) for name in columns])
    try:
        with (
            place.open(part.path) as stream,
            pq.ParquetFile(stream) as about,
        ):
            there = [name for name in columns if name in about.schema_arrow.names]
            numbered = [name for name in texts(part.table) if name in there]
            file = pq.ParquetFile(stream, metadata=about.metadata, read_dictionary=numbered)
            for group in range(file.num_row_groups):
                yield fitted(file.read_row_group(group, there), want)
    except (OSError, ValueError) as error:
        raise DamagedDataset(f"{place.name}/{part.path}: {error}") from error


def read_table(
    path: str | Path,
    table: str,
    wanted: Wanted = ALL,
    *,
    columns: Iterable[str] | None = None,
    storage: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Give a table as a DataFrame.

    ``table`` is measurements, observations, hops, loci, contrasts or problems.
    """
    chosen = list(columns) if columns is not None else list(TABLES[table].columns())
    found = list(tables(path, table, wanted, columns=chosen, storage=storage))
    empty = schema(TABLES[table]).empty_table().select(chosen)
    return to_pandas(pa.concat_tables([empty, *found]), TABLES[table])

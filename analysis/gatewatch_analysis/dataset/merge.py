"""Join datasets: sources that both have are taken once, and so are copies of measurements."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from gatewatch_analysis.dataset.build import MOST_PREFIXES, Built, Progress
from gatewatch_analysis.dataset.commit import Committer, Found
from gatewatch_analysis.dataset.cutting import Piece, writer
from gatewatch_analysis.dataset.layout import stored
from gatewatch_analysis.dataset.manifest import DamagedDataset, Part, load
from gatewatch_analysis.dataset.place import Place, place_of
from gatewatch_analysis.loading.stores import NoDataset
from gatewatch_analysis.tables.arrow import fitted


def merge(
    path: str | Path,
    others: Iterable[str | Path],
    *,
    storage: Mapping[str, Any] | None = None,
    progress: Progress = lambda name, of: None,
) -> Built:
    """Put ``others`` into the dataset at ``path``, which may be new; they stay as they are.

    Raises NoDataset for what is no dataset, DamagedDataset for one that lacks files, and
    :class:`~gatewatch.store.Locked` while another process writes to ``path``.
    """
    given = []
    for other in others:
        place = place_of(other, storage)
        manifest = load(place)
        if manifest is None:
            raise NoDataset(f"{place.name} is no dataset: it has no manifest")
        given += [(place, origin) for origin in manifest.sources]
    done = Built()
    target = place_of(path, storage)
    with target.workshop() as folder:
        committer = Committer(target, folder)
        for place, origin in given:
            if committer.has(origin.sha256):
                done.known.append(origin.name)
            else:
                here = folder / "source"
                here.mkdir()
                files = (here / f"{number}.parquet" for number in range(len(origin.parts)))
                pieces = tuple(map(_piece, repeat(place), origin.parts, files))
                about = None if origin.prefixes is None else place.read(origin.prefixes, MOST_PREFIXES)
                done.added.append(committer.add(Found(origin, pieces, about)))
                shutil.rmtree(here)
            progress(origin.name, len(given))
        committer.close()
    return done


def _piece(place: Place, part: Part, file: Path) -> Piece:
    """Copy a part into the workshop, in the columns of today."""
    try:
        with place.open(part.path) as stream, file.open("wb") as out:
            shutil.copyfileobj(stream, out, 2**20)
        with pq.ParquetFile(file) as old:
            rows, same = old.metadata.num_rows, old.schema_arrow.equals(stored(part.table))
            if not same:
                again = file.with_suffix(".again")
                with writer(again, part.table) as fresh:
                    for group in range(old.num_row_groups):
                        fresh.write_table(fitted(old.read_row_group(group), stored(part.table)))
                again.replace(file)
    except (OSError, ValueError) as error:
        raise DamagedDataset(f"{place.name}/{part.path}: {error}") from error
    return Piece(part.table, part.country, part.day, file, rows)

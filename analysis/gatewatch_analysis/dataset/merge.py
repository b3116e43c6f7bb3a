"""Join datasets: what both have is taken once."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from itertools import groupby, repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gatewatch.store.files import full_disk
from gatewatch_analysis.dataset.build import MOST_PREFIXES, Built, Progress
from gatewatch_analysis.dataset.commit import Committer, Found
from gatewatch_analysis.dataset.cutting import Piece, writer
from gatewatch_analysis.dataset.layout import PROBLEMS, stored
from gatewatch_analysis.dataset.manifest import DamagedDataset, Manifest, Part
from gatewatch_analysis.dataset.place import Place, place_of
from gatewatch_analysis.dataset.reading import opened
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
    given = [opened(other, storage) for other in others]
    done = Built()
    target = place_of(path, storage)
    of = sum(len(manifest.sources) for _, manifest in given)
    with target.workshop() as folder:
        committer = Committer(target, folder)
        for number, (place, manifest) in enumerate(given):
            _join(committer, place, manifest, folder / str(number), done)
            for origin in manifest.sources:
                progress(origin.name, of)
        committer.close()
    return done


def _join(committer: Committer, place: Place, manifest: Manifest, folder: Path, done: Built) -> None:
    new = [origin for origin in manifest.sources if not committer.has(origin.sha256)]
    known = [origin.name for origin in manifest.sources if committer.has(origin.sha256)]
    done.known += known
    if not new:
        return
    with full_disk(folder):
        folder.mkdir()
    there = set(map(_batch, committer.manifest.parts))
    # A file may hold several sources; of those that are known every measurement is found to be a copy.
    for batch, group in groupby(sorted(manifest.parts, key=_batch), key=_batch):
        parts = list(group)
        if batch in there:
            copies = sum(part.rows for part in parts if part.table == "measurements")
            committer.manifest.copies += copies
            done.copies += copies
            continue
        files = (folder / f"{number}.parquet" for number in range(len(parts)))
        pieces = tuple(map(_piece, repeat(place), parts, files, repeat(frozenset(known))))
        # Not before its sources are in the manifest, too: a merge that died between would take what it had
        # brought itself for copies.
        found, copies = committer.add(Found((), pieces), batch, save=False)
        done.measurements += found
        done.copies += copies
    about = tuple(
        (origin, None if origin.prefixes is None else place.read(origin.prefixes, MOST_PREFIXES))
        for origin in new
    )
    committer.add(Found(about, ()), "")
    done.added += [origin.name for origin in new]
    done.aside += sum(origin.aside for origin in new)
    done.passed += sum(origin.passed for origin in new)


def _batch(part: Part) -> str:
    return part.file.partition("-")[0]


def _piece(place: Place, part: Part, file: Path, known: frozenset[str]) -> Piece:
    """Copy a part into the workshop, in the columns of today, without the problems of ``known`` sources."""
    want = stored(part.table)
    try:
        with full_disk(file), place.open(part.path) as stream, file.open("wb") as out:
            shutil.copyfileobj(stream, out, 2**20)
        with pq.ParquetFile(file) as old:
            rows = old.metadata.num_rows
            if (known and part.table == PROBLEMS) or not old.schema_arrow.equals(want):
                again, rows = file.with_suffix(".again"), 0
                with full_disk(file), writer(again, part.table) as fresh:
                    for group in range(old.num_row_groups):
                        data = fitted(old.read_row_group(group), want)
                        if part.table == PROBLEMS:
                            kept = [name not in known for name in data["file"].to_pylist()]
                            data = data.filter(pa.array(kept, pa.bool_()))
                        fresh.write_table(data)
                        rows += len(data)
                again.replace(file)
    except (OSError, ValueError) as error:
        raise DamagedDataset(f"{place.name}/{part.path}: {error}") from error
    return Piece(part.table, part.country, part.day, file, rows)

"""A dataset as :func:`gatewatch_analysis.load` gives it: the same tables as from the files it was made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gatewatch_analysis.dataset.layout import PROBLEMS, TABLES
from gatewatch_analysis.dataset.manifest import Manifest
from gatewatch_analysis.dataset.place import Place
from gatewatch_analysis.dataset.reading import opened, parts, read_part
from gatewatch_analysis.loading.reader import Dataset
from gatewatch_analysis.loading.wanted import ALL, Wanted
from gatewatch_analysis.tables.arrow import schema, to_pandas

_NAMED = ("measurements", "hops", "loci", "contrasts")


def loaded(path: str | Path, wanted: Wanted = ALL, storage: Mapping[str, Any] | None = None) -> Dataset:
    """Load the tables of a dataset, of the countries and days that are wanted."""
    place, manifest = opened(path, storage)
    frames = {name: _frame(place, manifest, name, wanted) for name in (*_NAMED, PROBLEMS)}
    unnamed = {origin.run for origin in manifest.sources if origin.isp is None}
    names = _last_names(frames["measurements"], unnamed)
    for name in _NAMED:
        frames[name] = _renamed(frames[name], unnamed, names)
    # A file that grew was a source twice.
    frames[PROBLEMS] = frames[PROBLEMS].drop_duplicates(ignore_index=True)
    return Dataset(**frames, prefixes=prefixes_of(place, manifest))


def joined(datasets: Sequence[Dataset]) -> Dataset:
    """Join what was loaded from several places."""
    if len(datasets) == 1:
        return datasets[0]
    frames: dict[str, pd.DataFrame] = {}
    for field in fields(Dataset):
        if field.name != "prefixes":
            frames[field.name] = pd.concat([getattr(d, field.name) for d in datasets], ignore_index=True)
    traces = [d.hops["trace"] for d in datasets]
    frames["hops"] = frames["hops"].assign(trace=_renumbered(traces))
    prefixes = dict.fromkeys(path for d in datasets for path in d.prefixes)
    return Dataset(**frames, prefixes=tuple(prefixes))


def _frame(place: Place, manifest: Manifest, name: str, wanted: Wanted) -> pd.DataFrame:
    table = TABLES[name]
    columns = list(table.columns())
    found = [
        pa.concat_tables([schema(table).empty_table(), *read_part(place, part, columns)])
        for part in parts(manifest, name, wanted)
    ]
    frame = to_pandas(pa.concat_tables([schema(table).empty_table(), *found]), table)
    if name == "hops":
        # Numbered from 0 in each source.
        of_measurement = pd.factorize(frame["measurement"])[0] * (
            int(frame["trace"].max() or 0) + 1 if len(frame) else 1
        )
        frame = frame.assign(trace=_renumbered([pd.Series(of_measurement) + frame["trace"]]))
    return frame


def _renumbered(traces: Iterable[pd.Series[Any]]) -> pd.Series[Any]:
    numbers, begin = [np.empty(0, np.int64)], 0
    for column in traces:
        codes, found = pd.factorize(column)
        numbers.append(codes + begin)
        begin += len(found)
    return pd.Series(np.concatenate(numbers), dtype="Int64")


def _last_names(measurements: pd.DataFrame, unnamed: set[str]) -> pd.Series[Any]:
    """Give the name each network bore last, in files without a run.json: names change over the years."""
    nameless = "AS" + measurements["asn"].astype("string")
    kept = (
        measurements["run"].isin(list(unnamed))
        & (measurements["asn"] != 0)
        & (measurements["isp"] != nameless)
    )
    ordered = measurements.loc[kept, ["asn", "isp", "start"]].sort_values(
        "start", kind="stable", na_position="first"
    )
    return ordered.groupby("asn")["isp"].last()


def _renamed(frame: pd.DataFrame, unnamed: set[str], names: pd.Series[Any]) -> pd.DataFrame:
    old = frame["run"].isin(list(unnamed)) & frame["asn"].isin(list(names.index))
    last = frame["asn"].map(names).astype("string")
    return frame.assign(isp=frame["isp"].where(~old, last))


def prefixes_of(place: Place, manifest: Manifest) -> tuple[Path, ...]:
    """Give the prefix tables of the lab's runs; of a dataset elsewhere they are not fetched."""
    if place.store.system is not None:
        return ()
    names = dict.fromkeys(origin.prefixes for origin in manifest.sources if origin.prefixes)
    return tuple(Path(place.store.root, name) for name in names)

"""Runs and OONI files into tables: what was measured, every hop, and every line that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gatewatch_analysis.loading.copies import without_copies
from gatewatch_analysis.loading.files import read
from gatewatch_analysis.loading.loader import OTHERS
from gatewatch_analysis.loading.measured.fast import STATUSES
from gatewatch_analysis.loading.stores import NoDataset
from gatewatch_analysis.loading.wanted import ALL, Wanted
from gatewatch_analysis.tables import Measurements
from gatewatch_analysis.tables.arrow import series, to_pandas

__all__ = ["STATUSES", "Dataset", "NoDataset", "load"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was loaded: tables as :mod:`gatewatch_analysis.tables` describes them, not to be changed.

    ``prefixes`` are the prefix tables that lie in the run folders.
    """

    measurements: pd.DataFrame
    hops: pd.DataFrame
    loci: pd.DataFrame
    contrasts: pd.DataFrame
    problems: pd.DataFrame
    prefixes: tuple[Path, ...] = ()


def load(
    paths: Iterable[str | Path],
    *,
    wanted: Wanted = ALL,
    aside: str | Path | None = None,
    processes: int | None = None,
    storage: Mapping[str, Any] | None = None,
) -> Dataset:
    """Load run folders, folders of them, files of lines, archives, and single measurements (``.json``).

    Paths may be patterns and URLs (see :mod:`gatewatch_analysis.loading.sources`); ``storage`` are fsspec's
    options for the latter.  Lines may also be results of RIPE Atlas or traces of scamper, which know no
    vantage.  A path may also be a dataset (:mod:`gatewatch_analysis.dataset`), of which only the countries
    and days that are ``wanted`` are opened.

    Files are read some lines at a time and no bodies are kept; large ones by as many ``processes`` as there
    are cores.  A line that cannot be read never stops a load: it becomes a row of ``problems``, and with
    ``aside`` it is also written to a file in that folder.  Raises :class:`NoDataset` for a path that is not
    there or is no dataset.  A measurement that is read twice counts once.
    """
    # Here, because datasets are made of what is loaded.
    from gatewatch_analysis.dataset.loaded import joined, loaded
    from gatewatch_analysis.dataset.reading import is_dataset

    given = list(paths)
    derived = [path for path in given if is_dataset(path, storage)]
    found = [loaded(path, wanted, storage) for path in derived]
    rest = [path for path in given if path not in derived]
    if rest or not derived:
        found.insert(0, _load(rest, wanted, aside, processes, storage))
    return without_copies(joined(found))


def _load(
    paths: Iterable[str | Path],
    wanted: Wanted,
    aside: str | Path | None,
    processes: int | None,
    storage: Mapping[str, Any] | None,
) -> Dataset:
    found = read(paths, wanted=wanted, aside=aside, processes=processes, storage=storage)
    names, unnamed = found.measurements.names(), list(found.measurements.unnamed())
    column = found.measurements.columns(names)
    # A column at a time: only the texts of one are ever there twice.
    cells = {name: series(column(name), c.dtype) for name, c in Measurements.columns().items()}
    others = {}
    for name, table in OTHERS.items():
        frame = to_pandas(found.others.pop(name), table)
        others[name] = frame if name == "problems" else _renamed(frame, unnamed, names)
    prefixes = dict.fromkeys(s.prefixes for s in found.sources if s.prefixes is not None)
    return Dataset(pd.DataFrame(cells), **others, prefixes=tuple(prefixes))


def _renamed(frame: pd.DataFrame, unnamed: list[str], names: dict[int, str]) -> pd.DataFrame:
    """Call networks as the latest measurements do, where a run does not say what its own is called."""
    renamed = frame["run"].isin(unnamed) & frame["asn"].isin(list(names))
    return frame.assign(isp=frame["isp"].where(~renamed, frame["asn"].map(names).astype("string")))

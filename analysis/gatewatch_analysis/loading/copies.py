"""One measurement is one measurement, however often it was read: copies are left out.

The same run may be read from its folder and from what was uploaded, an upload may have been sent twice, and
a dataset beside the files it was made of.  Verdicts are settled by the majority of repeats, so that a copy
would be a second vote.  :mod:`.identity` says which measurement is which.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from gatewatch_analysis.loading.reader import Dataset


def without_copies(data: Dataset) -> Dataset:
    """Give a dataset in which every measurement is there once, as it was read first."""
    marks = data.measurements["measurement"].to_numpy(np.int64)
    ordered = np.sort(marks)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return data
    times = pd.Series(marks[np.isin(marks, twice)]).value_counts()
    traces = data.hops.groupby(["measurement", "trace"], sort=False).ngroup()
    return replace(
        data,
        measurements=data.measurements[~data.measurements["measurement"].duplicated()].reset_index(drop=True),
        hops=_first(data.hops, traces, times),
        loci=_first(data.loci, pd.Series(data.loci.index, data.loci.index), times),
        contrasts=_first(data.contrasts, pd.Series(data.contrasts.index, data.contrasts.index), times),
    )


def _first(frame: pd.DataFrame, parts: pd.Series[Any], times: pd.Series[int]) -> pd.DataFrame:
    """Keep the rows of each measurement's first copy: copies have as many parts (rows, traces) each."""
    own = pd.DataFrame({"measurement": frame["measurement"].astype("int64"), "part": parts})
    place = own.groupby("measurement")["part"].rank(method="dense")
    many = own.groupby("measurement")["part"].transform("nunique")
    copies = own["measurement"].map(times).fillna(1)
    kept: pd.DataFrame = frame[place <= np.ceil(many / copies)]
    return kept.reset_index(drop=True)

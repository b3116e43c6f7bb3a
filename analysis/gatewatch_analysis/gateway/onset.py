"""Did blocking begin at the same time?  When each ISP began with each target, and how far apart they are.

Between the last time that a target was free and the first that it was blocked lies when it began; so a
spread is known between bounds, too, and hourly rounds tell no minutes.  One order by telephone or chat is
carried out in the same minutes as one switch (Cambodia, 13 February 2023): this is evidence of common orders
alone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.blocking.repeats import DECIDED
from gatewatch_analysis.gateway.isps import COUNTRY, by_country, rows_by_isp
from gatewatch_analysis.tables import VANTAGE, Onsets, OnsetSpread

# Of the verdicts before and after, at most so many may be on the wrong side: what comes and goes has no
# beginning.
_MISFITS = 0.2
_MINUTES = 60.0


def onsets(measurements: pd.DataFrame) -> pd.DataFrame:
    """Find when each ISP began to block each target (table ``Onsets``), where it was seen free before."""
    decided = measurements[measurements["status"].isin(DECIDED) & measurements["start"].notna()]
    cut = decided["status"] == "blocked"
    cell = [decided[name] for name in [*VANTAGE, "input"]]
    # What is always blocked, or never, has no beginning here; it is nearly all.
    mixed = cut.groupby(cell).transform("any") & ~cut.groupby(cell).transform("all")
    rows: list[tuple[Any, ...]] = []
    for isp, mine in rows_by_isp(decided[mixed.astype(bool)], "input", "start", "status").items():
        cells: dict[str, list[tuple[Any, bool]]] = defaultdict(list)
        for target, start, status in mine:
            cells[target].append((start, status == "blocked"))
        for target, seen in sorted(cells.items()):
            times, marks = zip(*sorted(seen), strict=True)
            blocked = np.array(marks)
            at = _change(blocked)
            if at is None:
                continue
            free = max(t for t, b in zip(times[:at], blocked[:at], strict=True) if not b)
            first = min(t for t, b in zip(times[at:], blocked[at:], strict=True) if b)
            misfits = int(blocked[:at].sum() + (~blocked[at:]).sum())
            if free < first:
                rows.append((*isp, target, free, first, at, len(times) - at, misfits))
    return Onsets.frame(rows)


def _change(blocked: Any) -> int | None:
    """Give the place before which most are free and after which most are blocked, if there is one."""
    n = len(blocked)
    if n < 2:
        return None
    before = np.cumsum(blocked)[:-1]
    after = (n - np.arange(1, n)) - (blocked.sum() - before)
    wrong = before + after
    at = int(np.argmin(wrong)) + 1
    if wrong[at - 1] > _MISFITS * n or not (~blocked[:at]).any() or not blocked[at:].any():
        return None
    return at


def onset_spread(found: pd.DataFrame) -> pd.DataFrame:
    """Say how far apart the ISPs began, target by target (table ``OnsetSpread``)."""
    rows: list[tuple[Any, ...]] = []
    for country, mine in by_country(found):
        for target, cells in mine.groupby("input"):
            if len(cells) < 2:
                continue
            free, cut = cells["free"], cells["blocked"]
            least = max((free.max() - cut.min()).total_seconds() / _MINUTES, 0.0)
            most = (cut.max() - free.min()).total_seconds() / _MINUTES
            width = float((cut - free).dt.total_seconds().median()) / _MINUTES
            rows.append((*country, str(target), len(cells), free.min(), cut.max(), least, most, width))
    return OnsetSpread.frame(rows)


def spread_of_country(spread: pd.DataFrame) -> dict[tuple[str, bool], tuple[float, float]]:
    """Give the median bounds of the spread over a country's targets, in minutes."""
    medians = spread.groupby(COUNTRY)[["least_min", "most_min"]].median()
    return {
        (str(c), bool(lab)): (float(least), float(most))
        for (c, lab), least, most in medians.itertuples(name=None)
    }

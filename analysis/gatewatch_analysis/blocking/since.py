"""When did blocking begin and end: of each domain on each ISP, and on several ISPs at once.

The unit is the day: an ISP blocks a domain on a day, or it does not, as most of the day's runs say.  Days in
a row hang together, so that a model of independent days is too sure of itself; beside its probability stands
a test that only supposes that the days could have come in any order.  Among a thousand series that do not
change some ten raise an alarm by the model alone (:data:`~gatewatch_analysis.statistics.SURE`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.statistics import SURE, all_together, on_both_sides, p_value, took_part
from gatewatch_analysis.statistics import changes as changes_of
from gatewatch_analysis.tables import VANTAGE, BlockChanges, CommonChanges


def changes(days: pd.DataFrame, *, sure: float = SURE) -> pd.DataFrame:
    """Date the beginnings and ends of blocking on each ISP (table ``BlockChanges``), from ``by_day``."""
    rows: list[tuple[Any, ...]] = []
    for keys, series in _series(days, [*VANTAGE, "domain"]):
        first, hits, trials = _bins(series)
        found = changes_of(hits, trials, sure=sure).found
        edges = [0, *(change.at for change in found), len(hits)]
        for left, change, right in zip(edges, found, edges[2:], strict=False):
            (h0, t0), (h1, t1) = change.before, change.after
            rows.append(
                (
                    *keys,
                    "began" if h1 * t0 > h0 * t1 else "ended",
                    *(first + pd.Timedelta(days=d) for d in (change.at, change.low, change.high)),
                    change.probability,
                    p_value(hits[left:right], trials[left:right]),
                    *(t0, t1, h0 / t0, h1 / t1),
                )
            )
    return BlockChanges.frame(rows)


def common_changes(days: pd.DataFrame, *, sure: float = SURE) -> pd.DataFrame:
    """Date what several ISPs of a country began or ended on one day (table ``CommonChanges``).

    That they did tells of a common cause, such as an order to each of them; of no common place.
    """
    rows: list[tuple[Any, ...]] = []
    for keys, series in _series(days, ["country", "lab", "domain"]):
        isps = [(str(isp), mine) for (_, isp), mine in series.groupby(["asn", "isp"], observed=True)]
        if len(isps) < 2:
            continue
        first, last = series["day"].min(), series["day"].max()
        bins = [_bins(mine, first, last) for _, mine in isps]
        hits, trials = np.array([h for _, h, _ in bins]), np.array([t for _, _, t in bins])
        if hits.shape[1] < 2:
            continue
        for seen in all_together(hits, trials, sure=sure):
            part = [isps[k][0] for k in took_part(seen, trials)]
            if not part:
                continue
            both = on_both_sides(trials, seen.at)
            rows.append(
                (
                    *keys,
                    *(first + pd.Timedelta(days=d) for d in (seen.at, seen.low, seen.high)),
                    *(seen.together, seen.apart, int(both.sum()), len(part), ", ".join(part), seen.spread),
                )
            )
    return CommonChanges.frame(rows)


def _series(days: pd.DataFrame, by: list[str]) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Give the decided days of each group in which something is blocked and something is not."""
    decided = days[days["decided"] > 0]
    if decided.empty:
        return
    blocked = decided["status"] == "blocked"
    groups = decided.assign(hit=blocked.astype("int64")).groupby(by, observed=True, sort=True)
    for keys, series in groups:
        if 0 < series["hit"].sum() < len(series):
            yield keys, series


def _bins(series: pd.DataFrame, first: Any = None, last: Any = None) -> tuple[Any, Any, Any]:
    """Lay a series out by day, from its first to its last: hits and trials, one a day that was decided."""
    start = series["day"].min() if first is None else first
    end = series["day"].max() if last is None else last
    at = (series["day"] - start).dt.days.to_numpy(np.int64)
    hits, trials = np.zeros((2, (end - start).days + 1), np.int64)
    hits[at], trials[at] = series["hit"], 1
    return start, hits, trials

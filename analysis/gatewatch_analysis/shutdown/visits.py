"""What one line met in one hour: the unit in which outages are counted.

A line that is down fails at every target it tries: a hundred failures that are one observation.  So the
attempts of a run within an hour are one visit, and a visit is silent, or it is not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gatewatch_analysis.statistics import SURE, changes
from gatewatch_analysis.tables import VANTAGE

#: Of a visit's targets at least so many must be silent, and of an outage's visits: an outage spares nearly
#: nothing, and a list has its share of dead and blocked sites.
MOST = 0.8
#: Fewer silent visits than this beside it, or there is nothing that it differs from.
LEAST = 0.5
#: Targets of a visit: with fewer, a few blocked sites look like an outage.
TARGETS = 5
# Hours with anything in them; more would only cost time.
_BINS = 2500


class Stretch(NamedTuple):
    """Visits between two changes: rows ``first`` to ``last`` of a table in the order of ``bin``.

    ``share`` of them was silent, ``before`` of those on the quieter side; ``probability``: that the share
    changed where the stretch begins (or ends, where it has no beginning).
    """

    first: int
    last: int
    share: float
    before: float
    probability: float


def visits(attempts: pd.DataFrame, *, hours: float = 1.0) -> pd.DataFrame:
    """Put the attempts of a run within an hour together: a row per visit, in the order of time.

    Targets known to be inside the country are counted apart (``home``, ``home_silent``): they may answer
    while the border is shut.
    """
    timed = attempts.assign(
        bin=(attempts["start"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds() // (hours * 3600),
        at_home=~attempts["abroad"].fillna(True),
    )
    cell = [*VANTAGE, "run", "bin"]
    # A target is silent where none of its attempts met an answer.
    targets = timed.groupby([*cell, "at_home", "target"], as_index=False).agg(
        silent=("silent", "all"), start=("start", "min"), end=("start", "max")
    )
    away = targets["at_home"] == False  # noqa: E712 - a nullable column
    table = targets.assign(
        tried=away.astype("int64"),
        silent_away=(away & targets["silent"]).astype("int64"),
        home=(~away).astype("int64"),
        home_silent=(~away & targets["silent"]).astype("int64"),
    )
    found = table.groupby(cell, as_index=False).agg(
        start=("start", "min"),
        end=("end", "max"),
        **{name: (name, "sum") for name in ("tried", "silent_away", "home", "home_silent")},
    )
    found = found[found["tried"] >= TARGETS]
    return found.assign(silent=found["silent_away"] >= MOST * found["tried"]).sort_values(
        ["bin", "start"], kind="stable", ignore_index=True
    )


def stretches(table: pd.DataFrame, *, least: float, sure: float = SURE) -> list[Stretch]:
    """Find the stretches of a table of visits in which at least ``least`` of them were silent."""
    if table.empty:
        return []
    bins = _fewer(table["bin"].to_numpy(np.float64))
    firsts = np.flatnonzero(np.diff(bins, prepend=-np.inf))
    silent = np.add.reduceat(table["silent"].to_numpy(np.int64), firsts)
    tried = np.diff(firsts, append=len(bins))
    found = changes(silent, tried, sure=sure).found
    edges = [0, *(change.at for change in found), len(tried)]
    certain = [change.probability for change in found]
    shares = [float(silent[a:b].sum() / tried[a:b].sum()) for a, b in pairwise(edges)]
    rows = [*firsts.tolist(), len(bins)]
    out: list[Stretch] = []
    k = 0
    while k < len(shares):
        first = k
        while k < len(shares) and shares[k] >= least:
            k += 1
        if k == first:
            k += 1
            continue
        beside = [shares[i] for i in (first - 1, k) if 0 <= i < len(shares)]
        # From the first visit on it has no beginning; its end is what was seen.
        probability = (certain[first - 1] if first else certain[k - 1]) if beside else 0.0
        if beside and min(beside) < min(least, LEAST) and probability >= sure:
            a, b = edges[first], edges[k]
            share = float(silent[a:b].sum() / tried[a:b].sum())
            out.append(Stretch(rows[a], rows[b] - 1, share, min(beside), probability))
    return out


def _fewer(bins: Any) -> Any:
    """Widen the bins where too many have something in them."""
    width = 1.0
    while len(np.unique(bins // width)) > _BINS:
        width *= 2
    return bins // width

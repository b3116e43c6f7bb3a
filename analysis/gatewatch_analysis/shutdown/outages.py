"""When did nothing come through on an ISP: stretches of silent visits.

An ISP is out where four of five visits were silent.  Where only some were, it is some of its lines: a broken
router at one volunteer's, while another's goes on.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from gatewatch_analysis.shutdown.visits import LEAST, MOST, stretches, visits
from gatewatch_analysis.statistics import SURE
from gatewatch_analysis.tables import VANTAGE, Outages

# Some lines out of several: less than this is a stray visit.
_SOME = 0.2
# To say what became of targets inside the country, so many must have been tried.
_AT_HOME = 3


def outages(attempts: pd.DataFrame, *, hours: float = 1.0, sure: float = SURE) -> pd.DataFrame:
    """Find the times in which an ISP's visits were silent (table ``Outages``).

    ``attempts`` is the table ``Attempts``; ``hours`` the longest time that is one visit.
    """
    return of_visits(visits(attempts, hours=hours), sure=sure)


def of_visits(table: pd.DataFrame, *, sure: float = SURE) -> pd.DataFrame:
    """Find them in a table of visits."""
    rows: list[tuple[Any, ...]] = []
    for keys, mine in table.groupby(VANTAGE, sort=True):
        ordered = mine.reset_index(drop=True)
        for stretch in stretches(ordered, least=_SOME, sure=sure):
            inside = ordered.iloc[stretch.first : stretch.last + 1]
            met = inside[inside["silent"]]
            start, end = met["start"].min(), met["end"].max()
            answered = ordered[~ordered["silent"]]
            earlier, later = answered[answered["end"] < start], answered[answered["start"] > end]
            rows.append(
                (
                    *keys,
                    "the ISP" if stretch.share >= MOST else "some lines",
                    *(start, earlier["end"].max() if len(earlier) else None),
                    *(end, later["start"].min() if len(later) else None),
                    *(len(inside), len(met), int(met["tried"].max()), stretch.before, stretch.probability),
                    reach(met),
                )
            )
    return Outages.frame(rows)


def reach(silent: pd.DataFrame) -> str:
    """Say whether targets inside the country answered in silent visits."""
    tried = int(silent["home"].sum())
    if tried < _AT_HOME:
        return "not known"
    share = int(silent["home_silent"].sum()) / tried
    return "everything" if share >= MOST else "abroad" if share <= LEAST else "not known"

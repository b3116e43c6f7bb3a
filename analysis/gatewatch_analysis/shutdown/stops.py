"""When was nothing heard of an ISP: gaps between measurements that are unusual for it.

A gap proves nothing.  Volunteers sleep, travel and lose interest; computers are switched off.  It is told as
"measurements stopped", and weighs only beside failures that somebody saw.
"""

from __future__ import annotations

from math import exp
from typing import Any

import pandas as pd

from gatewatch_analysis.tables import VANTAGE, Stops

# Measurements closer together than this are one visit: a run of a list lasts minutes.
_VISIT = pd.Timedelta(hours=1)
# So many gaps must be known before one can be unusual.
_GAPS = 5
# Chance of so long a gap, and how much longer than any other: visits may come in bursts, which the first
# supposes they do not.
UNUSUAL, _LONGER = 0.01, 3.0


def stops(attempts: pd.DataFrame, *, until: pd.Timestamp | None = None) -> pd.DataFrame:
    """Find each ISP's unusual gaps (table ``Stops``); ``until``: the data's end, else the last attempt."""
    rows: list[tuple[Any, ...]] = []
    if attempts.empty:
        return Stops.frame(rows)
    end = attempts["start"].max() if until is None else until
    for keys, mine in attempts.groupby(VANTAGE, sort=True):
        times = mine["start"].sort_values(ignore_index=True)
        gaps = times.diff()
        apart = gaps > _VISIT
        # Between one visit's last measurement and the next one's first.
        found = [(times[k - 1], times[k]) for k in times.index[apart]]
        found.append((times.iloc[-1], None))
        hours = [((b if b is not None else end) - a).total_seconds() / 3600 for a, b in found]
        if len(hours) <= _GAPS:
            continue
        for (last, following), length in zip(found, hours, strict=True):
            # The others say how often it is heard; each gap is held against all but itself.
            others = sum(hours) - length
            usual = sorted(hours)[-2] if length == max(hours) else max(hours)
            rate = (len(hours) - 1) / others if others else 0.0
            chance = min(1.0, len(hours) * exp(-rate * length)) if rate else 1.0
            if chance <= UNUSUAL and length >= _LONGER * usual:
                rows.append((*keys, last, following, length, usual, chance))
    return Stops.frame(rows)

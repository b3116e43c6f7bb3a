"""Who saw a target at about the time when it was measured without a control.

The rule, in full:

1. A measurement is in need when its verdict is ``inconclusive(no_control)`` and it is a page's test.
2. Witnesses are other vantages (another country, or another network) that tested the same target within half
   a day before or after it.  OONI's pipeline lets a day's controls speak for that day, too (ooni/data,
   ``make_ground_truths``).
3. A vantage *reached* the target when its verdict is ``ok``.  It *failed* when it is in another country and
   found the target down, or failed without a control itself.  What was blocked there says nothing.
4. The target was *up* when two vantages or more reached it, more of them than failed, and either one of them
   within an hour, or one before and one after: a server may be gone for some hours.
5. It was *down* when nobody reached it and two vantages or more found it down by controls of their own.
6. Else there is no control, and the verdict stays as it is.

So where the others failed too, nothing is ever called blocked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.tables import Witnesses

#: The label of measurements in need.
NEED = "inconclusive(no_control)"
#: One vantage may have met an accident; two agree by chance less often.
LEAST = 2
WITHIN_HOURS, CLOSE_HOURS = 12.0, 1.0
# The nearest in time: more of them make nothing surer, and each must be read.
_MOST = 4
_TEST = "web_connectivity"
# A page came, and only whose it is was not known: no failure.
_CAME = "whole.no_control"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What others found of one target, in the order of their times, which are in hours."""

    times: Any
    vantages: list[tuple[str, int]]
    isps: list[str]
    statuses: list[str]
    failed: list[bool]
    numbers: list[int]


def witnesses(measurements: pd.DataFrame) -> pd.DataFrame:
    """Find the witnesses of each measurement in need (table ``Witnesses``), as the rule above says."""
    pages = measurements[(measurements["test_name"] == _TEST) & measurements["start"].notna()]
    need = pages[pages["label"] == NEED]
    if need.empty:
        return Witnesses.frame([])
    targets = need[["lab", "input"]].drop_duplicates()
    others = pages.merge(targets, on=["lab", "input"])
    seen = {keys: _in_order(rows) for keys, rows in others.groupby(["lab", "input"])}
    found: list[tuple[Any, ...]] = []
    columns = ["lab", "input", "country", "asn", "measurement"]
    for when, row in zip(
        _hours(need["start"]), need[columns].itertuples(index=False, name=None), strict=True
    ):
        lab, target, country, asn, number = row
        found += _for_one(seen[lab, target], (str(country), int(asn)), float(when), int(number))
    return Witnesses.frame(found)


def _in_order(rows: pd.DataFrame) -> _Seen:
    ordered = rows.sort_values("start", kind="stable")
    failed = (ordered["status"] == "down") | ((ordered["label"] == NEED) & (ordered["rule"] != _CAME))
    return _Seen(
        _hours(ordered["start"]),
        [(str(c), int(a)) for c, a in zip(ordered["country"], ordered["asn"], strict=True)],
        [str(isp) for isp in ordered["isp"]],
        [str(status) for status in ordered["status"]],
        failed.tolist(),
        [int(n) for n in ordered["measurement"]],
    )


def _hours(times: pd.Series[Any]) -> Any:
    return (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(np.float64) / 3600


def _for_one(seen: _Seen, here: tuple[str, int], when: float, number: int) -> list[tuple[Any, ...]]:
    first = int(np.searchsorted(seen.times, when - WITHIN_HOURS, "left"))
    last = int(np.searchsorted(seen.times, when + WITHIN_HOURS, "right"))
    around = [k for k in range(first, last) if seen.vantages[k] != here]
    reached = _nearest(seen, [k for k in around if seen.statuses[k] == "ok"], when)
    failed = {
        seen.vantages[k]
        for k in around
        if seen.failed[k] and seen.vantages[k][0] != here[0] and seen.vantages[k] not in reached
    }
    if len(reached) >= LEAST and len(reached) > len(failed) and _spans(seen, list(reached.values()), when):
        chosen, says = reached, "up"
    elif not reached:
        chosen = _nearest(seen, [k for k in around if seen.statuses[k] == "down"], when)
        says = "down"
    else:
        return []
    if len(chosen) < LEAST:
        return []
    nearest = sorted(chosen.values(), key=lambda k: (abs(seen.times[k] - when), k))
    return [
        (
            number,
            says,
            *(seen.vantages[k][0], seen.isps[k], seen.vantages[k][1], seen.numbers[k]),
            float(seen.times[k] - when),
        )
        for k in nearest[:_MOST]
    ]


def _nearest(seen: _Seen, rows: list[int], when: float) -> dict[tuple[str, int], int]:
    """Give each vantage's measurement that is nearest in time."""
    found: dict[tuple[str, int], int] = {}
    for k in sorted(rows, key=lambda k: abs(seen.times[k] - when)):
        found.setdefault(seen.vantages[k], k)
    return found


def _spans(seen: _Seen, rows: list[int], when: float) -> bool:
    """Tell whether somebody was there within the hour, or before and after."""
    away = [seen.times[k] - when for k in rows]
    return any(abs(a) <= CLOSE_HOURS for a in away) or (min(away) < 0 < max(away))

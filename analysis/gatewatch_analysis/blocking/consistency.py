"""Do different tests say the same?  Blocking that one test sees and another does not is worth a second look.

A page's test, a handshake, QUIC and a test of the name look at one domain in ways of their own.  On a day on
which two or more of them decide they may all agree.  Where they differ, the filter may see one protocol alone
(a name over TLS, but not over QUIC): that is no contradiction, and which tests found what is told.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from gatewatch_analysis.blocking.repeats import DECIDED, settle
from gatewatch_analysis.tables import VANTAGE, Consistency

_CELL = [*VANTAGE, "domain"]


def consistency(measurements: pd.DataFrame) -> pd.DataFrame:
    """Compare the tests of each domain on each ISP (table ``Consistency``)."""
    timed = measurements[measurements["host"].notna() & measurements["start"].notna()]
    timed = timed.assign(domain=timed["host"], day=timed["start"].dt.floor("D"))
    verdicts = settle(timed, [*_CELL, "day", "test_name"])
    verdicts = verdicts[verdicts["status"].isin(DECIDED)]
    if verdicts.empty:
        return Consistency.frame([])
    rows: list[tuple[Any, ...]] = []
    for keys, mine in verdicts.groupby(_CELL, observed=True, sort=True):
        blocked = mine[mine["status"] == "blocked"]
        days = pd.DataFrame(
            {
                "tests": mine.groupby("day").size(),
                "blocked": blocked.groupby("day").size(),
                "layers": blocked.groupby("day")["layer"].nunique(),
            }
        ).fillna(0)
        several = days[days["tests"] > 1]
        agree = several["blocked"].isin([0]) | (several["blocked"] == several["tests"])
        both = several[several["blocked"] > 1]
        found = {
            f"{test} {layer}.{method}"
            for test, layer, method in zip(
                blocked["test_name"], blocked["layer"], blocked["method"], strict=True
            )
        }
        opened = set(mine.loc[mine["status"] != "blocked", "test_name"].astype("string"))
        rows.append(
            (
                *keys,
                int(mine["test_name"].nunique()),
                ", ".join(sorted(found)),
                ", ".join(sorted(opened)),
                *(len(several), int(agree.sum()), int((both["layers"] == 1).sum()), len(both)),
            )
        )
    return Consistency.frame(rows)

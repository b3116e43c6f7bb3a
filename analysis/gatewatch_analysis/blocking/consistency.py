"""Do different tests say the same?  Blocking that one test sees and another does not is worth a second look.

A page's test, a handshake, QUIC and a test of the name look at one domain in ways of their own.  On a day on
which two or more of them decide they may all agree.  Where they differ, the filter may see one protocol alone
(a name over TLS, but not over QUIC): that is no contradiction, and which tests found what is told.
"""

from __future__ import annotations

import pandas as pd

from gatewatch_analysis.blocking.repeats import DECIDED, settle
from gatewatch_analysis.tables import VANTAGE, Consistency

_CELL = [*VANTAGE, "domain"]


def consistency(measurements: pd.DataFrame) -> pd.DataFrame:
    """Compare the tests of each domain on each ISP (table ``Consistency``)."""
    timed = measurements[measurements["host"].notna() & measurements["start"].notna()]
    timed = timed.assign(domain=timed["host"], day=timed["start"].dt.floor("D"))
    verdicts = settle(timed, [*_CELL, "day", "test_name"])
    verdicts = verdicts[verdicts["status"].isin(DECIDED)].reset_index(drop=True)
    if verdicts.empty:
        return Consistency.frame([])
    verdicts["id"] = verdicts.groupby(_CELL, observed=True, sort=True).ngroup()
    blocked = verdicts["status"] == "blocked"
    cut = verdicts[blocked]
    found = verdicts.drop_duplicates("id").set_index("id")[_CELL]
    found["tests"] = verdicts.groupby("id")["test_name"].nunique()
    test = cut["test_name"].astype("string") + " "
    way = test + cut["layer"].astype("string") + "." + cut["method"].astype("string")
    found["blocked_by"] = _listed(cut["id"], way)
    found["open_by"] = _listed(verdicts["id"][~blocked], verdicts["test_name"][~blocked].astype("string"))
    daily = pd.DataFrame(
        {
            "tests": verdicts.groupby(["id", "day"]).size(),
            "blocked": cut.groupby(["id", "day"]).size(),
            "layers": cut.groupby(["id", "day"])["layer"].nunique(),
        }
    ).fillna(0)
    several = daily["tests"] > 1
    both = several & (daily["blocked"] > 1)
    daily["days"] = several
    daily["agree"] = several & daily["blocked"].isin([0]) | several & (daily["blocked"] == daily["tests"])
    daily["blocked_days"], daily["same_layer"] = both, both & (daily["layers"] == 1)
    sums = daily.groupby("id")[["days", "agree", "same_layer", "blocked_days"]].sum()
    return Consistency.typed(found.fillna({"blocked_by": "", "open_by": ""}).join(sums))


def _listed(ids: pd.Series[int], texts: pd.Series[str]) -> pd.Series[str]:
    """Join the different texts of each series, in order."""
    pairs = pd.DataFrame({"id": ids, "text": texts}).drop_duplicates().sort_values(["id", "text"])
    return pairs.groupby("id")["text"].agg(", ".join).astype("string")

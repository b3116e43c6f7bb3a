"""What is blocked from day to day: for each ISP, domain and day, then by domain, and by country.

Each table counts one unit, and its interval speaks of that unit only:

- :func:`by_day` counts runs.  Within a run the repeats, http and https, and all pages of a domain are one.
- :func:`by_domain` counts days, and makes allowance for days that follow each other alike.
- :func:`by_country` counts ISPs, large ones as small ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gatewatch.verdict import RULES
from gatewatch_analysis.blocking.repeats import DECIDED, STATUSES, asked, settle
from gatewatch_analysis.blocking.targets import LIKE_DEATH, MIN_ISPS
from gatewatch_analysis.counting import aggregate
from gatewatch_analysis.statistics import wilsons
from gatewatch_analysis.tables import VANTAGE, CountryDays, Days, Domains

#: The rules that rest on a fingerprint somebody has looked at: what OONI calls confirmed.
CONFIRMING = frozenset(
    rule.id for rule in RULES if rule.status == "blocked" and rule.when.names() & {"http_sign", "dns_sign"}
)
# A site that is gone is gone for longer than a day, and not every ISP is measured each day.
_AROUND = 3

_CELL = [*VANTAGE, "domain", "day"]


def by_day(measurements: pd.DataFrame) -> pd.DataFrame:
    """Count, for each ISP, domain and day, the runs that met interference (table ``Days``)."""
    timed = measurements[measurements["status"].isin(STATUSES) & measurements["start"].notna()]
    if timed.empty:
        return Days.frame([])
    named = timed.assign(host=timed["host"].fillna(timed["input"]))
    named = named.assign(domain=asked(named, "host"), day=named["start"].dt.floor("D"))
    named["stood_in"] = named["control_from"].notna() if "control_from" in named.columns else False
    units = settle(named, [*_CELL, "run"])
    days = settle(units, _CELL)
    counts = aggregate(_flags(units, units["rule"].isin(list(CONFIRMING))), _CELL, _COUNTED)
    # All three are in the order of their cells, and have the same ones.
    days = days.assign(
        units=counts["rows"],
        stood_in=aggregate(named, _CELL, ["stood_in"])["stood_in"],
        measurements=counts["repeats"],
        **{name: counts[name] for name in _COUNTED[1:]},
    )
    days["dead"] = dead_days(days)
    gone = days["dead"].to_numpy(bool)
    days.loc[gone, ["decided", "anomalies", "blocked", "confirmed"]] = 0
    days.loc[gone, ["status", "label"]] = "down"
    days.loc[gone, ["layer", "method"]] = pd.NA
    return Days.typed(_with_rates(days))


_COUNTED = ["repeats", "decided", "anomalies", "blocked", "confirmed"]


def _flags(table: pd.DataFrame, known: pd.Series[bool]) -> pd.DataFrame:
    """Say of each row's verdict what it counts for; ``known``: where it rests on a known sign."""
    status = table["status"]
    blocked = status == "blocked"
    return table.assign(
        decided=status.isin(DECIDED),
        anomalies=blocked | (status == "tampered"),
        blocked=blocked,
        confirmed=blocked & known,
    )


def _with_rates(counts: pd.DataFrame, trials: Any = None) -> pd.DataFrame:
    """Add shares and intervals; ``trials``: how many independent units the decided ones are worth."""
    decided = counts["decided"].to_numpy(np.float64)
    worth = decided if trials is None else trials
    some = counts["decided"].where(counts["decided"] > 0).astype("Float64")
    found: dict[str, Any] = {}
    for what, of in (("anomaly", "anomalies"), ("confirmed", "confirmed")):
        share = counts[of].astype("Float64") / some
        low, high = wilsons(share.fillna(0).to_numpy(np.float64) * worth, worth)
        found |= {f"{what}_share": share, f"{what}_low": low, f"{what}_high": high}
    return counts.assign(**found)


def dead_days(days: pd.DataFrame) -> pd.Series[bool]:
    """Tell, for each row of :func:`by_day`, whether the site was dead on every ISP around that day.

    As :func:`~gatewatch_analysis.blocking.targets.everywhere_down`, over a week: two ISPs or more tested it,
    none reached it, one found it down at least, and no fewer found it down than blocked as a dead site looks.
    """
    dead = pd.Series(False, index=days.index)
    # Only what somebody found down can be dead.
    place = days["domain"].astype("string") + " " + days["lab"].astype("string")
    suspect = days[place.isin(place[days["status"] == "down"].unique())]
    if suspect.empty:
        return dead
    like = (suspect["status"] == "blocked") & (
        suspect["layer"]
        .astype("string")
        .str.cat(suspect["method"].astype("string"), sep=".")
        .isin(list(LIKE_DEATH))
    )
    marks = suspect[_CELL].assign(
        down=suspect["status"] == "down",
        like=like,
        alive=suspect["status"].isin(DECIDED) & ~like,
    )
    ways = ["down", "like", "alive"]
    around = pd.concat(
        [marks.assign(day=marks["day"] + pd.Timedelta(days=d)) for d in range(-_AROUND, _AROUND + 1)]
    )
    by_isp = aggregate(around, _CELL, ways)
    by_isp[ways] = (by_isp[ways] > 0).astype("Int64")
    where = ["lab", "domain", "day"]
    sums = aggregate(by_isp, where, ways)
    gone = sums[
        (sums["rows"] >= MIN_ISPS)
        & (sums["alive"] == 0)
        & (sums["down"] >= 1)
        & (sums["down"] >= sums["like"])
    ]
    there = pd.MultiIndex.from_frame(suspect[where].astype({"domain": "string"}))
    dead[suspect.index] = there.isin(pd.MultiIndex.from_frame(gone[where].astype({"domain": "string"})))
    return dead


def by_domain(days: pd.DataFrame) -> pd.DataFrame:
    """Sum the days of each ISP and domain up (table ``Domains``), from :func:`by_day`.

    The interval counts the days for what they are worth: with a correlation r between a day and the next,
    n days tell as much as n (1 - r) / (1 + r) independent ones (G. Bayley and J. Hammersley, Supplement to
    the Journal of the Royal Statistical Society 8, 1946).  Where nothing ever changes r cannot be known.
    """
    if days.empty:
        return Domains.frame([])
    cell = [*VANTAGE, "domain"]
    table = _flags(days, days["confirmed"] > 0)
    way = table["layer"].astype("string").str.cat(table["method"].astype("string"), sep=".")
    ids = table.groupby(cell, observed=True, sort=True).ngroup()
    table = table.assign(id=ids, way=way.where(table["blocked"])).sort_values(["id", "day"], kind="stable")
    whole = table.groupby("id").agg(
        **{name: (name, "first") for name in cell},
        days=("day", "size"),
        **{name: (name, "sum") for name in _COUNTED[1:]},
    )
    decided, blocked = table[table["decided"]], table[table["blocked"]]
    whole["first_day"] = decided.groupby("id")["day"].min()
    whole["last_day"] = decided.groupby("id")["day"].max()
    whole["blocked_from"] = blocked.groupby("id")["day"].min()
    whole["blocked_to"] = blocked.groupby("id")["day"].max()
    ways = blocked.groupby(["id", "way"]).size().rename("size").reset_index()
    most = ways.sort_values(["id", "size", "way"], ascending=[True, False, True]).drop_duplicates("id")
    whole["method"] = most.set_index("id")["way"]
    whole["method_share"] = most.set_index("id")["size"] / whole["blocked"].where(whole["blocked"] > 0)
    whole["methods"] = ways.groupby("id").size()
    before = blocked.groupby("id")["way"].shift()
    whole["switches"] = (before.notna() & (before != blocked["way"])).groupby(blocked["id"]).sum()
    whole = whole.fillna({"methods": 0, "switches": 0})
    worth = whole["decided"].to_numpy(np.float64) * _independence(decided, whole.index)
    return Domains.typed(_with_rates(whole, worth).assign(effective_days=worth))


def _independence(decided: pd.DataFrame, ids: pd.Index[Any]) -> Any:
    """Give, for each series, how much of an independent day a day is worth: (1 - r) / (1 + r), at most 1."""
    x = decided["anomalies"].to_numpy(np.float64)
    series = decided["id"].to_numpy()
    mean = decided.groupby("id")["anomalies"].transform("mean").to_numpy(np.float64)
    away = x - mean
    # The next day that was decided: a gap of some days hangs together less, which is on the safe side.
    next_one = np.append(series[1:] == series[:-1], False) if len(series) else np.zeros(0, bool)
    product = np.where(next_one, away * np.append(away[1:], 0.0), 0.0)
    sums = pd.DataFrame({"id": series, "product": product, "square": away**2}).groupby("id").sum()
    r = (sums["product"] / sums["square"].where(sums["square"] > 0)).clip(0, None).fillna(0)
    return ((1 - r) / (1 + r)).reindex(ids).fillna(1.0).to_numpy(np.float64)


def by_country(days: pd.DataFrame) -> pd.DataFrame:
    """Count, for each country, domain and day, the ISPs that interfered (table ``CountryDays``)."""
    if days.empty:
        return CountryDays.frame([])
    sums = aggregate(_flags(days, days["confirmed"] > 0), ["country", "lab", "domain", "day"], _COUNTED[1:])
    return CountryDays.typed(_with_rates(sums.assign(units=sums["rows"])))

"""Do ISPs block the same list?  Jaccard's index between ISPs, against that of one ISP's own repeats.

Two rounds of one ISP differ, too: packets are lost, servers fail, an order comes in between.  So an index
says little by itself; its ceiling is what the ISPs' own repeats reach.  Only targets that both rounds decide
count.  One list everywhere is evidence of common orders, and of nothing else.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gatewatch_analysis.gateway.isps import Isp, by_country, by_isp
from gatewatch_analysis.tables import ListAgreement, ListPairs

# Of two targets or fewer, the index is 0, 1/2 or 1 by chance.
_LEAST_TARGETS = 3
_ALIVE = ("ok", "tampered", "server_side")
_RESAMPLES = 1000
_ENDS = (0.025, 0.975)
_SEED = 0


class _Round(NamedTuple):
    """What one run decided on one day."""

    blocked: frozenset[str]
    decided: frozenset[str]


def list_pairs(measurements: pd.DataFrame, dead: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compare the latest rounds of every two ISPs, and each ISP's latest with the one before (``ListPairs``).

    A round is what one run decided on one day.
    """
    rows: list[tuple[Any, ...]] = []
    gone = set() if dead is None else set(zip(dead["lab"], dead["input"], strict=True))
    for country, mine in by_country(measurements):
        rounds = {isp: found for isp, r in by_isp(mine) if (found := _rounds(r, gone))}
        for isp, mine_own in rounds.items():
            if len(mine_own) > 1:
                rows += _pair(country, isp, isp, mine_own[-1], mine_own[-2])
        for a, b in combinations(rounds, 2):
            rows += _pair(country, a, b, rounds[a][-1], rounds[b][-1])
    return ListPairs.frame(rows)


def _rounds(rows: pd.DataFrame, gone: set[tuple[bool, str]]) -> list[_Round]:
    """Give an ISP's rounds that block anything, oldest first."""
    decided = rows[rows["status"].isin(["blocked", *_ALIVE])]
    found = []
    day = decided["start"].dt.floor("D")
    for _, part in sorted(
        decided.groupby([decided["run"], day], dropna=False), key=lambda item: _when(item[1], item[0])
    ):
        keep = [(bool(lab), name) not in gone for lab, name in zip(part["lab"], part["input"], strict=True)]
        votes = (part["status"] == "blocked")[keep].groupby(part["input"][keep]).mean()
        blocked = frozenset(str(name) for name in votes.index[votes > 0.5])
        if blocked:
            found.append(_Round(blocked, frozenset(str(name) for name in votes.index[votes != 0.5])))
    return found


def _when(part: pd.DataFrame, key: Any) -> tuple[Any, str]:
    start = part["start"].min()
    return (pd.Timestamp.min.tz_localize("UTC") if pd.isna(start) else start), str(key[0])


def _pair(country: tuple[str, bool], a: Isp, b: Isp, one: _Round, other: _Round) -> list[tuple[Any, ...]]:
    common = one.decided & other.decided
    left, right = one.blocked & common, other.blocked & common
    either = left | right
    if len(common) < _LEAST_TARGETS or not either:
        return []
    found = len(left & right) / len(either)
    return [(*country, a.isp, a.asn, b.isp, b.asn, a == b, len(common), len(left), len(right), found)]


def list_agreement(pairs: pd.DataFrame) -> pd.DataFrame:
    """Sum up each country's pairs (table ``ListAgreement``), every ISP counting alike."""
    rows: list[tuple[Any, ...]] = []
    for country, mine in by_country(pairs):
        own = mine[mine["repeat"]]
        between = mine[~mine["repeat"]]
        ceiling = float(own["jaccard"].mean()) if len(own) else None
        mean = float(between["jaccard"].mean()) if len(between) else None
        low, high = _interval(between) if len(between) else (None, None)
        ratio = mean / ceiling if mean is not None and ceiling else None
        isps = len(
            {*zip(mine["isp"], mine["asn"], strict=True), *zip(mine["isp2"], mine["asn2"], strict=True)}
        )
        rows.append((*country, isps, len(between), mean, low, high, len(own), ceiling, ratio))
    return ListAgreement.frame(rows)


def _interval(between: pd.DataFrame) -> tuple[float, float]:
    """Resample ISPs: a pair counts as often as both its ISPs were drawn."""
    one = list(zip(between["isp"], between["asn"], strict=True))
    other = list(zip(between["isp2"], between["asn2"], strict=True))
    isps = sorted({*one, *other})
    place = {isp: i for i, isp in enumerate(isps)}
    a, b = ([place[isp] for isp in side] for side in (one, other))
    n = len(isps)
    drawn = np.random.default_rng(_SEED).multinomial(n, np.full(n, 1 / n), _RESAMPLES)
    weights = drawn[:, a] * drawn[:, b]
    usable = weights[weights.any(axis=1)]
    means = usable @ between["jaccard"].to_numpy(float) / usable.sum(axis=1)
    low, high = np.quantile(means, _ENDS)
    return float(low), float(high)

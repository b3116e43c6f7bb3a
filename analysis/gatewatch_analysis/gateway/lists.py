"""Do ISPs block the same list?  Jaccard's index between ISPs, against that of one ISP's own repeats.

Two rounds of one ISP differ, too: packets are lost, servers fail, an order comes in between.  So an index
says little by itself; its ceiling is what the ISPs' own repeats reach.  Only targets that both rounds decide
count.  One list everywhere is evidence of common orders, and of nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gatewatch_analysis.blocking.repeats import DECIDED
from gatewatch_analysis.gateway.isps import Isp, by_country, plain, rows_by_isp
from gatewatch_analysis.tables import VANTAGE, ListAgreement, ListPairs

# Of two targets or fewer, the index is 0, 1/2 or 1 by chance.
_LEAST_TARGETS = 3
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
    gone = set() if dead is None else set(plain(dead, "lab", "input"))
    for country, mine in by_country(measurements):
        rounds = _rounds(mine, gone)
        for isp, own in rounds.items():
            if len(own) > 1:
                rows += _pair(country, isp, isp, own[-1], own[-2])
        for a, b in combinations(rounds, 2):
            rows += _pair(country, a, b, rounds[a][-1], rounds[b][-1])
    return ListPairs.frame(rows)


def _rounds(rows: pd.DataFrame, gone: set[tuple[Any, ...]]) -> dict[Isp, list[_Round]]:
    """Give each ISP's rounds that block anything, oldest first."""
    decided = rows[rows["status"].isin(DECIDED)]
    about = decided[[*VANTAGE, "run", "input"]].assign(
        day=decided["start"].dt.floor("D"), cut=(decided["status"] == "blocked").astype("float64")
    )
    cells = about.groupby([*VANTAGE, "day", "run", "input"], as_index=False, dropna=False).mean()
    found: dict[Isp, list[_Round]] = {}
    for isp, mine in rows_by_isp(cells, "day", "run", "lab", "input", "cut").items():
        votes: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        for day, run, lab, target, cut in mine:
            if (lab, target) not in gone:
                votes["" if day is None else day.isoformat(), run][target] = cut
        for _, said in sorted(votes.items()):
            blocked = frozenset(target for target, cut in said.items() if cut > 0.5)
            if blocked:
                decided_ = frozenset(target for target, cut in said.items() if cut != 0.5)
                found.setdefault(isp, []).append(_Round(blocked, decided_))
    return found


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

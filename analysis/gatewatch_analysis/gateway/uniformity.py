"""Do ISPs block in the same way?  U, the part of the variety that the ISP explains, and P, that two agree.

U is Theil's uncertainty coefficient, (H(mechanism) - H(mechanism | ISP)) / H(mechanism), every ISP counting
alike (H. Theil, Statistical Decomposition Analysis, 1972).  It is undefined where there is one mechanism
only, so that P always stands beside it: the share of pairs of ISPs with the same main mechanism.  One
mechanism everywhere proves no gateway: one order may say how, and one maker may have sold to all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations
from math import log2
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.isps import Isp, by_country, rows_by_isp
from gatewatch_analysis.tables import VANTAGE, Mechanisms, Uniformity

#: The row over all targets.
ALL = "all"


def mechanisms(measurements: pd.DataFrame, dead: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count by which mechanism each ISP blocks each target (table ``Mechanisms``).

    ``dead`` are the rows of ``blocking.everywhere_down``: what is dead everywhere is blocked nowhere.
    """
    blocked = measurements[(measurements["status"] == "blocked") & measurements["method"].notna()]
    if dead is not None and not dead.empty:
        gone = pd.MultiIndex.from_frame(dead[["lab", "input"]])
        blocked = blocked[~pd.MultiIndex.from_frame(blocked[["lab", "input"]]).isin(gone)]
    way = blocked["layer"].str.cat(blocked["method"], sep=".")
    counts = blocked.assign(mechanism=way).groupby([*VANTAGE, "input", "mechanism"], as_index=False).size()
    return Mechanisms.typed(counts.rename(columns={"size": "count"}))


def shares(found: pd.DataFrame) -> dict[Isp, dict[str, float]]:
    """Give each ISP's mechanisms with their shares; every target that it blocks counts alike."""
    table: dict[Isp, dict[str, float]] = {}
    for isp, mine in rows_by_isp(found, "input", "mechanism", "count").items():
        whole: Counter[str] = Counter()
        for target, _, count in mine:
            whole[target] += count
        parts: dict[str, float] = defaultdict(float)
        for target, mechanism, count in mine:
            parts[mechanism] += count / whole[target] / len(whole)
        table[isp] = dict(parts)
    return table


def main_of(parts: dict[str, float]) -> str:
    """Name the main mechanism; of equally common ones the first by name."""
    return min(parts, key=lambda way: (-round(parts[way], 9), way))


def uniformity(found: pd.DataFrame) -> pd.DataFrame:
    """Compare the ISPs of each country, target by target and over all (table ``Uniformity``)."""
    rows: list[tuple[Any, ...]] = []
    for country, mine in by_country(found):
        for subject, cells in [(ALL, mine), *mine.groupby("input")]:
            parts = shares(cells)
            mains = Counter(main_of(p) for p in parts.values())
            top = min(mains, key=lambda way: (-mains[way], way))
            rows.append(
                (
                    *country,
                    str(subject),
                    len(parts),
                    len({way for p in parts.values() for way in p}),
                    theil(list(parts.values())),
                    agreement([main_of(p) for p in parts.values()]),
                    top,
                    mains[top],
                )
            )
    return Uniformity.frame(rows)


def theil(parts: list[dict[str, float]]) -> float | None:
    """Give U; None where there is one mechanism only, and no variety to explain."""
    ways = {way for p in parts for way in p}
    whole = _entropy(sum(p.get(way, 0.0) for p in parts) / len(parts) for way in ways)
    if whole == 0:
        return None
    within = sum(_entropy(p.values()) for p in parts) / len(parts)
    return (whole - within) / whole


def agreement(mains: list[str]) -> float | None:
    """Give P; None for fewer than two ISPs."""
    pairs = list(combinations(mains, 2))
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else None


def _entropy(parts: Iterable[float]) -> float:
    return -sum(p * log2(p) for p in parts if p > 0)

"""Is it the same type of box?  What located filters have in common, ISP by ISP, and the types that makes.

Two ISPs' boxes are of one type where at least three habits agree and none contradicts, as when one is held
against the published ones (:mod:`gatewatch.locus.box`).  One type on many ISPs means one maker, or one buyer:
it was sold to all of them, or somebody has put it there.  It is no evidence of one place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pandas as pd

from gatewatch.locus.box import LEAST
from gatewatch_analysis.gateway.isps import Isp, by_country, by_isp, titles
from gatewatch_analysis.tables import BoxTypes

_CERTAIN = 0.95

Habits = dict[str, Any]


def box_types(loci: pd.DataFrame) -> pd.DataFrame:
    """Sort the boxes of each country into types, method by method (table ``BoxTypes``)."""
    rows: list[tuple[Any, ...]] = []
    for _, mine in by_country(loci[loci["before"].notna()]):
        for method, located in mine.groupby("method"):
            boxes = {isp: habits(r) for isp, r in by_isp(located)}
            telling = {isp: box for isp, box in boxes.items() if len(box) >= LEAST}
            types = _types(telling)
            for isp, box in telling.items():
                same = sorted(other for other in telling if types[other] == types[isp] and other != isp)
                shown = "; ".join(f"{name} {_shown(value)}" for name, value in sorted(box.items()))
                rows.append((*isp, str(method), types[isp], len(same) + 1, titles(same) or None, shown))
    return BoxTypes.frame(rows)


def habits(located: pd.DataFrame) -> Habits:
    """Read the habits that an ISP's loci agree on; what they do not, and what is not known, is left out."""
    found: Habits = {}
    for name, read in _HABITS.items():
        values = Counter(v for _, row in located.iterrows() if (v := read(row)) is not None)
        if len(values) == 1:
            found[name] = next(iter(values))
    return found


def _types(boxes: dict[Isp, Habits]) -> dict[Isp, int]:
    """Number the types from 1, the commonest first: what is alike, and what is alike to that."""
    head = {isp: isp for isp in boxes}

    def root(isp: Isp) -> Isp:
        while head[isp] != isp:
            isp = head[isp]
        return isp

    for a, b in combinations(sorted(boxes), 2):
        if same(boxes[a], boxes[b]):
            head[root(b)] = root(a)
    sizes = Counter(root(isp) for isp in boxes)
    order = {r: i for i, r in enumerate(sorted(sizes, key=lambda r: (-sizes[r], r)), 1)}
    return {isp: order[root(isp)] for isp in boxes}


def same(a: Habits, b: Habits) -> bool:
    """Say whether two boxes are of one type: enough agrees and nothing contradicts."""
    common = a.keys() & b.keys()
    return len(common) >= LEAST and all(_agree(a[name], b[name]) for name in common)


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):  # a range: they agree where they overlap
        return bool(a[0] <= b[1] and b[0] <= a[1])
    return bool(a == b)


def _given(column: str) -> Callable[[Any], Any]:
    return lambda row: None if pd.isna(row[column]) else row[column]


def _surely(column: str) -> Callable[[Any], bool | None]:
    """Read a probability as yes, no, or nothing."""

    def read(row: Any) -> bool | None:
        if pd.isna(row[column]):
            return None
        return True if row[column] > _CERTAIN else False if row[column] < 1 - _CERTAIN else None

    return read


def _range(low: str, high: str) -> Callable[[Any], tuple[float, float] | None]:
    def read(row: Any) -> tuple[float, float] | None:
        if pd.isna(row[low]):
            return None
        return float(row[low]), float("inf") if pd.isna(row[high]) else float(row[high])

    return read


_HABITS: dict[str, Callable[[Any], Any]] = {
    "signature": _given("signature"),
    "in path": _surely("in_path"),
    "copies the TTL": _surely("copies_ttl"),
    "goes on blocking (s)": _range("residual_least", "residual_most"),
    "flags": _given("flags"),
    "initial TTL": _given("initial_ttl"),
    "IP ID": _given("ip_id"),
    "DF": _given("dont_fragment"),
    "window": _range("window_least", "window_most"),
    "packets": _given("packets"),
    "payload": _given("payload"),
}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else str(value)

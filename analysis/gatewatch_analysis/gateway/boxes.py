"""Is it the same type of box?  What located filters have in common, ISP by ISP, and the types that makes.

Two ISPs' boxes are of one type where at least three habits agree and none contradicts, as when one is held
against the published ones (:mod:`gatewatch.locus.box`).  One type on many ISPs means one maker, or one buyer:
it was sold to all of them, or somebody has put it there.  It is no evidence of one place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple

import pandas as pd

from gatewatch.locus.box import LEAST
from gatewatch_analysis.gateway.isps import Isp, by_country, rows_by_isp, titles
from gatewatch_analysis.tables import BoxTypes

_CERTAIN = 0.95

Habits = dict[str, Any]


class _Row(NamedTuple):
    """What of a locus is read here."""

    method: str | None
    signature: str | None
    in_path: float | None
    copies_ttl: float | None
    residual_least: float | None
    residual_most: float | None
    flags: str | None
    initial_ttl: str | None
    ip_id: str | None
    dont_fragment: bool | None
    window_least: int | None
    window_most: int | None
    packets: int | None
    payload: str | None


def box_types(loci: pd.DataFrame) -> pd.DataFrame:
    """Sort the boxes of each country into types, method by method (table ``BoxTypes``)."""
    rows: list[tuple[Any, ...]] = []
    for _, mine in by_country(loci[loci["before"].notna()]):
        by_method: dict[str, dict[Isp, list[_Row]]] = defaultdict(lambda: defaultdict(list))
        for isp, located in rows_by_isp(mine, *_Row._fields).items():
            for row in map(_Row._make, located):
                by_method[str(row.method)][isp].append(row)
        for method, boxes in sorted(by_method.items()):
            telling = {i: box for i, r in boxes.items() if len(box := habits(r)) >= LEAST}
            types = _types(telling)
            for isp, box in telling.items():
                like = [other for other in telling if types[other] == types[isp] and other != isp]
                shown = "; ".join(f"{name} {_shown(value)}" for name, value in sorted(box.items()))
                rows.append((*isp, method, types[isp], len(like) + 1, titles(like) or None, shown))
    return BoxTypes.frame(rows)


def habits(located: list[_Row]) -> Habits:
    """Read the habits that an ISP's loci agree on; what they do not, and what is not known, is left out."""
    found: Habits = {}
    for name, read in _HABITS.items():
        values = {v for row in located if (v := read(row)) is not None}
        if len(values) == 1:
            found[name] = values.pop()
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


def _surely(chance: float | None) -> bool | None:
    """Read a probability as yes, no, or nothing."""
    if chance is None:
        return None
    return True if chance > _CERTAIN else False if chance < 1 - _CERTAIN else None


def _range(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None else (float(low), float("inf") if high is None else float(high))


_HABITS: dict[str, Callable[[_Row], Any]] = {
    "signature": lambda row: row.signature,
    "in path": lambda row: _surely(row.in_path),
    "copies the TTL": lambda row: _surely(row.copies_ttl),
    "goes on blocking (s)": lambda row: _range(row.residual_least, row.residual_most),
    "flags": lambda row: row.flags,
    "initial TTL": lambda row: row.initial_ttl,
    "IP ID": lambda row: row.ip_id,
    "DF": lambda row: row.dont_fragment,
    "window": lambda row: _range(row.window_least, row.window_most),
    "packets": lambda row: row.packets,
    "payload": lambda row: row.payload,
}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else str(value)

"""Does interference come from a carrier abroad?  Who is affected, against whose paths pass which carrier.

A foreign carrier that filters for its own country does so for its customers abroad, too (Nepal's users have
met India's block pages).  Then triggers are cut behind the border, and the ISPs whose paths abroad pass that
carrier are affected while the others are not.
"""

from __future__ import annotations

from collections import Counter
from math import comb
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.border import usable
from gatewatch_analysis.gateway.isps import Isp, by_country, of_country, rows_by_isp
from gatewatch_analysis.tables import VANTAGE, Carriers

# A carrier that takes most of an ISP's paths abroad.
_MOST = 0.5


def affected(measurements: pd.DataFrame, placed: pd.DataFrame) -> dict[Isp, bool]:
    """Say of each ISP whether anything interferes: a locus, or most decided rounds of some target blocked."""
    known = measurements[measurements["status"].isin(["blocked", "ok", "tampered", "server_side"])]
    cut = known[[*VANTAGE, "input"]].assign(cut=(known["status"] == "blocked").astype("float64"))
    cells = cut.groupby([*VANTAGE, "input"], as_index=False).mean()
    found = {isp: any(cut > 0.5 for (cut,) in rows) for isp, rows in rows_by_isp(cells, "cut").items()}
    return found | dict.fromkeys(rows_by_isp(placed), True)


def carriers(borders: pd.DataFrame, hit: dict[Isp, bool], placed: pd.DataFrame) -> pd.DataFrame:
    """Hold each first network abroad against who is affected (table ``Carriers``), with Fisher's exact test.

    ``hit`` is what :func:`affected` gives, ``placed`` the rows of ``node.places``.
    """
    rows: list[tuple[Any, ...]] = []
    for country, links in by_country(usable(borders)):
        main: dict[Isp, dict[int, str]] = {}
        for isp, paths in rows_by_isp(links, "foreign_asn", "foreign_name").items():
            counts = Counter(number for number, _ in paths if number is not None)
            names: dict[Any, Any] = dict(paths)
            main[isp] = {n: names[n] for n, count in counts.items() if count > _MOST * len(paths)}
        there = of_country(placed, country)
        abroad = set(rows_by_isp(there[there["place"] == "abroad"]))
        known = [isp for isp in main if isp in hit]
        for number in sorted({n for through in main.values() for n in through}):
            through = [isp for isp in known if number in main[isp]]
            others = [isp for isp in known if number not in main[isp]]
            a, b = sum(hit[isp] for isp in through), sum(hit[isp] for isp in others)
            name = next(main[isp][number] for isp in main if number in main[isp])
            located = sum(isp in abroad for isp in through)
            chance = fisher(a, len(through) - a, b, len(others) - b)
            rows.append((*country, number, name, len(through), a, len(others), b, located, chance))
    return Carriers.frame(rows)


def fisher(a: int, b: int, c: int, d: int) -> float | None:
    """Give the chance of at least ``a`` in the first cell if rows and columns had nothing to do with another.

    R. Fisher, Statistical Methods for Research Workers, 5th ed. 1934, 21.02.  None where a margin is empty.
    """
    n, row, column = a + b + c + d, a + b, a + c
    if not (0 < row < n and 0 < column < n):
        return None
    ways = range(a, min(row, column) + 1)
    return sum(comb(row, k) * comb(n - row, column - k) for k in ways) / comb(n, column)

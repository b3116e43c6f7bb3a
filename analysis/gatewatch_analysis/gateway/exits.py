"""How concentrated are the ways out: HHI, effective number, chokepoints, with a bootstrap over ISPs.

The Herfindahl-Hirschman index is the sum of squared shares: 1 where there is one way out, 1/n where n share
alike, so that its reciprocal is an effective number.  Every ISP counts alike, however many paths it gives, or
by ``shares``, such as its users; its own paths share what it counts.  Intervals resample ISPs, never traces
(B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, 8.3: the unit is what was sampled).

Chokepoints: the fewest networks that are on more than nine tenths of the border-crossing paths; the national
chokepoint potential is one divided by their number (K. Leyba et al., "Borders and Gateways", COMPASS 2019).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.gateway.border import usable
from gatewatch_analysis.gateway.isps import Isp, by_country, rows_by_isp
from gatewatch_analysis.tables import Exits

#: What is counted as a way out, and the column of ``Borders`` that names it.
KINDS = {
    "last router at home": "domestic_address",
    "last network at home": "domestic_asn",
    "first router abroad": "foreign_address",
    "first network abroad": "foreign_asn",
}
# H. Roberts, D. Larochelle et al., "Mapping Local Internet Control", Berkman Center 2011: points of control
# are the fewest networks through which 90 % of a country's addresses are reached.
_MOST = 0.9
# Efron and Tibshirani, 13.3: a thousand replications for an interval.
_RESAMPLES = 1000
_ENDS = (0.025, 0.975)
_SEED = 0


def exits(borders: pd.DataFrame, shares: Mapping[int, float] | None = None) -> pd.DataFrame:
    """Measure the ways out of each country (table ``Exits``), from the rows of ``border.borders``.

    ``shares`` gives each access network's weight, such as its users; without it each ISP counts alike.
    """
    rows: list[tuple[Any, ...]] = []
    for country, links in by_country(usable(borders)):
        for kind, column in KINDS.items():
            # An address withheld down to its prefix is many routers.
            known = links[links[column].notna() & ~links[column].astype("string").str.contains("/")]
            if not known.empty:
                rows.append((*country, kind, *_measured(known, column, shares)))
    return Exits.frame(rows)


def _measured(links: pd.DataFrame, column: str, shares: Mapping[int, float] | None) -> tuple[Any, ...]:
    isps = [(isp, Counter(str(way) for (way,) in ways)) for isp, ways in rows_by_isp(links, column).items()]
    names = sorted({name for _, counts in isps for name in counts})
    table = np.array([[counts[name] / sum(counts.values()) for name in names] for _, counts in isps])
    weights = np.array([(shares or {}).get(isp.asn, 0.0 if shares else 1.0) for isp, _ in isps])
    if not weights.any():
        weights = np.ones(len(isps))
    hhi = float(_hhi(table, weights))
    low, high = _interval(table, weights)
    whole = weights @ table / weights.sum()
    top = max(range(len(names)), key=lambda i: (whole[i], names[i]))
    count = _chokepoints(whole)
    return (
        len(isps),
        len(links),
        hhi,
        low,
        high,
        1 / hhi,
        1 / high,
        1 / low,
        1 / len(isps),
        _alike(links, column),
        count,
        1 / count,
        f"AS{names[top]}" if column.endswith("asn") else names[top],
        float(whole[top]),
        sum(1 for _, counts in isps if counts[names[top]]),
    )


def _hhi(table: Any, weights: Any) -> Any:
    """Sum the squared shares; rows are ISPs, columns ways out; ``weights`` may hold many resamples."""
    shares = weights @ table / weights.sum(axis=-1, keepdims=True)
    return (shares**2).sum(axis=-1)


def _interval(table: Any, weights: Any) -> tuple[float, float]:
    rng = np.random.default_rng(_SEED)
    n = len(weights)
    drawn = rng.multinomial(n, np.full(n, 1 / n), _RESAMPLES) * weights
    found = _hhi(table, drawn[drawn.any(axis=1)])
    low, high = np.quantile(found, _ENDS)
    # Resamples repeat ISPs, and so err towards concentration: where no two share, none is as low as this.
    whole = float(_hhi(table, weights))
    return min(float(low), whole), max(float(high), whole)


def _chokepoints(shares: Any) -> int:
    sums = np.cumsum(sorted(shares, reverse=True))
    # The last sum is 1 but for rounding.
    return int(np.argmax(sums > _MOST)) + 1


def _alike(links: pd.DataFrame, column: str) -> float | None:
    """How often two ISPs' paths to one and the same destination leave by the same way; None if none can."""
    ways: dict[str, dict[Isp, set[str]]] = defaultdict(lambda: defaultdict(set))
    for isp, rows in rows_by_isp(links, "destination", column).items():
        for destination, way in rows:
            ways[destination][isp].add(str(way))
    alike = total = 0.0
    for there in ways.values():
        for a, b in combinations(there.values(), 2):
            total += 1
            alike += len(a & b) / len(a | b)
    return alike / total if total else None

"""Whose networks at home an ISP's paths pass before the border: who sells it transit, and who hangs together.

ISPs that buy from one another share routers, filters and faults, so together they are less than so many
observations.  A unit is an ISP with all that reach the world through it, or that it reaches it through.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.isps import Isp, by_country, of_country, rows_by_isp
from gatewatch_analysis.gateway.known import NOTHING, Known
from gatewatch_analysis.gateway.ways import AT_HOME, ways
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import Sellers, Units

# A network on most of an ISP's ways abroad is what it depends on; one on a few of them is a second way.
_DEPENDS = 0.5


def sellers(hops: pd.DataFrame, prefixes: Whereabouts) -> pd.DataFrame:
    """List the domestic networks, beside its own, on each ISP's paths abroad (table ``Sellers``)."""
    passed: dict[Isp, Counter[int]] = defaultdict(Counter)
    total: Counter[Isp] = Counter()
    names: dict[int, str] = {}
    for vantage, _, traces in ways(hops, prefixes):
        isp = Isp(str(vantage[0]), str(vantage[1]), int(vantage[2] or 0), bool(vantage[3]))
        abroad = [way.hops for way in traces if any(hop.kind == "abroad" for hop in way.hops)]
        if not abroad:
            continue
        total[isp] += 1
        met = Counter(asn for path in abroad for asn in _before_the_border(path, names))
        # A network that most traces to this destination met.
        passed[isp].update(asn for asn, count in met.items() if 2 * count > len(abroad))
    rows = [
        (*isp, asn, names[asn] or None, total[isp], count, count / total[isp])
        for isp in sorted(passed)
        for asn, count in sorted(passed[isp].items())
    ]
    return Sellers.frame(rows)


def _before_the_border(path: list[Any], names: dict[int, str]) -> set[int]:
    found = set()
    for hop in path:
        if hop.kind == "abroad":
            break
        if hop.kind in AT_HOME and hop.kind != "own" and hop.prefix.asn:
            found.add(hop.prefix.asn)
            names.setdefault(hop.prefix.asn, hop.prefix.name)
    return found


def units(isps: Iterable[Isp], sold: pd.DataFrame, about: Known = NOTHING) -> pd.DataFrame:
    """Say which ISPs hang together (table ``Units``), by the rows of :func:`sellers`.

    Those that depend on one retail network belong to it, a measured ISP's or a known one's; and networks of
    one company belong together.  A network that sells to nobody, such as a gate's, makes no unit.
    """
    everyone = sorted(isps)
    rows: list[tuple[Any, ...]] = []
    for country in sorted({(isp.country, isp.lab) for isp in everyone}):
        mine = [isp for isp in everyone if (isp.country, isp.lab) == country]
        sell = about.sellers(isp.asn for isp in mine)
        here = of_country(sold, country)
        depends = here[(here["share"] > _DEPENDS) & here["network"].isin(list(sell))]
        from_ = {
            isp: sorted(int(n) for (n,) in rows) for isp, rows in rows_by_isp(depends, "network").items()
        }
        head = {isp: _root(isp, mine, from_, about.company) for isp in mine}
        sizes = Counter(head.values())
        for isp in mine:
            buys = " ".join(f"AS{n}" for n in from_.get(isp, ())) or None
            rows.append((*isp, about.company.get(isp.asn), head[isp], sizes[head[isp]], buys))
    return Units.frame(rows)


def _root(isp: Isp, everyone: list[Isp], from_: Mapping[Isp, list[int]], company: Mapping[int, str]) -> str:
    """Follow who sells to whom to the last one; a ring of sellers is named by its smallest number."""
    seen, at = [isp.asn], isp
    while from_.get(at):
        number = from_[at][0]
        if number in seen:
            return _name(min(seen), company)
        seen.append(number)
        seller = next((other for other in everyone if other.asn == number), None)
        if seller is None:
            return _name(number, company)
        at = seller
    return _name(at.asn, company) if at.asn else at.isp


def _name(number: int, company: Mapping[int, str]) -> str:
    return company.get(number, f"AS{number}")


def count(table: pd.DataFrame) -> dict[tuple[str, bool], int]:
    """Count the units of each country, of the rows of :func:`units`."""
    return {country: rows["unit"].nunique() for country, rows in by_country(table)}

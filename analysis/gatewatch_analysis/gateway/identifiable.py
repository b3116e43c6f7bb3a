"""Could a shared place be told from a shared way out at all?

Where every path leaves by one exit anyway, each ISP meets whatever stands there, and a carrier's own filter
and a gate for the country look alike.  They part where the ISPs' ways part again behind the node, each to its
own carrier; where some ISP's way goes round it; and where the ISPs behind it do not buy from one another.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.border import usable
from gatewatch_analysis.gateway.isps import Isp, countries, of_country, rows_by_isp
from gatewatch_analysis.tables import Identifiable

# Fewer ISPs that do not hang together leave two explanations for whatever they share (reference: a bound of
# 0.46 for the share of a country's ISPs even where 3 of 3 agree).
_LEAST_UNITS = 3
# Exits of which the second has any weight: two with 9 to 1 give 1.22.
_ONE_EXIT = 1.2


def identifiable(
    borders: pd.DataFrame, exits: pd.DataFrame, units: pd.DataFrame, shared: pd.DataFrame, sold: pd.DataFrame
) -> pd.DataFrame:
    """Say for each country whether a gate could be told from a common way out (table ``Identifiable``).

    From the rows of ``border.borders``, ``exits.exits``, ``sellers.units``, ``node.shared_nodes`` and
    ``sellers.sellers``.
    """
    rows: list[tuple[Any, ...]] = []
    for country in countries(units):
        mine = of_country(units, country)
        everyone = set(rows_by_isp(mine))
        count = int(mine["unit"].nunique())
        ways = of_country(exits, country)
        abroad = ways[ways["exit"] == "first network abroad"]
        effective = float(abroad["effective"].iloc[0]) if len(abroad) else None
        alike = abroad["alike"].iloc[0] if len(abroad) else None
        nodes = of_country(shared, country)
        node = nodes["node"].iloc[0] if len(nodes) and pd.notna(nodes["node"].iloc[0]) else None
        behind, round_ = _behind(usable(of_country(borders, country)), of_country(sold, country), node)
        sells = node is not None and node in {f"AS{isp.asn}" for isp in everyone}
        whys = _whys(count, effective, node, behind, round_, sells)
        told = None if effective is None else not whys
        rows.append(
            (
                *country,
                len(everyone),
                count,
                effective,
                None if alike is None or pd.isna(alike) else float(alike),
                node,
                sells if node else None,
                len(behind) if node and behind else None,
                round_ if node and effective is not None else None,
                told,
                "; ".join(whys) or None,
            )
        )
    return Identifiable.frame(rows)


def _behind(links: pd.DataFrame, sold: pd.DataFrame, node: str | None) -> tuple[dict[str, set[Isp]], int]:
    """Give the networks abroad behind a node, each with the ISPs that reach it so; and how many go round."""
    through = {
        isp for isp, rows in rows_by_isp(sold, "network").items() if node in {f"AS{n}" for (n,) in rows}
    }
    behind: dict[str, set[Isp]] = defaultdict(set)
    past = 0
    for isp, paths in rows_by_isp(links, "domestic_address", "foreign_asn").items():
        at = isp in through or node in (f"AS{isp.asn}", *(address for address, _ in paths))
        if at:
            for _, number in paths:
                if number is not None:
                    behind[f"AS{number}"].add(isp)
        past += not at
    return dict(behind), past


def _whys(
    units: int, effective: float | None, node: str | None, behind: dict[str, set[Isp]], past: int, sells: bool
) -> list[str]:
    whys = []
    if units < _LEAST_UNITS:
        whys.append(f"only {units} of the ISPs do not hang together, at least {_LEAST_UNITS} are needed")
    if effective is None:
        whys.append("no way out is known")
    elif effective < _ONE_EXIT and not past:
        whys.append("all paths leave by one network")
    if sells and not past:
        whys.append(f"{node} is an ISP that the others buy from")
    if node and behind and len(behind) == 1 and not past:
        whys.append(f"behind {node} all go on to {next(iter(behind))}")
    return whys

"""What each ISP did on each day: through which networks at home its ways abroad led, and how it blocked.

An ISP's day is one observation.  Its ways of a day hang together, and so do its blocked sites.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pandas as pd

from gatewatch_analysis.gateway.isps import Isp, plain
from gatewatch_analysis.gateway.uniformity import main_of, mechanisms, shares
from gatewatch_analysis.gateway.ways import AT_HOME, Way, ways
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import VANTAGE

Day = pd.Timestamp


@dataclass(slots=True)
class Abroad:
    """An ISP's ways abroad on one day: how many, through which networks at home, by which last router.

    ``to``: ways by destination; ``nodes_to``: by destination and network.
    """

    ways: int = 0
    nodes: Counter[str] = field(default_factory=Counter)
    routers: Counter[str] = field(default_factory=Counter)
    to: Counter[str] = field(default_factory=Counter)
    nodes_to: Counter[tuple[str, str]] = field(default_factory=Counter)

    def through(self, node: str) -> bool:
        """Whether most of them led through a network."""
        return 2 * self.nodes[node] > self.ways


#: Each ISP's days.
Days = dict[Isp, dict[Day, Abroad]]


def ways_abroad(hops: pd.DataFrame, prefixes: Whereabouts) -> tuple[Days, dict[str, str]]:
    """Read the table ``Hops``; gives each ISP's days, and the names of the networks.

    A way counts where a hop abroad answered, and one at home before it.  The ISP's own network is no node.
    """
    found: Days = defaultdict(lambda: defaultdict(Abroad))
    names: dict[str, str] = {}
    timed = hops[hops["start"].notna()]
    for day, part in timed.groupby(timed["start"].dt.floor("D"), sort=True):
        for vantage, destination, traces in ways(part, prefixes):
            country, isp, asn, lab = vantage
            mine = found[Isp(str(country), str(isp), int(asn or 0), bool(lab))]
            for way in traces:
                _add(mine, pd.Timestamp(day), str(destination), way, names)
    return {isp: dict(days) for isp, days in sorted(found.items())}, names


def _add(days: dict[Day, Abroad], day: Day, destination: str, way: Way, names: dict[str, str]) -> None:
    out = next((i for i, hop in enumerate(way.hops) if hop.kind == "abroad"), None)
    home = [hop for hop in way.hops[:out] if hop.kind in AT_HOME]
    if out is None or not home:
        return
    nodes = set()
    for hop in home:
        prefix = hop.prefix
        if hop.kind != "home" or prefix is None or not (prefix.asn or prefix.ixp):
            continue
        node = f"exchange {prefix.ixp}" if prefix.ixp else f"AS{prefix.asn}"
        names[node] = prefix.ixp or prefix.name
        nodes.add(node)
    seen = days[day]
    seen.ways += 1
    seen.nodes.update(nodes)
    seen.routers[home[-1].address] += 1
    seen.to[destination] += 1
    seen.nodes_to.update((destination, node) for node in nodes)


def main_methods(measurements: pd.DataFrame, dead: pd.DataFrame) -> dict[Isp, dict[Day, str]]:
    """Give by which method each ISP blocked most of what it blocked, day by day.

    ``dead`` are the rows of ``blocking.everywhere_down``.
    """
    timed = measurements[measurements["start"].notna() & (measurements["status"] == "blocked")]
    found: dict[Isp, dict[Day, str]] = defaultdict(dict)
    for day, part in timed.groupby(timed["start"].dt.floor("D"), sort=True):
        for isp, parts in shares(mechanisms(part, dead)).items():
            found[isp][pd.Timestamp(day)] = main_of(parts)
    return dict(found)


def days_of(*frames: pd.DataFrame) -> pd.DatetimeIndex:
    """Give every day from the first to the last of some tables; none where none has a time."""
    starts = pd.concat([frame["start"].dropna() for frame in frames])
    if starts.empty:
        return pd.DatetimeIndex([], tz="UTC")
    return pd.date_range(starts.min().floor("D"), starts.max().floor("D"), freq="D")


def isps_in(frame: pd.DataFrame) -> list[Isp]:
    """Name every ISP of a table, once."""
    rows = plain(frame[VANTAGE].drop_duplicates(), *VANTAGE)
    return sorted(Isp(str(c), str(i), int(a or 0), bool(lab)) for c, i, a, lab in rows)

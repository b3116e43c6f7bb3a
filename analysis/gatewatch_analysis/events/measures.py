"""What a registered prediction measures, computed for one country over any part of the time.

Each measure gives a number with an interval where one can be had, how many ISPs it rests on, and a sentence;
None where the data does not hold what it needs.  Which prediction uses which stands in :mod:`.predicted`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from gatewatch_analysis.blocking.repeats import DECIDED
from gatewatch_analysis.gateway.border import DOMESTIC, borders
from gatewatch_analysis.gateway.boxes import box_types
from gatewatch_analysis.gateway.exits import exits
from gatewatch_analysis.gateway.isps import by_isp
from gatewatch_analysis.gateway.lists import list_agreement, list_pairs
from gatewatch_analysis.gateway.node import places, shared_nodes
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.statistics import wilson
from gatewatch_targets.differential import differential


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured in one country: the tables of a dataset, cut to it, and whose addresses are whose."""

    measurements: pd.DataFrame
    hops: pd.DataFrame
    loci: pd.DataFrame
    prefixes: Whereabouts

    def between(self, first: datetime | None, end: datetime | None) -> Seen:
        """Cut to the time from ``first`` up to, not with, ``end``; None leaves a side open."""

        def cut(frame: pd.DataFrame) -> pd.DataFrame:
            start = frame["start"]
            inside = start.notna()
            if first is not None:
                inside &= start >= first
            if end is not None:
                inside &= start < end
            return frame[inside]

        return replace(self, measurements=cut(self.measurements), hops=cut(self.hops), loci=cut(self.loci))


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure's value, the ends of its interval, the ISPs it rests on, and what it says."""

    value: float
    low: float
    high: float
    isps: int
    text: str


Measure = Callable[[Seen], "Measured | None"]


def border_concentration(seen: Seen) -> Measured | None:
    """HHI of the last networks at home, over ISPs."""
    found = exits(borders(seen.hops, seen.prefixes))
    found = found[found["exit"] == "last network at home"]
    if found.empty:
        return None
    row = found.iloc[0]
    text = f"HHI of the last network at home {row['hhi']:.2f}; the largest is {row['largest']}"
    return Measured(float(row["hhi"]), float(row["hhi_low"]), float(row["hhi_high"]), int(row["isps"]), text)


def shared_link(seen: Seen) -> Measured | None:
    """Share of the located ISPs whose interference is at the node that most share."""
    found = shared_nodes(places(seen.loci))
    if found.empty:
        return None
    row = found.iloc[0]
    hits, isps = int(row["isps"]), int(row["located"])
    node = "no node is shared" if pd.isna(row["node"]) else f"{hits} of {isps} ISPs meet it at {row['node']}"
    return Measured(hits / isps, *wilson(hits, isps), isps, node)


def alike_lists(seen: Seen) -> Measured | None:
    """Jaccard index of the blocked sets between ISPs, over that of repeats on one."""
    found = list_agreement(list_pairs(seen.measurements))
    found = found[found["ratio"].notna()]
    if found.empty:
        return None
    row = found.iloc[0]
    ceiling = float(row["ceiling"])
    low, high = (float(row[end]) / ceiling for end in ("low", "high"))
    text = f"Jaccard index {row['mean']:.2f} between ISPs, {ceiling:.2f} between rounds of one"
    return Measured(float(row["ratio"]), low, high, int(row["isps"]), text)


def one_kind_of_box(seen: Seen) -> Measured | None:
    """Share of the ISPs whose box is of the commonest type, over the methods that more than one ISP meets."""
    found = box_types(seen.loci)
    hits = isps = 0
    for _, mine in found.groupby("method"):
        if len(mine) > 1:
            hits, isps = hits + int(mine["isps"].max()), isps + len(mine)
    if not isps:
        return None
    text = f"the commonest type of box is met {hits} times of {isps}"
    return Measured(hits / isps, *wilson(hits, isps), found.groupby(["isp", "asn"]).ngroups, text)


def names_alone(seen: Seen) -> Measured | None:
    """Share of the blocked targets that are blocked by lies about names alone, ISPs counting alike."""
    blocked = seen.measurements[seen.measurements["status"] == "blocked"]
    if blocked.empty:
        return None
    main = blocked.groupby(["isp", "asn", "input"])["layer"].agg(lambda layers: layers.mode().iloc[0])
    lies = (main == "dns").groupby(level=["isp", "asn"]).mean()
    # The unit is the ISP: an ISP's many targets are one box's work.
    hits = int((lies > 0.5).sum())
    text = f"{hits} of {len(lies)} ISPs block mostly by lies about names"
    return Measured(float(lies.mean()), *wilson(hits, len(lies)), len(lies), text)


def way_at_home(seen: Seen) -> Measured | None:
    """Median over ISPs of the least time to a destination in the country, in ms."""
    found = borders(seen.hops, seen.prefixes)
    paths = found[found["state"] == DOMESTIC]
    least = [float(rows["domestic_rtt_ms"].min()) for _, rows in by_isp(paths)]
    least = [time for time in least if time == time]
    if not least:
        return None
    ordered = pd.Series(least)
    low, high = float(ordered.quantile(0.25)), float(ordered.quantile(0.75))
    median = float(ordered.median())
    return Measured(median, low, high, len(least), f"{median:.1f} ms to destinations in the country")


def sides_apart(seen: Seen) -> Measured | None:
    """Share of blocked among western services less that among Chinese ones, over ISPs."""
    side_of = {
        target.url: side
        for sides in differential().values()
        for side in ("western", "chinese")
        for target in sides.get(side, ())
    }
    decided = seen.measurements[seen.measurements["status"].isin(DECIDED)]
    mine = decided.assign(
        side=decided["input"].map(side_of), hit=(decided["status"] == "blocked").astype(float)
    )
    share = mine.dropna(subset=["side"]).groupby(["isp", "asn", "side"])["hit"].mean().unstack()
    if not {"western", "chinese"} <= set(share.columns):
        return None
    apart = (share["western"] - share["chinese"]).dropna()
    if apart.empty:
        return None
    more = int((apart > 0).sum())
    text = f"{more} of {len(apart)} ISPs block more western services than Chinese ones"
    ends = float(apart.quantile(0.25)), float(apart.quantile(0.75))
    return Measured(float(apart.median()), *ends, len(apart), text)

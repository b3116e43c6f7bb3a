"""Where paths leave the country: the last domestic and the first foreign hop, by whose network each is in.

A network and the country that most of its prefixes are listed under decide; a listing or a geolocation
against its own network decides nothing, and a round-trip time never does: a far domestic city can be further
than a near foreign one.  What else agrees with the link (the listing, an exchange, a step in time) stands in
``told_by``.  A border router often wears an address of the network across the border; so the answer is a
link, with the number of hops in between that told nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.ways import AT_HOME, Hop, Way, ways
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import VANTAGE, BorderByIsp, Borders

#: What can be said of a path (column ``state``).
FOUND = "found"
DOMESTIC = "domestic"
NO_DOMESTIC_HOP = "no last domestic hop"
ENDS_AT_HOME = "ends at home"
CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class _Crossing:
    state: str
    domestic: Hop | None = None
    foreign: Hop | None = None
    private: int = 0
    unlisted: int = 0
    returns: bool = False
    # The greatest step in round-trip time between hops before the link.
    step_ms: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return (
            self.state,
            self.domestic.address if self.domestic else "",
            self.foreign.address if self.foreign else "",
        )

    @property
    def gap(self) -> int:
        """Hops between the two, answered or not."""
        return self.foreign.ttl - self.domestic.ttl - 1 if self.foreign and self.domestic else 0


def borders(hops: pd.DataFrame, prefixes: Whereabouts) -> pd.DataFrame:
    """Find the border link of every path (table ``Borders``).

    Of several traces to a destination the commonest answer stands, in the form with the fewest hops that tell
    nothing; round-trip times are minima over the traces that give it.
    """
    rows = []
    for vantage, destination, traces in ways(hops, prefixes):
        seen = [_crossing(way) for way in traces]
        counts = Counter(c.key for c in seen)
        best_key = min(counts, key=lambda key: (-counts[key], key))
        agreeing = [c for c in seen if c.key == best_key]
        best = min(agreeing, key=lambda c: c.gap)
        silent = best.gap - best.private - best.unlisted
        near, far = _fastest(c.domestic for c in agreeing), _fastest(c.foreign for c in agreeing)
        jump = round(far - near, 3) if near is not None and far is not None else None
        rows.append(
            (
                *vantage,
                destination,
                best.state,
                len(seen),
                len(agreeing),
                *_described(best.domestic, near),
                *_described(best.foreign, far),
                jump,
                " ".join(_told_by(best, jump)) or None,
                best.gap if best.state == FOUND else None,
                silent if best.state == FOUND else None,
                best.private if best.state == FOUND else None,
                best.foreign.address == destination if best.foreign else None,
                any(c.returns for c in agreeing),
            )
        )
    return Borders.frame(rows)


def usable(found: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of :func:`borders` whose link speaks for the ISP.

    A link whose foreign end is the destination itself does not: an anycast server may stand inside the
    country, whatever its prefix says.
    """
    return found[(found["state"] == FOUND) & ~found["at_destination"].fillna(False)]


def border_by_isp(found: pd.DataFrame) -> pd.DataFrame:
    """Give each ISP's commonest border link, of the rows of :func:`borders` (table ``BorderByIsp``)."""
    rows = []
    for keys, paths in found.groupby(VANTAGE):
        links = usable(paths)
        ends = list(zip(links["domestic_address"], links["foreign_address"], strict=True))
        counts = Counter(ends)
        if not counts:
            rows.append((*keys, len(paths), 0, 0, 0, *(None,) * 14))
            continue
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        link = links[[pair == best for pair in ends]]
        one = link.iloc[0]
        near, far = link["domestic_rtt_ms"].min(), link["foreign_rtt_ms"].min()
        rows.append(
            (
                *keys,
                len(paths),
                len(links),
                len(link),
                len(counts),
                *(one[f"domestic_{what}"] for what in ("address", "asn", "name", "ixp")),
                near,
                *(one[f"foreign_{what}"] for what in ("address", "asn", "country", "name", "ixp")),
                far,
                far - near,
                one["told_by"],
                link["gap"].max(),
            )
        )
    return BorderByIsp.frame(rows)


def _crossing(way: Way) -> _Crossing:
    path = way.hops
    abroad = next((i for i, hop in enumerate(path) if hop.kind == "abroad"), None)
    home = [i for i, hop in enumerate(path[:abroad]) if hop.kind in AT_HOME]
    if abroad is None:
        if not home:
            return _Crossing(CANNOT_TELL)
        last, after = path[home[-1]], path[home[-1] + 1 :]
        if any(hop.kind in ("unlisted", "disputed") for hop in after):
            return _Crossing(CANNOT_TELL, last)
        # Reached, and the last that answered is at home: the destination is.
        return _Crossing(DOMESTIC if way.reached and not after else ENDS_AT_HOME, last)
    foreign = path[abroad]
    returns = any(hop.kind in AT_HOME for hop in path[abroad:])
    if not home:
        return _Crossing(NO_DOMESTIC_HOP, None, foreign, returns=returns)
    between = Counter(hop.kind for hop in path[home[-1] + 1 : abroad])
    unlisted = between["unlisted"] + between["disputed"]
    step = _greatest_step(path[: home[-1] + 1])
    return _Crossing(FOUND, path[home[-1]], foreign, between["private"], unlisted, returns, step)


def _greatest_step(path: list[Hop]) -> float | None:
    times = [hop.rtt_ms for hop in path if hop.rtt_ms is not None]
    return max((b - a for a, b in pairwise([0.0, *times])), default=None)


def _told_by(crossing: _Crossing, jump: float | None) -> list[str]:
    """Name what speaks for a link, beside whose networks its ends are in."""
    near, far = crossing.domestic, crossing.foreign
    if near is None or far is None or near.prefix is None or far.prefix is None:
        return []
    words = []
    if near.prefix.asn != far.prefix.asn:
        words.append("network")
    if near.prefix.country != far.prefix.country:
        words.append("listing")
    if near.prefix.ixp or far.prefix.ixp:
        words.append("exchange")
    if jump is not None and crossing.step_ms is not None and jump > crossing.step_ms:
        words.append("time")
    return words


def _fastest(repeats: Any) -> float | None:
    return min((hop.rtt_ms for hop in repeats if hop is not None and hop.rtt_ms is not None), default=None)


def _described(hop: Hop | None, rtt_ms: float | None) -> tuple[Any, ...]:
    """Give address, network, country, name, exchange, fastest round trip and TTL of a hop."""
    if hop is None:
        return (None,) * 7
    prefix = hop.prefix
    whose = (prefix.asn, prefix.country, prefix.name, prefix.ixp or None) if prefix else (None,) * 4
    return hop.address, *whose, rtt_ms, hop.ttl

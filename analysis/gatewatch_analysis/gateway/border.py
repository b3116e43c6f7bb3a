"""Where paths leave the country: the last domestic and the first foreign hop, by whose prefix each is in.

Round-trip times are shown beside the hops and decide nothing: a far domestic city can be further than a near
foreign one.  A prefix says who announces an address, not where the router stands, and a border router often
wears an address of the network across the border; so the answer is a link, with the number of hops in
between that told nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from gatewatch.net.address import is_bogon
from gatewatch_analysis.prefixes import Prefix, Whereabouts
from gatewatch_analysis.tables import VANTAGE, BorderByIsp, Borders

#: What can be said of a path (column ``state``).
FOUND = "found"
DOMESTIC = "domestic"
NO_DOMESTIC_HOP = "no last domestic hop"
ENDS_AT_HOME = "ends at home"
CANNOT_TELL = "cannot tell"


class _Reply(NamedTuple):
    trace: int
    ttl: int
    address: str | None
    rtt_ms: float | None
    reached: bool


@dataclass(frozen=True, slots=True)
class _Hop:
    ttl: int
    address: str
    # home, abroad, private (withheld ones too) or unlisted; silent hops are not listed at all
    kind: str
    prefix: Prefix | None
    rtt_ms: float | None


@dataclass(frozen=True, slots=True)
class _Crossing:
    state: str
    domestic: _Hop | None = None
    foreign: _Hop | None = None
    private: int = 0
    unlisted: int = 0
    returns: bool = False

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

    Each trace is read by itself, as hops of different traces need not lie on one path.  Of several traces to
    a destination the commonest answer stands, in the form with the fewest hops that tell nothing; round-trip
    times are minima over the traces that give it.
    """
    rows = []
    for keys, traces in _by_path(hops):
        country, destination = keys[0], keys[-1]
        seen = [_crossing(_path(trace, country, prefixes), trace[0].reached) for trace in traces]
        counts = Counter(c.key for c in seen)
        best_key = min(counts, key=lambda key: (-counts[key], key))
        agreeing = [c for c in seen if c.key == best_key]
        best = min(agreeing, key=lambda c: c.gap)
        silent = best.gap - best.private - best.unlisted
        rows.append(
            (
                *keys,
                best.state,
                len(seen),
                len(agreeing),
                *_described(best.domestic, [c.domestic for c in agreeing]),
                *_described(best.foreign, [c.foreign for c in agreeing]),
                best.gap if best.state == FOUND else None,
                silent if best.state == FOUND else None,
                best.private if best.state == FOUND else None,
                best.foreign.address == destination if best.foreign else None,
                any(c.returns for c in agreeing),
            )
        )
    return Borders.frame(rows)


def border_by_isp(found: pd.DataFrame) -> pd.DataFrame:
    """Give each ISP's commonest border link, of the rows of :func:`borders` (table ``BorderByIsp``).

    A link whose foreign end is the destination itself does not count: an anycast server may stand inside the
    country, whatever its prefix says.
    """
    rows = []
    for keys, paths in found.groupby(VANTAGE):
        usable = paths[(paths["state"] == FOUND) & ~paths["at_destination"].fillna(False)]
        ends = list(zip(usable["domestic_address"], usable["foreign_address"], strict=True))
        counts = Counter(ends)
        if not counts:
            rows.append((*keys, len(paths), 0, 0, 0, *(None,) * 10))
            continue
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        link = usable[[pair == best for pair in ends]]
        one = link.iloc[0]
        rows.append(
            (
                *keys,
                len(paths),
                len(usable),
                len(link),
                len(counts),
                one["domestic_address"],
                one["domestic_asn"],
                one["domestic_name"],
                link["domestic_rtt_ms"].min(),
                one["foreign_address"],
                one["foreign_asn"],
                one["foreign_country"],
                one["foreign_name"],
                link["foreign_rtt_ms"].min(),
                link["gap"].max(),
            )
        )
    return BorderByIsp.frame(rows)


def _by_path(hops: pd.DataFrame) -> Iterator[tuple[tuple[Any, ...], list[list[_Reply]]]]:
    """Give the traces of each vantage and destination, as lists of replies by TTL."""
    path = [*VANTAGE, "destination"]
    # Plain rows: a frame for every trace and TTL would take a hundred times as long.
    chosen = hops.sort_values([*path, "trace", "ttl"], kind="stable")[[*path, *_Reply._fields]]
    plain = chosen.astype(object).where(chosen.notna(), None)
    rows = plain.itertuples(index=False, name=None)
    for keys, group in groupby(rows, key=lambda row: row[: len(path)]):
        replies = (_Reply(*row[len(path) :]) for row in group)
        yield keys, [list(trace) for _, trace in groupby(replies, key=lambda reply: reply.trace)]


def _path(trace: list[_Reply], country: str, prefixes: Whereabouts) -> list[_Hop]:
    """Give the hops that answered, by TTL, each with the address that answered most often there."""
    hops = []
    for ttl, replies in groupby(trace, key=lambda reply: reply.ttl):
        times: dict[str, list[float | None]] = {}
        for reply in replies:
            if reply.address is not None:
                times.setdefault(reply.address, []).append(reply.rtt_ms)
        if times:
            address = min(times, key=lambda a: (-len(times[a]), a))
            fastest = min((rtt for rtt in times[address] if rtt is not None), default=None)
            hops.append(_Hop(ttl, address, *_whose(address, country, prefixes), fastest))
    return hops


def _whose(address: str, country: str, prefixes: Whereabouts) -> tuple[str, Prefix | None]:
    try:
        first = ip_network(address, strict=False).network_address
    except ValueError:
        # A first hop withheld for the volunteer's sake is stored as a keyed hash.
        return "private", None
    if is_bogon(str(first)):
        return "private", None
    prefix = prefixes.lookup(address)
    if prefix is None or country == "ZZ":
        return "unlisted", prefix
    return ("home" if prefix.country == country else "abroad"), prefix


def _crossing(path: list[_Hop], reached: bool) -> _Crossing:
    abroad = next((i for i, hop in enumerate(path) if hop.kind == "abroad"), None)
    home = [i for i, hop in enumerate(path[:abroad]) if hop.kind == "home"]
    if abroad is None:
        if not home:
            return _Crossing(CANNOT_TELL)
        last, after = path[home[-1]], path[home[-1] + 1 :]
        if any(hop.kind == "unlisted" for hop in after):
            return _Crossing(CANNOT_TELL, last)
        # Reached, and the last that answered is at home: the destination is.
        return _Crossing(DOMESTIC if reached and not after else ENDS_AT_HOME, last)
    foreign = path[abroad]
    returns = any(hop.kind == "home" for hop in path[abroad:])
    if not home:
        return _Crossing(NO_DOMESTIC_HOP, None, foreign, returns=returns)
    between = Counter(hop.kind for hop in path[home[-1] + 1 : abroad])
    return _Crossing(FOUND, path[home[-1]], foreign, between["private"], between["unlisted"], returns)


def _described(hop: _Hop | None, repeats: list[_Hop | None]) -> tuple[Any, ...]:
    """Give address, network, country, name, fastest round trip and TTL of a hop."""
    if hop is None:
        return (None,) * 6
    times = [r.rtt_ms for r in repeats if r is not None and r.rtt_ms is not None]
    whose = (hop.prefix.asn, hop.prefix.country, hop.prefix.name) if hop.prefix else (None, None, None)
    return hop.address, *whose, min(times, default=None), hop.ttl

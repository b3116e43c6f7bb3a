"""At whose node is interference, on each ISP; and how many ISPs meet it at one that they share.

A shared node is no gateway yet: a carrier that filters does so for all who buy from it, and where all paths
share one exit anyway a shared place says little (see ``identifiable``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd

from gatewatch_analysis.gateway.isps import Isp, by_country, rows_by_isp
from gatewatch_analysis.gateway.known import NOTHING, Known
from gatewatch_analysis.statistics.jeffreys import jeffreys_lower
from gatewatch_analysis.tables import Places, SharedNodes

#: Where an ISP's interference is, seen from it.
Place = Literal[
    "inside",  # its own network or resolver
    "own border",  # its own last router, or the link abroad behind it
    "crossing",  # such a link whose far end other ISPs' links share: a carrier's door, or two borders
    "shared at home",  # a network in the country, neither its own nor an ISP's, where others' is, too
    "alone at home",  # the same, but only this ISP's is seen there
    "at a seller",  # in another ISP's network
    "abroad",
]
PLACES: tuple[Place, ...] = get_args(Place)
# Below it the probe names no link itself (gatewatch.locus.belief); other software's rows may be less sure.
_SURE = 0.95


class _Row(NamedTuple):
    """What of a locus is read here."""

    method: str | None
    place: str | None
    before: int | None
    probability: float | None
    before_address: str | None
    before_asn: int | None
    before_country: str | None
    before_ixp: str | None
    after_address: str | None
    after_asn: int | None
    after_country: str | None
    after_ixp: str | None


@dataclass(slots=True)
class _Located:
    """One locus, as the ISP's own question about it."""

    method: str
    place: Place | None
    nodes: set[str] = field(default_factory=set)


def places(loci: pd.DataFrame, about: Known = NOTHING) -> pd.DataFrame:
    """Say where each ISP's interference is (table ``Places``); ``about``: what is known of networks.

    The loci of one way of sending (names, TLS, ...) count as one observation, by majority; of several ways
    each counts its part.  Links that the probe is not sure of, or that end at the server, count nothing.
    """
    rows: list[tuple[Any, ...]] = []
    for _, mine in by_country(loci):
        found = {
            isp: [_read(isp, row) for row in map(_Row._make, rows) if _sure(row)]
            for isp, rows in rows_by_isp(mine, *_Row._fields).items()
        }
        sells = about.sellers(isp.asn for isp in found)
        seen = _who_is_where(found)
        for isp, located in found.items():
            by_method: dict[str, list[_Located]] = defaultdict(list)
            for one in located:
                one.place = _settled(isp, one, seen, sells)
                if one.place is not None:
                    by_method[one.method].append(one)
            part = 1 / len(by_method) if by_method else 0.0
            for method, ones in sorted(by_method.items()):
                most = Counter(one.place for one in ones)
                place = min(most, key=lambda p: (-most[p], str(p)))
                node = _node(isp, place, [one for one in ones if one.place == place], seen)
                shared = len(seen[node] - {isp}) if node else 0
                beyond = _beyond(place, [one for one in ones if one.place == place])
                rows.append((*isp, method, place, node, shared, beyond, len(ones), most[place], part))
    return Places.frame(rows)


def _sure(row: _Row) -> bool:
    return row.before is not None and (row.probability is None or row.probability >= _SURE)


def _read(isp: Isp, row: _Row) -> _Located:
    method, label = str(row.method), row.place
    if label == "endpoint" and method == "dns":
        return _Located(method, "inside")  # the resolver itself lies
    if label == "access":
        return _Located(method, "inside")
    if label == "foreign":
        return _Located(method, "abroad", _ends(row, lambda c: c != isp.country))
    if label not in ("border", "domestic-shared"):
        return _Located(method, None)
    # An end in another network at home tells whose it is; else it is the ISP's own border.
    others = _ends(row, lambda c: c == isp.country, own=isp.asn)
    if others:
        return _Located(method, "alone at home", others)
    beyond = _ends(row, lambda c: c != isp.country)
    return _Located(method, "own border" if label == "border" else None, beyond)


def _ends(row: _Row, at: Callable[[str], bool], own: int = 0) -> set[str]:
    """Name the routers and networks of the link's ends that lie where ``at`` says, but not one's own."""
    found = set()
    for address, asn, country, exchange in (
        (row.before_address, row.before_asn, row.before_country, row.before_ixp),
        (row.after_address, row.after_asn, row.after_country, row.after_ixp),
    ):
        if country is None or not at(country) or (asn and asn == own):
            continue
        if exchange:
            found.add(f"exchange {exchange}")
        elif asn:
            found.add(f"AS{asn}")
        # A first hop withheld down to its prefix is many routers.
        if address and "/" not in address:
            found.add(address)
    return found


def _who_is_where(found: Mapping[Isp, list[_Located]]) -> dict[str, set[Isp]]:
    seen: dict[str, set[Isp]] = defaultdict(set)
    for isp, located in found.items():
        for one in located:
            for node in one.nodes:
                seen[node].add(isp)
    return seen


def _settled(isp: Isp, one: _Located, seen: Mapping[str, set[Isp]], sells: frozenset[int]) -> Place | None:
    """Look at the others: is the node shared, or an ISP's?"""
    if one.place == "alone at home":
        if any(node in one.nodes for node in (f"AS{asn}" for asn in sells if asn != isp.asn)):
            return "at a seller"
        return "shared at home" if any(len(seen[node] - {isp}) for node in one.nodes) else one.place
    if one.place == "own border":
        # Networks of carriers are shared by whole countries; one router of theirs is a place.
        routers = [node for node in one.nodes if not node.startswith("AS")]
        return "crossing" if any(len(seen[node] - {isp}) for node in routers) else one.place
    return one.place


def _beyond(place: Place | None, ones: list[_Located]) -> str | None:
    """Name the network abroad that a border's links lead to; None where they lead to several."""
    if place not in ("own border", "crossing"):
        return None
    networks = {node for one in ones for node in one.nodes if node.startswith("AS")}
    return networks.pop() if len(networks) == 1 else None


def _node(isp: Isp, place: Place | None, ones: list[_Located], seen: Mapping[str, set[Isp]]) -> str | None:
    """Name the node that most ISPs share, a network rather than one of its routers."""
    if place in ("inside", "own border"):
        return f"AS{isp.asn}" if isp.asn else None
    counts = Counter(node for one in ones for node in one.nodes)
    if place == "crossing":
        counts = Counter({node: count for node, count in counts.items() if not node.startswith("AS")})
    if not counts:
        return None
    return min(counts, key=lambda n: (-len(seen[n]), not n.startswith(("AS", "exchange")), -counts[n], n))


def shared_nodes(placed: pd.DataFrame) -> pd.DataFrame:
    """Count the ISPs at the most shared node at home of each country (table ``SharedNodes``)."""
    rows: list[tuple[Any, ...]] = []
    for country, mine in by_country(placed):
        isps = set(rows_by_isp(mine))
        at: dict[str, set[Isp]] = defaultdict(set)
        for isp, rows_ in rows_by_isp(mine, "place", "node").items():
            for place, node in rows_:
                if node is not None and place in ("shared at home", "at a seller"):
                    # The seller's own filter is at the same node.
                    at[node] |= {isp, *(other for other in isps if f"AS{other.asn}" == node)}
        shared = {node: who for node, who in at.items() if len(who) > 1}
        top = min(shared, key=lambda n: (-len(shared[n]), n)) if shared else None
        hits = len(shared[top]) if top else 0
        sizes = [len(who) for who in shared.values()]
        alone = len(isps) - len(set().union(*shared.values())) if shared else len(isps)
        hhi = sum((size / len(isps)) ** 2 for size in [*sizes, *[1] * alone])
        bound = jeffreys_lower(hits, len(isps))
        rows.append(
            (*country, len(isps), top, hits, hits / len(isps), bound, len(sizes) + alone, min(hhi, 1.0))
        )
    return SharedNodes.frame(rows)

"""What kind of place a link is: in the access network, at the border, abroad... by whose networks lie around.

The rules, in this order; what no rule covers is ``unknown``, since a wrong label is worse than none:

1. Without a table, or without knowing our own country: unknown.
2. The link ends at the server, right behind the router before it: endpoint.
3. An end that is silent or unlisted is whose the nearest known hops on both sides are, where these agree;
   else, and where it is disputed (below): unknown.
4. Both ends abroad: foreign.
5. The near end at home, the far end abroad: border.
6. Both at home, and the very next hop is abroad: border, since it is the country's last router that the
   filter stands before.  If the next hop that tells lies further on, this may be so or not: unknown.
7. Both at home: access where both are our own provider's (or private), else domestic-shared; an exchange's
   peering LAN is shared whoever announces it.
8. Home behind abroad: the way came back, and nothing is said.

Whose a hop is, the announcing network decides.  A country from a registry or a geolocation never overrules
it: our own provider's routers are at home wherever they are listed, and a network that is mostly at home (or
mostly abroad) with a prefix listed elsewhere makes that hop disputed.  The server's own address tells nothing
about the border, since anycast answers from anywhere; at home it tells that the way stays there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gatewatch.net.address import is_bogon
from gatewatch.whereabouts import Prefix, Whereabouts

Label = Literal["access", "domestic-shared", "border", "foreign", "endpoint", "unknown"]
_Side = Literal["own", "home", "abroad", "disputed"]
_HOME = ("own", "home")
UNKNOWN_COUNTRY = "ZZ"


@dataclass(frozen=True, slots=True)
class Vantage:
    """Where we are: the provider's AS number (0: not known) and the country (ZZ: not known)."""

    asn: int
    country: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label and why it is given, in words."""

    label: Label
    why: str


def label(
    vantage: Vantage,
    routers: Iterable[tuple[int, str | None]],
    link: tuple[int, int],
    distance: int,
    table: Whereabouts | None,
) -> Labelled:
    """Label the link between two TTLs of a path; ``routers`` are TTLs with addresses, None for silence.

    ``distance`` is the server's TTL.  Pure.
    """
    before, after = link
    if after >= distance and before >= distance - 1:
        return Labelled("endpoint", "it is at the server, or right before it")
    if table is None:
        return Labelled("unknown", "no table of prefixes is here")
    if vantage.country == UNKNOWN_COUNTRY:
        return Labelled("unknown", "the country of this line is not known")
    sides: dict[int, _Side] = {0: "own"}
    for ttl, address in sorted(routers, key=lambda row: row[0]):
        side = _side(vantage, address, table, sides) if address else None
        if side is not None:
            sides[ttl] = side
    server = sides.pop(distance, None)
    near, far = _known(sides, before), _known(sides, after)
    if near is None or far is None:
        return Labelled("unknown", "an end of the link is silent, or nobody's for certain")
    if near == "abroad":
        if far == "abroad":
            return Labelled("foreign", "both ends are abroad")
        return Labelled("unknown", "the way comes home from abroad there")
    if far == "abroad":
        return Labelled("border", "it leads from the country's last router abroad")
    if any(side == "abroad" for ttl, side in sides.items() if ttl < before):
        return Labelled("unknown", "the way has been abroad before")
    further = min((ttl for ttl in sides if ttl > after), default=None)
    follows = server if further is None else sides[further]
    if follows not in _HOME:
        if follows == "abroad" and further == after + 1:
            return Labelled("border", "it leads to the country's last router")
        return Labelled("unknown", "what follows at home does not tell, so the border may be right behind")
    if (near, far) == ("own", "own"):
        return Labelled("access", "both ends are this line's own provider's")
    if not vantage.asn:
        return Labelled("unknown", "the AS number of this line is not known")
    return Labelled("domestic-shared", "it is at home, and not in this line's own provider's network alone")


def _known(sides: dict[int, _Side], ttl: int) -> _Side | None:
    """Whose a hop is: where it does not tell, what the nearest ones on both sides agree on."""
    if ttl in sides:
        return None if sides[ttl] == "disputed" else sides[ttl]
    nearer = sides[max(t for t in sides if t < ttl)]
    later = [t for t in sides if t > ttl]
    agreed = bool(later) and sides[min(later)] == nearer != "disputed"
    return nearer if agreed else None


def _side(vantage: Vantage, address: str, table: Whereabouts, known: dict[int, _Side]) -> _Side | None:
    if is_bogon(address):
        # A home router, a carrier's NAT: ours as long as nobody else's router came before.
        return "own" if all(side == "own" for side in known.values()) else None
    try:
        prefix = table.lookup(address)
    except ValueError:
        return None
    return None if prefix is None else whose(vantage, prefix, table)


def whose(vantage: Vantage, prefix: Prefix, table: Whereabouts) -> _Side | None:
    """Tell whose a prefix is: our provider's, another's at home, abroad, not for certain; None: not said."""
    if prefix.ixp:
        return "home" if prefix.country == vantage.country else "abroad"
    if vantage.asn and prefix.asn == vantage.asn:
        return "own"
    listed, announced = prefix.country, table.home_of(prefix.asn) if prefix.asn else ""
    if listed and announced and (listed == vantage.country) is not (announced == vantage.country):
        return "disputed"
    country = announced or listed
    return None if not country else "home" if country == vantage.country else "abroad"

"""Servers to contrast with: one in the country, in another provider's network, and one abroad.  No probe.

Candidates at home are the helpers that the user named as such, then the control pages of the country's list;
abroad the control names and the control pages of the global list, but never a test helper, which a residual
block would take away.  The table of prefixes must confirm where each address is announced; of a helper that
the user named, the user's word is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal

import trio

from gatewatch.locus.label import UNKNOWN_COUNTRY, Vantage, whose
from gatewatch.net import stream
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse, registered
from gatewatch.net.wire import Wire
from gatewatch.records import ContrastEnd
from gatewatch_probes.connect import to_try
from gatewatch_probes.resolve import look_up
from gatewatch_targets import BUILTIN, control_names, load

Place = Literal["home", "abroad"]
# Names looked up and addresses of each tried: enough for a list half of which is down.  Two servers are kept,
# so that one of another site is left where the target is the first one's.
_NAMES, _ADDRESSES, _WANTED = 8, 2, 2


class Places:
    """The servers of one run, found once."""

    def __init__(self) -> None:
        self._known: dict[Place, list[ContrastEnd]] = {}
        self._looking = trio.Lock()

    async def find(self, wire: Wire, place: Place, host: str) -> ContrastEnd | None:
        """Give a server that is not of the site ``host``; None where none is found."""
        async with self._looking:
            if place not in self._known:
                self._known[place] = await _answering(wire, place)
        return next((end for end in self._known[place] if registered(end.host) != registered(host)), None)


def _candidates(wire: Wire, place: Place) -> Iterator[tuple[str, bool]]:
    """Names, and whether the user has vouched for them."""
    if place == "home":
        yield from ((parse(url).host, True) for url in wire.domestic_helpers)
    else:
        yield from ((name, False) for name in control_names())
    listed = wire.country.lower() if place == "home" else "global"
    if listed in BUILTIN:
        yield from ((target.host, False) for target in load(listed) if target.control and not target.is_ip)


async def _answering(wire: Wire, place: Place) -> list[ContrastEnd]:
    """Give the first servers that are where they should be and take a connection, two at most."""
    found: list[ContrastEnd] = []
    hosts = list(islice(dict.fromkeys(_candidates(wire, place)), _NAMES))
    for host, vouched in hosts:
        for address in to_try(wire, await look_up(Journal(), wire, host, ()))[:_ADDRESSES]:
            end = _placed(wire, place, host, address, vouched=vouched)
            if end is not None and await _answers(wire, address):
                found.append(end)
                break
        if len(found) == _WANTED:
            break
    return found


def _placed(wire: Wire, place: Place, host: str, address: str, *, vouched: bool) -> ContrastEnd | None:
    """Give the server if its address is where it should be; at home, not in our own provider's network."""
    prefix = wire.whose(address)
    side = None
    known = wire.country != UNKNOWN_COUNTRY and (wire.asn or place == "abroad")
    if prefix is not None and wire.whereabouts is not None and known:
        side = whose(Vantage(wire.asn, wire.country), prefix, wire.whereabouts)
    if side != place and not (vouched and side is None):
        return None
    asn, country = (prefix.asn, prefix.country) if prefix is not None else (0, "")
    return ContrastEnd(place=place, host=host, address=address, asn=asn, country=country)


async def _answers(wire: Wire, address: str) -> bool:
    tcp: stream.Stream | None = None
    async with wire.turns.take(address):
        with trio.move_on_after(wire.limits.connect):
            tcp, _ = await stream.connect(Journal(), address, 443)
        if tcp is not None:
            tcp.close()
    return tcp is not None

"""Who is it that answers?  What a resolver says of itself, against what is known of it.

Not a probe, a part of intercept.  Addresses that questions come from are told by their network only: behind a
resolver of the household's own, they are the household's.
"""

from __future__ import annotations

import ipaddress

from gatewatch.net import identity
from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import Identity
from gatewatch_probes.names.walk import FIRST_PATIENCE, Budget, Flow
from gatewatch_targets import Resolver, resolvers

# One question more than one packet could lose.
TRIES = 2


def known(target: str) -> Resolver | None:
    """Find the table's resolver by one of its addresses or names."""
    for resolver in resolvers():
        doh = resolver.doh.partition("//")[2].partition("/")[0]
        if target in (*resolver.ipv4, *resolver.ipv6, resolver.dot, doh):
            return resolver
    return None


def network(address: str) -> str | None:
    """Give the /24 or /48 of an address, the finest that is routed on its own (RIPE-399, RIPE-532)."""
    if not is_address(address):
        return None
    bits = 48 if ":" in address else 24
    return str(ipaddress.ip_network((address, bits), strict=False))


async def ask_whoami(flow: Flow) -> str | None:
    """Ask a resolver where its questions come from; None when it does not say."""
    for _ in range(TRIES):
        packet = await flow.send("whoami", identity.whoami, patience=FIRST_PATIENCE)
        told = identity.read(packet.raw[0]) if packet.raw else None
        if told is not None:
            return next((a for a in told.addresses if is_address(a)), None)
    return None


async def own_egress(wire: Wire) -> str | None:
    """Say where the questions of the line's own resolver come from, asked once a run."""

    async def ask() -> str | None:
        try:
            async with Flow(Journal(), wire.own_resolvers[0], Budget(TRIES)) as flow:
                return await ask_whoami(flow)
        except OSError:
            return None

    return await wire.learnt.once("egress", ask) if wire.own_resolvers else None


async def ask_identity(flow: Flow, entry: Resolver | None, own: str | None) -> Identity:
    """Ask the resolver at the flow's end who it is; ``own`` is where the line's own resolver asks from."""
    told: identity.Told | None = None
    for _ in range(TRIES):
        packet = await flow.send("identity", identity.server, patience=FIRST_PATIENCE)
        told = identity.read(packet.raw[0]) if packet.raw else None
        if told is not None:
            break
    egress = await ask_whoami(flow)
    name = told.texts[0] if told and told.texts else None
    return Identity(
        server=name,
        nsid=(told.nsid or None) if told else None,
        egress=network(egress) if egress else None,
        known=_known(entry, name, egress, own),
    )


def _known(entry: Resolver | None, name: str | None, egress: str | None, own: str | None) -> str:
    """Compare: own, other, isp or unknown."""
    if entry is None:
        return "unknown"
    named = entry.calls_itself(name) if name else None
    placed = entry.asks_from(egress) if egress else None
    if named or (placed and named is None):
        return "own"
    if placed is False and own is not None and egress is not None and network(own) == network(egress):
        return "isp"
    return "other" if False in (named, placed) else "unknown"

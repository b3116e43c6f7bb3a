"""trace: which routers lie on the way to a host?

Method: packets with rising TTL on one flow (same addresses, same ports: Paris traceroute), several in
flight; first one with the full TTL, whose answer tells how long the way is.  Every TTL is asked in three
rounds, so that a path that changes meanwhile shows.  With CAP_NET_RAW by raw sockets; without, by the
kernel's error queue: there, where routers quote eight bytes only, one datagram is in flight at a time.
Without an answer from the destination the trace ends five silent hops after the last router.
Traffic: about 70 datagrams of 40 bytes; multipath discovery, only when asked for, up to 3,000.
Risk: low: nothing is asked for and no name is sent; routers see an ordinary traceroute.
Reference: Augustin et al., "Avoiding traceroute anomalies with Paris traceroute" (IMC 2006); RFC 792, 4443,
4884, 4950; Vermeulen et al., "Multilevel MDA-Lite Paris Traceroute" (IMC 2018).
"""

from __future__ import annotations

from dataclasses import replace

from gatewatch.net.journal import Journal
from gatewatch.net.tracing.tracer import SINGLE, UDP, CannotTrace, Way, trace
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys, TraceKeys, encode
from gatewatch_probes.resolve import look_up
from gatewatch_targets import Target

__all__ = ["CannotTrace", "Trace", "known"]


class Trace:
    """The probe.

    ``way`` says by which protocol; ``confidence`` asks for multipath discovery.
    """

    name = "trace"
    test_name = "trace"
    version = "0.2.0"
    risk = "low"
    typical_bytes = 6_000
    typical_packets = 50
    # Three rounds over 30 hops that answer slowly or seldom, one at a time.
    seconds = 120.0

    def __init__(self, way: Way = UDP, confidence: float | None = None) -> None:
        self._way = way
        self._confidence = confidence

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Trace the way to the target's first address, by the most trustworthy answer to its name."""
        journal = Journal()
        found = await look_up(journal, wire, target.host, ())
        usable = [a for a in (*found.trusted, *found.public, *found.system) if wire.usable(a)]
        # IPv4 first: more of its routers answer, and its prefixes are better known.
        for address in sorted(usable, key=lambda address: ":" in address):
            return journal.keys(**encode(known(await self.trace(address, journal), wire)))
        return journal.keys(failure="dns_no_answer")

    async def trace(self, address: str, journal: Journal) -> TraceKeys:
        """Trace the way to one address; times count from the journal's start."""
        before = journal.now()
        (keys,) = await trace((address,), self._way, SINGLE, confidence=self._confidence)
        replies = tuple(r if r.t is None else replace(r, t=round(r.t + before, 6)) for r in keys.replies)
        return replace(keys, replies=replies)


def known(keys: TraceKeys, wire: Wire) -> TraceKeys:
    """Say of each hop who announces its address, where a table of prefixes is here."""
    if wire.whereabouts is None:
        return keys
    hops = []
    for hop in keys.hops:
        prefix = wire.whose(next(iter(hop.addresses), None))
        if prefix is not None:
            hop = replace(hop, asn=prefix.asn or None, country=prefix.country or None, ixp=prefix.ixp or None)
        hops.append(hop)
    return replace(keys, hops=tuple(hops))

"""intercept: is DNS on this line answered by who was asked, and if not, by whom and from which hop?

Method: a public resolver is asked who it is (CHAOS id.server, NSID, whoami); addresses where no resolver can
be (documentation space) are asked, too; then an innocuous name and the target's name are asked with rising
TTL on one flow.  A proxy answers every name from its hop on and lets nothing pass; an injector answers only
forbidden names, and routers behind it are still heard of.  Last, the target's name is asked over TCP, TLS
and HTTPS.  The target chooses the resolver when it is one (https://dns.google/), else the name to be asked.
Traffic: at most 40 DNS packets of about 60 bytes, three connections to the resolver.
Risk: the name is asked up to a dozen times, which whoever watches can see; no packet goes to a third party.
Reference: Randall et al., "Home is where the hijacking is" (IMC 2021); OONI ts-012; net4people/bbs 392.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import trio

from gatewatch.net import errqueue
from gatewatch.net.address import is_address, is_bogon
from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import Decoy, Intercept, TestKeys, encode
from gatewatch_probes.names.carriers import compare
from gatewatch_probes.names.findings import Findings, conclude
from gatewatch_probes.names.threshold import guess, threshold
from gatewatch_probes.names.walk import FIRST_PATIENCE, FULL, WINDOW, Budget, Flow, Packet, Spent, question
from gatewatch_probes.names.who import ask_identity, known, own_egress
from gatewatch_targets import Resolver, Target

# Packets in all: identity 4, decoys 4, first questions 4, two walks of about 8, beyond the proxy 4, to spare.
PACKETS = 40
# A name that nobody forbids; IANA keeps it for such uses (RFC 6761 6.5).
INNOCUOUS = "example.com"
# Documentation space (RFC 5737, RFC 3849): no resolver can be there, and no third party is asked.
DECOYS = {4: ("192.0.2.53", "198.51.100.53"), 6: ("2001:db8::53", "2001:db8:1::53")}
# Where nobody listens: the first port of classic traceroute.
OTHER_PORT = 33434
# How far beyond the first answer routers are looked for: two hops more is no accident of load balancing,
# which makes ways of unlike length seldom, and then by one hop (Augustin et al., IMC 2006, section 4).
BEYOND = 3
TRIES = 2


class _Inquiry:
    """One resolver and one name being looked into."""

    def __init__(self, wire: Wire, resolver: str, entry: Resolver | None, trigger: str | None) -> None:
        self.wire, self.resolver, self.entry, self.trigger = wire, resolver, entry, trigger
        self.journal = Journal()
        self.budget = Budget(PACKETS)
        self.qtype = "A"
        self.found = Findings()

    async def run(self) -> Intercept:
        found = self.found
        spent: str | None = None
        transports: dict[str, str] = {}
        true: tuple[str, ...] = ()
        port: int | None = None
        own = await own_egress(self.wire)
        try:
            async with Flow(self.journal, self.resolver, self.budget) as flow:
                port = flow.source_port
                found.packets = flow.packets
                await self._first(flow, "innocuous", INNOCUOUS)
                if self.trigger is not None:
                    await self._first(flow, "trigger", self.trigger)
                found.identity = await ask_identity(flow, self.entry, own)
                found.decoys = await self._decoys()
                if errqueue.AVAILABLE:
                    await self._walk(flow)
                name = self.trigger or INNOCUOUS
                said = found.said("trigger" if self.trigger else "innocuous")
                transports, true = await compare(
                    self.journal, self.wire, self.resolver, self.entry, name, said
                )
                if true and said is None and self.trigger is not None:
                    # Was it slow to look up?  Now the resolver knows it.
                    await self._first(flow, "trigger", self.trigger)
        except Spent:
            spent = f"the {PACKETS} packets were used up"
        except OSError as error:
            spent = translate(error)
        return conclude(
            found,
            resolver=self.resolver,
            entry=self.entry,
            innocuous=INNOCUOUS,
            trigger=self.trigger,
            transports=transports,
            true=true,
            problem=spent,
            packets=self.budget.sent,
            source_port=port,
        )

    async def _first(self, flow: Flow, name: str, host: str) -> None:
        """Ask with a full TTL, listening for a second answer."""
        for _ in range(TRIES + 1):
            packet = await flow.send(name, question(host, self.qtype), patience=FIRST_PATIENCE, window=WINDOW)
            if packet.answers:
                return

    async def _decoys(self) -> tuple[Decoy, ...]:
        """Ask addresses where nobody can be, all at the same time."""
        found: dict[str, list[Decoy]] = {address: [] for address in DECOYS[6 if ":" in self.resolver else 4]}
        names = [("innocuous", INNOCUOUS), *([("trigger", self.trigger)] if self.trigger else [])]

        async def ask(address: str) -> None:
            # Without a way there, as this machine or its router may know, nothing is to be learnt.
            with contextlib.suppress(OSError):
                async with Flow(self.journal, address, self.budget) as flow:
                    for name, host in names:
                        packet = await flow.send(name, question(host, self.qtype))
                        answers = tuple(packet.answers)
                        found[address].append(Decoy(destination=address, name=name, answers=answers))

        async with trio.open_nursery() as nursery:
            for address in found:
                nursery.start_soon(ask, address)
        return tuple(decoy for decoys in found.values() for decoy in decoys)

    async def _walk(self, flow: Flow) -> None:
        found = self.found
        plain = next((p for p in flow.packets if p.name == "innocuous" and p.answers), None)
        if plain is None:
            return
        ask = question(INNOCUOUS, self.qtype)
        found.distance = await threshold(flow, "innocuous", ask, guess(plain))
        if self.trigger is not None:
            await self._walk_trigger(flow, question(self.trigger, self.qtype))
        hop = found.hop
        if hop is not None and found.injected:
            # Who stands on both sides, and that the innocuous name really passes there.
            for ttl in (hop, hop - 1):
                if ttl > 0 and not any(p.expired and p.ttl == ttl for p in found.of("innocuous")):
                    await flow.send("innocuous", ask, ttl)
        await self._beyond(flow)

    async def _walk_trigger(self, flow: Flow, ask: Callable[[int], bytes]) -> None:
        found = self.found
        first = next((p for p in found.of("trigger") if p.answers), None)
        if first is None:
            return
        start = guess(first)
        # An honest answer comes from where the innocuous one came from.
        hop = found.trigger_distance = await threshold(
            flow, "trigger", ask, found.distance if start is None else start
        )
        if hop is None or not found.injected:
            return
        if hop == found.distance:
            # The forged answer was never seen alone.  If it copies TTLs, another TTL shows it.
            await flow.send("trigger", ask, FULL - 16, window=WINDOW)
        elif not any(p.expired and p.ttl >= hop for p in found.of("trigger")):
            # Does the question really go no further?  One ICMP error may be lost.
            await flow.send("trigger", ask, hop)

    async def _beyond(self, flow: Flow) -> None:
        """Send to another port of the resolver from the first answer's TTL on: is it farther than that?"""
        start = self.found.distance
        if start is None:
            return
        async with Flow(self.journal, self.resolver, self.budget, OTHER_PORT) as other:
            self.found.other = other.packets
            for ttl in range(start, min(start + BEYOND, FULL)):
                packet = await self._nowhere(other, ttl)
                if packet.error is not None and not packet.expired:
                    break

    async def _nowhere(self, other: Flow, ttl: int) -> Packet:
        packet = await other.send("other_port", _padding, ttl)
        return packet if packet.error else await other.send("other_port", _padding, ttl)


def _padding(txid: int) -> bytes:
    return txid.to_bytes(2, "big") + b"gatewatch traceroute probe"


class InterceptProbe:
    """The probe."""

    name = "intercept"
    test_name = "intercept"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 12_000
    typical_packets = 50

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Look into the resolver that the target names, or into a public one with the target's name."""
        entry = known(target.host)
        trigger = None if entry is not None or is_address(target.host) else target.host
        asked = _choose(wire, target, entry)
        inquiry = _Inquiry(wire, asked, entry or known(asked), trigger)
        result = await inquiry.run()
        return inquiry.journal.keys(x_gatewatch_intercept=encode(result))


def _choose(wire: Wire, target: Target, entry: Resolver | None) -> str:
    """Choose the address to ask: the target itself, its resolver's first one, or a public resolver's."""
    if is_address(target.host) and not is_bogon(target.host):
        return target.host
    resolver = entry if entry is not None and (entry.ipv4 or entry.ipv6) else wire.resolvers[0]
    if not wire.ipv4 and wire.ipv6 and resolver.ipv6:
        return resolver.ipv6[0]
    return (*resolver.ipv4, *resolver.ipv6)[0]

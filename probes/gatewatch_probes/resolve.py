"""resolve: does a name resolve here as it does elsewhere, and does a second answer follow the first?

Method: the system's own lookup (getaddrinfo), the same question straight to the system's resolver over UDP,
and to two public resolvers over UDP; each UDP question listens on for half a second after its first answer,
because a forged answer comes before the true one.  When these disagree or fail, one public resolver is asked
over HTTPS, where nobody on the way can forge.
Traffic: 4 to 7 DNS messages of about 60 bytes, at most one TLS connection to a public resolver.
Risk: the name is seen by the ISP and by the public resolvers, as with any visit.
Reference: OONI ts-003 and web_connectivity 0.5 (delayed replies); RFC 8484.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from gatewatch.net import carried, lookup
from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch_targets import Target

# Two independent public resolvers tell one liar from another; more would only be more traffic.
PUBLIC = 2


@dataclass(frozen=True, slots=True)
class Found:
    """The addresses of a name, by who gave them."""

    system: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every address once, the system's first."""
        return tuple(dict.fromkeys((*self.system, *self.public, *self.trusted)))


async def look_up(journal: Journal, wire: Wire, host: str, tags: tuple[str, ...]) -> Found:
    """Ask everybody about ``host``; an IP literal is its own answer and asks nobody."""
    if is_address(host):
        return Found((host,))
    types = ("A", "AAAA") if wire.ipv6 else ("A",)
    questions = [
        lookup.Question(resolver.ipv4[0], host, qtype, tags=tags)
        for resolver in wire.resolvers[:PUBLIC]
        for qtype in types
    ]
    straight = [lookup.Question(a, host, tags=("isp", *tags)) for a in wire.own_resolvers[:1]]
    system: tuple[str, ...] = ()
    public: list[tuple[str, ...]] = []

    async def ask_system() -> None:
        nonlocal system
        async with lookup.turn():
            with trio.move_on_after(wire.limits.system_lookup):
                system = await lookup.system(journal, host, tags=("classic", *tags))

    async def ask_others() -> None:
        before = len(journal.queries)
        with trio.move_on_after(wire.limits.question):
            await lookup.ask(journal, (*questions, *straight))
        # Read from the journal, which also holds what was answered before time ran out for the others.
        public.extend(
            query.addresses
            for query in journal.queries[before:]
            if query.engine == "udp" and "isp" not in (query.tags or ())
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_system)
        nursery.start_soon(ask_others)

    answers = [set(addresses) for addresses in public if addresses]
    agreed = bool(system) and bool(answers) and all(answer & set(system) for answer in answers)
    trusted: tuple[str, ...] = ()
    if not agreed:
        trusted = await ask_safely(journal, wire, host, tags)
    return Found(system, tuple(dict.fromkeys(a for answer in public for a in answer)), trusted)


async def ask_safely(journal: Journal, wire: Wire, host: str, tags: tuple[str, ...]) -> tuple[str, ...]:
    """Ask public resolvers over HTTPS, one after another, until one can be reached."""
    for resolver in wire.resolvers[: PUBLIC + 1]:
        with trio.move_on_after(wire.limits.carried):
            answer = await carried.doh(
                journal, resolver.ipv4[0], parse(resolver.doh), wire.trust, host, tags=tags
            )
            if answer.rcode is not None:
                return answer.addresses
    return ()


class Resolve:
    """The probe."""

    name = "resolve"
    test_name = "resolve"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 2_000

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Resolve the target's host."""
        journal = Journal()
        await look_up(journal, wire, target.host, ())
        return journal.keys()

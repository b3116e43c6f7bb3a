"""resolve: does a name resolve here as it does elsewhere, and does a second answer follow the first?

Method: the system's own lookup (getaddrinfo), the same question straight to the system's resolver over UDP,
and to two public resolvers over UDP, also over IPv6 where the line has it; each UDP question listens on for
half a second after its first answer, because a forged answer comes before the true one.  When these disagree
or fail, public resolvers are asked over HTTPS, TLS and TCP in turn, until one answers.  Once a run the line's
own resolver is asked for random names, an advertiser's name and who it is.
Traffic: 4 to 9 DNS messages of about 60 bytes, seldom more than one TLS connection to a public resolver.
Risk: the name is seen by the ISP and by the public resolvers, as with any visit.
Reference: OONI ts-003 and web_connectivity 0.5 (delayed replies); RFC 8484, RFC 7858, RFC 7766.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from gatewatch.net import lookup
from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import ResolverHabits, TestKeys, encode
from gatewatch_probes.names.habits import learn
from gatewatch_probes.names.safely import ask_safely
from gatewatch_targets import Target

# Two independent public resolvers tell one liar from another; more would only be more traffic.
PUBLIC = 2


@dataclass(frozen=True, slots=True)
class Found:
    """The addresses of a name, by who gave them; those of late answers are among the public ones."""

    system: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every address once, the system's first."""
        return tuple(dict.fromkeys((*self.system, *self.public, *self.trusted)))


def _questions(wire: Wire, host: str, tags: tuple[str, ...]) -> list[lookup.Question]:
    """Write the questions over UDP: to public resolvers, and straight to the system's."""
    types = ("A", "AAAA") if wire.ipv6 else ("A",)
    public = wire.resolvers[:PUBLIC]
    asked = [r.ipv4[0] for r in public if wire.ipv4 and r.ipv4]
    found = [lookup.Question(a, host, qtype, tags=tags) for a in asked for qtype in types]
    if wire.ipv6:
        # A filter may know one family of addresses only; one more question shows it.
        six = [r.ipv6[0] for r in public if r.ipv6][: 1 if wire.ipv4 else PUBLIC]
        found += [lookup.Question(a, host, types[0], tags=tags) for a in six]
    return found + [lookup.Question(a, host, tags=("isp", *tags)) for a in wire.own_resolvers[:1]]


async def look_up(journal: Journal, wire: Wire, host: str, tags: tuple[str, ...]) -> Found:
    """Ask everybody about ``host``; an IP literal is its own answer and asks nobody."""
    if is_address(host):
        return Found((host,))
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
            await lookup.ask(journal, _questions(wire, host, tags))
        # Read from the journal, which also holds what was answered before time ran out for the others.
        public.extend(
            query.addresses
            for query in journal.queries[before:]
            # The system's resolver has spoken through getaddrinfo; what came behind its answer has not.
            if query.engine == "udp" and ("isp" not in (query.tags or ()) or query.x_gatewatch_late)
        )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_system)
        nursery.start_soon(ask_others)

    answers = [set(addresses) for addresses in public if addresses]
    agreed = bool(system) and bool(answers) and all(answer & set(system) for answer in answers)
    trusted: tuple[str, ...] = ()
    if not agreed:
        safe, unforged = await ask_safely(journal, wire, host, tags)
        if unforged:
            trusted = safe
        else:
            public.append(safe)
    return Found(system, tuple(dict.fromkeys(a for answer in public for a in answer)), trusted)


def habits_key(habits: ResolverHabits) -> dict[str, object]:
    """Give the key under which a measurement keeps the resolver's habits."""
    return {"x_gatewatch_resolver": encode(habits)}


class Resolve:
    """The probe."""

    name = "resolve"
    test_name = "resolve"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 2_000
    typical_packets = 15

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Resolve the target's host."""
        journal = Journal()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(learn, wire)
            await look_up(journal, wire, target.host, ())
        return journal.keys(**habits_key(await learn(wire)))

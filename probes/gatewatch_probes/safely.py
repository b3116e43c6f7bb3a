"""Asking where nobody on the way can forge: DNS over HTTPS, over TLS, and, if need be, over TCP.

Not a probe, a part of resolve and web.  A gateway may close any of these, so they are tried in turn over
several resolvers; what stayed silent for other names is not waited for again.  TCP is the last resort: it can
be led elsewhere, but injectors seldom act on it, and a certificate proves what it says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import trio

from gatewatch.net import carried
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse
from gatewatch.net.wire import Wire
from gatewatch.records import Query
from gatewatch.records.failure import is_timeout
from gatewatch_targets import Resolver

# Resolvers of independent operators: three over HTTPS and TLS, two over TCP.
ENCRYPTED, PLAIN = 3, 2


class Way(NamedTuple):
    """One way to ask: the endpoint that it goes to, and the asking."""

    address: str
    port: int
    trusted: bool
    ask: Callable[[str, str], Awaitable[Query]]


def _ways(journal: Journal, wire: Wire, tags: tuple[str, ...]) -> list[Way]:
    encrypted = wire.resolvers[:ENCRYPTED]
    found = [_doh(journal, wire, r, address, tags) for r in encrypted for address in _at(wire, r) if r.doh]
    found += [_dot(journal, wire, r, address, tags) for r in encrypted for address in _at(wire, r) if r.dot]
    plain = [r for r in wire.resolvers if r.do53][:PLAIN]
    return found + [_tcp(journal, address, tags) for r in plain for address in _at(wire, r)]


def _at(wire: Wire, resolver: Resolver) -> tuple[str, ...]:
    """One address of each family that the line has; a filter may know one of them only."""
    four = resolver.ipv4[:1] if wire.ipv4 else ()
    return four + (resolver.ipv6[:1] if wire.ipv6 else ())


def _doh(journal: Journal, wire: Wire, resolver: Resolver, address: str, tags: tuple[str, ...]) -> Way:
    url = parse(resolver.doh)
    return Way(
        address,
        url.port,
        True,
        lambda name, qtype: carried.doh(journal, address, url, wire.trust, name, qtype, tags=tags),
    )


def _dot(journal: Journal, wire: Wire, resolver: Resolver, address: str, tags: tuple[str, ...]) -> Way:
    return Way(
        address,
        853,
        True,
        lambda name, qtype: carried.dot(journal, address, resolver.dot, wire.trust, name, qtype, tags=tags),
    )


def _tcp(journal: Journal, address: str, tags: tuple[str, ...]) -> Way:
    return Way(address, 53, False, lambda name, qtype: carried.tcp(journal, address, name, qtype, tags=tags))


async def ask_safely(
    journal: Journal, wire: Wire, host: str, tags: tuple[str, ...]
) -> tuple[tuple[str, ...], bool]:
    """Ask in turn until somebody answers; gives the addresses, and whether nobody can have forged them."""
    for number, way in enumerate(_ways(journal, wire, tags)):
        if wire.is_silent(way.address, way.port):
            continue
        # The first way gets the time of a slow line; a list of eight must not take it eight times.
        limit = wire.limits.carried if number == 0 else wire.limits.question
        answer: Query | None = None
        with trio.move_on_after(limit):
            answer = await way.ask(host, "A")
            if wire.ipv6 and answer.rcode == 0 and not answer.addresses:
                answer = await way.ask(host, "AAAA")
        if answer is not None and answer.rcode is not None:
            return answer.addresses, way.trusted
        if answer is None or is_timeout(answer.failure):
            wire.silent(way.address, way.port, host)
    return (), False

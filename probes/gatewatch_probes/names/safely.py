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
# Three round trips (TCP, TLS, the question) of 400 ms each, which the farthest of them needs.
STAGGER = 1.2
_JUST_NOW = 0.05


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
    """Ask in turn until somebody answers; gives the addresses, and whether nobody can have forged them.

    The next way is tried when the one before has failed, or after :data:`STAGGER` seconds beside it, so that
    a gateway that swallows all of them costs some 15 seconds, and costs them twice a run.
    """
    answered: list[tuple[tuple[str, ...], bool]] = []
    waiting: list[Way] = []
    before = len(journal.queries)
    async with trio.open_nursery() as nursery:

        async def try_one(way: Way, limit: float, failed: trio.Event) -> None:
            answer: Query | None = None
            waiting.append(way)
            with trio.move_on_after(limit):
                answer = await way.ask(host, "A")
                if wire.ipv6 and answer.rcode == 0 and not answer.addresses:
                    answer = await way.ask(host, "AAAA")
            waiting.remove(way)
            if answer is not None and answer.rcode is not None:
                answered.append((answer.addresses, way.trusted))
                nursery.cancel_scope.cancel()
                # Whoever had the start of it and is behind is as good as silent.
                for slow in waiting:
                    wire.silent(slow.address, slow.port, host)
            elif answer is None or is_timeout(answer.failure):
                wire.silent(way.address, way.port, host)
            failed.set()

        limit = wire.limits.carried
        for way in _ways(journal, wire, tags):
            if not wire.is_silent(way.address, way.port):
                failed = trio.Event()
                nursery.start_soon(try_one, way, limit, failed)
                # The first way gets the time of a slow line.
                limit = wire.limits.question
                with trio.move_on_after(STAGGER):
                    await failed.wait()
    if answered:
        _drop_cut(journal, before)
    return answered[0] if answered else ((), False)


def _drop_cut(journal: Journal, before: int) -> None:
    """Take out what was broken off because somebody else had answered: it is no silence."""
    now = journal.now()
    journal.queries[before:] = [
        query
        for query in journal.queries[before:]
        if not (is_timeout(query.failure) and query.t is not None and query.t > now - _JUST_NOW)
    ]

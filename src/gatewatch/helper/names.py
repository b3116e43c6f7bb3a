"""Looking names up for others: over HTTPS at public resolvers, or as the system does.

A public resolver knows no name of the helper's own network, so that nobody can ask what is in it.  Answers
are kept for a minute: a probe's question and the redirects of its page ask for the same few names.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import trio

from gatewatch.net import carried, lookup
from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.trust import Trust
from gatewatch.net.url import Url, parse
from gatewatch.records import Query
from gatewatch.records import failure as f
from gatewatch_targets import Resolver

#: The addresses of a name, IPv4 first, and the df-007 failure when there are none.
Names = tuple[tuple[str, ...], str | None]
LookUp = Callable[[str], Awaitable[Names]]

# oohelperd's limit for DNS, 4 s, for each resolver that is asked.
PATIENCE = 4.0
_KEPT_FOR = 60.0
_KEPT = 1_000
# An address list of a name: more is noise, or a name made to have us connect to many hosts.
_ADDRESSES = 16


@dataclass(frozen=True, slots=True)
class Doh:
    """A resolver that is asked over HTTPS: its URL, and the address to find it at."""

    url: Url
    address: str

    @classmethod
    def of(cls, resolver: Resolver) -> Doh:
        """Take a resolver of the targets' table."""
        return cls(parse(resolver.doh), resolver.ipv4[0])


def over_https(resolvers: Sequence[Doh], trust: Trust) -> LookUp:
    """Give a look-up that asks one resolver after another, until one is there to answer."""

    async def look_up(host: str) -> Names:
        last: Names = ((), f.GENERIC_TIMEOUT)
        for resolver in resolvers:
            last = await _both(resolver, trust, host)
            if last[0] or last[1] in (f.DNS_NXDOMAIN, f.DNS_NO_ANSWER):
                break
        return last

    return _kept(look_up)


async def _both(resolver: Doh, trust: Trust, host: str) -> Names:
    """Ask for both families at once."""
    answers: dict[str, Query] = {}

    async def ask(qtype: str) -> None:
        with trio.move_on_after(PATIENCE):
            answers[qtype] = await carried.doh(Journal(), resolver.address, resolver.url, trust, host, qtype)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "A")
        nursery.start_soon(ask, "AAAA")
    found = tuple(a for qtype in ("A", "AAAA") if qtype in answers for a in answers[qtype].addresses)
    if found:
        return tuple(dict.fromkeys(found))[:_ADDRESSES], None
    return (), answers["A"].failure if "A" in answers else f.GENERIC_TIMEOUT


def by_system() -> LookUp:
    """Give a look-up that asks as every program here does."""

    async def look_up(host: str) -> Names:
        journal = Journal()
        async with lookup.turn():
            with trio.move_on_after(PATIENCE):
                await lookup.system(journal, host)
        (query,) = journal.queries
        return query.addresses[:_ADDRESSES], query.failure

    return _kept(look_up)


def _kept(look_up: LookUp) -> LookUp:
    """Remember answers for a minute; failures are asked for anew."""
    known: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()

    async def remembered(host: str) -> Names:
        if is_address(host):
            return (host,), None
        until, addresses = known.get(host, (0.0, ()))
        if until > trio.current_time():
            return addresses, None
        found = await look_up(host)
        if found[0]:
            known.pop(host, None)
            known[host] = (trio.current_time() + _KEPT_FOR, found[0])
            if len(known) > _KEPT:
                known.popitem(last=False)
        return found

    return remembered

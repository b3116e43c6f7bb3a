"""fetch: what does a URL give?

Method: one GET over a fresh connection to the first address that answers; redirects are followed step by
step, each with its own lookup and connection, so that a block on the way is seen where it is.
Traffic: one page (at most 512 KiB of body) for each step, at most ten steps.
Risk: to whoever watches, it is a visit; over plain HTTP the whole URL can be read.
Reference: OONI web_connectivity (requests), RFC 9110, RFC 9112.
"""

from __future__ import annotations

import trio

from gatewatch.net import transfer
from gatewatch.net.journal import Journal
from gatewatch.net.url import Url, parse, redirected
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch.records.failure import HTTP_BAD_REDIRECT, REDIRECTS_TOO_SLOW, TOO_MANY_REDIRECTS
from gatewatch_probes.connect import labels, to_try
from gatewatch_probes.resolve import Found, look_up
from gatewatch_probes.visit.again import get, get_twice, reach, reach_again, was_cut
from gatewatch_probes.visit.residue import turn
from gatewatch_targets import Target


async def visit(
    journal: Journal, wire: Wire, url: Url, found: Found, tags: tuple[str, ...]
) -> transfer.Transferred | None:
    """GET a URL from the first of its addresses that lets us; when none does, the first is tried again."""
    cut: list[str] = []
    until = trio.current_time() + wire.limits.way
    for address in to_try(wire, found):
        if trio.current_time() > until:
            break
        labelled = labels(found, address, tags)
        async with turn(journal, wire, url, address):
            if wire.is_silent(address, url.port):
                continue
            connection = await reach(journal, wire, url, address, labelled)
            if connection is not None:
                return await get_twice(journal, wire, connection, url, address, labelled)
            cut += [address] if was_cut(journal, address, url.port) else []
    for address in cut[:1]:
        labelled = labels(found, address, tags)
        async with wire.turns.take(address):
            connection = await reach_again(journal, wire, url, address, labelled)
            if connection is not None:
                return await get(journal, wire, connection, url, ("again", *labelled))
    return None


async def follow(
    journal: Journal,
    wire: Wire,
    url: Url,
    got: transfer.Transferred | None,
    way: list[Url] | None = None,
) -> tuple[Url, str | None]:
    """Follow redirects from a first response; gives the last URL and what stopped the way, if anything.

    Each URL that is led to is put on ``way``, too.
    """
    until = trio.current_time() + wire.limits.way
    for depth in range(1, wire.limits.redirects + 1):
        if got is None or got.failure is not None or got.location is None:
            return url, None
        try:
            url = redirected(url, got.location)
        except ValueError:
            return url, HTTP_BAD_REDIRECT
        if trio.current_time() > until:
            return url, REDIRECTS_TOO_SLOW
        if way is not None:
            way.append(url)
        tags = (f"depth={depth}",)
        got = await visit(journal, wire, url, await look_up(journal, wire, url.host, tags), tags)
    return url, TOO_MANY_REDIRECTS if got is not None and got.location is not None else None


class Fetch:
    """The probe."""

    name = "fetch"
    test_name = "fetch"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 60_000
    typical_packets = 45

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """GET the target's URL."""
        journal = Journal()
        url = parse(target.url)
        tags = ("depth=0",)
        found = await look_up(journal, wire, url.host, tags)
        _, stopped = await follow(journal, wire, url, await visit(journal, wire, url, found, tags))
        return journal.keys(x_gatewatch_redirect_failure=stopped)

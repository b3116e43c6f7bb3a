"""The steps of a visit, and a second try of each that was cut.  Not a probe, a part of fetch and web.

A lost packet, a server that restarts, a filter that only guesses: one failure says little.  What was cut is
tried once more after a pause, tagged ``again``, and only what failed twice is called blocked.
"""

from __future__ import annotations

from typing import Any

import trio

from gatewatch.net import transfer
from gatewatch.net.address import endpoint
from gatewatch.net.journal import Journal
from gatewatch.net.secure import SecureStream
from gatewatch.net.stream import Stream
from gatewatch.net.url import Url
from gatewatch.net.wire import Wire
from gatewatch.records.failure import CONNECTION_REFUSED, CUT, is_timeout
from gatewatch_probes.connect import dial, labels, to_try
from gatewatch_probes.handshake import shake
from gatewatch_probes.resolve import Found

AGAIN = "again"
# Addresses of one name that are tried again; when both fail twice, a third would not change what is said.
MOST = 2


async def reach(
    journal: Journal, wire: Wire, url: Url, address: str, tags: tuple[str, ...]
) -> Stream | SecureStream | None:
    """Open the connection that a URL needs: TCP, and TLS for https."""
    tcp = await dial(journal, wire, address, url.port, url.host, tags)
    return await _secured(journal, wire, url, tcp)


async def _secured(
    journal: Journal, wire: Wire, url: Url, tcp: Stream | None
) -> Stream | SecureStream | None:
    """Shake hands for https; a cut is remembered, since it may go on for other names at that address."""
    if tcp is None or url.scheme == "http":
        return tcp
    tls = await shake(journal, wire, tcp, url.host)
    if tls is None and was_cut(journal, tcp.address, tcp.port):
        wire.cut(tcp.address, tcp.port, url.host)
    return tls


async def get(
    journal: Journal, wire: Wire, connection: Stream | SecureStream, url: Url, tags: tuple[str, ...]
) -> transfer.Transferred | None:
    """Send one GET within the limit and close; None when time ran out (on record as such)."""
    got: transfer.Transferred | None = None
    try:
        with trio.move_on_after(wire.limits.transfer):
            got = await transfer.exchange(journal, connection, url, tags=tags)
    finally:
        connection.close()
    if isinstance(connection, Stream) and _got_nothing(journal, connection.address, connection.port):
        wire.cut(connection.address, connection.port, url.host)
    return got


async def reach_again(
    journal: Journal, wire: Wire, url: Url, address: str, tags: tuple[str, ...]
) -> Stream | SecureStream | None:
    """Open a connection that was cut a moment ago once more."""
    await trio.sleep(wire.limits.pause)
    tags = (AGAIN, *tags)
    tcp: Stream | None = None
    with trio.move_on_after(wire.limits.connect_again):
        tcp = await dial(journal, wire, address, url.port, url.host, tags)
    return await _secured(journal, wire, url, tcp)


async def get_twice(
    journal: Journal,
    wire: Wire,
    connection: Stream | SecureStream,
    url: Url,
    address: str,
    tags: tuple[str, ...],
) -> transfer.Transferred | None:
    """Send one GET; when it is cut before any response, once more over a fresh connection."""
    got = await get(journal, wire, connection, url, tags)
    if not _got_nothing(journal, address, url.port):
        return got
    fresh = await reach_again(journal, wire, url, address, tags)
    return got if fresh is None else await get(journal, wire, fresh, url, (AGAIN, *tags))


def ended(journal: Journal, address: str, port: int) -> str | None:
    """Give the failure of the last connection to an endpoint, TLS included; None for success or no try."""
    at = endpoint(address, port)
    tcp = next((c for c in reversed(journal.connects) if (c.ip, c.port) == (address, port)), None)
    if tcp is None or tcp.status.failure is not None:
        return None if tcp is None else tcp.status.failure
    shaken = (h for h in reversed(journal.handshakes) if h.address == at)
    return next((h.failure for h in shaken if h.transaction_id == tcp.transaction_id), None)


def was_cut(journal: Journal, address: str, port: int) -> bool:
    """Tell whether the last connection to an endpoint ended as one that somebody cut."""
    return ended(journal, address, port) in CUT


def _got_nothing(journal: Journal, address: str, port: int) -> bool:
    """Tell whether the last request to an endpoint was cut; a page that had begun before silence is slow."""
    at = endpoint(address, port)
    last = next((t for t in reversed(journal.transactions) if t.address == at), None)
    if last is None or last.failure not in CUT:
        return False
    begun = last.response is not None and bool(last.response.code)
    return not (begun and is_timeout(last.failure))


async def try_again(
    journal: Journal, wire: Wire, url: Url, found: Found, reached: set[str], control: dict[str, Any] | None
) -> None:
    """Try once more what was cut on a visit's first hop, and add to ``reached`` what answers now.

    That is the system's addresses, and others where nothing at all was reached; what is down for the control,
    too, needs no second look.
    """
    tried = [a for a in to_try(wire, found) if was_cut(journal, a, url.port)]
    wanted = [a for a in tried if a in found.system or not reached]
    alive = [a for a in wanted if not _down(control, a, url.port)]

    async def one(address: str) -> None:
        async with wire.turns.take(address):
            if wire.is_silent(address, url.port):
                return
            tags = labels(found, address, ("depth=0",))
            connection = await reach_again(journal, wire, url, address, tags)
            if connection is None and ended(journal, address, url.port) == CONNECTION_REFUSED:
                # A busy server refuses now and then, and a refusal costs nobody any time.
                connection = await reach_again(journal, wire, url, address, tags)
            if connection is not None:
                reached.add(address)
                connection.close()

    async with trio.open_nursery() as nursery:
        for address in alive[:MOST]:
            nursery.start_soon(one, address)


def _down(control: dict[str, Any] | None, address: str, port: int) -> bool:
    """Tell whether the control could not connect to an endpoint either."""
    tried = (control or {}).get("tcp_connect")
    seen = tried.get(endpoint(address, port)) if isinstance(tried, dict) else None
    return isinstance(seen, dict) and seen.get("status") is False

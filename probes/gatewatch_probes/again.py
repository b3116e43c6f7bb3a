"""The steps of a visit, and a second try of each that was cut.  Not a probe, a part of fetch and web.

A lost packet, a server that restarts, a filter that only guesses: one failure says little.  What was cut is
tried once more after a pause, tagged ``again``, and only what failed twice is called blocked.
"""

from __future__ import annotations

import trio

from gatewatch.net import transfer
from gatewatch.net.address import endpoint
from gatewatch.net.journal import Journal
from gatewatch.net.secure import SecureStream
from gatewatch.net.stream import Stream
from gatewatch.net.url import Url
from gatewatch.net.wire import Wire
from gatewatch.records.failure import CUT, is_timeout
from gatewatch_probes.connect import dial
from gatewatch_probes.handshake import shake

AGAIN = "again"


async def reach(
    journal: Journal, wire: Wire, url: Url, address: str, tags: tuple[str, ...]
) -> Stream | SecureStream | None:
    """Open the connection that a URL needs: TCP, and TLS for https."""
    tcp = await dial(journal, wire, address, url.port, url.host, tags)
    if tcp is None or url.scheme == "http":
        return tcp
    return await shake(journal, wire, tcp, url.host)


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
    if tcp is None or url.scheme == "http":
        return tcp
    return await shake(journal, wire, tcp, url.host)


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

"""connect: can a TCP connection be made to each address of a host?

Method: every address that any resolver gives is tried by itself, at the same time, and its errno kept:
refused, reset, unreachable and silence are different things.
Traffic: one TCP handshake for each address (about 200 bytes), closed at once; DNS as in resolve.
Risk: the addresses are seen by the ISP; no name is sent to the server.
Reference: OONI web_connectivity (tcp_connect), RFC 9293 3.10.7.
"""

from __future__ import annotations

from collections.abc import Iterable

import trio

from gatewatch.net import stream
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch.records.failure import is_timeout
from gatewatch_probes.resolve import Found, look_up
from gatewatch_targets import Target


def to_try(wire: Wire, found: Found) -> tuple[str, ...]:
    """Choose the addresses to connect to: public ones of families that this line has, and not too many."""
    usable = [address for address in found.all if wire.usable(address)]
    four = [a for a in usable if ":" not in a][: wire.limits.addresses]
    six = [a for a in usable if ":" in a][: wire.limits.addresses]
    return (*four, *six)


def labels(found: Found, address: str, tags: Iterable[str]) -> tuple[str, ...]:
    """Tag a connection to an address: ``classic`` when the system's own lookup gave it."""
    return ("classic", *tags) if address in found.system else tuple(tags)


async def dial(
    journal: Journal, wire: Wire, address: str, port: int, host: str, tags: tuple[str, ...]
) -> stream.Stream | None:
    """Connect to one address within the limit; remembers the ones that stay silent."""
    tcp: stream.Stream | None = None
    failure: str | None = None
    with trio.move_on_after(wire.limits.connect) as scope:
        tcp, failure = await stream.connect(journal, address, port, tags=tags)
    if scope.cancelled_caught or is_timeout(failure):
        wire.silent(address, port, host)
    return tcp


class Connect:
    """The probe."""

    name = "connect"
    test_name = "connect"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 3_000
    typical_packets = 25

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Connect to every address of the target's host, at its port."""
        journal = Journal()
        found = await look_up(journal, wire, target.host, ())

        async def one(address: str) -> None:
            async with wire.turns.take(address):
                tcp = await dial(journal, wire, address, target.port, target.host, labels(found, address, ()))
                if tcp is not None:
                    tcp.close()

        async with trio.open_nursery() as nursery:
            for address in to_try(wire, found):
                nursery.start_soon(one, address)
        return journal.keys()

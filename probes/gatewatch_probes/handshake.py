"""handshake: does TLS come about with each address of a host, and with whose certificate?

Method: a TLS handshake with the host's name as SNI on every address, verified against the system's trust; the
whole chain is kept, also when it is refused, because a foreign chain is the mark of an interception.
Traffic: one TCP and TLS handshake for each address (about 5 KB), closed at once; DNS as in resolve.
Risk: the name stands in the clear in the ClientHello; to whoever watches, it is a visit.
Reference: OONI web_connectivity (tls_handshakes), RFC 8446, RFC 6066 3 (SNI).
"""

from __future__ import annotations

import trio

from gatewatch.net import secure, stream
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch_probes.connect import dial, labels, to_try
from gatewatch_probes.resolve import look_up
from gatewatch_targets import Target


async def shake(
    journal: Journal, wire: Wire, tcp: stream.Stream, server_name: str, tags: tuple[str, ...] | None = None
) -> secure.SecureStream | None:
    """Do the TLS handshake within the limit; the TCP connection is closed when it fails."""
    tls: secure.SecureStream | None = None
    with trio.move_on_after(wire.limits.handshake) as scope:
        tls, _ = await secure.handshake(journal, tcp, wire.trust, server_name, tags=tags)
    if scope.cancelled_caught:
        tcp.close()
    return tls


class Handshake:
    """The probe."""

    name = "handshake"
    test_name = "handshake"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 12_000
    typical_packets = 35

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Shake hands with every address of the target's host; port 443 for an http target."""
        journal = Journal()
        found = await look_up(journal, wire, target.host, ())
        port = target.port if target.scheme == "https" else 443

        async def one(address: str) -> None:
            async with wire.turns.take(address):
                tcp = await dial(journal, wire, address, port, target.host, labels(found, address, ()))
                if tcp is not None:
                    tls = await shake(journal, wire, tcp, target.host)
                    if tls is not None:
                        tls.close()

        async with trio.open_nursery() as nursery:
            for address in to_try(wire, found):
                nursery.start_soon(one, address)
        return journal.keys()

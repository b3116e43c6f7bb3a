"""A portal in front of the internet: every page is the portal's, and nothing else passes (RFC 8952).

A guest network shows its log-in page so, and a provider the reminder of an unpaid bill.  Names resolve.  The
portal's own address, private or not, must not be a router's: those are reached before any box.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from gatewatch.lab.apps import Connection, Internet, StreamApp
from gatewatch.lab.boxes.base import Wire
from gatewatch.lab.boxes.page import markup
from gatewatch.lab.boxes.takeover import Terminator
from gatewatch.lab.country import scenario
from gatewatch.lab.path.packet import TCP, UDP, ports, protocol
from gatewatch.lab.servers.http import HttpStream, Reply, Request

_DNS = 53


class Portal(Terminator):
    """Answers HTTP at every address, lets questions to port 53 pass, and swallows the rest."""

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self._host = urlsplit(description.location).hostname

    def watches(self, protocol: int, address: str, port: int) -> bool:
        """Whatever is not DNS, on any port."""
        return not (port == _DNS and protocol in (TCP, UDP)) and self.stands_before(address)

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Answer a page's request, swallow everything else."""
        if protocol(packet) == TCP and ports(packet)[1] in self.description.watched:
            self.take(packet, wire)
        return False

    def serve(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Lead to the portal, or show its page where the portal is asked or has no address of its own."""
        box = self.description

        def respond(request: Request) -> Reply:
            fields = tuple(
                (name, value.strip()) for name, _, value in (h.partition(":") for h in box.headers)
            )
            if box.location and request.host != self._host:
                return Reply(302, (*fields, ("Location", box.location), ("Cache-Control", "no-store")))
            return Reply(box.status, (*fields, ("Content-Type", "text/html")), markup(box))

        return HttpStream(connection, respond, scheme="http")

"""Resolvers with a mind of their own: port 53 led to the ISP's resolver, and NXDOMAIN sold to advertisers.

A proxy answers every question itself, forbidden or not, in the name of whoever was asked, and nothing on port
53 goes beyond it (Malaysia in August 2024; home routers).  An injector does neither.
"""

from __future__ import annotations

from gatewatch.lab.apps import Connection, StreamApp
from gatewatch.lab.boxes.base import Wire
from gatewatch.lab.boxes.names import Dns
from gatewatch.lab.boxes.takeover import Terminator
from gatewatch.lab.path.packet import TCP, payload, ports, source, unpacked
from gatewatch.lab.servers.dns import DnsStream
from gatewatch.net import dnswire


class DnsProxy(Dns):
    """Answers every question to port 53 as the ISP's resolver does, but falsely for blocked names."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Answer in the name of whoever was asked; nothing goes on."""
        query = self.asked(packet)
        if query is not None:
            self.struck = True
            self.reply(packet, wire, self.forge(query))
            return False
        sport, _ = ports(packet)
        client = unpacked(source(packet)), sport
        answer = self.world.datagram(self.resolver, 53, client, payload(packet))
        if isinstance(answer, bytes) and answer:
            self.reply(packet, wire, answer)
        return False


class DnsProxyTcp(Dns, Terminator):
    """The same over TCP: connections to port 53 end here, in the name of whoever was called."""

    protocol = TCP

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Take every packet."""
        self.take(packet, wire)
        return False

    def serve(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Answer as the proxy over UDP does."""

        def answer(message: bytes) -> bytes:
            if self.acts(message):
                return self.forge(message)
            return self.world.datagram(self.resolver, 53, connection.peer, message) or b""

        return DnsStream(connection, answer)


class DnsRewrite(Dns):
    """Answers questions for names that do not exist with an address that shows advertisements."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Leave alone what exists."""
        query = payload(packet)
        try:
            question = dnswire.asked(query)
        except dnswire.Unusual:
            return True
        # AAAA is rewritten to nothing: resolvers that do this were seen with IPv4 addresses only.
        if question.qtype != dnswire.QTYPES["A"] or question.qclass != dnswire.IN:
            return True
        if self.world.address_of(question.name) or self.spares(question.name):
            return True
        self.reply(packet, wire, dnswire.answer(query, addresses=(self.description.address,)))
        return False

    def spares(self, name: str) -> bool:
        """Names that echo their asker exist, though nobody resolves them to a site."""
        return name in self.description.spare

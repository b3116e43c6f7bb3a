"""DNS interference: a lying resolver, dropped questions, forged answers that overtake the true one.

All three watch UDP port 53 and act on questions for A and AAAA records, as deployed injectors do; a name that
is redirected has no AAAA record in their answers.  DNS over TCP passes.
"""

from __future__ import annotations

from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.packet import UDP, destination, payload, ports, source, udp
from gatewatch.net import dnswire

_NXDOMAIN = 3  # RFC 1035 4.1.1
_A, _AAAA = dnswire.QTYPES["A"], dnswire.QTYPES["AAAA"]


class _Dns(Box):
    protocol = UDP

    def watches(self, protocol: int, address: str, port: int) -> bool:
        """Questions to the ISP's own resolver, or to any."""
        mine = self.description.resolvers == "all" or address == self.resolver
        return mine and super().watches(protocol, address, port)

    def asked(self, packet: bytearray) -> bytes | None:
        """Give the query when the box acts on its name."""
        query = payload(packet)
        try:
            _, name, qtype = dnswire.question(query)
        except dnswire.Unusual:
            return None
        return query if qtype in (_A, _AAAA) and self.description.matches(name) else None

    def forge(self, query: bytes) -> bytes:
        """Write the false answer: no such name, or the chosen address."""
        if self.description.method == "nxdomain":
            return dnswire.answer(query, rcode=_NXDOMAIN)
        _, _, qtype = dnswire.question(query)
        return dnswire.answer(query, addresses=(self.description.address,) if qtype == _A else ())

    def reply(self, packet: bytearray, wire: Wire, answer: bytes) -> None:
        """Send an answer that claims to come from the resolver that was asked."""
        sport, dport = ports(packet)
        wire.to_client(udp(destination(packet), dport, source(packet), sport, answer))


class DnsLie(_Dns):
    """Answers instead of the resolver."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Swallow the question and answer it falsely."""
        query = self.asked(packet)
        if query is None:
            return True
        self.reply(packet, wire, self.forge(query))
        return not self.description.in_path


class DnsDrop(_Dns):
    """Swallows questions."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Let only other names pass."""
        return self.asked(packet) is None


class DnsInject(_Dns):
    """Answers first and lets the question go on: the true answer arrives later."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Race the resolver."""
        query = self.asked(packet)
        if query is not None:
            self.reply(packet, wire, self.forge(query))
        return True

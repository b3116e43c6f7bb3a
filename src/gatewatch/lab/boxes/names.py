"""DNS interference on the way: lying resolvers, dropped questions, forged answers that overtake the true one.

All watch UDP port 53 and act on questions for A and AAAA records, whoever is asked: an injector looks at the
port and not at who listens there, so a question to an address without any resolver is answered, too.  DNS
over TCP passes.  A proxy, which answers every name, is in :mod:`gatewatch.lab.boxes.resolver`.
"""

from __future__ import annotations

from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.path.packet import UDP, destination, payload, ports, source, udp
from gatewatch.net import dnswire

# RFC 1035 4.1.1: what else a resolver may say instead of an answer; "empty" is an answer without records.
_RCODES = {"nxdomain": 3, "servfail": 2, "refused": 5, "empty": 0}
_A, _AAAA = dnswire.QTYPES["A"], dnswire.QTYPES["AAAA"]


class Dns(Box):
    """What DNS boxes share: which questions they see, how they answer in another's name."""

    protocol = UDP

    def watches(self, protocol: int, address: str, port: int) -> bool:
        """Questions to the ISP's own resolver, or to any."""
        mine = self.description.resolvers == "all" or address in (self.resolver, self.resolver6)
        return mine and super().watches(protocol, address, port)

    def asked(self, packet: bytearray) -> bytes | None:
        """Give the query when the box acts on its name."""
        query = payload(packet)
        return query if self.acts(query) else None

    def acts(self, query: bytes) -> bool:
        """Say whether the box acts on the name that a query asks for."""
        try:
            question = dnswire.asked(query)
        except dnswire.Unusual:
            return False
        known = question.qtype in (_A, _AAAA) and question.qclass == dnswire.IN
        return known and self.description.matches(question.name)

    def forge(self, query: bytes, number: int = 0) -> bytes:
        """Write the false answer: an error, or the chosen address of the family asked for, if there is one.

        ``number`` counts the answers to one question: each in turn holds another of the addresses.
        """
        box = self.description
        if box.method in _RCODES:
            return dnswire.answer(query, rcode=_RCODES[box.method])
        six = dnswire.asked(query).qtype == _AAAA
        lies = tuple(a for a in (box.address, *box.lies) if a and (":" in a) is six)
        return dnswire.answer(query, addresses=(lies[number % len(lies)],) if lies else ())

    def reply(self, packet: bytearray, wire: Wire, answer: bytes, later: float = 0.0) -> None:
        """Send an answer that claims to come from the resolver that was asked, ``later`` seconds from now."""
        sport, dport = ports(packet)
        forged = udp(destination(packet), dport, source(packet), sport, answer, ttl=self.hand.ttl)
        wire.to_client(self.hand.sign(forged), later)


class DnsLie(Dns):
    """Answers instead of the resolver."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Swallow the question and answer it falsely."""
        query = self.asked(packet)
        if query is None:
            return True
        self.struck = True
        self.reply(packet, wire, self.forge(query))
        return not self.description.in_path


class DnsDrop(Dns):
    """Swallows questions."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Let only other names pass."""
        self.struck = self.asked(packet) is not None
        return not self.struck


class DnsInject(Dns):
    """Answers first, perhaps several times, and lets the question go on: the true answer arrives later."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Race the resolver."""
        query = self.asked(packet)
        if query is not None:
            self.struck = True
            # Two or three answers to one question were seen in China, by as many injectors, with different
            # addresses (Anonymous et al., "Triplet Censors", FOCI 2020).
            for number in range(self.description.answers):
                self.reply(packet, wire, self.forge(query, number))
        return True

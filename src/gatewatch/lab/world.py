"""The world behind the lab's path: every server of a scenario, as one sans-IO object.

:class:`World` implements :class:`gatewatch.lab.apps.Internet`.  It serves the truth to everybody: whatever a
client finds wrong was done on the way.
"""

from __future__ import annotations

from functools import partial

from gatewatch.lab.apps import Connection, DatagramApp, StreamApp, TalkLine
from gatewatch.lab.scenario import Scenario
from gatewatch.lab.servers.addresses import Addresses, is_bogon
from gatewatch.lab.servers.dns import DnsStream, Resolver
from gatewatch.lab.servers.doh import doh
from gatewatch.lab.servers.helper import helper
from gatewatch.lab.servers.http import Handler, HttpStream, Silent, Sniffed
from gatewatch.lab.servers.known import HELPERS, RESOLVERS
from gatewatch.lab.servers.tls import Authority
from gatewatch.lab.servers.web import Web, notice
from gatewatch.lab.sites import State, listens, state


class World:
    """All servers of a scenario; cheap to build, everything else happens on first use."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._addresses = Addresses(scenario)
        self.address_of = self._addresses.of
        self.names_at = self._addresses.names_at
        self._resolver = Resolver(self.address_of)
        self._web = Web(scenario, self.address_of, self.names_at)
        self._authority = Authority(self._certificate)
        self._pagehosts = {host.address: host for host in scenario.pagehosts}
        self._public = {address: resolver for resolver in RESOLVERS for address in resolver.addresses}
        own = {isp.resolver for isp in scenario.isps}
        self._plain_dns = own | {address for address, resolver in self._public.items() if resolver.do53}
        self._closed = own | {isp.client for isp in scenario.isps}
        self._closed |= {hop.address for isp in scenario.isps for hop in isp.path}
        self._closed |= {hop.address for route in scenario.routes for hop in route.path}
        self._doh = doh(self._resolver, self._web.respond)
        self._helper = helper(self)
        self._exists: dict[str, bool] = {}
        self._helpers = frozenset(HELPERS.values())

    def ca_pem(self) -> bytes:
        """Give the lab authority's certificate in PEM, for the client's trust store."""
        return self._authority.pem

    def asn_of(self, address: str) -> int:
        """Give the AS number an address belongs to in the scenario's plan, 0 outside it."""
        network = self._scenario.network_of(address)
        return network.asn if network else 0

    def exists(self, address: str) -> bool:
        """Say whether packets to this address arrive; bogons and vanished sites swallow them."""
        known = self._exists.get(address)
        if known is not None:
            return known
        names = self.names_at(address)
        host = self._pagehosts.get(address)
        if host is not None:
            there = host.http != "timeout"
        else:
            there = not is_bogon(address) and state(self._scenario, names[0]) is not State.VANISHED
        # An address that no name has yet may still be given to one that vanishes.
        if names != (address,):
            self._exists[address] = there
        return there

    def datagram(self, address: str, port: int, source: tuple[str, int], data: bytes) -> bytes | None:
        """Answer a datagram: DNS at the resolvers, port unreachable anywhere else."""
        if port == 53 and address in self._plain_dns:
            return self._resolver.answer(data, address)
        return None

    def talk(self, address: str, port: int, line: TalkLine) -> DatagramApp | None:
        """Nobody here holds conversations over UDP."""
        return None

    def accept(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Give the application that answers a new TCP connection, None where it is refused."""
        if port == 53 and address in self._plain_dns:
            return DnsStream(connection, partial(self._resolver.answer, egress=address))
        if port == 853 and address in self._public:
            answer = partial(self._resolver.answer, egress=address)
            return self._authority.serve(connection, lambda plain: DnsStream(plain, answer))
        if self._promise(address, port) == "silent":
            return Silent()
        handler = self.handler(address, port)
        if handler is None:
            return None
        if port == 80:
            return HttpStream(connection, handler, scheme="http")
        return Sniffed(connection, self._authority, handler)

    def reach(self, address: str, port: int) -> str | None:
        """Connect from abroad: None, or OONI's failure name."""
        if not self.exists(address):
            return "generic_timeout_error"
        named = (port == 53 and address in self._plain_dns) or (port == 853 and address in self._public)
        if named or self._promise(address, port) == "silent" or self.handler(address, port) is not None:
            return None
        return "connection_refused"

    def _promise(self, address: str, port: int) -> str:
        """What a block page's host does on a port; "" for all other addresses."""
        host = self._pagehosts.get(address)
        if host is None:
            return ""
        return {80: host.http, 443: host.https}.get(port, "refused")

    def handler(self, address: str, port: int) -> Handler | None:
        """Give who answers HTTP at an address and port, None where nobody does."""
        promise = self._promise(address, port)
        if promise:
            return notice(self._pagehosts[address]) if promise == "serve" else None
        if not listens(port) or address in self._closed:
            return None
        if address in self._public:
            return self._doh
        if address in self._helpers:
            return self._helper
        live = state(self._scenario, self.names_at(address)[0]) is State.LIVE
        return self._web.respond if live else None

    def _certificate(self, address: str, sni: str | None) -> tuple[str, ...]:
        """The names a certificate shown at an address holds."""
        if address in self._public:
            # A resolver's certificate names all its hosts and addresses (RFC 8310 lets clients check either).
            return (*self._public[address].names, *self._public[address].addresses)
        return (self._web.host_at(address, sni),)

    def certified(self, address: str, name: str) -> bool:
        """Say whether a TLS handshake with this address ends in a certificate for this name."""
        return self.handler(address, 443) is not None and name in self._certificate(address, name)

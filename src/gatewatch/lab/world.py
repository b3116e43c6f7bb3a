"""The world behind the lab's path: every server of a scenario, as one sans-IO object.

:class:`World` implements :class:`gatewatch.lab.apps.Internet`.  It serves the truth to everybody: whatever a
client finds wrong was done on the way.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache, partial
from random import Random

from gatewatch.lab.apps import Connection, DatagramApp, StreamApp, TalkLine
from gatewatch.lab.country.scenario import Scenario
from gatewatch.lab.country.sites import State, listens, speaks_quic, state
from gatewatch.lab.servers.addresses import Addresses, is_bogon
from gatewatch.lab.servers.dns import DnsStream, Resolver
from gatewatch.lab.servers.doh import doh
from gatewatch.lab.servers.echo import Echo
from gatewatch.lab.servers.floods import CERTIFICATES, fails, flood
from gatewatch.lab.servers.helper import PORTS, Greeter, helper
from gatewatch.lab.servers.http import Handler, HttpStream, Reply, Request, Silent, Sniffed
from gatewatch.lab.servers.known import HELPERS, RESOLVERS
from gatewatch.lab.servers.tls import Authority, Certificate
from gatewatch.lab.servers.traps import trap_of
from gatewatch.lab.servers.web import Web, notice
from gatewatch.records.failure import GENERIC_TIMEOUT
from gatewatch.records.ports import answer


class World:
    """All servers of a scenario; cheap to build, everything else happens on first use."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._addresses = Addresses(scenario)
        self.address_of = self._addresses.of
        self.abroad = self._addresses.abroad
        self.names_at = self._addresses.names_at
        self.inside = cache(self._inside)
        self._resolver = Resolver(self.address_of, self.abroad, lambda egress: not self.inside(egress))
        self._web = Web(scenario, self._addresses.everywhere, self.names_at, self.inside)
        self._authority = Authority(self._certificate, now=self.now)
        self._chance = Random(scenario.seed)
        self._pagehosts = {host.address: host for host in scenario.pagehosts}
        self._public = {address: resolver for resolver in RESOLVERS for address in resolver.addresses}
        # An ISP's resolver is one machine, whichever family it is asked over.
        self._own_dns = {isp.resolver: isp.resolver for isp in scenario.isps}
        self._own_dns |= {isp.resolver6: isp.resolver for isp in scenario.isps if isp.resolver6}
        self._plain_dns = {address for address, resolver in self._public.items() if resolver.do53}
        self._plain_dns |= set(self._own_dns)
        self._closed = scenario.machines
        self._doh = doh(self._resolver, self._web.respond)
        self._helper = helper(self, scenario.helpers)
        self._exists: dict[str, bool] = {}
        self._helpers = frozenset(address for addresses in HELPERS.values() for address in addresses)

    def now(self) -> datetime:
        """The world's wall clock, which the client's may run ahead of."""
        return datetime.now(UTC) - timedelta(seconds=self._scenario.client.clock_offset_s)

    def _inside(self, address: str) -> bool:
        """Say whether an address is in the scenario's country."""
        network = self._scenario.network_of(address)
        return network is not None and network.country == self._scenario.country

    def ca_pem(self) -> bytes:
        """Give the lab authority's certificate in PEM, for the client's trust store."""
        return self._authority.pem

    def close(self) -> None:
        """Give back the memory that OpenSSL holds for the servers, some 60 KB a site."""
        self._authority.forget()

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
        pinned = self._scenario.host(names[0])
        if host is not None:
            there = host.http != "timeout"
        elif pinned is not None and address in pinned.silent:
            there = False
        else:
            there = not is_bogon(address) and state(self._scenario, names[0]) is not State.VANISHED
        # An address that no name has yet may still be given to one that vanishes.
        if names != (address,):
            self._exists[address] = there
        return there

    def datagram(self, address: str, port: int, source: tuple[str, int], data: bytes) -> bytes | None:
        """Answer a datagram: DNS at the resolvers, helpers' ports, port unreachable anywhere else."""
        if port == 53 and address in self._plain_dns:
            return self._resolver.answer(data, self._own_dns.get(address, address))
        if address in self._helpers and (port, "udp") in PORTS:
            return answer(data) or b""
        return None

    def talk(self, address: str, port: int, line: TalkLine) -> DatagramApp | None:
        """QUIC at the public resolvers and at the sites that speak it."""
        if port != 443 or not self.speaks_quic(address):
            return None
        trapped = self._trap(address)
        # Here, because aioquic is slow to load and most runs never ask for it.
        from gatewatch.lab.servers.floods_quic import QUIC, QuicFlood
        from gatewatch.lab.servers.quic import QuicServer

        if trapped in QUIC:
            return QuicFlood(line, trapped)
        return QuicServer(line, partial(self._authority.credentials, address))

    def speaks_quic(self, address: str) -> bool:
        """Say whether a QUIC server answers at an address."""
        if address in self._public:
            return True
        if address in self._closed or address in self._pagehosts:
            return False
        names = self.names_at(address)
        return state(self._scenario, names[0]) is State.LIVE and any(
            speaks_quic(self._scenario, name) or trap_of(self._scenario, name).startswith("quic-")
            for name in names
        )

    def accept(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Give the application that answers a new TCP connection, None where it is refused."""
        if port == 53 and address in self._plain_dns:
            return DnsStream(
                connection, partial(self._resolver.answer, egress=self._own_dns.get(address, address))
            )
        if port == 853 and address in self._public:
            answer = partial(self._resolver.answer, egress=address)
            return self._authority.serve(connection, lambda plain: DnsStream(plain, answer))
        if self._promise(address, port) == "silent":
            return Silent()
        if address in self._helpers and (port, "tcp") in PORTS:
            return Greeter(connection)
        handler = self.handler(address, port)
        if handler is None or self._flakes(address):
            return None
        trapped = flood(self._trap(address), connection, self._authority, port)
        if trapped is not None:
            return trapped
        if port == 80:
            if address in self._helpers:
                return Echo(connection, handler)
            return HttpStream(connection, handler, scheme="http")
        return Sniffed(connection, self._authority, handler)

    def reach(self, address: str, port: int) -> str | None:
        """Connect from abroad: None, or OONI's failure name."""
        pinned = self._scenario.host(self.names_at(address)[0])
        down = pinned.down if pinned is not None else ""
        if not self.exists(address) or down == "helper-vanished":
            return "generic_timeout_error"
        if down == "helper-refused" or self._flakes(address):
            return "connection_refused"
        named = (port == 53 and address in self._plain_dns) or (port == 853 and address in self._public)
        if named or self._promise(address, port) == "silent" or self.handler(address, port) is not None:
            return None
        return "connection_refused"

    def _trap(self, address: str) -> str:
        """Say which trap stands at an address, "" where there is none."""
        return trap_of(self._scenario, self.names_at(address)[0])

    def trapped(self, name: str, *, quic: bool = False) -> str:
        """Say how a helper's request to a trap fails, or its QUIC handshake, "" where it does not."""
        label = trap_of(self._scenario, name)
        return GENERIC_TIMEOUT if quic and label.startswith("quic-") else fails(label)[1]

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
        name = self.names_at(address)[0]
        if not listens(port, self._scenario.host(name)) or address in self._closed:
            return None
        if address in self._public:
            return self._dated(self._doh)
        if address in self._helpers:
            return None if self._scenario.helpers == "refused" else self._dated(self._helper)
        live = state(self._scenario, name) is State.LIVE
        return self._dated(self._web.respond) if live else None

    def _dated(self, handler: Handler) -> Handler:
        """Let a server write its own time where the client's clock differs from it."""
        if not self._scenario.client.clock_offset_s:
            return handler

        def respond(request: Request) -> Reply:
            reply = handler(request)
            date = ("Date", format_datetime(self.now(), usegmt=True))
            return replace(reply, headers=(date, *reply.headers))

        return respond

    def _flakes(self, address: str) -> bool:
        """Draw whether a connection to a flaky host is refused."""
        pinned = self._scenario.host(self.names_at(address)[0])
        return pinned is not None and pinned.flaky > 0 and self._chance.random() < pinned.flaky

    def _certificate(self, address: str, sni: str | None) -> Certificate:
        """What a server at an address shows for an SNI."""
        if address in self._public:
            # A resolver's certificate names all its hosts and addresses (RFC 8310 lets clients check either).
            return Certificate((*self._public[address].names, *self._public[address].addresses))
        name = self._web.host_at(address, sni)
        trapped = trap_of(self._scenario, name)
        if trapped in CERTIFICATES:
            return Certificate((name,), trapped)
        pinned = self._scenario.host(name)
        if pinned is None:
            return Certificate((name,))
        if pinned.certificate == "wrong_name":
            return Certificate((f"another.{name}",), brief=True)
        return Certificate((name,), "" if pinned.certificate == "ok" else pinned.certificate, brief=True)

    def handshake(self, address: str, name: str, port: int = 443) -> str | None:
        """Shake hands from abroad: None when it ends in a valid certificate for this name, or the failure."""
        if self.handler(address, port) is None:
            # A port that accepts and stays silent runs into the helper's own limit.
            return "generic_timeout_error"
        problem = fails(self._trap(address))[0]
        if problem:
            return problem
        shown = self._certificate(address, name)
        if name not in shown.names:
            return "ssl_invalid_hostname"
        return {"untrusted": "ssl_unknown_authority", "expired": "ssl_invalid_certificate"}.get(shown.fault)

"""app: does an app, or a way around, reach the servers that it needs?

Method: each endpoint that the table of apps names for a target is tried as the app would: a connection, a TLS
handshake, or an HTTP exchange, at up to two addresses of each name.  When something that the app cannot do
without fails, the same is tried once more (and, where a handshake is cut, once with a neutral name), two
pages that are known beforehand are fetched, and a helper outside the country is asked for the very same
endpoints, so that neither a dead server nor a dead line is read as a block.  Certificates of an app's own
authority cannot be verified and are only kept.
Traffic: for each endpoint a lookup, one to two handshakes and at most one small page; 30 to 150 KB an app.
Risk: to whoever watches, it is a use of the app; circumvention is of a higher tier in the list.
Reference: OONI ts-018, ts-019, ts-020, ts-023, ts-028, ts-029; docs/targets.md has the table's columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import trio

from gatewatch.net import transfer
from gatewatch.net.address import endpoint as written
from gatewatch.net.journal import Journal
from gatewatch.net.url import Url, parse
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch_probes.connect import dial
from gatewatch_probes.handshake import shake
from gatewatch_probes.resolve import Found, look_up
from gatewatch_probes.visit.control import Heard, Helpers, request_for
from gatewatch_probes.visit.known import look_at_pages
from gatewatch_targets import App as Entry
from gatewatch_targets import Endpoint, Target, app_at

# Two addresses of a name tell a dead machine from a blocked name; more would only be more traffic.
ADDRESSES = 2
# Endpoints under way at once: an app opens a few connections at its start, and no server sees two of ours.
AT_ONCE = 4
# What a role that fails is tried again with: a second try of each of so many endpoints.
AGAIN = 2
# The name that IANA reserved to be shown everywhere (RFC 2606 3); any answer to it shows that TLS passes.
NEUTRAL = "example.com"
# Protocols that end with a TLS handshake, and those that end with an exchange over it.
_TLS = ("tls", "dot", "https", "doh")
_FETCHED = ("http", "https", "doh")


def _few(addresses: Iterable[str]) -> tuple[str, ...]:
    """Choose some addresses of each family, so that a broken IPv6 leaves the other to be tried."""
    every = tuple(addresses)
    six = tuple(a for a in every if ":" in a)[:1]
    return (*tuple(a for a in every if ":" not in a)[:ADDRESSES], *six)


class App:
    """The probe."""

    name = "app"
    test_name = "app"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 120_000
    typical_packets = 200

    def __init__(self) -> None:
        self._helpers = Helpers()

    def fits(self, target: Target) -> bool:
        """Tell whether a target stands for an app."""
        return app_at(target.url) is not None

    def named(self, target: Target) -> str:
        """Give the test_name of a target's measurement: OONI's where the meaning is the same."""
        app = app_at(target.url)
        return app.test if app else self.test_name

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Try every endpoint of the app that the target stands for."""
        app = app_at(target.url)
        if app is None:
            raise RuntimeError(f"{target.url} stands for no app: choose from the list with --targets apps")
        return await _Trial(wire, app).run(self._helpers)


class _Trial:
    """One app being measured."""

    def __init__(self, wire: Wire, app: Entry) -> None:
        self.wire = wire
        self.app = app
        self.journal = Journal()
        self.found: dict[str, Found] = {}
        self.reached: set[int] = set()
        self.slots = trio.CapacityLimiter(AT_ONCE)

    async def run(self, helpers: Helpers) -> TestKeys:
        """Try, and where something fails, look for what else could explain it."""
        for host in dict.fromkeys(parse(e.url).host for e in self.app.endpoints):
            self.found[host] = await look_up(self.journal, self.wire, host, ())
        async with trio.open_nursery() as nursery:
            for number, endpoint in enumerate(self.app.endpoints):
                nursery.start_soon(self._try, number, endpoint, ())
        failing = self._failing()
        more: dict[str, Any] = {}
        if failing:
            more = await self._explain(helpers, failing)
        return self.journal.keys(
            agent="redirect",
            client_resolver=self.wire.own_resolvers[0] if self.wire.own_resolvers else "",
            x_gatewatch_app={
                "app": self.app.id,
                "title": self.app.title,
                "independent": self.app.independent,
                "endpoints": self._table(),
            },
            x_gatewatch_line={"ipv4": self.wire.ipv4, "ipv6": self.wire.ipv6},
            **more,
        )

    def _table(self) -> list[dict[str, Any]]:
        rows = []
        for endpoint in self.app.endpoints:
            place = parse(endpoint.url)
            rows.append(
                {
                    "role": endpoint.role,
                    "host": place.host,
                    "port": place.port,
                    "protocol": endpoint.protocol,
                    "needed": endpoint.needed,
                    "issuer": endpoint.issuer,
                }
            )
        return rows

    def _addresses(self, host: str) -> tuple[str, ...]:
        usable = tuple(a for a in self.found[host].all if self.wire.usable(a))
        theirs = _few(a for a in usable if a in self.found[host].system)
        # What the system does not give is tried only where its answer is not confirmed.
        others = _few(a for a in self.found[host].trusted if a in usable and a not in theirs)
        return (*theirs, *others) or _few(usable)

    async def _try(self, number: int, endpoint: Endpoint, tags: tuple[str, ...]) -> None:
        url = parse(endpoint.url)
        for address in self._addresses(url.host):
            marks = (f"endpoint={number}", *tags)
            if address in self.found[url.host].system:
                marks = ("classic", *marks)
            async with self.slots, self.wire.turns.take(address):
                if await self._one(endpoint, url, address, marks):
                    self.reached.add(number)

    async def _one(self, endpoint: Endpoint, url: Url, address: str, tags: tuple[str, ...]) -> bool:
        tcp = await dial(self.journal, self.wire, address, url.port, url.host, tags)
        if tcp is None or endpoint.protocol == "tcp":
            if tcp is not None:
                tcp.close()
            return tcp is not None
        connection = (
            tcp if endpoint.protocol not in _TLS else await shake(self.journal, self.wire, tcp, url.host)
        )
        if connection is None:
            # A certificate of the app's own authority cannot be verified; that one came is all there is.
            shaken = [h for h in self.journal.handshakes if h.transaction_id == tcp.transaction_id]
            return bool(endpoint.issuer) and any(h.peer_certificates for h in shaken)
        try:
            if endpoint.protocol not in _FETCHED:
                return True
            method = "POST" if endpoint.protocol == "http" else "GET"
            with trio.move_on_after(self.wire.limits.transfer):
                got = await transfer.exchange(self.journal, connection, url, method=method, tags=tags)
                return got.failure is None
            return False
        finally:
            connection.close()

    def _failing(self) -> dict[str, list[int]]:
        """The endpoints of each role that the app cannot do without and that does not work."""
        found: dict[str, list[int]] = {}
        for role in self.app.roles:
            numbers = [n for n, e in enumerate(self.app.endpoints) if e.role == role and e.needed != "no"]
            missed = [n for n in numbers if n not in self.reached]
            if missed and (self.app.endpoints[missed[0]].needed == "all" or len(missed) == len(numbers)):
                found[role] = missed
        return found

    async def _explain(self, helpers: Helpers, failing: dict[str, list[int]]) -> dict[str, Any]:
        """Try again, look at pages that are known, and ask a helper for the same endpoints."""
        again = [number for numbers in failing.values() for number in numbers[:AGAIN]]
        pages: list[dict[str, Any]] = []
        heard = Heard()
        request = request_for(parse(self.app.url), Found())
        missed = [number for numbers in failing.values() for number in numbers]
        request["tcp_connect"] = list(dict.fromkeys(self._written(missed)))

        async def ask() -> None:
            nonlocal heard
            heard = await helpers.ask(self.wire, request)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            nursery.start_soon(look_at_pages, self.wire, pages)
            for number in again:
                nursery.start_soon(self._again, number, self.app.endpoints[number])
        return {
            "control": heard.answer,
            "control_failure": heard.failure,
            "x_control_request": request,
            **heard.keys(),
            "x_gatewatch_beacons": pages,
        }

    async def _again(self, number: int, endpoint: Endpoint) -> None:
        """Try once more; where the handshake fails, also with a name that nobody has a reason to block."""
        await self._try(number, endpoint, ("again",))
        url = parse(endpoint.url)
        if number in self.reached or endpoint.protocol not in _TLS or url.host in self._addresses(url.host):
            return
        for address in self._addresses(url.host)[:1]:
            async with self.slots, self.wire.turns.take(address):
                tags = (f"endpoint={number}", "neutral")
                tcp = await dial(self.journal, self.wire, address, url.port, url.host, tags)
                tls = None if tcp is None else await shake(self.journal, self.wire, tcp, NEUTRAL, tags)
                if tls is not None:
                    tls.close()

    def _written(self, numbers: list[int]) -> list[str]:
        places = [parse(self.app.endpoints[number].url) for number in numbers]
        return [written(a, place.port) for place in places for a in self._addresses(place.host)]

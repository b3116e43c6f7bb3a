"""OONI's tests of apps, as ours write them: with a table of endpoints, and each step told its own.

The rules about apps read the record's own table (``x_gatewatch_app``), which OONI's telegram, whatsapp,
signal, facebook_messenger and tor (ts-018, ts-020, ts-029, ts-019, ts-023) do not have.  What they tried is
known all the same: names by their lookups, servers by address and port, pages by URL.  Of an endpoint that
gatewatch does not know nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

from gatewatch.net.address import endpoint as written
from gatewatch.net.address import is_address
from gatewatch.records import Connect, Handshake, Measurement, TestKeys, Transaction, decode
from gatewatch_targets import App
from gatewatch_targets.endpoints import apps
from gatewatch_targets.url import UrlError, parse

_TABLE = "x_gatewatch_app"
# Sixteen names that differ in their number alone; gatewatch asks for four of them.
_NUMBERED = "whatsapp.net"
# What OONI calls the kinds of Tor's servers, and the roles that they have here.
_TOR = {"or_port_dirauth": "authority", "dir_port": "directory", "obfs4": "bridge"}
S = TypeVar("S", Connect, Handshake, Transaction)
# OONI's lists have some dozens.
_MOST = 128


def with_endpoints(m: Measurement) -> Measurement | None:
    """Give a measurement of an app as the rules read it, None where they could not judge it."""
    if m.test_keys is None or not isinstance(m.test_name, str):
        return None
    if _TABLE in m.test_keys.extra:
        return m
    app = _app(m.test_name)
    if app is None:
        return None
    sorter = _Sorter(app)
    keys = sorter.tor(m.test_keys) if m.test_name == "tor" else sorter.flat(m.test_keys)
    if not sorter.rows:
        return None
    about = {"app": app.id, "title": app.title, "independent": app.independent, "endpoints": sorter.rows}
    return replace(m, test_keys=replace(keys, extra={**keys.extra, _TABLE: about}))


@lru_cache(maxsize=16)
def _app(test_name: str) -> App | None:
    return next((app for app in apps().values() if app.test == test_name != "app"), None)


class _Sorter:
    """Tells which endpoint each step belongs to; ``rows`` are those that were tried."""

    def __init__(self, app: App) -> None:
        self.rows: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, int], int] = {}
        self._known: dict[tuple[str, int], dict[str, Any]] = {}
        for endpoint in app.endpoints:
            place = parse(endpoint.url)
            self._known[place.host, place.port] = {
                "role": endpoint.role,
                "host": place.host,
                "port": place.port,
                "protocol": endpoint.protocol,
                "needed": endpoint.needed,
                "issuer": endpoint.issuer,
            }

    def _number(self, host: str, port: int) -> int | None:
        """Give the number of an endpoint, a new one for one met first; None for one that nobody knows."""
        if (host, port) not in self._numbers:
            row = self._known.get((host, port)) or self._like(host, port)
            if row is None or len(self.rows) >= _MOST:
                return None
            self._numbers[host, port] = len(self.rows)
            self.rows.append(row)
        return self._numbers[host, port]

    def _ports(self, host: str) -> list[int]:
        asked = f"e1.{_NUMBERED}" if self._like(host, 443) else host
        return [port for name, port in self._known if name == asked]

    def _like(self, host: str, port: int) -> dict[str, Any] | None:
        first = self._known.get((f"e1.{_NUMBERED}", port))
        alike = host.endswith(f".{_NUMBERED}") and host[0] == "e" and host.partition(".")[0][1:].isdecimal()
        return {**first, "host": host} if first is not None and alike else None

    def flat(self, keys: TestKeys) -> TestKeys:
        """Sort the steps of a test that has them in four lists."""
        names = {address: q.hostname for q in keys.queries or () for address in q.addresses if q.hostname}
        for query in keys.queries or ():
            # A name that is denied has no further steps.
            for port in self._ports(query.hostname or ""):
                self._number(query.hostname or "", port)
        connects = []
        reached: dict[tuple[str, int | None], str | None] = {}
        for connect in keys.tcp_connect or ():
            host = names.get(connect.ip or "", connect.ip or "")
            number = self._number(host, connect.port or 0)
            connects.append(_tagged(connect, number))
            if connect.status is not None and connect.status.success:
                reached.setdefault((host, connect.port), connect.ip)
        handshakes = [self._handshake(h, names) for h in keys.tls_handshakes or ()]
        requests = [self._request(t, reached) for t in keys.requests or ()]
        return replace(
            keys, tcp_connect=tuple(connects), tls_handshakes=tuple(handshakes), requests=tuple(requests)
        )

    def _handshake(self, handshake: Handshake, names: Mapping[str, str]) -> Handshake:
        address, _, port = (handshake.address or "").rpartition(":")
        host = handshake.server_name or names.get(address.strip("[]"), address.strip("[]"))
        return _tagged(handshake, self._number(host, _port(port)))

    def _request(
        self, request: Transaction, reached: Mapping[tuple[str, int | None], str | None]
    ) -> Transaction:
        try:
            place = parse(request.request.url or "")
        except (UrlError, AttributeError):
            return request
        made = _tagged(request, self._number(place.host, place.port))
        if made.address:
            return made
        # Older records do not say at which address: at one that a connection was made to.
        address = place.host if is_address(place.host) else reached.get((place.host, place.port))
        return replace(made, address=written(address, place.port)) if address else made

    def tor(self, keys: TestKeys) -> TestKeys:
        """Gather the steps of ``tor``, which has them by server."""
        servers = keys.extra.get("targets")
        connects: list[Connect] = []
        handshakes: list[Handshake] = []
        for server in list(servers.values())[:_MOST] if isinstance(servers, Mapping) else ():
            role = _TOR.get(str(server.get("target_protocol"))) if isinstance(server, Mapping) else None
            if role is None:
                continue
            steps, _ = decode(TestKeys, dict(server))
            for connect in steps.tcp_connect or ():
                number = self._server(role, connect.ip or "", connect.port or 0)
                connects.append(_tagged(connect, number))
                # The certificates of relays are signed by nobody, and OONI does not verify them.
                handshakes += [
                    _tagged(replace(h, server_name=""), number) for h in steps.tls_handshakes or ()
                ]
        return replace(keys, tcp_connect=tuple(connects), tls_handshakes=tuple(handshakes))

    def _server(self, role: str, ip: str, port: int) -> int | None:
        """Tor's lists change; a server is judged by the role that OONI gives it."""
        like = next((row for row in self._known.values() if row["role"] == role), None)
        if like is None or not is_address(ip):
            return None
        self._known.setdefault((ip, port), {**like, "host": ip, "port": port})
        return self._number(ip, port)


def _tagged(step: S, number: int | None) -> S:
    if number is None:
        return step
    return replace(step, tags=(*(step.tags or ()), f"endpoint={number}"))


def _port(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0

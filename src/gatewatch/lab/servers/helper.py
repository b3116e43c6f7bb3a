"""OONI's test helper, spoken exactly: what a vantage abroad, with no censor on its path, sees of a URL.

The protocol's words are :mod:`gatewatch.records.control`'s, which the real helper (:mod:`gatewatch.helper`)
speaks, too.  This one measures nothing: it asks the lab's world, which knows.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, Protocol
from urllib.parse import urljoin

from gatewatch.helper import echo
from gatewatch.lab.apps import Connection
from gatewatch.lab.country.sites import Url, is_literal, split
from gatewatch.lab.servers.addresses import is_bogon
from gatewatch.lab.servers.http import Handler, Reply, Request, header_fields
from gatewatch.net.address import endpoint
from gatewatch.records import control
from gatewatch.records import failure as f
from gatewatch.records.control import Json, Question
from gatewatch.records.ports import GREETING, offer
from gatewatch_targets import service_ports

# oohelperd asks through one machine; any address outside the scenario's own country does.
_VANTAGE = "68.183.70.80"
# oohelperd reads no more of a page.
_MAX_BODY = 1 << 24
# How long a helper thinks that is slow (all clients still wait) or silent (none does; OONI's own waits 30 s).
_THINKS = {"slow": 6.0, "silent": 45.0}
# How long it waits for a site's answer (gatewatch.helper.measure; oohelperd waits 15 s).
_PATIENCE = 15.0

#: Ports that only greet: those of our table.
PORTS = frozenset((entry.port, entry.transport) for entry in service_ports())

_BYTES = re.compile(r"/bytes/(\d{1,7})")


class Abroad(Protocol):
    """What the helper needs of the world."""

    def abroad(self, name: str) -> tuple[str, ...]:
        """Give a name's records as resolvers outside the country are told them."""
        ...

    def reach(self, address: str, port: int) -> str | None:
        """Try to connect: None, or the OONI failure."""
        ...

    def handler(self, address: str, port: int) -> Handler | None:
        """Give who answers HTTP there, or None."""
        ...

    def handshake(self, address: str, name: str, port: int = 443) -> str | None:
        """Shake hands: None when the certificate shown for this SNI is the name's own, or the failure."""
        ...

    def trapped(self, name: str, *, quic: bool = False) -> str:
        """Say how a request to a trap fails, or a QUIC handshake; "" for every other site."""
        ...

    def speaks_quic(self, address: str) -> bool:
        """Say whether a QUIC server answers at an address."""
        ...

    def asn_of(self, address: str) -> int:
        """Give the AS number of an address, 0 outside the plan."""
        ...


def helper(world: Abroad, mood: str = "up") -> Handler:
    """Give the helper's HTTP handler: POST measures, GET says hello, the rest is a client's error.

    ``mood`` is the scenario's word for all helpers: up, slow, silent or error_500.
    """

    def respond(request: Request) -> Reply:
        if mood == "error_500":
            return Reply(500)
        reply = answer(request)
        return replace(reply, delay=_THINKS[mood]) if mood in _THINKS else reply

    def answer(request: Request) -> Reply:
        size = _BYTES.fullmatch(request.target)
        if request.method == "GET" and size is not None:
            return _bytes(int(size[1]))
        if request.method == "GET" and request.target == "/ports":
            return _json(offer(*([port for port, t in PORTS if t == kind] for kind in ("tcp", "udp"))))
        if request.method == "GET":
            return _json(control.HELLO)
        if request.method != "POST":
            return Reply(400)
        try:
            question = control.question(json.loads(request.body))
            return _json(_measure(world, split(question.url), question))
        except ValueError:
            return Reply(400)

    return respond


class Greeter:
    """A port of a helper that says one line and closes, as :mod:`gatewatch.helper.ports` does."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # When there is a connection: this is made at the SYN.
        connection.later(0.0, self._greet)

    def _greet(self) -> None:
        self._connection.write(GREETING)
        self._connection.close()

    def data_received(self, data: bytes) -> None:
        """Drop what comes."""

    def eof_received(self) -> None:
        """Be closed already."""


def _bytes(size: int) -> Reply:
    """So many bytes that no compression makes fewer, as :mod:`gatewatch.helper` gives them."""
    if size > echo.MAX_BYTES:
        return Reply(400)
    kind = (("Content-Type", "application/octet-stream"), ("Cache-Control", "no-store, no-transform"))
    return Reply(200, kind, _noise()[:size])


@cache
def _noise() -> bytes:
    return Random(0).randbytes(echo.MAX_BYTES)


def _json(value: Any) -> Reply:
    return Reply(200, (("Content-Type", "application/json"),), json.dumps(value).encode())


def _measure(world: Abroad, url: Url, question: Question) -> Json:
    # A bare address is not looked up, and its list of addresses stays empty.
    addresses = () if url.literal else world.abroad(url.host)
    found: dict[str, int] = {}
    for address in question.addresses:
        if is_literal(address):
            found[address] = control.BY_PROBE
    for address in addresses:
        found[address] = found.get(address, 0) | control.BY_HELPER
    for address in found:
        found[address] |= control.BOGON if is_bogon(address) else 0
    tcp: dict[str, Json] = {}
    tls: dict[str, Json] = {}
    for address in sorted(found):
        if found[address] & control.BOGON:
            continue
        for port in control.ports(url.scheme, control.written_port(question.url)):
            failure = world.reach(address, port)
            tcp[endpoint(address, port)] = control.connected(failure)
            if failure is None and port == control.TLS_PORT:
                problem = world.handshake(address, url.host)
                found[address] |= 0 if problem else control.VALID
                tls[endpoint(address, port)] = control.shaken(url.host, problem)
    missing = None if addresses or url.literal else f.DNS_NXDOMAIN
    return control.answer(
        names=(addresses, missing),
        flags=found,
        asns={address: world.asn_of(address) for address in found},
        tcp=tcp,
        tls=tls,
        http=fetch(world, question),
        quic=_quic(world, url, sorted(found)) if question.quic else {},
    )


def _quic(world: Abroad, url: Url, addresses: list[str]) -> dict[str, Json]:
    """QUIC handshakes with the addresses found; oohelperd makes them only when it is asked to."""
    done: dict[str, Json] = {}
    for address in (address for address in addresses if not is_bogon(address)):
        failure = world.handshake(address, url.host) if world.speaks_quic(address) else f.GENERIC_TIMEOUT
        failure = failure or world.trapped(url.host, quic=True) or None
        done[f"{address}:{control.TLS_PORT}"] = control.shaken(url.host, failure)
    return done


def _unpacked(body: bytes) -> bytes:
    """Undo gzip as far as a page is read: the lab's bombs are for the client."""
    return zlib.decompressobj(31).decompress(body, _MAX_BODY)


def fetch(world: Abroad, question: Question) -> Json:
    """One GET with its redirects; the last response is what counts."""
    text = question.url
    sent = {name.lower(): value for name, value in question.headers}
    h3: str | None = None
    for _ in range(control.MAX_REDIRECTS):
        url = split(text)
        addresses = world.abroad(url.host)
        if not addresses:
            return control.not_fetched(f.DNS_NXDOMAIN)
        failures = [world.reach(address, url.port) for address in addresses]
        if None not in failures:
            return control.not_fetched(failures[0] or f.unknown(""))
        address = addresses[failures.index(None)]
        handler = world.handler(address, url.port)
        if handler is None:
            return control.not_fetched(f.GENERIC_TIMEOUT)
        problem = world.handshake(address, url.host, url.port) if url.scheme == "https" else None
        problem = problem or world.trapped(url.host) or None
        if problem is not None:
            return control.not_fetched(problem)
        # Go's client asks for gzip on its own, and undoes it.
        asking = {**sent, "accept-encoding": "gzip"}
        reply = handler(
            Request("GET", url.scheme, url.host, url.target, asking, b"", _VANTAGE, address, url.port)
        )
        if reply.delay > _PATIENCE:
            return control.not_fetched(f.GENERIC_TIMEOUT)
        fields = header_fields(reply)
        named = {name.lower(): value for name, value in fields}
        if h3 is None:
            h3 = control.h3_endpoint(fields, url.host)
        if 300 <= reply.status < 400 and "location" in named:
            text = urljoin(text, named["location"])
            continue
        body = _unpacked(reply.body) if named.get("content-encoding") == "gzip" else reply.body
        if reply.repeat:
            body += reply.piece * min(reply.repeat, _MAX_BODY // len(reply.piece))
        return control.fetched(reply.status, fields, body, h3)
    return control.not_fetched(f.TOO_MANY_REDIRECTS)

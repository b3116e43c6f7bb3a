"""OONI's test helper, spoken exactly: what a vantage abroad, with no censor on its path, sees of a URL.

The protocol and every failure name are those of oohelperd (probe-cli, internal/oohelperd), whose DNS, TCP and
HTTP failures keep the spelling of its Python ancestor while its TLS failures do not.
"""

from __future__ import annotations

import json
import re
from typing import Any, Protocol
from urllib.parse import urljoin

from gatewatch.lab.servers.addresses import is_bogon
from gatewatch.lab.servers.http import Handler, Reply, Request, header_fields
from gatewatch.lab.sites import Url, is_literal, split

# THIPInfo flags (probe-cli internal/model/ooapi.go).
_BY_PROBE, _BY_HELPER, _BOGON, _VALID = 1, 2, 4, 8
# Go's default HTTP client gives up after ten requests in a chain.
_MAX_REDIRECTS = 10
# oohelperd asks through one machine; any address outside the scenario's own country does.
_VANTAGE = "68.183.70.80"
_TITLE = re.compile(rb"(?is)<title>(.*?)</title>")
_FORWARDED = ("accept", "accept-language", "user-agent")

Json = dict[str, Any]


class Abroad(Protocol):
    """What the helper needs of the world."""

    def address_of(self, name: str) -> tuple[str, ...]:
        """Give a name's true A records."""
        ...

    def reach(self, address: str, port: int) -> str | None:
        """Try to connect: None, or the OONI failure."""
        ...

    def handler(self, address: str, port: int) -> Handler | None:
        """Give who answers HTTP there, or None."""
        ...

    def certified(self, address: str, name: str) -> bool:
        """Say whether the certificate shown at an address for this SNI holds the name."""
        ...

    def asn_of(self, address: str) -> int:
        """Give the AS number of an address, 0 outside the plan."""
        ...


def helper(world: Abroad) -> Handler:
    """Give the helper's HTTP handler: POST measures, GET says hello, the rest is a client's error."""

    def respond(request: Request) -> Reply:
        if request.method == "GET":
            return _json({"message": "Hello OONItarian!"})
        if request.method != "POST":
            return Reply(400)
        try:
            question = json.loads(request.body)
            url = split(question["http_request"])
            endpoints = [str(endpoint) for endpoint in question.get("tcp_connect") or ()]
            headers = {k.lower(): v for k, v in (question.get("http_request_headers") or {}).items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return Reply(400)
        return _json(_measure(world, url, str(question["http_request"]), endpoints, headers))

    return respond


def _json(value: Json) -> Reply:
    return Reply(200, (("Content-Type", "application/json"),), json.dumps(value).encode())


def _measure(world: Abroad, url: Url, text: str, endpoints: list[str], headers: dict[str, list[str]]) -> Json:
    # A bare address is not looked up, and its list of addresses stays empty.
    addresses = () if url.literal else world.address_of(url.host)
    found: dict[str, int] = {}
    for endpoint in endpoints:
        address, _, digits = endpoint.rpartition(":")
        if is_literal(address) and digits.isdecimal():
            found[address] = found.get(address, 0) | _BY_PROBE
    for address in addresses:
        found[address] = found.get(address, 0) | _BY_HELPER
    for address in found:
        found[address] |= _BOGON if is_bogon(address) else 0
    # A URL with a port is tried there; http also on 443: TLS tells whether an address is the name's own.
    has_port = url.port not in (80, 443) or text.split("/")[2].endswith(f":{url.port}")
    ports = [url.port] if has_port or url.scheme == "https" else [80, 443]
    tcp: Json = {}
    tls: Json = {}
    for address in sorted(found):
        for port in () if found[address] & _BOGON else ports:
            failure = world.reach(address, port)
            tcp[f"{address}:{port}"] = {"status": failure is None, "failure": _connect_name(failure)}
            if failure is None and port == 443:
                valid = world.certified(address, url.host)
                found[address] |= _VALID if valid else 0
                tls[f"{address}:{port}"] = {
                    "server_name": url.host,
                    "status": valid,
                    "failure": None if valid else _handshake_failure(world, address),
                }
    return {
        "tcp_connect": tcp,
        "tls_handshake": tls,
        "quic_handshake": {},
        "http_request": fetch(world, text, headers),
        "http3_request": None,
        "dns": {
            "failure": None if addresses or url.literal else "dns_name_error",
            "addrs": list(addresses),
        },
        "ip_info": {ip: {"asn": world.asn_of(ip), "flags": flags} for ip, flags in sorted(found.items())},
    }


def _handshake_failure(world: Abroad, address: str) -> str:
    # A port that accepts and stays silent runs into the helper's own limit.
    return "ssl_invalid_hostname" if world.handler(address, 443) else "generic_timeout_error"


def _connect_name(failure: str | None) -> str | None:
    return "connection_refused_error" if failure == "connection_refused" else failure


def _failed(failure: str) -> Json:
    return {
        "body_length": -1,
        "discovered_h3_endpoint": "",
        "failure": failure,
        "title": "",
        "headers": {},
        "status_code": -1,
    }


def fetch(world: Abroad, text: str, headers: dict[str, list[str]]) -> Json:
    """One GET with its redirects; the last response is what counts."""
    for _ in range(_MAX_REDIRECTS):
        url = split(text)
        addresses = world.address_of(url.host)
        if not addresses:
            return _failed("dns_lookup_error")
        failures = [world.reach(address, url.port) for address in addresses]
        if None not in failures:
            return _failed(_connect_name(failures[0]) or "unknown_error")
        address = addresses[failures.index(None)]
        handler = world.handler(address, url.port)
        if handler is None:
            return _failed("generic_timeout_error")
        if url.scheme == "https" and not world.certified(address, url.host):
            return _failed("unknown_error")
        sent = {name: ", ".join(values) for name, values in headers.items() if name in _FORWARDED}
        reply = handler(
            Request("GET", url.scheme, url.host, url.target, sent, b"", _VANTAGE, address, url.port)
        )
        fields = {name.title(): value for name, value in header_fields(reply)}
        if 300 <= reply.status < 400 and "Location" in fields:
            text = urljoin(text, fields["Location"])
            continue
        title = _TITLE.search(reply.body)
        fields.pop("Transfer-Encoding", None)  # Go's client keeps it out of the header map
        return {
            "body_length": len(reply.body),
            "discovered_h3_endpoint": "",
            "failure": None,
            "title": title[1].decode("utf-8", "replace").strip() if title else "",
            "headers": fields,
            "status_code": reply.status,
        }
    return _failed("unknown_error")

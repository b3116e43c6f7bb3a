"""Measurements of apps, one for each rule about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.core.verdict_build import NOTICE, TIMEOUT, control, query, web

from gatewatch.net.address import endpoint
from gatewatch.records import (
    Connect,
    ConnectStatus,
    Handshake,
    HttpRequest,
    HttpResponse,
    Measurement,
    Transaction,
)

ONE, TWO = "149.154.175.50", "149.154.167.51"
HOST = "chat.example.org"
PAGES = [{"url": "http://a/", "genuine": True}, {"url": "http://b/", "genuine": False}]
NO_PAGES = [{"url": "http://a/", "genuine": False}]
SIGNED = b"\x30\x82 Signal Messenger \x00"
TOLD = "nta.gov.np/en/notice-regarding-site-block"


def row(host: str, protocol: str = "tcp", needed: str = "any", issuer: str = "") -> dict[str, Any]:
    return {
        "role": "chat",
        "host": host,
        "port": 443,
        "protocol": protocol,
        "needed": needed,
        "issuer": issuer,
    }


def dialled(number: int, address: str, failure: str | None = None) -> Connect:
    status = ConnectStatus(failure=failure, success=failure is None)
    return Connect(ip=address, port=443, status=status, t=0.2, tags=(f"endpoint={number}",))


def shaken(
    number: int, address: str, failure: str | None = None, chain: Sequence[bytes] = (), name: str = ""
) -> Handshake:
    return Handshake(
        address=endpoint(address, 443),
        failure=failure,
        peer_certificates=tuple(chain) or None,
        server_name=name,
        t=0.3,
        tags=(f"endpoint={number}",),
    )


def got(number: int, address: str, failure: str | None = None, body: str = "") -> Transaction:
    return Transaction(
        address=endpoint(address, 443),
        failure=failure,
        request=HttpRequest(url=f"http://{address}:443/", headers={}, headers_list=()),
        response=HttpResponse(
            code=0 if failure else 404, body=body, headers={}, headers_list=(), body_is_truncated=False
        ),
        t=0.5,
        tags=(f"endpoint={number}",),
    )


def app(rows: Sequence[dict[str, Any]], test: str = "app", pages: object = PAGES, **more: Any) -> Measurement:
    about = {"app": "chat", "title": "Chat", "endpoints": list(rows)}
    return web(test=test, x_gatewatch_app=about, x_gatewatch_beacons=pages, **more)


BOTH = [row(ONE), row(TWO)]
NAMED = [row(HOST)]


def fail(failure: str, **more: Any) -> Measurement:
    return app(BOTH, connects=[dialled(0, ONE, failure), dialled(1, TWO, failure)], **more)


def cut(failure: str, protocol: str = "tls", issuer: str = "", **more: Any) -> Measurement:
    rows = [row(ONE, protocol, issuer=issuer), row(TWO, protocol, issuer=issuer)]
    return app(
        rows,
        connects=[dialled(0, ONE), dialled(1, TWO)],
        handshakes=[shaken(0, ONE, failure), shaken(1, TWO, failure)],
        **more,
    )


def page(failure: str | None, body: str = "") -> Measurement:
    return app(
        [row(ONE, "http"), row(TWO, "http")],
        connects=[dialled(0, ONE), dialled(1, TWO)],
        requests=[got(0, ONE, failure, body), got(1, TWO, failure, body)],
    )


def lied(said: str | Sequence[str], true: str | Sequence[str] = (ONE,), **more: Any) -> Measurement:
    asked = [query("getaddrinfo", said, host=HOST, tags=("classic",)), query("doh", true, host=HOST, tags=())]
    return app(NAMED, queries=asked, **more)


REDIRECTED = app(
    [row(HOST, "tls")],
    queries=[
        query("getaddrinfo", (TWO,), host=HOST, tags=("classic",)),
        query("doh", (ONE,), host=HOST, tags=()),
    ],
    connects=[dialled(0, TWO), dialled(0, ONE)],
    handshakes=[shaken(0, TWO, "ssl_invalid_hostname", name=HOST), shaken(0, ONE, name=HOST)],
)

FIRES_APPS: dict[str, tuple[str, Measurement]] = {
    "app.ok": ("ok", app(BOTH, connects=[dialled(0, ONE), dialled(1, TWO, TIMEOUT)])),
    "app.down": (
        "down",
        fail(TIMEOUT, control=control(tcp={f"{ONE}:443": TIMEOUT, f"{TWO}:443": TIMEOUT})),
    ),
    "app.partial": (
        "inconclusive(partial)",
        app(
            [row(ONE, needed="all"), row(TWO, needed="all")],
            connects=[dialled(0, ONE), dialled(1, TWO, TIMEOUT)],
        ),
    ),
    "app.filter": ("inconclusive(own_filter)", lied(["146.112.197.76"])),
    "app.line": ("inconclusive(line)", fail(TIMEOUT, pages=NO_PAGES)),
    "app.no_control": ("inconclusive(no_control)", fail(TIMEOUT, pages=None)),
    "app.single": (
        "inconclusive(single_endpoint)",
        app([row(ONE)], connects=[dialled(0, ONE, TIMEOUT)]),
    ),
    "app.certificate": ("inconclusive(certificate)", cut("ssl_unknown_authority")),
    "app.dns.nxdomain": ("blocked(dns.nxdomain)", lied("dns_nxdomain_error")),
    "app.dns.bogon": ("blocked(dns.bogon)", lied(["127.0.0.1"])),
    "app.dns.redirect": ("blocked(dns.redirect)", REDIRECTED),
    "app.dns.timeout": ("blocked(dns.timeout)", lied(TIMEOUT)),
    "app.tcp.refused": ("blocked(tcp.refused)", fail("connection_refused")),
    "app.tcp.reset": ("blocked(tcp.reset)", fail("connection_reset")),
    "app.tcp.timeout": ("blocked(tcp.timeout)", fail(TIMEOUT)),
    "app.tls.reset": ("blocked(tls.reset)", cut("connection_reset")),
    "app.tls.eof": ("blocked(tls.eof)", cut("eof_error")),
    "app.tls.timeout": ("blocked(tls.timeout)", cut(TIMEOUT)),
    "app.http.blockpage": ("blocked(http.blockpage)", page(None, f"<p>{TOLD}</p>{NOTICE}")),
    "app.http.reset": ("blocked(http.reset)", page("connection_reset")),
    "app.http.eof": ("blocked(http.eof)", page("eof_error")),
    "app.http.timeout": ("blocked(http.timeout)", page(TIMEOUT)),
    "app.failed": ("inconclusive(app_failure)", fail("host_unreachable")),
}

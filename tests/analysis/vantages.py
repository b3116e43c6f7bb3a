"""Whole measurements of one site, as a free vantage makes them and as one without a control does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.core.verdict_build import HOST, NOTICE, SITE, connect, control, fetch, handshake, names, web

from gatewatch.records import Measurement

URL, PLAIN = f"https://{HOST}/", f"http://{HOST}/"


def at(m: Measurement, asn: int, cc: str, hour: int = 12) -> Measurement:
    return replace(
        m,
        probe_asn=f"AS{asn}",
        probe_cc=cc,
        measurement_start_time=f"2024-05-01 {hour:02}:00:00",
        id=f"{cc}{asn}",
    )


def reached(url: str = URL, **page: Any) -> Measurement:
    """What a free vantage sees, its own control included."""
    secure = [handshake(SITE)] if url == URL else []
    port = 443 if url == URL else 80
    return web(
        url,
        queries=names([SITE]),
        connects=[connect(SITE, port=port)],
        handshakes=secure,
        requests=[fetch(url, **page)],
        control=control(),
    )


#: What a vantage without a control meets, by what it is.
CUT = {
    "blocked(tls.reset)": web(
        URL, queries=names([SITE]), connects=[connect(SITE)], handshakes=[handshake(SITE, "connection_reset")]
    ),
    "blocked(tcp.timeout)": web(
        URL, queries=names([SITE]), connects=[connect(SITE, "generic_timeout_error")]
    ),
    "blocked(dns.nxdomain)": web(URL, queries=names("dns_nxdomain_error")),
    "blocked(dns.bogon)": web(URL, queries=names(["127.0.0.1"])),
    "blocked(http.blockpage)": web(
        PLAIN,
        queries=names([SITE]),
        connects=[connect(SITE, port=80)],
        requests=[fetch(PLAIN, body=NOTICE, headers={"Server": "filter"})],
    ),
    "ok": web(PLAIN, queries=names([SITE]), connects=[connect(SITE, port=80)], requests=[fetch(PLAIN)]),
}

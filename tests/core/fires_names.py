"""Measurements about names, one for each rule that looks beyond the name itself."""

from __future__ import annotations

from typing import Any

from tests.core.verdict_build import LIE, SITE, connect, control, handshake, names, query, web

from gatewatch.records import Measurement

NXDOMAIN = "dns_nxdomain_error"
GONE = control(NXDOMAIN.replace("nxdomain", "name"), http="dns_lookup_error")
REWRITER = {"rewrites": ["36.37.242.94"], "denies": False, "filters": "addresses"}
HONEST = {"rewrites": [], "denies": True, "filters": "addresses"}
BLOCKER = {"rewrites": [], "denies": True, "filters": "bogon", "filter_answers": ["0.0.0.0"]}


def two(first: Any, late: Any, near: int = 62, far: int = 55) -> list[Any]:
    """One query with two answers, and the IP TTLs that they came with."""
    return [
        query("udp", first, transaction_id=7, x_gatewatch_ip_ttl=near),
        query("udp", late, transaction_id=7, x_gatewatch_ip_ttl=far, x_gatewatch_late=1),
    ]


FIRES_NAMES: dict[str, tuple[str, Measurement]] = {
    "dns.filter.alike": (
        "inconclusive(own_filter)",
        web(queries=names(["0.0.0.0"]), control=control(), country="MY", x_gatewatch_resolver=BLOCKER),
    ),
    "dns.injected.two": ("blocked(dns.injected)", web(queries=[*names([LIE]), *two([LIE], [SITE])])),
    "dns.nxdomain.encrypted": ("blocked(dns.nxdomain)", web(queries=names(NXDOMAIN, doh=[SITE]))),
    "dns.bogon.encrypted": ("blocked(dns.bogon)", web(queries=names(["10.10.34.35"], doh=[SITE]))),
    "dns.rewritten": (
        "down",
        web(queries=names(["36.37.242.94"]), control=GONE, x_gatewatch_resolver=REWRITER),
    ),
    "dns.rewritten.nxdomain": (
        "blocked(dns.nxdomain)",
        web(queries=names(["36.37.242.94"]), control=control(), x_gatewatch_resolver=REWRITER),
    ),
    "dns.rewritten.no_control": (
        "inconclusive(no_control)",
        web(queries=names(["36.37.242.94"]), x_gatewatch_resolver=REWRITER),
    ),
    "dns.redirect.ghost.checked": (
        "blocked(dns.redirect)",
        web(queries=names([LIE], doh=NXDOMAIN), control=GONE, x_gatewatch_resolver=HONEST),
    ),
    "dns.redirect.shared": (
        "blocked(dns.redirect)",
        web(
            queries=names([LIE], [SITE]),
            connects=[connect(LIE)],
            handshakes=[handshake(LIE, "ssl_invalid_hostname")],
            x_gatewatch_shared={LIE: 3},
        ),
    ),
}

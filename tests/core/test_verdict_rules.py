"""Every rule of the table fires on a measurement made for it, and gives the verdict it promises."""

from __future__ import annotations

import pytest
from tests.core.fires_apps import FIRES_APPS
from tests.core.fires_content import FIRES_CONTENT
from tests.core.fires_contrast import FIRES_CONTRAST
from tests.core.fires_intercept import FIRES_INTERCEPT
from tests.core.fires_middlebox import FIRES_MIDDLEBOX
from tests.core.fires_names import FIRES_NAMES
from tests.core.fires_pace import FIRES_PACE
from tests.core.fires_ports import FIRES_PORTS
from tests.core.fires_quic import FIRES_QUIC
from tests.core.fires_second import FIRES_SECOND
from tests.core.fires_sni import FIRES_SNI
from tests.core.verdict_build import (
    HEADERS,
    HOST,
    LIE,
    NOTICE,
    OTHER,
    SITE,
    TIMEOUT,
    connect,
    control,
    fetch,
    handshake,
    names,
    query,
    web,
)

from gatewatch.records import Measurement
from gatewatch.verdict import RULES, judge

HTTPS, HTTP = f"https://{HOST}/", f"http://{HOST}/"
PLAIN = {"url": HTTP, "queries": names([SITE]), "connects": [connect(SITE, port=80)], "control": control()}
SECURE = {"queries": names([SITE]), "connects": [connect(SITE)], "handshakes": [handshake(SITE)]}
THERE = {"connects": [connect(SITE)], "handshakes": [handshake(SITE)], "requests": [fetch(HTTPS)]}
SIX = "2600:9000:2146::1"


def plain(*requests: object, **more: object) -> Measurement:
    return web(**{**PLAIN, "requests": requests, **more})  # type: ignore[arg-type]


def secure(*requests: object, **more: object) -> Measurement:
    return web(**{**SECURE, "requests": requests, "control": control(), **more})  # type: ignore[arg-type]


def tcp(failure: str, seen: dict[str, object] | None) -> Measurement:
    return web(queries=names([SITE]), connects=[connect(SITE, failure)], control=seen)


def tls(failure: str, seen: dict[str, object] | None) -> Measurement:
    shaken = [handshake(SITE, failure)]
    return web(queries=names([SITE]), connects=[connect(SITE)], handshakes=shaken, control=seen)


def denied(system: str, **more: object) -> Measurement:
    return web(queries=names(system, **more), control=None)  # type: ignore[arg-type]


def beside(failure: str) -> Measurement:
    return plain(fetch(HTTP), handshakes=[handshake(SITE, failure)])


FORGED_FIRST = [
    *names([LIE]),
    query("udp", [LIE], transaction_id=7),
    query("udp", [SITE], transaction_id=7, x_gatewatch_late=1),
]
MOVED = {"Location": "http://192.168.1.1/login"}
GONE = control("dns_name_error", http="dns_lookup_error")
DOWN = control(tcp={f"{SITE}:443": TIMEOUT}, tls={}, http=TIMEOUT)
BAD_TLS = control(tls={f"{SITE}:443": "ssl_invalid_hostname"}, http="unknown_error")
REDIRECT = fetch(
    HTTPS, code=302, body="", headers={"Location": "https://other.net/"}, tags=("depth=0", "classic")
)

# What each rule is for: the measurement and the verdict.
FIRES: dict[str, tuple[str, Measurement]] = {
    "line.single.ok": ("ok", web(test="connect", connects=[connect(SITE)])),
    "line.single.failed": (
        "inconclusive(no_control)",
        web(test="connect", connects=[connect(SITE, "connection_refused")]),
    ),
    "line.not_judged": ("inconclusive(not_judged)", web(test="trace")),
    "line.no_data": ("inconclusive(no_data)", web()),
    "line.portal": ("inconclusive(captive_portal)", plain(fetch(HTTP, code=302, body="", headers=MOVED))),
    "dns.filter": ("inconclusive(own_filter)", web(queries=names(["146.112.197.76"]), control=control())),
    "dns.injected": ("blocked(dns.injected)", web(queries=FORGED_FIRST, control=control(), **THERE)),  # type: ignore[arg-type]
    "dns.down": ("down", web(queries=names("dns_nxdomain_error"), control=GONE)),
    "dns.down.encrypted": ("down", denied("dns_nxdomain_error", doh="dns_nxdomain_error")),
    "dns.down.control_failed": (
        "down",
        web(
            queries=names("dns_nxdomain_error"),
            control=control("dns_server_failure", http="dns_lookup_error"),
        ),
    ),
    "dns.no_ipv6": ("inconclusive(no_ipv6)", web(queries=names("dns_no_answer"), control=control([SIX]))),
    "dns.nxdomain": ("blocked(dns.nxdomain)", web(queries=names("dns_nxdomain_error"), control=control())),
    "dns.nxdomain.redirect": (
        "blocked(dns.nxdomain)",
        secure(
            REDIRECT,
            queries=[
                *names([SITE]),
                query("getaddrinfo", "dns_nxdomain_error", host="other.net", tags=("classic", "depth=1")),
            ],
        ),
    ),
    "dns.timeout": ("blocked(dns.timeout)", web(queries=names(TIMEOUT, [SITE]), control=control(), **THERE)),  # type: ignore[arg-type]
    "dns.timeout.all": ("blocked(dns.timeout)", web(queries=names(TIMEOUT, TIMEOUT), control=control())),
    "dns.resolver_error": (
        "inconclusive(resolver_error)",
        web(queries=names("dns_servfail_error", [SITE]), control=control(), **THERE),  # type: ignore[arg-type]
    ),
    "dns.no_control": ("inconclusive(no_control)", denied("dns_nxdomain_error", public="dns_nxdomain_error")),
    "dns.bogon.everywhere": ("down", web(queries=names(["127.0.0.1"]), control=control(["127.0.0.1"]))),
    "dns.bogon": ("blocked(dns.bogon)", web(queries=names(["10.10.34.35"]), control=control())),
    "dns.bogon.ghost": ("blocked(dns.bogon)", web(queries=names(["127.0.0.1"]), control=GONE)),
    "dns.bogon.no_control": ("inconclusive(no_control)", web(queries=names(["127.0.0.1"]))),
    "dns.rewriting": ("down", web(queries=names(["36.37.242.94"]), control=GONE)),
    "dns.redirect.sign": ("blocked(dns.redirect)", web(queries=names(["203.190.164.182"]))),
    "dns.redirect.ghost": (
        "blocked(dns.redirect)",
        web(queries=names([LIE], doh="dns_nxdomain_error"), control=GONE),
    ),
    "dns.redirect.disowned": (
        "blocked(dns.redirect)",
        web(
            queries=names([LIE]),
            control=control(tcp={f"{LIE}:443": "connection_refused_error", f"{SITE}:443": None}),
            **THERE,  # type: ignore[arg-type]
        ),
    ),
    "dns.redirect.certificate": (
        "blocked(dns.redirect)",
        web(
            queries=names([LIE], doh=[SITE]),
            connects=[connect(LIE), connect(SITE)],
            handshakes=[handshake(LIE, "ssl_invalid_hostname"), handshake(SITE)],
        ),
    ),
    "dns.redirect.page": (
        "blocked(dns.redirect)",
        plain(
            fetch(HTTP, body=NOTICE, headers={}, at=LIE),
            queries=names([LIE]),
            connects=[connect(LIE, port=80)],
        ),
    ),
    "dns.redirect.unreachable": (
        "blocked(dns.redirect)",
        web(
            queries=names([LIE], [OTHER]),
            connects=[connect(LIE, TIMEOUT), connect(SITE)],
            handshakes=[handshake(SITE)],
            control=control(),
        ),
    ),
    "dns.redirect.outvoted": (
        "blocked(dns.redirect)",
        web(
            queries=names([LIE], [SITE]),
            connects=[connect(LIE, TIMEOUT), connect(SITE, TIMEOUT)],
            control=control(),
        ),
    ),
    "tcp.no_ipv6": (
        "inconclusive(no_ipv6)",
        web(queries=names([SIX]), connects=[connect(SIX, "network_unreachable")], control=control([SIX])),
    ),
    "tcp.down": ("down", tcp(TIMEOUT, DOWN)),
    "tcp.refused": ("blocked(tcp.refused)", tcp("connection_refused", control())),
    "tcp.reset": ("blocked(tcp.reset)", tcp("connection_reset", control())),
    "tcp.timeout": ("blocked(tcp.timeout)", tcp(TIMEOUT, control())),
    "tcp.unreachable": ("inconclusive(unreachable)", tcp("host_unreachable", control())),
    "tcp.no_control": ("inconclusive(no_control)", tcp(TIMEOUT, None)),
    "tls.down": ("down", tls("ssl_invalid_hostname", BAD_TLS)),
    "tls.reset": ("blocked(tls.reset)", tls("connection_reset", control())),
    "tls.eof": ("blocked(tls.eof)", tls("eof_error", control())),
    "tls.timeout": ("blocked(tls.timeout)", tls(TIMEOUT, control())),
    "tls.mitm": ("blocked(tls.mitm)", tls("ssl_unknown_authority", control())),
    "tls.clock": ("inconclusive(certificate_dates)", tls("ssl_invalid_certificate", control())),
    "tls.failed": ("inconclusive(tls_failure)", tls("ssl_failed_handshake", control())),
    "tls.no_control": ("inconclusive(no_control)", tls("connection_reset", None)),
    "tls.beside.reset": ("ok", beside("connection_reset")),
    "tls.beside.eof": ("ok", beside("eof_error")),
    "tls.beside.timeout": ("ok", beside(TIMEOUT)),
    "http.blockpage.sign": (
        "blocked(http.blockpage)",
        plain(fetch(HTTP, body="<p>nta.gov.np/en/notice-regarding-site-block</p>"), country="NP"),
    ),
    "http.blockpage.weak_sign": (
        "blocked(http.blockpage)",
        plain(
            fetch(
                HTTP,
                body="The access to this website has been restricted as per the directive of Nepal",
                headers={},
            ),
            country="KH",
        ),
    ),
    "http.filter": (
        "inconclusive(own_filter)",
        plain(fetch(HTTP, code=403, body="<title>ERROR: Forbidden</title>", headers={})),
    ),
    "http.challenge": (
        "server_side",
        plain(
            fetch(HTTP, code=403, body="<title>Just a moment...</title>", headers={"Server": "cloudflare"})
        ),
    ),
    "http.down": ("down", plain(fetch(HTTP, TIMEOUT), control=control(http=TIMEOUT))),
    "http.reset": ("blocked(http.reset)", plain(fetch(HTTP, "connection_reset"))),
    "http.eof": ("blocked(http.eof)", plain(fetch(HTTP, "eof_error"))),
    "http.timeout": ("blocked(http.timeout)", plain(fetch(HTTP, TIMEOUT))),
    "http.slow": ("inconclusive(slow)", plain(fetch(HTTP, TIMEOUT, code=206))),
    "http.odd_redirect.server": (
        "server_side",
        secure(fetch(HTTPS, "http_invalid_redirect_location_host", code=302)),
    ),
    "http.odd_redirect": (
        "inconclusive(odd_redirect)",
        plain(
            fetch(HTTP, code=302, body="", headers={"Location": "http://"}),
            x_gatewatch_redirect_failure="http_invalid_redirect_location_host",
        ),
    ),
    "http.failed": ("inconclusive(http_failure)", plain(fetch(HTTP, "http_request_failed"))),
    "http.no_control": ("inconclusive(no_control)", plain(fetch(HTTP, "connection_reset"), control=None)),
    "http.turned_away.secure": ("server_side", secure(fetch(HTTPS, code=451, body="no"))),
    "http.turned_away": (
        "server_side",
        plain(fetch(HTTP, code=403, body="<title>403 Forbidden</title>", headers={"Server": "nginx/1.2"})),
    ),
    "http.blockpage": ("blocked(http.blockpage)", plain(fetch(HTTP, body=NOTICE, headers={}))),
    "http.blockpage.copied_headers": (
        "blocked(http.blockpage)",
        plain(fetch(HTTP, body=NOTICE, headers=HEADERS)),
    ),
    "http.diff": ("blocked(http.diff)", plain(fetch(HTTP, body=NOTICE + "x" * 20_000, headers={}))),
    "whole.proxied": (
        "tampered(dns.proxied)",
        web(
            queries=names([LIE], [LIE], [SITE]),
            connects=[connect(LIE)],
            handshakes=[handshake(LIE)],
            requests=[fetch(HTTPS, at=LIE)],
            control=control(asns={LIE: 38623, SITE: 15133}),
        ),
    ),
    "whole.injected": (
        "tampered(dns.injected)",
        secure(
            fetch(HTTPS),
            queries=[
                *names([SITE]),
                query("udp", ["127.0.0.1"], transaction_id=7),
                query("udp", [SITE], transaction_id=7, x_gatewatch_late=1),
            ],
        ),
    ),
    "whole.ok.secure": ("ok", secure(fetch(HTTPS))),
    "whole.ok.page": ("ok", plain(fetch(HTTP))),
    "whole.no_control": ("inconclusive(no_control)", plain(fetch(HTTP), control=None)),
    "whole.control_failed": (
        "inconclusive(control_failed)",
        plain(fetch(HTTP), control=control(http="unknown_error")),
    ),
    "whole.unclear": (
        "inconclusive(different_page)",
        plain(fetch(HTTP, body=NOTICE + "x" * 2_000, headers=HEADERS)),
    ),
    "whole.undetermined": ("inconclusive(undetermined)", web(queries=names([SITE]), control=control())),
    **FIRES_APPS,
    **FIRES_CONTENT,
    **FIRES_QUIC,
    **FIRES_MIDDLEBOX,
    **FIRES_PORTS,
    **FIRES_INTERCEPT,
    **FIRES_NAMES,
    **FIRES_PACE,
    **FIRES_SECOND,
    **FIRES_SNI,
    **FIRES_CONTRAST,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_fires(rule: object) -> None:
    found = next(r for r in RULES if r is rule)
    label, measurement = FIRES[found.id]
    verdict = judge(measurement)
    assert verdict.label == label
    if found.status == "note":
        assert found.method in verdict.also
    else:
        assert verdict.rule == found.id


def test_no_measurement_is_left_without_its_rule() -> None:
    assert set(FIRES) == {rule.id for rule in RULES}


def test_ids_do_not_repeat_and_name_their_layer() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert [rule.id for rule in RULES if not rule.id.startswith(f"{rule.layer}.")] == []

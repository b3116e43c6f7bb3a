"""What looks like blocking and is none, and what looks harmless and is not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.core.fires_second import REFUSED_AT_BOTH
from tests.core.test_verdict_rules import HTTP, HTTPS, plain, secure
from tests.core.verdict_build import (
    HEADERS,
    HOST,
    LIE,
    NOTICE,
    OTHER,
    PAGE,
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

from gatewatch.records import Measurement, Transaction
from gatewatch.verdict import features, judge

V6 = "2600:9000:2146::1"


def test_dns_lie_with_every_helper_blocked_is_seen_by_a_certificate() -> None:
    # OONI 0.5 says accessible.
    m = web(
        queries=names("dns_nxdomain_error", [SITE]),
        connects=[connect(SITE)],
        handshakes=[handshake(SITE)],
        requests=[fetch(HTTPS)],
    )
    assert (judge(m).label, judge(m).rule) == ("blocked(dns.nxdomain)", "dns.nxdomain")
    # Over http nothing vouches for the other answer.
    m = web(HTTP, queries=names("dns_nxdomain_error", [SITE]), requests=[fetch(HTTP)])
    assert judge(m).label == "inconclusive(no_control)"


def test_block_page_with_the_headers_any_server_sends() -> None:
    # Content-Length and Connection are shared with the origin; OONI says accessible.
    forged = {"Content-Length": str(len(NOTICE)), "Connection": "close", "Content-Type": "text/html"}
    verdict = judge(plain(fetch(HTTP, body=NOTICE, headers=forged)))
    assert verdict.label == "blocked(http.blockpage)"
    bare = {"Content-Type": "text/html", "Content-Length": "5080", "Connection": "close"}
    seen = control(headers=bare)
    assert (
        judge(plain(fetch(HTTP, body=NOTICE, headers=forged), control=seen)).label
        == "blocked(http.blockpage)"
    )


def test_titles_of_short_words_are_compared_too() -> None:
    # OONI takes titles without a word of five bytes for equal.
    page = "<title>Hi all</title>" + "x" * 5000
    seen = control(title="Hi all", body_length=len(page))
    assert judge(plain(fetch(HTTP, body=page), control=seen)).label == "ok"
    forged = fetch(HTTP, body="<title>No go</title>", headers={})
    assert judge(plain(forged, control=seen)).label == "blocked(http.blockpage)"


def test_two_answers_to_one_query_are_injection_and_not_a_redirect() -> None:
    # With the lab's own form of late answers and with OONI's.
    asked = [*names([LIE]), query("udp", [LIE], transaction_id=5)]
    late = query("udp", [SITE], transaction_id=5, x_gatewatch_late=1)
    there = {"connects": [connect(SITE)], "handshakes": [handshake(SITE)], "requests": [fetch(HTTPS)]}
    ours = web(queries=[*asked, late], control=control(), **there)  # type: ignore[arg-type]
    assert judge(ours).label == "blocked(dns.injected)"
    duplicate = {
        "hostname": HOST,
        "query_type": "A",
        "resolver_address": "8.8.8.8:53",
        "failure": None,
        "answers": [{"answer_type": "A", "ipv4": SITE}],
    }
    theirs = web(queries=asked, control=control(), x_dns_duplicate_responses=[duplicate], **there)  # type: ignore[arg-type]
    assert judge(theirs).label == "blocked(dns.injected)"
    # The same answer twice is a repeated packet.
    twice = [*names([SITE]), query("udp", [SITE]), query("udp", [SITE], x_gatewatch_late=1)]
    assert judge(web(queries=twice, control=control(), **there)).label == "ok"  # type: ignore[arg-type]


def test_injection_for_a_name_that_does_not_exist() -> None:
    asked = [*names([LIE]), query("udp", [LIE]), query("udp", "dns_nxdomain_error", x_gatewatch_late=1)]
    gone = control("dns_name_error", http="dns_lookup_error")
    assert judge(web(queries=asked, control=gone)).label == "blocked(dns.injected)"


def test_answers_of_a_content_network_in_other_networks() -> None:
    # Disjoint addresses and networks, each with a certificate for the name.
    m = secure(
        fetch(HTTPS, at=LIE),
        queries=names([LIE], [OTHER]),
        connects=[connect(LIE), connect(OTHER)],
        handshakes=[handshake(LIE), handshake(OTHER)],
        control=control(asns={LIE: 38623, OTHER: 2, SITE: 16625}),
    )
    verdict = judge(m)
    assert (verdict.label, verdict.also) == ("ok", ())


def test_content_network_over_http_is_known_by_its_page() -> None:
    m = plain(fetch(HTTP, at=LIE), queries=names([LIE], [OTHER]), connects=[connect(LIE, port=80)])
    assert judge(m).label == "ok"


def test_broken_ipv6_is_no_block() -> None:
    # Once where the line is known and once where OONI's record does not tell.
    for known in (False, None):
        m = secure(
            fetch(HTTPS),
            queries=names([SITE, V6]),
            connects=[connect(V6, "network_unreachable"), connect(SITE)],
            control=control([SITE, V6]),
            ipv6=known,
        )
        assert judge(m).label == "ok"
        m = web(
            queries=names([SITE, V6]),
            connects=[connect(V6, "host_unreachable"), connect(SITE, TIMEOUT)],
            control=control([SITE, V6]),
            ipv6=known,
        )
        assert judge(m).label == "blocked(tcp.timeout)"
        assert features(m).tcp_ipv6_ignored == 1


def test_ipv6_counts_on_a_line_that_has_it() -> None:
    m = web(
        queries=names([V6]),
        connects=[connect(V6, TIMEOUT)],
        control=control([V6], tcp={f"[{V6}]:443": None}),
        ipv6=True,
    )
    assert judge(m).label == "blocked(tcp.timeout)"


def test_helper_down_for_its_own_reasons() -> None:
    # TLS speaks for itself, plain HTTP does not, and a failure stays open.
    assert judge(secure(fetch(HTTPS), control=None)).label == "ok"
    assert judge(plain(fetch(HTTP), control=None)).label == "inconclusive(no_control)"
    assert judge(plain(fetch(HTTP, TIMEOUT), control=None)).label == "inconclusive(no_control)"


def test_umbrella_answers_are_the_lines_own_filter_in_every_country() -> None:
    m = web(queries=names(["146.112.197.80"]), control=control(), country="KH")
    assert judge(m).label == "inconclusive(own_filter)"


def test_nxdomain_rewriting_hides_no_lie() -> None:
    # The address is harmless for names that do not exist; for one that does it is a lie like any other.
    m = web(
        queries=names(["36.37.242.94"], [SITE], [SITE]),
        connects=[connect("36.37.242.94", TIMEOUT), connect(SITE)],
        handshakes=[handshake(SITE)],
        requests=[fetch(HTTPS)],
        control=control(),
    )
    assert judge(m).label == "blocked(dns.redirect)"


def test_redirect_to_a_portal_with_a_certificate_of_its_own() -> None:
    away = fetch(HTTP, code=302, body="", headers={"Location": "https://warning.gov.xx/"})
    there = "https://warning.gov.xx/"
    m = plain(
        fetch(there, body=NOTICE, headers={}, at=LIE, tags=("depth=1",)),
        away,
        handshakes=[handshake(LIE, host="warning.gov.xx", depth=1)],
    )
    assert judge(m).label == "blocked(http.blockpage)"
    # Led to its own https site, a page that looks different is the site's.
    m = plain(
        fetch(HTTPS, body=NOTICE, headers={}, tags=("depth=1",)),
        fetch(HTTP, code=301, body="", headers={"Location": HTTPS}),
        handshakes=[handshake(SITE, depth=1)],
    )
    assert judge(m).label == "ok"


def test_a_page_from_the_site_that_quotes_a_block_page() -> None:
    quoted = PAGE + "This website is not available in Malaysia as it violate(s) the national law(s)."
    assert judge(secure(fetch(HTTPS, body=quoted), country="MY")).label == "ok"
    # Over http its title and headers are the control's: a box's notice takes the page's place.
    assert judge(plain(fetch(HTTP, body=quoted), country="MY")).label == "ok"
    other = f"<title>News</title>{quoted[60:]}"
    assert judge(plain(fetch(HTTP, body=other, headers={}), country="MY")).label == "blocked(http.blockpage)"


def test_one_weak_difference_is_no_block_page() -> None:
    short = PAGE[:600]
    assert judge(plain(fetch(HTTP, body=short))).label == "ok"
    assert judge(plain(fetch(HTTP, headers={}))).label == "ok"
    assert judge(plain(fetch(HTTP, body=PAGE.replace("Example news of the day", "Heute")))).label == "ok"


def test_block_on_a_redirects_hop_is_found_there() -> None:
    m = plain(
        fetch(HTTP, code=301, body="", headers={"Location": HTTPS}),
        handshakes=[handshake(SITE, "connection_reset", depth=1)],
        connects=[connect(SITE, port=80), connect(SITE, depth=1)],
        queries=[*names([SITE]), query("getaddrinfo", [SITE], tags=("classic", "depth=1"))],
    )
    assert judge(m).label == "blocked(tls.reset)"
    assert features(m).depth == 1


def test_lie_on_the_first_hop_decides_though_the_probe_went_on() -> None:
    m = plain(
        fetch(HTTPS, tags=("depth=1",)),
        fetch(HTTP, code=301, body="", headers={"Location": HTTPS}),
        queries=[
            *names("dns_nxdomain_error", [SITE]),
            query("getaddrinfo", "dns_nxdomain_error", tags=("depth=1",)),
        ],
        handshakes=[handshake(SITE, depth=1)],
    )
    assert judge(m).label == "blocked(dns.nxdomain)"
    assert features(m).depth == 0


def test_silent_endpoint_that_was_not_tried_again_counts_as_silent() -> None:
    skipped = [{"address": SITE, "port": 443, "reason": "silent for other names"}]
    m = web(queries=names([SITE]), control=control(), x_gatewatch_skipped=skipped)
    assert judge(m).label == "blocked(tcp.timeout)"


def test_try_again_is_silence_only_when_it_took_as_long() -> None:
    def asked(seconds: float, *more: object) -> str:
        lookup = query("getaddrinfo", "dns_temporary_failure", t0=0.0, t=seconds)
        return judge(web(queries=[lookup, *more], control=control())).label  # type: ignore[list-item]

    assert asked(4.0) == "blocked(dns.timeout)"
    assert asked(0.1) == "inconclusive(resolver_error)"
    # What came at once was an answer, though the question to the same resolver was lost.
    lost = query("udp", TIMEOUT, tags=("isp", "depth=0"))
    assert asked(0.1, lost) == "inconclusive(resolver_error)"
    assert asked(4.0, lost) == "blocked(dns.timeout)"
    # The resolver asked directly knows better.
    assert (
        asked(4.0, query("udp", "dns_servfail_error", tags=("isp", "depth=0")))
        == "inconclusive(resolver_error)"
    )


def test_lie_in_the_sites_own_network() -> None:
    # The address answered shares the site's network, so only what is there tells.
    def seen(controlled: dict[str, Any]) -> str:
        return judge(
            web(
                queries=names([LIE], [SITE], [SITE]),
                connects=[connect(LIE, "connection_refused"), connect(SITE, TIMEOUT)],
                control=controlled,
            )
        ).label

    asns = {LIE: 9902, SITE: 9902}
    assert seen(control(asns=asns)) == "blocked(dns.redirect)"
    # Where the control finds nobody either, it is a dead site whose caches answer by country.
    nobody = control(tcp={f"{SITE}:443": TIMEOUT}, tls={}, http=TIMEOUT, asns=asns)
    assert seen(nobody) == "down"


def test_also_names_the_other_layers() -> None:
    m = plain(
        fetch(HTTP, body=NOTICE, headers={}, at=LIE), queries=names([LIE]), connects=[connect(LIE, port=80)]
    )
    assert judge(m).also == ("http.blockpage",)


def test_server_that_challenges_everybody_is_not_blocked() -> None:
    body = "<title>Attention Required! | Cloudflare</title>"
    seen = control(code=403, title="Attention Required! | Cloudflare", body_length=len(body), headers=HEADERS)
    assert judge(plain(fetch(HTTP, code=403, body=body), control=seen)).label == "server_side"


def classic(
    url: str, *requests: Transaction, system: str | list[str] | None = None, **more: Any
) -> Measurement:
    """A measurement as web_connectivity 0.4 writes it: no tags, no addresses of requests."""
    asked = [query("system", [SITE] if system is None else system, tags=())]
    bare = [
        dataclasses.replace(request, tags=None, address=None, transaction_id=None) for request in requests
    ]
    return web(url, queries=asked, requests=bare, control=control(), ipv6=None, **more)


def test_web_connectivity_04() -> None:
    reached = dataclasses.replace(connect(SITE, port=80), tags=None)
    assert judge(classic(HTTP, fetch(HTTP), connects=[reached])).label == "ok"
    assert (
        judge(classic(HTTP, fetch(HTTP, "connection_reset"), connects=[reached])).label
        == "blocked(http.reset)"
    )
    lied = classic(HTTP, fetch(HTTP, "dns_nxdomain_error"), system="dns_nxdomain_error")
    assert judge(lied).label == "blocked(dns.nxdomain)"


@pytest.mark.parametrize(
    ("failure", "label"),
    [
        ("connection_refused", "blocked(tcp.refused)"),
        ("dns_nxdomain_error", "blocked(dns.nxdomain)"),
        ("ssl_unknown_authority", "blocked(tls.mitm)"),
        ("connection_reset", "blocked(tls.reset)"),
        ("generic_timeout_error", "blocked(http.timeout)"),
        ("ssl_failed_handshake", "inconclusive(http_failure)"),
    ],
)
def test_web_connectivity_04_names_no_step_of_a_redirects_hop(failure: str, label: str) -> None:
    m = classic(
        HTTP,
        fetch("https://other.net/", failure),
        fetch(HTTP, code=302, body="", headers={"Location": "https://other.net/"}),
        connects=[dataclasses.replace(connect(SITE, port=80), tags=None)],
    )
    assert judge(m).label == label


def test_android_s_one_word_for_two_things_is_told_apart_by_its_resolver() -> None:
    six = "2606:2800:220:1::1"

    def asked(said: str | tuple[str, ...]) -> str:
        lookups = names("android_dns_cache_no_data")
        lookups.append(query("udp", said, tags=("isp", "depth=0")))
        return judge(web(queries=lookups, control=control([six]))).label

    assert asked("dns_nxdomain_error") == "blocked(dns.nxdomain)"
    assert asked(()) == "inconclusive(no_ipv6)"


@pytest.mark.parametrize(
    ("others", "label"), [("connection_reset", "inconclusive(no_control)"), (None, "blocked(dns.redirect)")]
)
def test_without_a_control_what_fails_at_every_address_is_not_the_answers_fault(
    others: str | None, label: str
) -> None:
    # A content network answers by country, and a filter cuts the name at all of its addresses.
    m = web(
        queries=[*names([OTHER], [SITE], [SITE])],
        connects=[connect(OTHER), connect(SITE)],
        handshakes=[handshake(OTHER, "connection_reset"), handshake(SITE, others)],
    )
    assert judge(m).label == label


def test_an_address_that_is_silent_for_everybody_hides_no_refusal_at_another() -> None:
    found = judge(REFUSED_AT_BOTH)
    assert (found.label, found.rule) == ("blocked(tcp.refused)", "tcp.refused.nearer")

"""The truth: which verdict a URL must get, by what acts first on its way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatewatch.lab.country.parts import Box, Isp
from gatewatch.lab.country.scenario import Scenario, load
from gatewatch.lab.country.truth import truth


def with_boxes(*boxes: Box, **sites: object) -> Scenario:
    scenario = load("small")
    isp: Isp = replace(scenario.isps[0], boxes=boxes)
    return replace(scenario, isps=(isp,), sites=replace(scenario.sites, **sites))  # type: ignore[arg-type]


def box(kind: str, hop: int = 3, domain: str = "x.com", method: str = "") -> Box:
    # A rewriting resolver is told of no domains.
    domains = frozenset() if kind == "dns-rewrite" else frozenset({domain})
    return Box(kind=kind, hop=hop, domains=domains, method=method)


def label(scenario: Scenario, url: str) -> str:
    return truth(scenario, "blocked", url).label


@pytest.mark.parametrize(
    ("kind", "method", "https", "http"),
    [
        ("dns-lie", "nxdomain", "blocked(dns.nxdomain)", "blocked(dns.nxdomain)"),
        ("dns-lie", "bogon", "blocked(dns.bogon)", "blocked(dns.bogon)"),
        ("dns-lie", "redirect", "blocked(dns.redirect)", "blocked(dns.redirect)"),
        ("dns-drop", "", "blocked(dns.timeout)", "blocked(dns.timeout)"),
        ("dns-inject", "redirect", "blocked(dns.injected)", "blocked(dns.injected)"),
        ("dns-proxy", "redirect", "blocked(dns.redirect)", "blocked(dns.redirect)"),
        ("dns-filter", "bogon", "inconclusive(own_filter)", "inconclusive(own_filter)"),
        ("dns-lie", "servfail", "inconclusive(resolver_error)", "inconclusive(resolver_error)"),
        ("dns-rewrite", "", "ok", "ok"),
        ("tcp-drop", "", "blocked(tcp.timeout)", "blocked(tcp.timeout)"),
        ("tcp-reset", "", "blocked(tcp.refused)", "blocked(tcp.refused)"),
        ("sni-reset", "", "blocked(tls.reset)", "ok"),
        ("sni-drop", "", "blocked(tls.timeout)", "ok"),
        ("http-blockpage", "", "ok", "blocked(http.blockpage)"),
        ("sni-eof", "", "blocked(tls.eof)", "ok"),
        ("tls-mitm", "", "blocked(tls.mitm)", "ok"),
        ("http-reset", "", "ok", "blocked(http.reset)"),
        ("http-eof", "", "ok", "blocked(http.eof)"),
        ("http-drop", "", "ok", "blocked(http.timeout)"),
        ("http-redirect", "", "ok", "blocked(http.blockpage)"),
        ("http-proxy", "", "ok", "ok"),
        ("sni-proxy", "", "ok", "ok"),
    ],
)
def test_each_kind_by_scheme(kind: str, method: str, https: str, http: str) -> None:
    scenario = with_boxes(box(kind, method=method))
    assert label(scenario, "https://www.x.com/a?b#c") == https
    assert label(scenario, "http://x.com/") == http
    assert label(scenario, "http://y.com/") == "ok"


def test_the_lower_layer_acts_first_wherever_the_boxes_sit() -> None:
    boxes = (box("http-reset", 1), box("sni-reset", 1), box("tcp-drop", 5), box("dns-drop", 3))
    for count, first in ((4, "dns.timeout"), (3, "tcp.timeout"), (2, "tls.reset")):
        assert label(with_boxes(*boxes[:count]), "https://x.com/") == f"blocked({first})"


def test_of_one_layer_the_nearest_box_acts() -> None:
    assert (
        label(with_boxes(box("sni-drop", 5), box("sni-reset", 4)), "https://x.com/") == "blocked(tls.reset)"
    )


def test_a_redirect_to_https_meets_the_sni_filter() -> None:
    scenario = with_boxes(box("sni-reset"), https_redirect=frozenset({"x.com"}))
    assert label(scenario, "http://x.com/") == "blocked(tls.reset)"
    assert label(with_boxes(box("http-reset"), https_redirect=frozenset({"x.com"})), "http://x.com/") == (
        "blocked(http.reset)"
    )


@pytest.mark.parametrize("name", ["dead.com", "www.dead.com", "refused.com", "vanished.com", "x.invalid"])
def test_sites_that_are_down_for_everybody(name: str) -> None:
    assert label(load("small"), f"https://{name}/") == "down"
    assert label(with_boxes(box("sni-drop", domain=name)), f"https://{name}/") == "down"


def test_a_lie_about_a_dead_name_shows_only_when_it_is_an_address() -> None:
    for method, found in (
        ("nxdomain", "down"),
        ("bogon", "blocked(dns.bogon)"),
        ("redirect", "blocked(dns.redirect)"),
    ):
        scenario = with_boxes(box("dns-lie", domain="dead.com", method=method))
        assert label(scenario, "http://dead.com/") == found
    assert label(with_boxes(box("dns-drop", domain="dead.com")), "http://dead.com/") == "down"


def test_a_lie_about_a_down_host_shows() -> None:
    scenario = with_boxes(box("dns-lie", domain="refused.com", method="nxdomain"))
    assert label(scenario, "http://refused.com/") == "blocked(dns.nxdomain)"


def test_bare_addresses_meet_no_dns_and_no_sni() -> None:
    address = "124.225.213.74"
    everything = [box(kind, domain=address, method="bogon") for kind in ("dns-lie", "sni-drop")]
    assert label(with_boxes(*everything), f"https://{address}/") == "ok"
    assert label(with_boxes(box("tcp-drop", domain=address)), f"https://{address}/") == "blocked(tcp.timeout)"
    assert label(with_boxes(box("http-reset", domain=address)), f"http://{address}/") == "blocked(http.reset)"


def test_filters_watch_their_own_ports() -> None:
    assert label(with_boxes(box("sni-drop")), "https://x.com:8443/") == "ok"
    assert label(with_boxes(box("http-reset")), "http://x.com:9966/visur/#/") == "ok"
    assert label(with_boxes(box("tcp-drop")), "http://x.com:9966/") == "blocked(tcp.timeout)"
    assert label(with_boxes(), "http://x.com:444/") == "down"


def test_neighbours_of_a_blocked_address_are_blocked_too() -> None:
    shared = (("x.com", "innocent.com"),)
    assert (
        label(with_boxes(box("tcp-drop"), shared=shared), "https://innocent.com/") == "blocked(tcp.timeout)"
    )
    assert label(with_boxes(box("sni-drop"), shared=shared), "https://innocent.com/") == "ok"


def test_unicode_hosts_are_their_a_labels() -> None:
    scenario = with_boxes(box("sni-drop", domain="xn--d1acpjx3f.xn--p1ai"))
    assert label(scenario, "https://яндекс.рф/") == "blocked(tls.timeout)"


def test_the_truth_gives_its_reason() -> None:
    found = truth(load("kh-2024"), "smart", "https://www.rfa.org/khmer/")
    assert (found.status, found.method) == ("blocked", "tls.reset")
    assert found.reason == "sni-reset at hop 5 acts on www.rfa.org"


@pytest.mark.parametrize("url", ["ftp://x.com/", "x.com", "https:///path"])
def test_what_is_no_web_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https URL"):
        truth(load("small"), "clear", url)


@pytest.mark.parametrize(
    ("isp", "method"),
    [
        *(("metfone", "dns.redirect"), ("iseek", "dns.redirect"), ("ezecom", "dns.bogon")),
        *(("kingcorp", "dns.bogon"), ("sinet", "dns.bogon"), ("mekongnet", "dns.bogon")),
        *(("camintel", "dns.bogon"), ("cogetel", "dns.nxdomain"), ("wicam", "dns.nxdomain")),
        *(("cellcard", "dns.nxdomain"), ("telecom-cambodia", "dns.nxdomain"), ("smart", "tls.reset")),
        *(("cootel", "tls.timeout"), ("today", "dns.timeout"), ("angkor-ec", "tcp.timeout"), ("mptc", None)),
    ],
)
def test_www_rfa_org_on_every_isp_is_as_measured(isp: str, method: str | None) -> None:
    assert truth(load("kh-2024"), isp, "https://www.rfa.org/").method == method


def test_a_public_resolver_is_cut_by_its_addresses() -> None:
    found = truth(load("methods"), "encrypted-dns", "https://cloudflare-dns.com/dns-query")
    assert found.label == "blocked(tcp.timeout)"


def test_endpoints_are_blocked_where_the_scenario_says_what_lives_there() -> None:
    scenario = with_boxes(Box("endpoint-drop", 3, addresses=("9.9.9.0/24",), ports=(443,)))
    assert label(scenario, "https://9.9.9.9/") == "blocked(tcp.timeout)"
    assert label(scenario, "http://9.9.9.9/") == label(scenario, "https://8.8.8.8/") == "ok"
    # Where a name lives is the emulation's choice, unless it is pinned.
    assert label(scenario, "https://x.com/") == "ok"
    every = with_boxes(Box("endpoint-reset", 3, ports=(443,)))
    assert label(every, "https://x.com/") == "blocked(tcp.refused)"
    assert label(every, "http://x.com/") == "ok"


def test_blocked_pages_of_a_free_host() -> None:
    scenario = with_boxes(replace(box("http-blockpage"), paths=("/a/",)))
    assert label(scenario, "http://x.com/a/b") == "blocked(http.blockpage)"
    assert label(scenario, "http://x.com/b") == label(scenario, "https://x.com/a/b") == "ok"


def test_other_ports_of_a_box_and_a_portal_before_everything() -> None:
    scenario = with_boxes(replace(box("sni-reset"), ports=(8443,)))
    assert label(scenario, "https://x.com:8443/") == "blocked(tls.reset)"
    assert label(scenario, "https://x.com/") == "ok"
    portal = with_boxes(Box("portal", 1, location="http://10.0.0.9/"), box("dns-drop"))
    assert label(portal, "http://x.com/") == "inconclusive(captive_portal)"
    assert label(portal, "https://x.com/") == "inconclusive(no_control)"

"""Every TCP box acts on IPv6 as on IPv4: a site that has nothing else, behind each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.lab.behind import verdict
from tests.worlds.country import measure

from gatewatch.lab.country.scenario import Box, PageHost, load
from gatewatch.lab.country.truth import truth
from gatewatch.runner.probes import load as probe

SIX = load("six")
NOTICE = "104.20.1.1"


def judged(url: str, *boxes: Box) -> tuple[str, str]:
    """What a URL is called behind boxes on the way of both families, and what it must be called."""
    isps = tuple(replace(isp, boxes=boxes) if isp.id == "works" else isp for isp in SIX.isps)
    country = replace(SIX, isps=isps, pagehosts=(*SIX.pagehosts, PageHost(NOTICE)))
    keys = measure(probe("web"), url, "works", country, ipv6=True)
    # Second controls may go to neutral addresses of the other family.
    own = [row for row in keys.tcp_connect or () if "second" not in (row.tags or ()) and row.ip != NOTICE]
    assert own
    assert all(":" in (row.ip or "") for row in own)
    return verdict(keys, url), truth(country, "works", url).label


@pytest.mark.parametrize(
    ("kind", "scheme", "rest"),
    [
        ("tcp-drop", "https", {}),
        ("tcp-reset", "http", {}),
        ("sni-reset", "https", {}),
        ("sni-reset", "https", {"in_path": False, "copies_ttl": True}),
        ("sni-eof", "https", {}),
        ("sni-drop", "https", {}),
        ("tls-mitm", "https", {}),
        ("http-reset", "http", {}),
        ("http-eof", "http", {}),
        ("http-drop", "http", {}),
        ("http-blockpage", "http", {}),
        ("http-blockpage", "http", {"copies_headers": True, "title": "No go"}),
        ("http-redirect", "http", {"location": f"http://{NOTICE}/"}),
    ],
)
def test_a_site_with_ipv6_only(kind: str, scheme: str, rest: dict[str, Any]) -> None:
    found, true = judged(f"{scheme}://only-six.com/", Box(kind, 3, frozenset({"only-six.com"}), **rest))
    assert found == true
    assert found.startswith("blocked(")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxies_carry_both_families(scheme: str) -> None:
    assert judged(f"{scheme}://only-six.com/", Box("http-proxy", 2), Box("sni-proxy", 3)) == ("ok", "ok")


def test_a_residue_and_limits_of_address_hold_for_ipv6() -> None:
    six = SIX.network_of  # the plan knows both families, so blocks of either can be named
    assert six("2401:f3c0::1") is not None
    everything = Box("endpoint-drop", 3, addresses=("::/0",), ports=(443,))
    assert judged("http://only-six.com/", everything)[0] == "ok"
    assert judged("https://only-six.com/", everything)[0] == "blocked(tcp.timeout)"
    late = Box("sni-reset", 3, frozenset({"only-six.com"}), residual=60.0, residual_action="reset")
    assert judged("https://only-six.com/", late)[0] == "blocked(tls.reset)"

"""Our helper and the lab's, which knows the truth, say the same of every kind of site, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.worlds.asgi import ask
from tests.worlds.clock import run
from tests.worlds.country import attached

from gatewatch.helper.app import App
from gatewatch.helper.guard import Guard
from gatewatch.helper.measure import Measurer
from gatewatch.helper.names import Doh, over_https
from gatewatch.helper.way import Way
from gatewatch.lab.country.scenario import load
from gatewatch_probes.visit.control import Helpers

LIE, BOGON = "104.16.9.9", "127.0.0.1"


def both(url: str, *endpoints: str, scenario: str = "small", isp: str = "clear") -> tuple[Any, Any]:
    """Ask both helpers the same; gives our answer and the lab's."""
    question = {
        "http_request": url,
        "http_request_headers": {"Accept": ["*/*"], "Accept-Language": ["en"], "User-Agent": ["test"]},
        "tcp_connect": list(endpoints),
        "x_quic_enabled": False,
    }
    client, client6 = load(scenario).isp(isp).client, load(scenario).isp(isp).client6 or None

    async def main() -> tuple[Any, Any]:
        async with attached(isp, scenario) as (wire, world):
            look_up = over_https([Doh.of(wire.resolvers[0])], wire.trust)
            guard = Guard(lambda address: client6 if ":" in address else client)
            ours = await ask(
                App(Measurer(Way(wire.trust, look_up, guard), world.asn_of)),
                "POST",
                body=json.dumps(question).encode(),
            )
            assert ours.status == 200, ours.body
            theirs = await Helpers().ask(wire, question)
            return ours.json, theirs.answer

    ours, theirs = run(main)
    for answer in (ours, theirs):
        page = answer["http_request"]
        # Sites tell their visitor its address, in a header and in the page.
        visitor = page["headers"].pop("X-Client-Ip", "")
        page["headers"].pop("Date", None)
        page["headers"].pop("Content-Length", None)
        page["headers"].pop("Connection", None)
        page["body_length"] -= len(visitor)
    return ours, theirs


SITES = [
    f"{name}.org" for name in ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota")
]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    [*SITES, "secure.com", "dead.com", "refused.com", "vanished.com", "lied.com", "8.8.8.8", "104.16.7.7"],
)
def test_they_agree_about_sites(scheme: str, host: str) -> None:
    ours, theirs = both(f"{scheme}://{host}/", f"{BOGON}:443", f"{LIE}:443", f"{LIE}:80")
    assert ours == theirs


@pytest.mark.parametrize(
    "url", ["http://live.com:8080/x?y=1", "https://live.com:8443/", "http://live.com:80/"]
)
def test_they_agree_about_ports(url: str) -> None:
    ours, theirs = both(url)
    assert ours == theirs


@pytest.mark.parametrize("label", ["to-loopback", "to-private", "to-name", "to-metadata"])
def test_a_redirect_to_where_nobody_is_fails_for_both(label: str) -> None:
    ours, theirs = both(f"http://{label}.lab-trap.net/")
    assert ours["http_request"]["status_code"] == theirs["http_request"]["status_code"] == -1
    # oohelperd refuses bogons as well: "unknown_error".
    assert ours["http_request"]["failure"] == "unknown_error"


def test_they_agree_about_a_name_of_a_private_address() -> None:
    ours, theirs = both("http://home.lab-trap.net/")
    assert ours["dns"] == theirs["dns"] == {"failure": None, "addrs": ["192.168.1.1"]}
    assert ours["ip_info"] == theirs["ip_info"] == {"192.168.1.1": {"asn": 0, "flags": 2 | 4}}
    assert ours["tcp_connect"] == theirs["tcp_connect"] == {}


def test_they_agree_in_another_country() -> None:
    for url in ("https://www.example.com/", "http://www.example.com/", "http://www.rfa.org/"):
        ours, theirs = both(url, scenario="methods")
        assert ours == theirs


# Names that no box of this provider acts on; about half of them have IPv6.
UNTOUCHED = [
    name for n in range(16) if not any(b.matches(name := f"n{n}.org") for b in load("six").isp("works").boxes)
]


@pytest.mark.parametrize("host", ["only-six.com", *UNTOUCHED, "dead.test"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_they_agree_where_there_is_ipv6(scheme: str, host: str) -> None:
    ours, theirs = both(f"{scheme}://{host}/", "[2606:4700::1]:443", "[::1]:443", scenario="six", isp="works")
    assert ours == theirs


def test_ipv6_was_really_tried() -> None:
    ours, _ = both("https://only-six.com/", scenario="six", isp="works")
    (where,) = ours["tcp_connect"]
    assert where.startswith("[2") and ours["tls_handshake"][where]["failure"] is None
    assert ours["http_request"]["status_code"] == 200

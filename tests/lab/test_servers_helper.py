"""The test helper: OONI's protocol, question by question."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.lab.visitor import Tls, ask, dial, read

from gatewatch.lab.country.scenario import load
from gatewatch.lab.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("small"))


def post(world: World, question: object, helper: str = "0.th.ooni.org") -> tuple[int, Any]:
    client = Tls(world, world.address_of(helper)[0], helper)
    body = json.dumps(question).encode()
    status, _, answer = read(
        client.send(ask(helper, method="POST", body=body, Content_Type="application/json"))
    )
    return status, json.loads(answer) if status == 200 else None


def measure(world: World, url: str, *endpoints: str) -> Any:
    headers = {"Accept": ["*/*"], "Accept-Language": ["en"], "User-Agent": ["test"]}
    question = {
        "http_request": url,
        "http_request_headers": headers,
        "tcp_connect": list(endpoints),
        "x_quic_enabled": False,
    }
    status, answer = post(world, question)
    assert status == 200
    return answer


@pytest.mark.parametrize("name", ["0.th.ooni.org", "1.th.ooni.org", "2.th.ooni.org", "3.th.ooni.org"])
def test_every_helper_says_hello(world: World, name: str) -> None:
    status, _, body = read(Tls(world, world.address_of(name)[0], name).send(ask(name)))
    assert (status, json.loads(body)) == (200, {"message": "Hello OONItarian!"})


def test_a_living_https_site(world: World) -> None:
    address = world.address_of("live.com")[0]
    answer = measure(world, "https://live.com/", f"{address}:443")
    assert answer["dns"] == {"failure": None, "addrs": [address]}
    assert answer["tcp_connect"] == {f"{address}:443": {"status": True, "failure": None}}
    assert answer["tls_handshake"] == {
        f"{address}:443": {"server_name": "live.com", "status": True, "failure": None}
    }
    assert answer["ip_info"] == {address: {"asn": 13335, "flags": 1 | 2 | 8}}
    assert answer["quic_handshake"] == {} and answer["http3_request"] is None
    page = answer["http_request"]
    assert page["failure"] is None and page["status_code"] == 200
    assert page["title"].startswith("live.com ") and page["discovered_h3_endpoint"] == ""
    assert page["headers"]["Content-Type"] == "text/html; charset=utf-8"


def test_it_sees_the_page_that_clients_see(world: World) -> None:
    page = measure(world, "https://live.com/")["http_request"]
    _, headers, body = read(Tls(world, world.address_of("live.com")[0], "live.com").send(ask("live.com")))
    # Both pages name their visitor: 36.37.200.10 there, 68.183.70.80 here, of equal length by luck.
    assert page["body_length"] == len(body)
    # Go's client, which the real helper uses, hides the transfer coding.
    assert {name.lower() for name in page["headers"]} == set(headers) - {"transfer-encoding"}


def test_http_urls_are_tried_on_443_as_well(world: World) -> None:
    address = world.address_of("live.com")[0]
    answer = measure(world, "http://live.com/")
    assert sorted(answer["tcp_connect"]) == [f"{address}:443", f"{address}:80"]
    assert answer["ip_info"][address]["flags"] == 2 | 8


def test_a_port_in_the_url_is_the_only_one_tried(world: World) -> None:
    address = world.address_of("live.com")[0]
    assert list(measure(world, "http://live.com:8080/")["tcp_connect"]) == [f"{address}:8080"]
    assert list(measure(world, "http://live.com:80/")["tcp_connect"]) == [f"{address}:80"]


def test_addresses_the_client_was_lied_to_about(world: World) -> None:
    other = world.address_of("other.com")[0]
    answer = measure(world, "https://live.com/", "127.0.0.1:443", f"{other}:443", "nonsense", "[::1]:443")
    assert answer["ip_info"]["127.0.0.1"] == {"asn": 0, "flags": 1 | 4}
    assert "127.0.0.1:443" not in answer["tcp_connect"], "bogons are not measured"
    assert answer["ip_info"][other]["flags"] == 1
    assert answer["tls_handshake"][f"{other}:443"] == {
        "server_name": "live.com",
        "status": False,
        "failure": "ssl_invalid_hostname",
    }


def test_a_dead_name(world: World) -> None:
    answer = measure(world, "http://dead.com/", "36.37.242.94:80")
    assert answer["dns"] == {"failure": "dns_name_error", "addrs": []}
    assert answer["http_request"] == {
        "body_length": -1,
        "discovered_h3_endpoint": "",
        "failure": "dns_lookup_error",
        "title": "",
        "headers": {},
        "status_code": -1,
    }


@pytest.mark.parametrize(
    ("name", "failure"),
    [("refused.com", "connection_refused_error"), ("vanished.com", "generic_timeout_error")],
)
def test_hosts_that_are_down(world: World, name: str, failure: str) -> None:
    address = world.address_of(name)[0]
    answer = measure(world, f"https://{name}/", f"{address}:443")
    assert answer["tcp_connect"][f"{address}:443"] == {"status": False, "failure": failure}
    assert answer["tls_handshake"] == {}
    assert answer["http_request"]["failure"] == failure and answer["http_request"]["status_code"] == -1


def test_redirects_are_followed_to_the_last_page(world: World) -> None:
    page = measure(world, "http://secure.com/")["http_request"]
    assert (page["status_code"], page["failure"]) == (200, None) and page["title"].startswith("secure.com")


def test_a_bare_address_is_not_looked_up(world: World) -> None:
    answer = measure(world, "http://124.225.213.74/list.shtml/", "124.225.213.74:80")
    assert answer["dns"] == {"failure": None, "addrs": []}
    assert answer["tcp_connect"]["124.225.213.74:80"]["status"] is True
    assert answer["http_request"]["status_code"] == 200


def test_block_page_hosts_are_seen_from_abroad() -> None:
    world = World(load("methods"))
    answer = measure(world, "http://www.rfa.org/", "202.58.101.80:80")
    assert answer["tcp_connect"]["202.58.101.80:80"]["failure"] is None
    assert answer["tcp_connect"]["202.58.101.80:443"]["failure"] == "connection_refused_error"
    assert measure(World(load("kh-2024")), "https://www.rfa.org/", "203.190.164.182:443")["tcp_connect"][
        "203.190.164.182:443"
    ] == {"status": False, "failure": "generic_timeout_error"}


@pytest.mark.parametrize(
    "question",
    [
        [],
        {},
        {"http_request": 5},
        {"http_request": "ftp://x/"},
        {"http_request": "http://x.com", "tcp_connect": 5},
    ],
)
def test_bad_questions_are_the_clients_fault(world: World, question: object) -> None:
    assert post(world, question)[0] == 400


def test_port_80_tells_back_whatever_comes_and_answers_questions() -> None:
    world = World(load("small"))
    for head in (b"gEt /echo?x HTTP/1.1\r\nhOsT: a\r\nb:  c\r\n\r\n", b"not http at all\r\n\r\n"):
        app, wire = dial(world, "68.183.70.80", 80)
        app.data_received(head[:5])
        app.data_received(head[5:])
        status, _, body = read(wire.take())
        told = json.loads(body)
        assert (status, told["request_line"]) == (200, head.partition(b"\r\n")[0].decode())
        assert told["peer_port"] == 40000 and wire.closed
    app, wire = dial(world, "68.183.70.80", 80)
    app.data_received(ask("0.th.ooni.org"))
    assert json.loads(read(wire.take())[2]) == {"message": "Hello OONItarian!"}

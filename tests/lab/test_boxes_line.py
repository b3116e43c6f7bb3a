"""Boxes that stand before everything: a portal, a transparent proxy, a proxy that TLS passes through."""

from __future__ import annotations

import socket

import pytest
from tests.lab.behind import blocks, country, web
from tests.lab.village import (
    CLIENT,
    PUBLIC_RESOLVER,
    RESOLVER,
    SERVER_MS,
    Village,
    bench,
    client_hello,
    read,
    run,
    scenario,
    tcp,
    udp,
)
from tests.worlds.clock import run as in_time
from tests.worlds.country import attached

from gatewatch.lab.boxes.proxy import rewritten
from gatewatch.lab.country.scenario import Box
from gatewatch.lab.country.truth import truth
from gatewatch.lab.path import packet as p
from gatewatch.lab.path.engine import Engine
from gatewatch.runner.line import Line

BAD, GOOD = "1.0.0.2", "1.0.0.1"
AT_BOX = 3.0
REQUEST = b"GET / HTTP/1.1\r\nhOsT: good.com\r\nX-odd-NAME:  a b \r\n\r\n"


class Client:
    """A TCP client by hand: numbers kept, what came put together."""

    def __init__(self, engine: Engine, to: str, port: int, sport: int = 4000) -> None:
        self.engine, self.to, self.port, self.sport = engine, to, port, sport
        self.seq, self.ack = 1000, 0
        self.came: list[tuple[float, p.Segment]] = []

    def send(self, flags: int, data: bytes = b"", until: float = 0.2) -> bytes:
        """Send one segment, acknowledge what comes; gives the bytes."""
        ends = {"seq": self.seq, "ack": self.ack, "sport": self.sport}
        got = run(self.engine, tcp(self.to, self.port, flags=flags, data=data, **ends), until=until)
        self.seq += len(data) + bool(flags & (p.SYN | p.FIN))
        said = b""
        for when, packet in got:
            segment = read(packet)
            if segment.dport != self.sport:
                continue
            self.came.append((when, segment))
            length = len(segment.data) + bool(segment.flags & (p.SYN | p.FIN))
            if segment.seq == self.ack or segment.flags & p.SYN:
                said += segment.data
                self.ack = segment.seq + length
        return said

    def open(self) -> None:
        self.send(p.SYN)
        self.send(p.ACK)


# -- portals


def portal(hop: int = 2, **rest: object) -> Box:
    return Box("portal", hop, **rest)  # type: ignore[arg-type]


def test_a_portal_leads_every_page_to_itself_and_serves_its_own() -> None:
    engine, village = bench(portal(location="http://10.10.10.1/login", title="Welcome"))
    client = Client(engine, GOOD, 80)
    client.open()
    assert client.came[0][0] == AT_BOX
    said = client.send(p.ACK | p.PSH, b"GET /news HTTP/1.1\r\nHost: good.com\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 302") and b"Location: http://10.10.10.1/login\r\n" in said
    there = Client(engine, "10.10.10.1", 80, 4001)
    there.open()
    said = there.send(p.ACK | p.PSH, b"GET /login HTTP/1.1\r\nHost: 10.10.10.1\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200") and b"<title>Welcome</title>" in said
    assert village.accepted == []


def test_a_portal_lets_names_resolve_and_nothing_else_pass() -> None:
    engine, village = bench(portal(location="http://10.10.10.1/"))
    assert len(run(engine, udp(RESOLVER, 53))) == len(run(engine, udp(PUBLIC_RESOLVER, 53))) == 1
    assert run(engine, udp(PUBLIC_RESOLVER, 443), tcp(GOOD, 443, flags=p.SYN)) == []
    echo = p.icmp(p.ECHO, 0, socket.inet_aton(CLIENT), socket.inet_aton(GOOD), b"", rest=1)
    assert run(engine, echo) == []
    assert village.accepted == []


def test_a_portal_without_an_address_shows_its_page_for_everything() -> None:
    engine, _ = bench(portal(title="Your bill", status=402, headers=("Server: billing",)))
    client = Client(engine, BAD, 80)
    client.open()
    said = client.send(p.ACK | p.PSH, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 402") and b"<title>Your bill</title>" in said
    assert b"\r\nServer: billing\r\n" in said


@pytest.mark.parametrize(
    ("url", "location", "label"),
    [
        ("http://example.org/", "http://10.10.10.1/login", "inconclusive(captive_portal)"),
        ("https://example.org/", "http://10.10.10.1/login", "inconclusive(no_control)"),
        ("http://example.org/", "", "inconclusive(no_control)"),
    ],
)
def test_behind_a_portal_nothing_is_called_blocked(url: str, location: str, label: str) -> None:
    box = portal(location=location)
    _, found = web(url, box)
    assert found == label == truth(country(box), "clear", url).label


# -- proxies


@pytest.mark.parametrize(("kind", "port"), [("http-proxy", 80), ("sni-proxy", 443)])
def test_a_proxy_answers_the_syn_when_the_server_has(kind: str, port: int) -> None:
    engine, village = bench(Box(kind, 2))
    client = Client(engine, GOOD, port)
    client.open()
    ((when, opened),) = client.came
    assert (when, opened.flags, opened.ack) == (2 * SERVER_MS, p.SYN | p.ACK, 1001)
    # The server's half has the client's own address and port.
    assert village.accepted == [(CLIENT, 4000)]
    # What the client says is acknowledged by the box, at its hop; the answer comes from the server.
    hello = REQUEST if port == 80 else client_hello("good.com")
    said = client.send(p.ACK | p.PSH, hello)
    assert client.came[1][0] == AT_BOX
    # The HTTP proxy waits for the head of an answer, which the greeting never is.
    if port == 443:
        assert (client.came[2][0], said) == (2 * SERVER_MS, b"hello from 1.0.0.1")


def test_what_the_server_does_at_once_the_proxy_does_as_well() -> None:
    engine, _ = bench(Box("http-proxy", 2, ports=(80, 81)))
    closed = Client(engine, GOOD, 81)
    closed.send(p.SYN)
    ((when, refused),) = closed.came
    assert (when, refused.flags & p.RST, refused.ack) == (2 * SERVER_MS, p.RST, 1001)
    gone = Client(engine, "1.0.0.3", 80)
    gone.send(p.SYN, until=3.0)
    assert gone.came == []


def test_a_repeated_syn_opens_nothing_new_and_a_new_one_does() -> None:
    engine, village = bench(Box("sni-proxy", 2))
    syn = tcp(GOOD, 443, flags=p.SYN, seq=1)
    assert len(run(engine, syn, syn, until=0.1)) == 1
    assert len(village.accepted) == 1
    got = run(engine, tcp(GOOD, 443, flags=p.SYN, seq=77), now=0.5, until=0.1)
    assert [read(packet).ack for _, packet in got] == [78]
    assert len(village.accepted) == 2


def test_ends_are_handed_on() -> None:
    engine, village = bench(Box("sni-proxy", 2))
    client = Client(engine, GOOD, 443)
    client.open()
    client.send(p.ACK | p.PSH, b"hello")
    client.send(p.FIN | p.ACK)
    assert client.came[-1][1].flags & p.FIN
    client.send(p.ACK)
    assert engine.finished == 1 and village.heard == b"hello"
    # A reset reaches the server, too.
    client = Client(engine, GOOD, 443, 4001)
    client.open()
    client.send(p.RST | p.ACK)
    assert engine.finished == 2


def test_a_request_comes_out_in_the_proxys_own_spelling() -> None:
    engine, village = bench(Box("http-proxy", 2))
    client = Client(engine, GOOD, 80)
    client.open()
    for piece in (
        REQUEST[:9],
        REQUEST[9:30],
        REQUEST[30:] + b"GET /2 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbo",
    ):
        client.send(p.ACK | p.PSH, piece)
    client.send(p.ACK | p.PSH, b"dyGET /3 HTTP/1.1\r\n\r\n")
    own = b"Via: 1.1 cache.isp (squid)\r\nX-Forwarded-For: " + CLIENT.encode() + b"\r\n\r\n"
    assert village.heard == (
        b"GET / HTTP/1.1\r\nHost: good.com\r\nX-Odd-Name: a b\r\n"
        + own
        + b"GET /2 HTTP/1.1\r\nContent-Length: 4\r\n"
        + own
        + b"bodyGET /3 HTTP/1.1\r\n"
        + own
    )
    assert rewritten(b"GET / HTTP/1.1", "9.9.9.9").count(b"\r\n") == 4


@pytest.mark.parametrize(
    "line", [b"XEET / HTTP/1.1", b"GET / a b HTTP/1.1", b"GET /", b"GET /" + b"x" * 70_000, b"\x16\x03\x01"]
)
def test_what_is_no_request_the_proxy_answers_itself(line: bytes) -> None:
    engine, village = bench(Box("http-proxy", 2))
    client = Client(engine, GOOD, 80)
    client.open()
    said = b""
    for at in range(0, len(line), 1400):
        said += client.send(p.ACK | p.PSH, line[at : at + 1400])
    said += client.send(p.ACK | p.PSH, b"\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400") and b"Generated by cache.isp" in said
    assert village.heard == b""


@pytest.mark.parametrize("url", ["http://example.org/", "https://example.org/", "http://dead.com/"])
@pytest.mark.parametrize("kind", ["http-proxy", "sni-proxy"])
def test_pages_pass_proxies_and_are_judged_as_without(kind: str, url: str) -> None:
    _, alone = web(url)
    _, behind = web(url, Box(kind, 3))
    assert behind == alone != "blocked"


def test_what_a_box_behind_a_proxy_does_reaches_the_client_through_it() -> None:
    proxy = Box("http-proxy", 2)
    assert web("http://example.org/", proxy, blocks("http-blockpage", hop=4))[1] == "blocked(http.blockpage)"
    assert web("http://example.org/", proxy, blocks("http-reset", hop=4))[1] == "blocked(http.reset)"
    assert web("https://example.org/", Box("sni-proxy", 2), blocks("tls-mitm", hop=4))[1] == (
        "blocked(tls.mitm)"
    )


def test_a_forgotten_proxy_flow_is_refused_rather_than_lost() -> None:
    engine = Engine(scenario(Box("sni-proxy", 2)), "bench", Village(), clock=lambda: 0.0)
    ((when, answer),) = run(engine, tcp(GOOD, 443, flags=p.ACK, ack=7, data=b"x"), until=0.1)
    assert (when, read(answer).flags) == (AT_BOX, p.RST)


def test_a_look_at_the_line_sees_a_portal_and_no_proxy() -> None:
    async def look(*boxes: Box) -> tuple[bool, bool]:
        async with attached("clear", country(*boxes)) as (wire, _):
            seen = await Line(wire, lambda: True).look()
            return seen.portal, seen.up

    assert in_time(lambda: look(portal(location="http://10.10.10.1/"))) == (True, False)
    assert in_time(lambda: look(Box("http-proxy", 3), Box("sni-proxy", 3))) == (False, True)
